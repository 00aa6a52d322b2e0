#!/usr/bin/env python3
"""Writes the answers of transformers with the seeded decoders of WriteDecoder in
internal/weights/safetensors/safetensorstest:

    make.py SHAPE > SHAPE.txt

It needs the PyPI packages torch, transformers and numpy. The file begins with the versions and

    weights  SHA-256 of all weights as 32-bit little-endian floats, the tensors
             in the order of their names

and has for each case

    case     the prompt's tokens
    greedy   the 16 tokens that follow
    logits   STEP, then logits before that token of the answer (from 0) as
             ID:VALUE: the six highest, then those of some fixed tokens;
             for one case all in order without their IDs

Every step was computed from all tokens before it, without a cache and with eager attention.
"""
import hashlib
import math
import os
import sys

import numpy as np
import torch
import transformers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "t5"))
from seeded import integers, spread

STEPS = 16
LENGTHS = [1, 2, 7, 16, 17, 33, 50, 80]
WHOLE = 17
FIXED = [0, 1, 100, 255]
TINY = dict(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, max_position_embeddings=512, rms_norm_eps=1e-6,
            attn_implementation="eager")
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
SHAPES = {
    "tiny-llama": ("Llama", dict(rope_theta=10000.0, tie_word_embeddings=False)),
    "tiny-llama3": ("Llama", dict(rope_theta=500000.0, rope_scaling=LLAMA3, tie_word_embeddings=True)),
    "tiny-qwen2": ("Qwen2", dict(rope_theta=1000000.0, tie_word_embeddings=False, use_sliding_window=False,
                                 sliding_window=8, max_window_layers=1)),
    "tiny-qwen3": ("Qwen3", dict(rope_theta=1000000.0, tie_word_embeddings=True, head_dim=32)),
    "tiny-gemma3": ("Gemma3", dict(rope_theta=1000000.0, rope_local_base_freq=10000.0, rope_scaling=dict(rope_type="linear", factor=8.0),
                                   tie_word_embeddings=True, head_dim=32, num_hidden_layers=4, sliding_window=16,
                                   sliding_window_pattern=3, query_pre_attn_scalar=24)),
}


def kind(name, shape, gemma, tied):
    """Returns the centre and the scale of a tensor's numbers."""
    if name == "model.embed_tokens.weight":
        return spread(1, shape[1] if gemma else 1)
    if name.endswith(".bias"):
        return spread(1, 1)
    if name == "model.norm.weight" and tied:
        return (-1.0, 4.0) if gemma else (0.0, 1.0)
    if name.endswith("norm.weight"):
        return (0.0 if gemma else 1.0), 0.25
    gain = {"q_proj": 2, "o_proj": 2, "down_proj": 2, "lm_head": 4}.get(name.split(".")[-2], 1)
    return spread(gain, shape[1])


def seeded(shape):
    family, more = SHAPES[shape]
    config_class = "Gemma3TextConfig" if family == "Gemma3" else family + "Config"
    config = getattr(transformers, config_class)(**{**TINY, **more})
    model = getattr(transformers, family + "ForCausalLM")(config).float().eval()
    tied = more["tie_word_embeddings"]
    assert (model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()) == tied
    with torch.no_grad():
        for name, p in model.named_parameters():
            centre, scale = kind(name, tuple(p.shape), family == "Gemma3", tied)
            f = (integers(name, 0, p.numel()) >> np.uint64(40)).astype(np.int64) - 2**23
            f = f.astype(np.float32) * np.float32(2.0**-23)
            p.copy_(torch.from_numpy((np.float32(centre) + np.float32(scale) * f).reshape(tuple(p.shape))))
    return model


def main():
    shape = sys.argv[1]
    model = seeded(shape)
    print(model.config.rope_parameters, getattr(model.config, "layer_types", None), file=sys.stderr)
    digest = hashlib.sha256()
    for name, p in sorted(model.named_parameters()):
        digest.update(p.detach().numpy().astype("<f4").tobytes())
    cases, margin = [], math.inf
    for n in LENGTHS:
        prompt = [int(i) for i in integers(f"input {n}", 0, n) % np.uint64(model.config.vocab_size)]
        ids, steps = list(prompt), []
        for _ in range(STEPS):
            with torch.no_grad():
                logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1].numpy()
            top = np.sort(logits)
            margin = min(margin, float(top[-1] - top[-2]))
            steps.append(logits)
            ids.append(int(logits.argmax()))
        cases.append((prompt, ids[n:], steps))
    # Answers that do not vary would test little.
    assert np.mean([len(set(a)) / len(a) for _, a, _ in cases]) > .3, [a for _, a, _ in cases]
    assert margin > 1e-3, margin

    print(f"# made by make.py {shape}: torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, numpy {np.__version__}")
    print(f"# {sum(p.numel() for p in model.parameters())} parameters; the highest logit exceeds the next by at least {margin:.2g}")
    print("weights", digest.hexdigest())
    for prompt, answer, steps in cases:
        print("case", *prompt)
        print("greedy", *answer)
        for step in (0, 7, STEPS - 1):
            values = steps[step]
            if len(prompt) == WHOLE and step == 0:
                print("logits", step, *(f"{v:.7g}" for v in values))
            else:
                best = np.argsort(-values, kind="stable")[:6].tolist()
                print("logits", step, *(f"{i}:{values[i]:.7g}" for i in best + FIXED))


if __name__ == "__main__":
    main()
