#!/usr/bin/env python3
"""Makes the ONNX files of this folder; tensors.txt, the weights that ONNX Runtime computes with; and
logits.txt, its logits for files whose activations it does not quantize.

python3 make.py

Needs onnx 1.23, onnxruntime 1.32, torch 2.15 and transformers 5.24. The network is a
BertForTokenClassification with random weights. tensors.txt has, for each file and weight, the
shape, outputs by inputs, and the SHA-256 of its little-endian 32-bit numbers. The name of a
quantized weight is found by its similarity to the original weights, and its numbers are the output
of ONNX Runtime for the operation that has the weight.
"""

import copy
import hashlib
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from transformers import BertConfig, BertForTokenClassification

warnings.filterwarnings("ignore")
folder = os.path.dirname(os.path.abspath(__file__))
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
lines = []


def path(name):
    return os.path.join(folder, name)


def export(name):
    torch.manual_seed(1)
    config = BertConfig(vocab_size=24, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48,
                        max_position_embeddings=16, num_labels=3, layer_norm_eps=1e-6)
    model = BertForTokenClassification(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.3)
    ids = torch.tensor([[2, 5, 6, 3]])
    axes = {n: {0: "batch", 1: "sequence"} for n in INPUTS + ["logits"]}
    torch.onnx.export(model, (ids, torch.ones_like(ids), torch.zeros_like(ids)), path(name), dynamo=False, input_names=INPUTS,
                      output_names=["logits"], dynamic_axes=axes, opset_version=17)
    return {n: p.detach().numpy() for n, p in model.named_parameters()}


def record(file, weights):
    for name, w in sorted(weights.items()):
        w = np.ascontiguousarray(w, dtype="<f4") + np.float32(0)  # no negative zeros
        lines.append(f"{file} {name} {','.join(map(str, w.shape))} {hashlib.sha256(w.tobytes()).hexdigest()}")


def run(node, feeds, initializers):
    """The first output of one node."""
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in feeds.items()]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)[0]


def dequantized(model):
    """The matrices, outputs by inputs, and vectors that the operations of a quantized model have."""
    tensors = {t.name: t for t in model.graph.initializer}
    producers = {n.output[0]: n for n in model.graph.node}
    found = []

    def dequantize(w, scale, zero, axis):
        node = helper.make_node("DequantizeLinear", [w, scale, zero], ["y"], axis=axis)
        return run(node, {}, [tensors[x] for x in (w, scale, zero)])

    for n in model.graph.node:
        if n.op_type == "MatMulInteger":
            scale = tensors[n.input[1]].name.replace("_quantized", "_scale")
            found.append(dequantize(n.input[1], scale, n.input[3], 1).T)
        elif n.op_type in ("MatMul", "Gemm", "Gather"):
            i = 0 if n.op_type == "Gather" else 1
            dq = producers.get(n.input[i])
            if dq is None and n.op_type == "Gather" and n.input[0] in tensors and tensors[n.input[0]].data_type in (2, 3):
                dq = next(d for d in model.graph.node if d.op_type == "DequantizeLinear" and d.input[0] == n.output[0])
                found.append(dequantize(n.input[0], dq.input[1], dq.input[2], 0))
            elif dq is not None and dq.op_type == "DequantizeLinear" and dq.input[0] in tensors:
                axis = next((a.i for a in dq.attribute if a.name == "axis"), 1)
                w = dequantize(dq.input[0], dq.input[1], dq.input[2], axis)
                found.append(w if n.op_type == "Gather" else w.T)
        elif n.op_type in ("Add", "Mul", "LayerNormalization"):
            for dq in (producers.get(x) for x in n.input):
                if dq is not None and dq.op_type == "DequantizeLinear" and dq.input[0] in tensors and len(tensors[dq.input[0]].dims) == 1:
                    found.append(dequantize(dq.input[0], dq.input[1], dq.input[2], 0))
        elif n.op_type == "MatMulNBits":
            k = next(a.i for a in n.attribute if a.name == "K")
            one = copy.deepcopy(n)
            one.input[0] = "x"
            found.append(run(one, {"x": np.eye(k, dtype=np.float32)}, [tensors[x] for x in n.input[1:] if x]).T)
        elif n.op_type == "GatherBlockQuantized":
            one = copy.deepcopy(n)
            one.input[1] = "x"
            rows = tensors[n.input[0]].dims[0]
            found.append(run(one, {"x": np.arange(rows, dtype=np.int64)}, [tensors[x] for x in n.input if x in tensors]))
    return found


