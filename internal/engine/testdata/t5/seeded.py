"""Computes the seeded T5 models of internal/weights/safetensors/safetensorstest in Python. seeded.go
there describes the algorithm."""
import math

import numpy as np

SHAPES = {
    "flan-t5-small": dict(vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_layers=8, num_decoder_layers=8,
                          num_heads=6, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    "tiny-flan-t5": dict(vocab_size=384, d_model=48, d_kv=16, d_ff=80, num_layers=3, num_decoder_layers=2,
                         num_heads=2, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    "tiny-t5": dict(vocab_size=384, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_decoder_layers=2,
                    num_heads=4, feed_forward_proj="relu", tie_word_embeddings=True),
}


def spread(gain, fan):
    return 0.0, gain * math.sqrt(3 / fan)


def kind(name, c):
    """Returns the centre and the scale of a tensor's numbers."""
    inner = c["num_heads"] * c["d_kv"]
    tied = c["tie_word_embeddings"]
    query, out, across, wo = (4, 2, 4, 1) if tied else (2, 1, 2, 2)
    part = name.split(".")[-2]
    if tied and name == "decoder.final_layer_norm.weight":
        return 0.0, 4.0
    if "layer_norm" in part:
        return 1.0, 0.25
    return {
        "shared": spread(1, 1),
        "relative_attention_bias": spread(1, 1),
        "q": spread(query, c["d_model"] * c["d_kv"]),
        "k": spread(1, c["d_model"]),
        "v": spread(1, c["d_model"]),
        "o": spread(across if "EncDecAttention" in name else out, inner),
        "wi": spread(1, c["d_model"]),
        "wi_0": spread(1, c["d_model"]),
        "wi_1": spread(1, c["d_model"]),
        "wo": spread(wo, c["d_ff"]),
        "lm_head": spread(4, c["d_model"]),
    }[part]


def integers(name, first, count):
    """Returns the 64-bit numbers of a name from index first on."""
    h = 14695981039346656037
    for b in name.encode():
        h = (h ^ b) * 1099511628211 % 2**64
    z = np.uint64(h) + np.arange(first + 1, first + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def tensor(name, shape, c):
    centre, scale = kind(name, c)
    f = (integers(name, 0, math.prod(shape)) >> np.uint64(40)).astype(np.int64) - 2**23
    f = f.astype(np.float32) * np.float32(2.0**-23)
    return (np.float32(centre) + np.float32(scale) * f).reshape(shape)


def model(shape, **more):
    """Returns a model of transformers with these weights in 32-bit floats."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    c = SHAPES[shape]
    config = T5Config(**c, dropout_rate=0.0, layer_norm_epsilon=1e-6, relative_attention_num_buckets=32,
                      relative_attention_max_distance=128, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, **more)
    m = T5ForConditionalGeneration(config).float().eval()
    # Recent versions tie the head regardless of the configuration.
    if not c["tie_word_embeddings"]:
        m.lm_head.weight = torch.nn.Parameter(m.lm_head.weight.detach().clone())
    with torch.no_grad():
        for name, p in m.named_parameters():
            p.copy_(torch.from_numpy(tensor(name, tuple(p.shape), c)))
    at = lambda layer: layer.weight.data_ptr()
    assert at(m.encoder.embed_tokens) == at(m.shared) == at(m.decoder.embed_tokens)
    assert (at(m.lm_head) == at(m.shared)) == c["tie_word_embeddings"]
    return m
