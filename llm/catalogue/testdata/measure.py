#!/usr/bin/env python3
"""Writes the labelled rows on which functions were measured for catalogue.json:

    measure.py SHARED FOLDER

SHARED is the folder of test data that is not part of the project. Then, in FOLDER, with
--model MODEL and --baseline plain for the column "plain prompt":

    firesteel eval french.jsonl --function ai_translate --args '{"to_lang": "fr"}' --input text --label label --limit 100
    firesteel eval word.jsonl --function ai_gen --metrics labels --input text --label label --limit 200
    firesteel eval SHARED/data/scitldr/dev.jsonl --function ai_summarize --input source --label target --limit 100
    firesteel eval restaurant.jsonl --function ai_extract --args '{"labels": ["people", "date", "time", "first_name", "last_name"]}' \\
        --input text --label labels
    firesteel eval private.jsonl --function ai_mask --args '{"labels": ["person", "address", "location", "phone", "credit card",
        "organization", "date", "url", "ssn", "ip address", "email", "driver license"]}' --input text --label labels

ai/testdata/grammar.py writes the rows for ai_fix_grammar.
"""
import json
import os
import sys

shared, folder = sys.argv[1:]


def lines(name):
    with open(os.path.join(shared, "data", name), encoding="utf8") as file:
        return [line.rstrip("\n") for line in file]


def read(name):
    with open(os.path.join(shared, "data", name), encoding="utf8") as file:
        return json.load(file)


def write(name, rows):
    with open(os.path.join(folder, name), "w", encoding="utf8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


english = lines("ntrex-dev/newstest2019-src.eng.first300.txt")
for language, code in ("french", "fra"), ("german", "deu"), ("spanish", "spa"):
    translated = lines(f"ntrex-dev/newstest2019-ref.{code}.first300.txt")
    write(language + ".jsonl", [{"text": a, "label": b} for a, b in zip(english, translated)])

reviews = [line.rsplit("\t", 1) for line in lines("uci-sentiment/amazon_cells_labelled.txt")]
question = "Is this review positive or negative? Answer with one word.\n\n"
write("word.jsonl", [{"text": question + text.strip(), "label": "positive" if score.strip() == "1" else "negative"} for text, score in reviews])

# Every 24th message, also those without any of the values.
write("restaurant.jsonl", [{"text": m["userInput"]["text"], "labels": m.get("labels", [])} for m in read("restaurant8k/test.json")[::24]])

write("private.jsonl", [{"text": t["full_text"], "labels": t["spans"]} for t in read("presidio-synth/generated_small.json")])