def similar(original, matrices):
    """The original weights, with those that are similar to a matrix replaced by it."""
    weights = dict(original)
    for m in matrices:
        name = min((n for n, w in original.items() if w.shape == m.shape), key=lambda n: np.abs(original[n] - m).sum())
        weights[name] = m
    return weights


class Calibration(CalibrationDataReader):
    def __init__(self):
        self.rows = iter([{"input_ids": np.arange(2, 10)[None], "attention_mask": np.ones((1, 8), np.int64), "token_type_ids": np.zeros((1, 8), np.int64)}])

    def get_next(self):
        return next(self.rows, None)


def nbits(file, bits, symmetric):
    """MatMulNBits with blocks of 32 numbers; the last block of 48 inputs is not full."""
    model, block = onnx.load(path("float.onnx")), 32
    tensors = {t.name: t for t in model.graph.initializer}
    for n in model.graph.node:
        if n.op_type != "MatMul" or n.input[1] not in tensors:
            continue
        w = numpy_helper.to_array(tensors[n.input[1]]).T
        outputs, k = w.shape
        blocks = -(-k // block)
        x = np.zeros((outputs, blocks * block), np.float32)
        x[:, :k] = w
        x = x.reshape(outputs, blocks, block)
        top = 2 ** bits - 1
        if symmetric:
            scale = (np.abs(x).max(2) / 2 ** (bits - 1)).astype(np.float32)
            zero = np.full(scale.shape, 2 ** (bits - 1), np.uint8)
        else:
            low, high = np.minimum(x.min(2), 0), np.maximum(x.max(2), 0)
            scale = ((high - low) / top).astype(np.float32)
            zero = np.clip(np.round(-low / scale), 0, top).astype(np.uint8)
        q = np.clip(np.round(x / scale[..., None]) + zero[..., None], 0, top).astype(np.uint8)
        if bits == 4:
            q = q[..., 0::2] | q[..., 1::2] << 4
            zero = np.pad(zero, ((0, 0), (0, blocks % 2)))
            zero = zero[:, 0::2] | zero[:, 1::2] << 4
        name = n.input[1]
        new = [numpy_helper.from_array(q, name + "_Q"), numpy_helper.from_array(scale, name + "_scales")]
        if not symmetric:
            new.append(numpy_helper.from_array(zero, name + "_zero_points"))
        model.graph.initializer.extend(new)
        model.graph.initializer.remove(tensors[name])
        n.CopyFrom(helper.make_node("MatMulNBits", [n.input[0]] + [t.name for t in new], n.output, n.name + "_Q", domain="com.microsoft",
                                    K=k, N=outputs, bits=bits, block_size=block))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, path(file))


