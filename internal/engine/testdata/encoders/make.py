#!/usr/bin/env python3
"""Writes the outputs of transformers with seeded encoders:

    make.py SHAPE > SHAPE.json

It needs the PyPI packages torch, transformers and numpy. The file has the versions and, for each
class of transformers (without and with classes of tokens and of texts),

    config   the config.json
    tensors  the shapes of the weights by name; WriteSeeded in
             internal/weights/safetensors/safetensorstest computes their numbers
    digest   SHA-256 of all weights as 32-bit little-endian floats, in the order of their names
    cases    tokens and types (segments) of a text, and the output: for each of some tokens its
             number and its row, or one row for the text

All were computed with eager attention, one text at a time.
"""
import hashlib
import json
import os
import sys

import numpy as np
import torch
import transformers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "t5"))
from seeded import integers, spread

LENGTHS = [1, 2, 7, 16, 17, 40, 90]
LABELS = dict(num_labels=3, id2label={0: "O", 1: "B-X", 2: "I-X"}, label2id={"O": 0, "B-X": 1, "I-X": 2})
SIZES = dict(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
             max_position_embeddings=128, pad_token_id=0, **LABELS)
OFFSET = dict(pad_token_id=1, max_position_embeddings=130, bos_token_id=0, eos_token_id=2)
MODERN = dict(local_attention=16, global_attn_every_n_layers=3, layer_types=None, num_hidden_layers=4, classifier_pooling="cls",
              cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2, global_rope_theta=160000.0, local_rope_theta=10000.0)
SHAPES = {
    "tiny-bert": ("Bert", dict(type_vocab_size=2)),
    "tiny-distilbert": ("DistilBert", dict(vocab_size=256, dim=64, hidden_dim=96, n_layers=3, n_heads=4,
                                           max_position_embeddings=128, pad_token_id=0, **LABELS)),
    "tiny-roberta": ("Roberta", dict(type_vocab_size=1, **OFFSET)),
    "tiny-xlm-roberta": ("XLMRoberta", dict(type_vocab_size=1, **OFFSET)),
    "tiny-mpnet": ("MPNet", dict(relative_attention_num_buckets=32, **OFFSET)),
    "tiny-modernbert": ("ModernBert", MODERN),
    "tiny-gemma3": ("Gemma3Text", dict(num_key_value_heads=2, head_dim=32, num_hidden_layers=4, sliding_window=16, query_pre_attn_scalar=24,
                                       use_bidirectional_attention=True, sliding_window_pattern=3, rms_norm_eps=1e-6,
                                       rope_parameters={"full_attention": dict(rope_type="default", rope_theta=1000000.0),
                                                        "sliding_attention": dict(rope_type="default", rope_theta=10000.0)})),
    "tiny-modernbert-mean": ("ModernBert", dict(MODERN, classifier_pooling="mean")),
}


def kind(name, shape):
    """Returns the centre and the scale of a tensor's numbers."""
    if name.endswith(".bias"):
        return spread(0.3, 1)
    if len(shape) == 1:
        return 1.0, 0.25
    if "embeddings" in name or "relative_attention_bias" in name:
        return spread(1, 1)
    return spread(1.5, shape[1])


def seed(model):
    digest = hashlib.sha256()
    tensors = {}
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            centre, scale = kind(name, tuple(p.shape))
            f = (integers(name, 0, p.numel()) >> np.uint64(40)).astype(np.int64) - 2**23
            f = f.astype(np.float32) * np.float32(2.0**-23)
            numbers = (np.float32(centre) + np.float32(scale) * f).astype("<f4")
            p.copy_(torch.from_numpy(numbers.reshape(tuple(p.shape))))
            digest.update(numbers.tobytes())
            tensors[name] = list(p.shape)
    return tensors, digest.hexdigest()


def cases(model, config, pairs):
    for n in LENGTHS:
        for pair in [False, True] if pairs and n > 2 else [False]:
            tokens = [3 + int(i) for i in integers(f"input {n}", 0, n) % np.uint64(config.vocab_size - 3)]
            types = [int(i > n // 2) for i in range(n)] if pair else None
            more = {} if types is None else {"token_type_ids": torch.tensor([types])}
            with torch.no_grad():
                out = model(input_ids=torch.tensor([tokens]), attention_mask=torch.ones(1, n, dtype=torch.long), **more)
            values = (out.logits if hasattr(out, "logits") else out.last_hidden_state)[0]
            case = dict(tokens=tokens)
            if types is not None:
                case["types"] = types
            row = lambda v: [float(f"{x:.6g}") for x in v.tolist()]
            if values.dim() == 1:
                case["rows"] = {"0": row(values)}
            else:
                some = sorted({0, n // 2, n - 1}) if values.shape[1] > 16 else range(n)
                case["rows"] = {str(i): row(values[i]) for i in some}
            yield case


def main():
    shape = sys.argv[1]
    family, more = SHAPES[shape]
    settings = dict(more) if "vocab_size" in more else {**SIZES, **more}
    settings = {k: v for k, v in settings.items() if v is not None}
    out = dict(made_by=f"make.py {shape}: torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, numpy {np.__version__}",
               models=[])
    for head in ["Model"] if family == "Gemma3Text" else ["Model", "ForTokenClassification", "ForSequenceClassification"]:
        config = getattr(transformers, family + "Config")(**settings)
        config._attn_implementation = "eager"
        model = getattr(transformers, family + head)(config).float().eval()
        tensors, digest = seed(model)
        saved = config.to_diff_dict()
        saved["architectures"] = [family + head]
        out["models"].append(dict(config=saved, tensors=tensors, digest=digest,
                                  cases=list(cases(model, config, more.get("type_vocab_size") == 2))))
    text = json.dumps(out, indent=1, default=str)
    # One line for each list of numbers.
    import re
    print(re.sub(r"\[[^\[\]{}\"]*\]", lambda m: re.sub(r"\s+", " ", m[0]), text))


if __name__ == "__main__":
    main()
