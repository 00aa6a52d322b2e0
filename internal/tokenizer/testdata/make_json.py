#!/usr/bin/env python3
"""Writes the data of json_test.go.

    make_json.py fixtures FOLDER    trains small tokenizers on the text files (*.md) below FOLDER: *.json, *.model
    make_json.py goldens SHARED MODELS
                                    writes goldens.tsv: digests of ids by the libraries tokenizers and
                                    sentencepiece; SHARED is the folder of test data outside the project,
                                    and MODELS has folders of models (FIRESTEEL_MODELS of the tests)
    make_json.py show NAME FROM TO [SHARED]
                                    prints lines and their ids, to find a line whose ids differ

It needs tokenizers==0.21.1 and sentencepiece==0.2.3.

Texts are encoded without control tokens: their names are removed from the vocabulary first.
"""
import contextlib
import hashlib
import json
import pathlib
import sys
import tempfile

import sentencepiece
import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from mixed import Mixed

HERE = pathlib.Path(__file__).resolve().parent
PART = 500  # lines of one digest
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
# The small charsmap replaces single characters and characters with marks, some of them by nothing.
RULES = [("A", "a"), ("é", "e"), ("e\u0301", "e"), ("\uff11", "1"), ("\u00bd", "1/2"), ("\r", " "), ("\r\n", " "), ("\n", " "), ("\t", " "),
         ("\u200b", ""), ("\u0915\u093c", "\u0958"), ("\u3000", " "), ("\ufb01", "fi"), ("\u0e33", "\u0e4d\u0e32"), ("\u00a8", " \u0308")]


def isolated(expression):
    return pre_tokenizers.Split(Regex(expression), "isolated")


# The rules of pretokenize.go, by their names in tokenizer.ggml.pre.
SPLITS = {
    "gpt-2": isolated(GPT2),
    "llama-bpe": isolated(LLAMA3),
    "qwen2": isolated(QWEN2),
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(True), isolated(GPT2)]),
    "default": pre_tokenizers.Sequence([isolated(r"[\p{P}\$\+<=>\^~\|]+"), isolated(GPT2), isolated(r"\p{N}+"), isolated("[0-9][0-9][0-9]")]),
}


def spm(text, name, **options):
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=name, minloglevel=2, num_threads=1,
        user_defined_symbols=["<user>"], **options)
    (HERE / (name + ".model")).write_bytes(pathlib.Path(name + ".model").read_bytes())
    return sentencepiece.SentencePieceProcessor(model_file=str(HERE / (name + ".model")))


def fixtures(source):
    lines = [l for p in sorted(pathlib.Path(source).rglob("*.md")) for l in p.read_text().splitlines() if l.strip()]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        text, rules = pathlib.Path("text"), pathlib.Path("rules.tsv")  # the models contain these names
        text.write_text("\n".join(lines))
        rules.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in RULES))
        unigram = spm(text, "unigram", model_type="unigram", normalization_rule_tsv=str(rules), hard_vocab_limit=False, vocab_size=400)
        pieces = spm(text, "pieces", model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
                     remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, vocab_size=800)

    # The same two tokenizers as tokenizer.json, in the forms of Flan-T5 and Llama 2.
    charsmap = charsmap_of((HERE / "unigram.model").read_bytes())
    vocab = [(unigram.id_to_piece(i), unigram.get_score(i)) for i in range(unigram.get_piece_size())]
    t = Tokenizer(models.Unigram(vocab, 0))
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    t.add_tokens([tokenizers.AddedToken("<user>", normalized=False, rstrip=True), tokenizers.AddedToken("WORD", normalized=True, single_word=True)])
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    save(t, "unigram")

    size = pieces.get_piece_size()
    vocab = {pieces.id_to_piece(i): i for i in range(size)}
    plain = {s: i for s, i in vocab.items() if not (pieces.is_byte(i) or pieces.is_control(i) or pieces.is_unknown(i))}
    merges = sorted((-pieces.get_score(i), i, s[:k], s[k:]) for s, i in plain.items() for k in range(1, len(s)) if s[:k] in plain and s[k:] in plain)
    t = Tokenizer(models.BPE(vocab, [(a, b) for _, _, a, b in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    save(t, "pieces")

    trainer = dict(vocab_size=450, show_progress=False, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    for name, split in (("llama3", isolated(LLAMA3)), ("digits", pre_tokenizers.Digits(True))):
        t = Tokenizer(models.BPE(ignore_merges=name == "llama3"))
        t.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=name == "digits")])
        if name == "llama3":
            t.normalizer = normalizers.NFC()
        t.decoder = decoders.ByteLevel()
        t.post_processor = processors.ByteLevel(trim_offsets=False)
        t.train_from_iterator(lines, trainers.BpeTrainer(**trainer))
        t.add_tokens([tokenizers.AddedToken("<user>", lstrip=True, normalized=False)])
        save(t, name)

    # BERT without capitals.
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece(cleanup=False)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=500, show_progress=False, special_tokens=special, initial_alphabet=[chr(c) for c in range(33, 127) if not 65 <= c <= 90]))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.enable_truncation(64)
    t.enable_padding(pad_token="[PAD]")
    save(t, "wordpiece")


