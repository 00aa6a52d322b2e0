"""Writes peers.json: the results of other programs for the cases below.

    python3 -m venv v
    v/bin/pip install rouge-score==0.1.2 sacrebleu==2.6.0 scikit-learn==1.9.1 seqeval==1.2.2
    v/bin/python peers.py > peers.json
"""
import json
import random
import sys
from importlib.metadata import version

import numpy as np
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import binomtest
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.calibration import calibration_curve
from sklearn.metrics import (accuracy_score, brier_score_loss, confusion_matrix,
                             f1_score, precision_recall_fscore_support)

random.seed(5)
WORDS = "the cat sat on a mat while it rained and nobody in town had an umbrella to lend 42 co-op's".split()


def sentence(n):
    return " ".join(random.choice(WORDS) for _ in range(n))


def edited(text):
    out = []
    for word in text.split():
        r = random.random()
        if r < 0.15:
            continue
        out.append(random.choice(WORDS) if r < 0.3 else word.upper() if r < 0.35 else word)
    return " ".join(out) + random.choice(["", ".", "!", "  "])


texts = []
for n in [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 70, 90]:
    reference = sentence(n)
    texts.append({"reference": reference, "predicted": edited(reference)})
texts += [
    {"reference": "the cat sat on the mat", "predicted": "the cat sat on the mat"},
    {"reference": "police killed the gunman", "predicted": "police kill the gunman"},
    {"reference": "police killed the gunman", "predicted": "the gunman kill police"},
    {"reference": "nothing alike", "predicted": "xyz qrs"},
    {"reference": "a b c", "predicted": ""},
]
rouge = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
chrf = sacrebleu.CHRF()
for t in texts:
    s = rouge.score(t["reference"], t["predicted"])
    t["rouge"] = [s[k].fmeasure for k in ("rouge1", "rouge2", "rougeL")]
    t["chrf"] = chrf.sentence_score(t["predicted"], [t["reference"]]).score / 100
# chrF is not only for ASCII.
foreign = [
    {"reference": "Der schnelle braune Fuchs springt über den faulen Hund.", "predicted": "Der flinke braune Fuchs sprang über den Hund."},
    {"reference": "敏捷的棕色狐狸跳过懒狗", "predicted": "棕色的狐狸跳过了懒狗"},
    {"reference": "سريع الثعلب البني يقفز", "predicted": "الثعلب البني السريع يقفز"},
]
for t in foreign:
    t["chrf"] = chrf.sentence_score(t["predicted"], [t["reference"]]).score / 100
corpus = chrf.corpus_score([t["predicted"] for t in texts + foreign], [[t["reference"] for t in texts + foreign]]).score / 100

names = ["billing", "delivery", "product"]
gold = [random.choice(names) for _ in range(120)]
predicted = [g if random.random() < 0.7 else random.choice(names + ["other", ""]) for g in gold]
p, r, f, _ = precision_recall_fscore_support(gold, predicted, labels=names, zero_division=0)
labels = {
    "gold": gold, "predicted": predicted,
    "accuracy": accuracy_score(gold, predicted),
    "macro_f1": f1_score(gold, predicted, labels=names, average="macro"),
    "precision": list(p), "recall": list(r), "f1": list(f),
    # Rows of gold; columns as the Go code orders them.
    "confusion": confusion_matrix(gold, predicted, labels=names + ["other", ""])[:3].tolist(),
}

probability = [round(random.random(), 3) for _ in range(200)]
right = [random.random() < q ** 1.5 for q in probability]
true, mean = calibration_curve(right, probability, n_bins=10)
calibration = {
    "right": right, "probability": probability, "accuracy": list(true), "confidence": list(mean),
    "brier": brier_score_loss(right, probability),
    # No peer of these has it: from the definition, over scikit-learn's bins.
    "error": float(np.sum(np.abs(true - mean) * np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], probability))) / len(right)),
}

# Spans as tags of characters, for seqeval and scikit-learn.
spans = []
gold_tags, predicted_tags = [], []


def tags(row, length):
    out = ["O"] * length
    for s in row:
        out[s["start"]] = "B-" + s["label"]
        for i in range(s["start"] + 1, s["end"]):
            out[i] = "I-" + s["label"]
    return out


for _ in range(40):
    rows = {"gold": [], "predicted": []}
    at = 0
    for _ in range(random.randrange(4)):
        at += random.randrange(1, 6)
        s = {"label": random.choice(["PER", "LOC"]), "start": at, "end": at + random.randrange(1, 7)}
        at = s["end"]
        rows["gold"].append(s)
        q = dict(s)
        chance = random.random()
        if chance < 0.2:
            continue
        if chance < 0.4 and q["end"] - q["start"] > 1:
            q["end"] -= 1
        elif chance < 0.5:
            q["label"] = "LOC"
        rows["predicted"].append(q)
    spans.append(rows)
    gold_tags.append(tags(rows["gold"], at + 1))
    predicted_tags.append(tags(rows["predicted"], at + 1))
flat_gold = [x[2:] for row in gold_tags for x in row]
flat_predicted = [x[2:] for row in predicted_tags for x in row]
partial = precision_recall_fscore_support(flat_gold, flat_predicted, labels=["PER", "LOC"], average="micro")

json.dump({
    "versions": {name: version(name) for name in ("rouge-score", "sacrebleu", "scikit-learn", "seqeval", "scipy", "numpy")},
    "texts": texts, "foreign": foreign, "corpus_chrf": corpus, "labels": labels, "calibration": calibration,
    "spans": {
        "rows": spans,
        "exact_f1": seqeval_f1(gold_tags, predicted_tags, mode="strict", scheme=IOB2),
        "per_f1": seqeval_f1([[x if x.endswith("PER") else "O" for x in row] for row in gold_tags],
                             [[x if x.endswith("PER") else "O" for x in row] for row in predicted_tags], mode="strict", scheme=IOB2),
        "partial": list(partial[:3]),
    },
    "mcnemar": [{"a": a, "b": b, "p": binomtest(a, a + b).pvalue if a + b else 1.0} for a, b in
                [(0, 0), (1, 0), (5, 5), (10, 2), (59, 6), (121, 59), (0, 40), (700, 600)]],
    "quantiles": [{"q": q, "value": float(np.quantile([1, 2, 4, 8, 16, 32.5], q))} for q in (0, 0.025, 0.3, 0.5, 0.975, 1)],
}, sys.stdout, indent=1, ensure_ascii=False)
print()
