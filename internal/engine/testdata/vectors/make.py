#!/usr/bin/env python3
"""Writes the embeddings that Python's sentence-transformers computes with the seeded decoder
"tiny-vectors" of internal/weights/safetensors/safetensorstest:

    make.py > vectors.json

It needs the PyPI packages torch, transformers 5.24.0, sentence-transformers and numpy. The tokenizer is
internal/tokenizer/testdata/llama3.json with a post-processor that adds <|end|> after a text. The file has
the normalized embeddings of the texts for each kind of pooling, and the files that the library wrote.
"""
import importlib.util
import json
import pathlib
import sys
import tempfile

import numpy as np
import sentence_transformers
import torch
import transformers
from sentence_transformers import SentenceTransformer

try:
    from sentence_transformers.models import Normalize, Pooling, Transformer
except ImportError:
    from sentence_transformers.sentence_transformer.models import Normalize, Pooling, Transformer

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("decoders", HERE.parent / "decoders" / "make.py")
decoders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(decoders)

TEXTS = ["a text", "another one, which is longer", "", "What is 12345 + 1?  " * 4]
LIMIT = 24  # tokens of a text; the last text has more


def main():
    decoders.SHAPES["tiny-vectors"] = ("Qwen3", dict(rope_theta=1000000.0, tie_word_embeddings=True, head_dim=32, vocab_size=464))
    model = decoders.seeded("tiny-vectors")
    tokenizer = json.loads((HERE.parent.parent.parent / "tokenizer" / "testdata" / "llama3.json").read_text())
    tokenizer["post_processor"] = {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<|end|>", "type_id": 0}}],
                                   "pair": [], "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [0], "tokens": ["<|end|>"]}}}
    out = {"made": f"make.py: torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, sentence-transformers {sentence_transformers.__version__}",
           "texts": TEXTS, "post_processor": tokenizer["post_processor"], "poolings": []}
    for mode in ["lasttoken", "mean", "cls", "max", "weightedmean", "mean_sqrt_len_tokens"]:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            model.save_pretrained(folder / "m")
            (folder / "m" / "tokenizer.json").write_text(json.dumps(tokenizer))
            (folder / "m" / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<|end|>"}))
            transformer = Transformer(str(folder / "m"), max_seq_length=LIMIT)
            pooling = Pooling(64, pooling_mode=mode)
            st = SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu",
                                     prompts={"query": "Find: "}, default_prompt_name="query" if mode == "mean" else None)
            st.save(str(folder / "st"))
            st = SentenceTransformer(str(folder / "st"), device="cpu")
            vectors = [st.encode([t], normalize_embeddings=True)[0] for t in TEXTS]
            files = {p.relative_to(folder / "st").as_posix(): json.loads(p.read_text()) for p in sorted((folder / "st").rglob("*.json"))
                     if p.name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "tokenizer_config.json") or p.parent.name == "1_Pooling"}
            out["poolings"].append({"mode": mode, "files": files, "vectors": [[float(f"{x:.7g}") for x in v] for v in vectors]})
    json.dump(out, sys.stdout, ensure_ascii=False)
    print()


main()
