"""The other engines of bench/engines, one per process:

    peers.py ctranslate2 MODEL TOKENIZER PRECISION THREADS [TOKENS_A_BATCH]
    peers.py transformers MODEL TOKENIZER PRECISION THREADS
    peers.py llama MODEL THREADS

The first two write a line of JSON when they are ready. Then they read a job from each line of input and
write an outcome. They tokenize a text when they first see it, so tokenization takes no time in later
rounds. The third writes the URL of the server of llama.cpp, which runs until standard input ends.
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


{"ctranslate2": ctranslate2, "transformers": transformers, "llama": llama}[sys.argv[1]](*sys.argv[2:])
