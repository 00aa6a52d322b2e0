"""The other engines of bench/engines, one per process:

    peers.py ctranslate2 MODEL TOKENIZER PRECISION THREADS [TOKENS_A_BATCH]
    peers.py transformers MODEL TOKENIZER PRECISION THREADS
    peers.py onnx FOLDER EXPORTED PRECISION THREADS
    peers.py llama MODEL THREADS

The first three write a line of JSON when they are ready. Then they read a job from each line of input and
write an outcome. They tokenize a text when they first see it, so tokenization takes no time in later
rounds. The last writes the URL of the server of llama.cpp, which runs until standard input ends.
"""
import json
import os
import sys


def serve(tokenizer, answer):
    """Answers jobs. answer maps rows of token ids to rows of generated token ids."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(tokenizer)
    seen = {}
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        texts = [r["text"] for r in job["Requests"]]
        for text in texts:
            if text not in seen:
                seen[text] = tokenizer.encode(text)
        ids = answer([seen[t] for t in texts], job["Requests"][0]["max"])
        print(json.dumps({"units": len(texts), "answers": tokenizer.decode_batch(ids)}), flush=True)


def ctranslate2(model, tokenizer, precision, threads, batch="4096"):
    import ctranslate2

    # One translator per thread was faster than one translator with several threads.
    translator = ctranslate2.Translator(model, compute_type=precision, inter_threads=int(threads), intra_threads=1)
    with open(os.path.join(model, "shared_vocabulary.json")) as f:
        ids = {token: i for i, token in enumerate(json.load(f))}

    def answer(rows, steps):
        results = translator.translate_batch([r.tokens for r in rows], beam_size=1, max_decoding_length=steps,
                                             min_decoding_length=steps, max_batch_size=int(batch), batch_type="tokens")
        return [[ids[token] for token in r.hypotheses[0]] for r in results]

    serve(tokenizer, answer)


def transformers(model, tokenizer, precision, threads):
    import torch
    from transformers import T5ForConditionalGeneration

    torch.set_num_threads(int(threads))
    network = T5ForConditionalGeneration.from_pretrained(model, dtype=getattr(torch, precision)).eval()

    def answer(rows, steps):
        return [network.generate(torch.tensor([r.ids]), max_new_tokens=steps, min_new_tokens=steps, do_sample=False,
                                 num_beams=1)[0][1:].tolist() for r in rows]

    serve(tokenizer, answer)


def onnx(folder, exported, precision, threads, batch="32"):
    """Vectors of the BERT model in a folder by ONNX Runtime. It is exported to another folder at the first use.
    Texts are sorted by length, as sentence-transformers sorts them; batches of 32 were fastest."""
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer

    os.makedirs(exported, exist_ok=True)
    plain, quantized = os.path.join(exported, "model.onnx"), os.path.join(exported, "model-int8.onnx")
    if not os.path.exists(plain):
        export(folder, plain)
    if precision == "int8" and not os.path.exists(quantized):
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(plain, quantized, weight_type=QuantType.QInt8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(quantized if precision == "int8" else plain, options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        texts = [r["text"] for r in json.loads(line)["Requests"]]
        rows = [e.ids for e in tokenizer.encode_batch(texts)]
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        answers = [None] * len(rows)
        for at in range(0, len(order), int(batch)):
            part = order[at:at + int(batch)]
            width = len(rows[part[0]])
            ids = numpy.array([rows[i] + [0] * (width - len(rows[i])) for i in part], dtype=numpy.int64)
            mask = numpy.array([[1] * len(rows[i]) + [0] * (width - len(rows[i])) for i in part], dtype=numpy.int64)
            states = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)})[0]
            vectors = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
            vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
            for i, v in zip(part, vectors):
                answers[i] = "[" + " ".join("%.5f" % x for x in v) + "]"
        print(json.dumps({"units": len(texts), "answers": answers}), flush=True)


def export(folder, path):
    import torch
    from transformers import AutoModel

    network = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    class Plain(torch.nn.Module):
        """The network with a mask that the exporter supports."""

        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, ids, mask, types):
            x = self.network.embeddings(input_ids=ids, token_type_ids=types)
            hidden = (1 - mask[:, None, None, :].to(torch.float32)) * torch.finfo(torch.float32).min
            for layer in self.network.encoder.layer:
                x = layer(x, attention_mask=hidden)
                x = x[0] if isinstance(x, tuple) else x
            return x

    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in names)
    torch.onnx.export(Plain().eval(), example, path, input_names=names, output_names=["last_hidden_state"], dynamo=False,
                      dynamic_axes={n: {0: "batch", 1: "tokens"} for n in names + ["last_hidden_state"]}, opset_version=17)


def llama(model, threads):
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path = model
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = int(threads)
    p.n_parallel = 8
    p.n_ctx = 8 * 1024
    p.verbosity = 0
    p.ui = False
    # Each slot keeps its last prompt. Without this setting the server would also find prompts of
    # earlier rounds, which does not happen with real tables.
    p.cache_ram_mib = 0
    server = xllamacpp.Server(p)
    print(json.dumps({"url": server.listening_address, "version": xllamacpp.__version__}), flush=True)
    sys.stdin.read()


{"ctranslate2": ctranslate2, "transformers": transformers, "onnx": onnx, "llama": llama}[sys.argv[1]](*sys.argv[2:])