def gather_blocks(file):
    """The table of tokens with two 4-bit numbers in a byte, blocks of 16 and zero points."""
    model = onnx.load(path("float.onnx"))
    w = next(t for t in model.graph.initializer if t.name == "bert.embeddings.word_embeddings.weight")
    x = numpy_helper.to_array(w).reshape(24, 2, 16)
    scale = ((x.max(2) - x.min(2)) / 15).astype(np.float32)
    zero = np.clip(np.round(-x.min(2) / scale), 0, 15).astype(np.uint8)
    q = np.clip(np.round(x / scale[..., None]) + zero[..., None], 0, 15).astype(np.uint8).reshape(24, 32)
    model.graph.initializer.remove(w)
    model.graph.initializer.extend([
        numpy_helper.from_array(q[:, 0::2] | q[:, 1::2] << 4, "bert.embeddings.word_embeddings.weight_Q4"),
        numpy_helper.from_array(scale, "scales"), numpy_helper.from_array(zero[:, 0::2] | zero[:, 1::2] << 4, "zeros")])
    node = next(n for n in model.graph.node if n.op_type == "Gather" and n.input[0] == w.name)
    new = helper.make_node("GatherBlockQuantized", ["bert.embeddings.word_embeddings.weight_Q4", node.input[1], "scales", "zeros"], node.output,
                           node.name, domain="com.microsoft", block_size=16, bits=4, gather_axis=0, quantize_axis=1)
    node.CopyFrom(new)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, path(file))


def halves(original):
    """All weights as 16-bit numbers with Cast, in the lists of the format instead of raw data."""
    model = onnx.load(path("float.onnx"))
    for i, t in enumerate(list(model.graph.initializer)):
        if t.data_type != TensorProto.FLOAT:
            continue
        x = numpy_helper.to_array(t).astype(np.float16)
        new = TensorProto(name=t.name, data_type=TensorProto.FLOAT16, dims=t.dims, int32_data=x.view(np.uint16).ravel().astype(np.int32).tolist())
        model.graph.initializer[i].CopyFrom(new)
        for n in model.graph.node:
            for j, name in enumerate(n.input):
                if name == t.name:
                    n.input[j] = t.name + "_cast"
        model.graph.node.insert(0, helper.make_node("Cast", [t.name], [t.name + "_cast"], "Cast_" + str(i), to=TensorProto.FLOAT))
    onnx.save(model, path("float16.onnx"))
    record("float16.onnx", {n: w.astype(np.float16) for n, w in original.items()})


