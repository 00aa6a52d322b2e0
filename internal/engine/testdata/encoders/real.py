#!/usr/bin/env python3
"""Writes what other programs compute with real models about texts of the shared test data:

    real.py MODELS SHARED

MODELS is the folder that shared/models/fetch.sh made. It writes

    minilm.txt, mpnet.txt  Spearman's correlation on stsb-dev of the vectors of
                           sentence-transformers, and for each of the first 200 texts the first
                           eight numbers of its vector
    rampart.txt            the most probable labels of ONNX Runtime with 4-bit weights and without
                           special tokens, by text: LABEL or LABELxCOUNT

It needs the PyPI packages sentence-transformers, scipy, onnxruntime and tokenizers. The files have
no texts.
"""
import csv
import itertools
import json
import os
import sys

import numpy as np
import onnxruntime
import scipy.stats
import sentence_transformers
import tokenizers
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS, SHARED = sys.argv[1:3]


def vectors(name, folder):
    torch.set_num_threads(1)
    model = sentence_transformers.SentenceTransformer(os.path.join(MODELS, folder), device="cpu")
    with open(os.path.join(SHARED, "data/stsb-dev/stsb-en-dev.csv"), encoding="utf8") as f:
        rows = list(csv.reader(f))
    v = model.encode([r[0] for r in rows] + [r[1] for r in rows], normalize_embeddings=True)
    a, b = v[:len(rows)].astype("f8"), v[len(rows):].astype("f8")
    rho = scipy.stats.spearmanr((a * b).sum(1), [float(r[2]) for r in rows]).statistic
    with open(os.path.join(HERE, name), "w") as f:
        print(f"# made by real.py: sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__.split('+')[0]}", file=f)
        print(f"spearman {rho:.6f}", file=f)
        for row in v[:200]:
            print(*(f"{x:.6f}" for x in row[:8]), file=f)


def texts():
    """Returns 500 texts: synthetic private data, product reviews and posts."""
    with open(os.path.join(SHARED, "data/presidio-synth/generated_small.json"), encoding="utf8") as f:
        all = [r["full_text"] for r in json.load(f)]
    with open(os.path.join(SHARED, "data/uci-sentiment/amazon_cells_labelled.txt"), encoding="utf8", newline="") as f:
        all += [line.split("\t")[0].strip() for line in f.read().replace("\r", "\n").split("\n") if "\t" in line][:200]
    with open(os.path.join(SHARED, "data/wnut17/emerging.dev.conll"), encoding="utf8") as f:
        words = [line.rstrip("\n").split("\t")[0] for line in f]
    posts = [" ".join(g) for filled, g in itertools.groupby(words, key=lambda w: w.strip() != "") if filled]
    return all + posts[:500 - len(all)]


def labels(name, folder, file):
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(MODELS, folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    session = onnxruntime.InferenceSession(os.path.join(MODELS, folder, file), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    with open(os.path.join(HERE, name), "w") as f:
        print(f"# made by real.py: onnxruntime {onnxruntime.__version__}", file=f)
        for text in texts():
            ids = np.array([tokenizer.encode(text).ids], np.int64)
            inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            best = session.run(None, {n: inputs[n] for n in names})[0][0].argmax(1)[1:-1]
            groups = [(label, len(list(g))) for label, g in itertools.groupby(best.tolist())]
            print(*(f"{label}x{n}" if n > 1 else label for label, n in groups), file=f)


vectors("minilm.txt", "all-MiniLM-L6-v2")
vectors("mpnet.txt", "all-mpnet-base-v2/all-mpnet-base-v2")
labels("rampart.txt", "rampart-pii", "onnx/model_q4.onnx")
