"""Writes sklearn.json: what scikit-learn fits on small data.

Made with Python 3, numpy and scikit-learn; versions are in the file.
python make.py > sklearn.json
"""
import json
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier

random = np.random.default_rng(7)
n, d, k = 150, 12, 5
centres = random.normal(size=(k, d))
y = random.integers(0, k, size=n)
x = centres[y] + random.normal(scale=1.6, size=(n, d)) + 3
x = np.round(x / np.linalg.norm(x, axis=1, keepdims=True), 5)
number = np.round(x @ random.normal(size=d) + random.normal(scale=0.1, size=n), 5)
several = [[int(i) for i in np.flatnonzero(row)] for row in random.random((n, k)) < 0.3 + 0.4 * (centres @ x.T > 0).T]
indicator = np.array([[i in row for i in range(k)] for row in several], dtype=int)
weights = np.where(y == 0, 3.0, 1.0)

out = {"sklearn": sklearn.__version__, "numpy": np.__version__, "x": x.tolist(), "y": y.tolist(), "number": number.tolist(), "several": several, "fits": []}
for c in (0.5, 20.0):
    m = LogisticRegression(C=c, tol=1e-9, max_iter=10000).fit(x, y)
    out["fits"].append({"c": c, "kind": "label", "probabilities": np.round(m.predict_proba(x[:20]), 6).tolist()})
    m = LogisticRegression(C=c, tol=1e-9, max_iter=10000).fit(x, y, sample_weight=weights * n / weights.sum())
    out["fits"].append({"c": c, "kind": "weights", "probabilities": np.round(m.predict_proba(x[:20]), 6).tolist()})
    m = OneVsRestClassifier(LogisticRegression(C=c, tol=1e-9, max_iter=10000)).fit(x, indicator)
    out["fits"].append({"c": c, "kind": "several", "probabilities": np.round(m.predict_proba(x[:20]), 6).tolist()})
    m = Ridge(alpha=1 / c, solver="cholesky").fit(x, number)
    out["fits"].append({"c": c, "kind": "number", "probabilities": np.round(m.predict(x[:20]), 6)[:, None].tolist()})
print(json.dumps(out))
