#!/usr/bin/env python3
"""Writes the answers of transformers with the seeded T5 models of seeded.py:

    make.py SHAPE > SHAPE.txt

It needs the PyPI packages torch, transformers and numpy. The file begins with the versions and

    weights  SHA-256 of all weights as 32-bit little-endian floats, the tensors
             in the order of their names

and has for each case

    case     the input tokens of the encoder
    greedy   the answer, without the decoder's start token: up to 64 tokens,
             ended by 1 if the model ended it
    logits   STEP, then logits before that token of the answer (from 0) as
             ID:VALUE: the eight highest, then those of some fixed tokens;
             for some cases of a tiny shape all in order without their IDs

Every case was computed separately, and again padded as part of batches. The answers were equal, and
the logits differed by at most the number at the beginning of the file.
"""
import hashlib
import sys

import numpy as np
import torch
import transformers

import seeded

STEPS = 64
FIXED = [0, 1, 2, 100, 383, 5000, 20000, 32099, 32100, 32127]


def lengths(tiny):
    if tiny:
        return [1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 40, 64, 100, 129, 200, 300]
    return [1, 2, 3, 5, 8, 12, 16, 17, 24, 31, 32, 33, 35, 48, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 384, 511, 512]


def answer(model, inputs):
    """Returns the answers to a batch, padded with token 0, and their logits by step."""
    width = max(map(len, inputs))
    ids = torch.tensor([x + [0] * (width - len(x)) for x in inputs])
    mask = torch.tensor([[1] * len(x) + [0] * (width - len(x)) for x in inputs])
    out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=STEPS, do_sample=False, num_beams=1,
                         return_dict_in_generate=True, output_logits=True)
    logits = torch.stack(out.logits, 1).numpy()
    answers = []
    for row in out.sequences[:, 1:].tolist():
        if 1 in row:
            row = row[:row.index(1) + 1]
        answers.append(row)
    return [(a, logits[i, :len(a)]) for i, a in enumerate(answers)]


def main():
    shape = sys.argv[1]
    model = seeded.model(shape)
    tiny = shape.startswith("tiny")
    vocabulary = model.config.vocab_size
    digest = hashlib.sha256()
    for name, p in sorted(model.named_parameters()):
        digest.update(p.detach().numpy().astype("<f4").tobytes())

    inputs = []
    for n in lengths(tiny):
        ids = seeded.integers(f"input {n}", 0, n - 1) % np.uint64(vocabulary - 2) + np.uint64(2)
        inputs.append([int(i) for i in ids] + [1])
    alone = [answer(model, [x])[0] for x in inputs]
    off, margin = 0.0, np.inf
    for part in [inputs[:len(inputs) // 2], inputs[len(inputs) // 2:]]:
        first = inputs.index(part[0])
        for (a, logits), (b, padded) in zip(alone[first:], answer(model, part)):
            assert a == b, (len(a), a, b)
            off = max(off, float(np.abs(logits - padded).max()))
            top = np.sort(logits, -1)
            margin = min(margin, float((top[:, -1] - top[:, -2]).min()))
    # Answers that do not vary would test little.
    assert len({a[0] for a, _ in alone}) > len(alone) // 2 or tiny
    assert np.mean([len(set(a)) / len(a) for a, _ in alone]) > .3

    print(f"# made by make.py {shape}: torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, numpy {np.__version__}")
    print(f"# {sum(p.numel() for p in model.parameters())} parameters; padded logits differ by at most {off:.2g} from those of single inputs;"
          f" the highest logit exceeds the next by at least {margin:.2g}")
    print("weights", digest.hexdigest())
    for x, (a, logits) in zip(inputs, alone):
        print("case", *x)
        print("greedy", *a)
        whole = tiny and len(x) in (3, 17, 100)
        for step in sorted({0, min(7, len(a) - 1), len(a) - 1}):
            values = logits[step]
            if whole:
                print("logits", step, *(f"{v:.9g}" for v in values))
            else:
                best = np.argsort(-values, kind="stable")[:8].tolist()
                print("logits", step, *(f"{i}:{values[i]:.9g}" for i in best + FIXED if i < vocabulary))



main()