def save(t, name):
    (HERE / (name + ".json")).write_text(json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")


def charsmap_of(model):
    """Returns the field precompiled_charsmap (2) of the field normalizer_spec (3)."""
    def fields(data):
        at = 0
        def number():
            nonlocal at
            n = shift = 0
            while True:
                b = data[at]
                at += 1
                n |= (b & 127) << shift
                shift += 7
                if b < 128:
                    return n
        while at < len(data):
            tag = number()
            if tag & 7 == 0:
                number()
                continue
            size = 4 if tag & 7 == 5 else number()
            yield tag >> 3, data[at:at + size]
            at += size
    normalizer = next(data for number, data in fields(model) if number == 3)
    return next(data for number, data in fields(normalizer) if number == 2)


def tokenizer(path, change={}):
    """Returns the tokenizer of a file without its control tokens. change replaces settings of the file or of its model."""
    data = json.loads(pathlib.Path(path).read_text())
    data = {**data, **change, "model": {**data["model"], **change.get("model", {})}}
    names = {a["content"] for a in data["added_tokens"] if a["special"]}
    hidden = lambda s: "\U0010fffe" + s if s in names else s
    model = data["model"]
    if isinstance(model["vocab"], list):
        model["vocab"] = [[hidden(s), score] for s, score in model["vocab"]]
    else:
        model["vocab"] = {hidden(s): i for s, i in model["vocab"].items()}
    if model.get("unk_token"):
        model["unk_token"] = hidden(model["unk_token"])
    data["added_tokens"] = [a for a in data["added_tokens"] if not a["special"]]
    # The post-processors that change offsets stay, without their control tokens.
    post = data["post_processor"] or {}
    data["post_processor"] = data["truncation"] = data["padding"] = None
    for p in post.get("processors", [post]):
        if p.get("type") in ("ByteLevel", "RobertaProcessing"):
            data["post_processor"] = {"type": "ByteLevel", "use_regex": True, **{k: p[k] for k in ("trim_offsets", "add_prefix_space")}}
    return Tokenizer.from_str(json.dumps(data))


def tokens(t):
    """Returns a function from a text to its tokens with offsets in bytes."""
    def make(line):
        at = [0]
        for c in line:
            at.append(at[-1] + len(c.encode()))
        e = t.encode(line)
        return [f"{i}:{at[a]}:{at[b]}" for i, (a, b) in zip(e.ids, e.offsets)]
    return make


def sequences(path, change={}):
    """Returns a function from a text to its ids and type ids, with special tokens, alone and in a pair with a text before it."""
    data = json.loads(pathlib.Path(path).read_text())
    data = {**data, **change, "model": {**data["model"], **change.get("model", {})}, "truncation": None, "padding": None}
    t = Tokenizer.from_str(json.dumps(data))
    def make(line):
        a, b = t.encode(line), t.encode("and the text", line)
        return [" ".join(map(str, x)) for x in (a.ids, a.type_ids, b.ids, b.type_ids)]
    return make


def code_points(last):
    """Yields lines with all code points, joined in different ways."""
    points = [c for c in range(last) if not 0xD800 <= c < 0xE000]
    for i in range(0, len(points), 64):
        some = [chr(c) for c in points[i:i + 64]]
        yield " ".join(some)
        yield "".join("e" + c for c in some)
        yield "".join(some)


def without_new_scripts(lines):
    """Returns the lines without characters of scripts that were recently added to Unicode: the library's tables are older than Go's."""
    return (line for line in lines if not any(0x11000 <= ord(c) < 0x12000 or 0x870 <= ord(c) < 0x900 or 0x10780 <= ord(c) < 0x107C0 for c in line))


def old(lines):
    """Returns the lines without characters of recent versions of Unicode: the library does not know the categories of some of them."""
    scripts = [(0x500, 0x5FF), (0x61D, 0x61D), (0x700, 0x11FF), (0x1200, 0x1DFF), (0x2E00, 0x2E7F), (0xA000, 0xABFF), (0x10000, 0x1CFFF), (0x1E000, 0x1EFFF), (0x2EBF0, 0x2EE5F)]
    return (line for line in lines if not any(a <= ord(c) <= b for c in line for a, b in scripts))


def without_shifts(lines):
    """Returns the lines without characters that normalizers remove: the library's offsets after them are wrong in some cases."""
    return (line for line in lines if all(c in "\t\n\r" or c >= " " and not "\x7f" <= c < "\xa0" and c != "\u200b" for c in line))


def decodable(lines):
    """Returns the lines with only ASCII characters, which the small vocabularies all have, and no digits."""
    return (line for line in lines if line.isascii() and not any(c.isdigit() for c in line))


def mixed(seed, count):
    m = Mixed(seed)
    return (m.line() for _ in range(count))


REAL = ["data/sentencepiece/botchan.txt", "data/uci-sentiment/amazon_cells_labelled.txt", "data/wnut17/emerging.dev.conll",
        "data/scitldr/dev.jsonl", "data/restaurant8k/test.json"]


def cases(shared, models=None):
    """Yields the name of a case, a function from a text to ids or words, and lines."""
    if shared:
        flan = tokenizer(shared / "models/flan-t5-small/tokenizer.json")
        ids = lambda line: flan.encode(line).ids
        yield "flan-t5", ids, mixed(1, 25000)
        yield "flan-t5-points", ids, code_points(0x30000)
        yield "flan-t5-long", ids, [Mixed(2).long(1 << 20, True), Mixed(3).long(1 << 20, False), "a" * (1 << 20), " " * (1 << 20)]
        for name in REAL:
            yield "flan-t5:" + name, ids, (shared / name).read_bytes().decode().split("\n")
        for name in ("test_model", "test_ja_model"):
            p = sentencepiece.SentencePieceProcessor(model_file=str(shared / f"data/sentencepiece/{name}.model"))
            yield name, p.encode, mixed(4, 2000)
            yield name + ":" + REAL[0], p.encode, (shared / REAL[0]).read_bytes().decode().split("\n")
        p = sentencepiece.SentencePieceProcessor(model_file=str(shared / "models/flan-t5-small/spiece.model"))
        yield "spiece", p.encode, mixed(4, 2000)
    for name in ("unigram", "pieces", "llama3", "digits"):
        t = tokenizer(HERE / (name + ".json"))
        yield name + ".json", lambda line: t.encode(line).ids, mixed(5, 2000)
        yield "tokens:" + name + ".json", tokens(t), without_new_scripts(without_shifts(mixed(9, 3000)))
    yield "tokens:wordpiece.json", tokens(tokenizer(HERE / "wordpiece.json")), old(mixed(9, 3000))
    yield "sequences:wordpiece.json", sequences(HERE / "wordpiece.json"), old(mixed(10, 200))
    for folder in models and sorted(p.parent for p in models.rglob("tokenizer.json")) or []:
        yield "tokens:" + folder.name, tokens(tokenizer(folder / "tokenizer.json")), old(without_shifts(mixed(9, 10000)))
    for v in json.loads((HERE / "variants.json").read_text()):
        t = tokenizer(HERE / v["base"], v["set"])
        if v["base"] == "wordpiece.json":
            yield "tokens:" + v["name"], tokens(t), old(mixed(8, 1000))
            yield "sequences:" + v["name"], sequences(HERE / v["base"], v["set"]), old(mixed(10, 200))
            continue
        yield "variant:" + v["name"], lambda line: t.encode(line).ids, without_new_scripts(mixed(8, 1000))
        yield "tokens:" + v["name"], tokens(t), without_new_scripts(without_shifts(mixed(8, 1000)))
        yield "decoded:" + v["name"], lambda line: [t.decode(t.encode(line).ids).replace("\U0010fffe<unk>", "")], decodable(mixed(8, 1000))
    for name in ("unigram", "pieces"):
        p = sentencepiece.SentencePieceProcessor(model_file=str(HERE / (name + ".model")))
        yield name + ".model", p.encode, mixed(6, 2000)
    for name, split in SPLITS.items():
        yield "split:" + name, lambda line: [w for w, _ in split.pre_tokenize_str(line)], without_new_scripts(mixed(7, 4000))
        yield "split-points:" + name, lambda line: [w for w, _ in split.pre_tokenize_str(line)], code_points(0x3000)


def text_of(result):
    return " ".join(map(str, result)) if result and isinstance(result[0], int) else "\x00".join(map(str, result))


def goldens(shared, models):
    with open(HERE / "goldens.tsv", "w") as out:
        print(f"# made by make_json.py; tokenizers {tokenizers.__version__}, sentencepiece {sentencepiece.__version__}", file=out)
        for name, make, lines in cases(shared, models):
            digest, count = hashlib.sha256(), 0
            for line in lines:
                digest.update((text_of(make(line)) + "\n").encode())
                count += 1
                if count % PART == 0:
                    print(name, count, digest.hexdigest()[:16], sep="\t", file=out)
                    digest = hashlib.sha256()
            if count % PART:
                print(name, count, digest.hexdigest()[:16], sep="\t", file=out)


def show(name, first, last, shared):
    for other, make, lines in cases(shared):
        if other == name:
            for i, line in enumerate(lines):
                if first <= i < last:
                    print(i, json.dumps(line), json.dumps(text_of(make(line)).replace("\x00", "|")), sep="\t")


if __name__ == "__main__":
    if sys.argv[1] == "fixtures":
        fixtures(sys.argv[2])
    elif sys.argv[1] == "goldens":
        goldens(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        show(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), pathlib.Path(sys.argv[5]) if len(sys.argv) > 5 else None)
