#!/usr/bin/env python3
"""Writes blocks.txt: blocks of each GGUF type and their numbers, as the Python package gguf
dequantizes them.

    make.py > blocks.txt

It needs the PyPI packages gguf and numpy. A line holds a type, the bytes of a block, and the
bits of each of its numbers, in hexadecimal; nan stands for any NaN. The bytes are random, except
for the 16-bit scales d and m: ordinary numbers, the largest, the smallest, infinity and NaN.
"""
from importlib.metadata import version

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

# Offsets of d and m in a block. For types without blocks: the first two numbers.
PLACES = {
    T.F16: (0, 2), T.BF16: (0, 2), T.Q8_0: (0,), T.Q4_0: (0,), T.Q4_1: (0, 2), T.Q5_0: (0,), T.Q5_1: (0, 2),
    T.Q2_K: (80, 82), T.Q3_K: (108,), T.Q4_K: (0, 2), T.Q5_K: (0, 2), T.Q6_K: (208,),
}
SCALES = [(0x2E66, 0x3123), (0x7BFF, 0xFBFF), (0x0001, 0x83FF), (0x7C00, 0xBC00), (0xA555, 0x7E00)]


def main():
    print(f"# made by make.py: numpy {np.__version__}, gguf {version('gguf')}")
    random = np.random.default_rng(20261125)
    for kind, places in PLACES.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        for scales in SCALES:
            block = random.integers(0, 256, size if elements > 1 else 8 * size, np.uint8)
            for at, scale in zip(places, scales):
                block[at:at + 2] = scale & 255, scale >> 8
            with np.errstate(all="ignore"):
                numbers = gguf.dequantize(block, kind)
            assert numbers.dtype == np.float32
            print(kind.name, block.tobytes().hex(), *("nan" if np.isnan(x) else f"{x.view(np.uint32):x}" for x in numbers))


main()
