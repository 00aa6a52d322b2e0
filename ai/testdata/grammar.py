#!/usr/bin/env python3
"""Writes the rows on which ai_fix_grammar was measured:

    grammar.py SHARED FOLDER

SHARED is the folder of test data that is not part of the project. FOLDER/mistakes.jsonl gets 200
English sentences of ntrex-dev and stsb-dev with one to three seeded mistakes, and
FOLDER/clean.jsonl 100 other sentences as they are. Then

    firesteel eval mistakes.jsonl --function ai_fix_grammar --input text --label label
"""
import csv
import json
import os
import random
import re
import sys

shared, folder = sys.argv[1:]
R = random.Random(20261130)
AGREE = {"is": "are", "are": "is", "was": "were", "were": "was", "has": "have", "have": "has", "does": "do", "do": "does",
         "doesn't": "don't", "don't": "doesn't"}
PAST = {"taken": "took", "gone": "went", "seen": "saw", "done": "did", "given": "gave", "written": "wrote", "eaten": "ate", "come": "came",
        "begun": "began", "known": "knew", "spoken": "spoke", "broken": "broke", "chosen": "chose", "driven": "drove", "shown": "showed", "grown": "grew"}
CONFUSED = {"their": ["there", "they're"], "there": ["their"], "its": ["it's"], "it's": ["its"], "your": ["you're"], "you're": ["your"], "than": ["then"],
            "then": ["than"], "to": ["too"], "too": ["to"], "affect": ["effect"], "effect": ["affect"], "lose": ["loose"], "whose": ["who's"],
            "passed": ["past"], "past": ["passed"], "whether": ["weather"], "led": ["lead"]}
PREPOSITIONS = ["in", "on", "at", "for", "to", "of", "with", "by", "from"]
NO_APOSTROPHE = ("don't", "doesn't", "isn't", "can't", "won't", "didn't", "wasn't", "i'm", "that's")
WEIGHTS = {"agree": 3, "participle": 3, "confused": 3, "article": 2, "a or an": 1, "preposition": 2, "number": 2, "tense": 2, "ing": 1, "typo": 3,
           "case": 1, "comma": 1, "apostrophe": 2, "twice": 1}


def typo(w):
    i, kind = R.randrange(1, len(w) - 1), R.randrange(4)
    if kind == 0:
        return w[:i] + w[i + 1:]
    if kind == 1:
        return w[:i] + w[i] + w[i:]
    if kind == 2 and w[i] != w[i + 1]:
        return w[:i] + w[i + 1] + w[i] + w[i + 2:]
    if w[i] in "aeiou":
        return w[:i] + R.choice([x for x in "aeiou" if x != w[i]]) + w[i + 1:]
    return w[:i] + w[i + 1:]


def mistakes(words):
    """The possible mistakes: kind, number of the word, and what replaces it."""
    found = []
    for i, w in enumerate(words):
        a, b, z = re.match(r"^(\W*)(.*?)(\W*)$", w).groups()
        low = b.lower()
        before = [x.lower() for x in words[max(0, i - 3):i]]
        if low in AGREE and b.islower():
            found.append(("agree", i, a + AGREE[low] + z))
        if low in PAST and i and any(x in ("have", "has", "had", "been", "be", "was", "were", "is") for x in before):
            found.append(("participle", i, a + PAST[low] + z))
        if low in CONFUSED and b:
            x = R.choice(CONFUSED[low])
            found.append(("confused", i, a + (x.capitalize() if b[0].isupper() else x) + z))
        if low in ("the", "a", "an") and i:
            found.append(("article", i, ""))
        if low in ("a", "an") and i:
            found.append(("a or an", i, a + ("an" if low == "a" else "a") + z))
        if low in PREPOSITIONS and i and b.islower():
            found.append(("preposition", i, a + R.choice([p for p in PREPOSITIONS if p != low]) + z))
        if re.fullmatch(r"[a-z]{4,}s", b) and not b.endswith("ss") and i:
            found.append(("number", i, a + b[:-1] + z))
        if re.fullmatch(r"[a-z]{3,}ed", b) and i:
            found.append(("tense", i, a + b[:-2] + z))
        if re.fullmatch(r"[a-z]{4,}ing", b) and i:
            found.append(("ing", i, a + b[:-3] + z))
        if re.fullmatch(r"[A-Za-z]?[a-z]{4,}", b) and i:
            found.append(("typo", i, a + typo(b) + z))
        if i == 0 and b and b[0].isupper() and b[1:].islower():
            found.append(("case", i, a + b[0].lower() + b[1:] + z))
        if w.endswith(","):
            found.append(("comma", i, w[:-1]))
        if low in NO_APOSTROPHE:
            found.append(("apostrophe", i, a + b.replace("'", "") + z))
        if b.islower() and len(b) <= 4 and i:
            found.append(("twice", i, w + " " + b))
    return found


def usable(s):
    return 6 <= len(s.split()) <= 35 and s[0].isupper() and s[-1] in ".?!" and '"' not in s


with open(os.path.join(shared, "data/ntrex-dev/newstest2019-src.eng.first300.txt"), encoding="utf8") as file:
    news = [s for s in map(str.strip, file) if s and usable(s)]
captions = []
with open(os.path.join(shared, "data/stsb-dev/stsb-en-dev.csv"), encoding="utf8") as file:
    for row in csv.reader(file):
        for s in map(str.strip, row[:2]):
            if s and s[0].isupper() and s.endswith(".") and s not in captions:
                captions.append(s)
captions = [s for s in captions if usable(s)]
R.shuffle(news)
R.shuffle(captions)
sentences = news[:200] + captions[:200]
R.shuffle(sentences)

rows = []
for s in sentences[:300]:
    words, used = s.split(" "), set()
    count = R.choice([1, 1, 2, 2, 3])
    possible = mistakes(words)
    for _ in range(count):
        kinds = {}
        for m in possible:
            if m[1] not in used:
                kinds.setdefault(m[0], []).append(m)
        if not kinds:
            break
        kind = R.choices(list(kinds), [WEIGHTS[k] for k in kinds])[0]
        _, i, word = R.choice(kinds[kind])
        used.add(i)
        words[i] = word
    text = " ".join(w for w in words if w)
    if text != s:
        rows.append({"text": text, "label": s})
for name, all_rows in (("mistakes", rows[:200]), ("clean", [{"text": s, "label": s} for s in sentences[300:400]])):
    with open(os.path.join(folder, name + ".jsonl"), "w", encoding="utf8") as out:
        for row in all_rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
