#!/usr/bin/env python3
"""Writes outputs of ONNX Runtime for real models, some numbers of each:

    make.py FOLDER > real.txt

FOLDER has rampart-pii, bge-small-en-v1.5-q and gector-distilbert. Needs onnx 1.23, onnxruntime 1.32
and tokenizers. The operations of the last two models quantize activations. They are replaced by
products of floating-point numbers with the same weights, as firesteel has them.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from tokenizers import Tokenizer

TEXTS = ["My name is John Smith and I live at 12 Main Street, Boston, MA 02110.", "She have went to the shop yesterday.",
         "Call me at 555-123-4567 or mail jane.doe@example.com, please."]


def unchanged(graph):
    pass


def without_qdq(graph):
    """Removes QuantizeLinear and DequantizeLinear of activations."""
    producers = {o: n for n in graph.node for o in n.output}
    renamed = {}
    for n in list(graph.node):
        if n.op_type == "DequantizeLinear" and n.input[0] in producers:
            renamed[n.output[0]] = producers[n.input[0]].input[0]
            graph.node.remove(n)
    for n in graph.node:
        for i in range(len(n.input)):
            while n.input[i] in renamed:
                n.input[i] = renamed[n.input[i]]


def without_integers(graph):
    """Replaces MatMulInteger, Cast and Mul by MatMul."""
    tensors = {t.name: numpy_helper.to_array(t).astype(np.float32) for t in graph.initializer}
    producers = {o: n for n in graph.node for o in n.output}
    readers = {}
    for n in graph.node:
        for name in n.input:
            readers.setdefault(name, n)
    for n in [n for n in graph.node if n.op_type == "MatMulInteger"]:
        cast = readers[n.output[0]]
        mul = readers[cast.output[0]]
        scale = tensors[n.input[1].replace("_quantized", "_scale")]
        graph.initializer.append(numpy_helper.from_array((tensors[n.input[1]] - tensors[n.input[3]]) * scale, n.name + "_w"))
        mul.CopyFrom(helper.make_node("MatMul", [producers[n.input[0]].input[0], n.name + "_w"], mul.output))
        graph.node.remove(n)
        graph.node.remove(cast)


folder = sys.argv[1]
options = ort.SessionOptions()
options.log_severity_level = 3
for name, file, tokens, change in (
        ("rampart-pii", "onnx/model_q4.onnx", "tokenizer.json", unchanged),
        ("bge-small-en-v1.5-q", "bge-small-en-v1.5-q.onnx", "bge-small-en-v1.5-q-tokenizer.json", without_integers),
        ("gector-distilbert", "tagger.onnx", "tokenizer.json", without_qdq)):
    tokenizer = Tokenizer.from_file(os.path.join(folder, name, tokens))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = onnx.load(os.path.join(folder, name, file))
    change(model.graph)
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    for text in TEXTS:
        ids = np.array([tokenizer.encode(text).ids])
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        rows = session.run(None, {i.name: feeds[i.name] for i in session.get_inputs()})[0][0]
        best = ",".join(str(r.argmax()) for r in rows)
        some = ",".join(f"{x:.7g}" for x in rows[1][:12])
        print(name, ",".join(map(str, ids[0])), best, some)