def joined(file, original):
    """The operations that ONNX Runtime's optimizer joins. The logits equal those of float.onnx."""
    w = {n.removeprefix("bert.").removeprefix("encoder.layer.0."): x for n, x in original.items()}
    names = {n.removeprefix("bert.").removeprefix("encoder.layer.0."): n for n in original}
    tensors = {}

    def weight(name):
        x = w[name]
        matrix = x.ndim == 2 and "embeddings" not in name
        key = name + "_transposed" if matrix else names[name]
        tensors[key] = x.T.copy() if matrix else x
        return key

    qkv = ["attention.self.query", "attention.self.key", "attention.self.value"]
    tensors["qkv_weight"] = np.concatenate([w[n + ".weight"].T for n in qkv], axis=1)
    tensors["qkv_bias"] = np.concatenate([w[n + ".bias"] for n in qkv])
    e = "embeddings."
    ms = dict(domain="com.microsoft")
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["ids"], to=TensorProto.INT32),
        helper.make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.INT32),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.INT32),
        helper.make_node("EmbedLayerNormalization", ["ids", "types"] + [weight(e + n) for n in (
            "word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias")] + ["mask"],
            ["e", "lengths"], epsilon=1e-6, **ms),
        helper.make_node("Attention", ["e", "qkv_weight", "qkv_bias", "mask"], ["a"], num_heads=2, **ms),
        helper.make_node("MatMul", ["a", weight("attention.output.dense.weight")], ["b"], "MatMul_1"),
        helper.make_node("SkipLayerNormalization", ["b", "e"] + [weight("attention.output." + n) for n in ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")],
                         ["c"], epsilon=1e-6, **ms),
        helper.make_node("MatMul", ["c", weight("intermediate.dense.weight")], ["d"], "MatMul_2"),
        helper.make_node("BiasGelu", ["d", weight("intermediate.dense.bias")], ["f"], **ms),
        helper.make_node("MatMul", ["f", weight("output.dense.weight")], ["g"], "MatMul_3"),
        helper.make_node("SkipLayerNormalization", ["g", "c"] + [weight("output." + n) for n in ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")],
                         ["h"], epsilon=1e-6, **ms),
        helper.make_node("MatMul", ["h", weight("classifier.weight")], ["i"], "MatMul_4"),
        helper.make_node("Add", ["i", weight("classifier.bias")], ["logits"]),
    ]
    tensors = {f"MatMul_weight_{i}" if n.endswith("_transposed") else n: (n, x) for i, (n, x) in enumerate(tensors.items())}
    renamed = {old: new for new, (old, _) in tensors.items()}
    for n in nodes:
        for i, name in enumerate(n.input):
            n.input[i] = renamed.get(name, name)
    old = onnx.load(path("float.onnx")).graph
    graph = helper.make_graph(nodes, "g", old.input, old.output, [numpy_helper.from_array(x, n) for n, (_, x) in tensors.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8), path(file))
    feeds = {"input_ids": np.array([[2, 9, 7, 5, 3]]), "attention_mask": np.array([[1, 1, 1, 1, 1]]), "token_type_ids": np.array([[0, 0, 0, 1, 1]])}
    a, b = (ort.InferenceSession(path(f), providers=["CPUExecutionProvider"]).run(None, feeds)[0] for f in ("float.onnx", file))
    assert np.abs(a - b).max() < 1e-4, np.abs(a - b).max()
    record(file, original)


def main():
    original = export("float.onnx")
    record("float.onnx", original)

    model = onnx.load(path("float.onnx"))
    if os.path.exists(path("external.bin")):
        os.remove(path("external.bin"))
    onnx.save(model, path("external.onnx"), save_as_external_data=True, location="external.bin", size_threshold=512)
    record("external.onnx", original)

    # Nodes without modules in their names, as older exporters write.
    model = onnx.load(path("float.onnx"))
    for i, n in enumerate(model.graph.node):
        n.name = f"{n.op_type}_{i}"
    onnx.save(model, path("unnamed.onnx"))
    record("unnamed.onnx", original)

    halves(original)

    quantize_dynamic(path("float.onnx"), path("dynamic.onnx"), per_channel=True, weight_type=QuantType.QInt8)
    quantize_dynamic(path("float.onnx"), path("unsigned.onnx"), per_channel=False, weight_type=QuantType.QUInt8)
    quantize_static(path("float.onnx"), path("qdq.onnx"), Calibration(), quant_format=QuantFormat.QDQ, per_channel=True, weight_type=QuantType.QInt8)
    nbits("q4.onnx", 4, True)
    nbits("q4-zeros.onnx", 4, False)
    nbits("q8.onnx", 8, True)
    gather_blocks("gather.onnx")
    for file in ("dynamic.onnx", "unsigned.onnx", "qdq.onnx", "q4.onnx", "q4-zeros.onnx", "q8.onnx", "gather.onnx"):
        record(file, similar(original, dequantized(onnx.load(path(file)))))

    from onnxruntime.transformers import optimizer
    optimizer.optimize_model(path("float.onnx"), "bert", num_heads=2, hidden_size=32).save_model_to_file(path("optimized.onnx"))
    record("optimized.onnx", original)

    joined("joined.onnx", original)

    with open(path("logits.txt"), "w") as out:
        for file in ("float.onnx", "external.onnx", "unnamed.onnx", "float16.onnx", "q4.onnx", "q4-zeros.onnx", "q8.onnx", "gather.onnx", "optimized.onnx", "joined.onnx"):
            session = ort.InferenceSession(path(file), providers=["CPUExecutionProvider"])
            for ids in ([2, 9, 7, 5, 3], [2, 3], list(range(2, 18))):
                ids = np.array([ids])
                logits = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)})[0]
                out.write(f"{file} {','.join(map(str, ids[0]))} {','.join(f'{x:.6g}' for x in logits.ravel())}\n")

    with open(path("tensors.txt"), "w") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
