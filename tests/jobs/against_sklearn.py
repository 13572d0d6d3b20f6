"""Our metrics beside scikit-learn's on data of many kinds. Runs in the tools environment."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

MORE = {"f1_macro": "macro", "f1_weighted": "weighted", "precision_macro": "macro", "recall_macro": "macro"}


def numbers():
    rng = np.random.default_rng(7)
    for rows in (2, 3, 50, 1000):
        true = rng.normal(100, 30, rows)
        yield true, true + rng.normal(0, 10, rows)
    yield np.array([0.0, 1.0, -2.0, 3.0]), np.array([0.1, 0.9, -2.5, 3.0])  # a true value of zero
    yield np.array([1.0, 2.0, 3.0]), np.array([9.0, -9.0, 9.0])  # far off
    yield np.array([5.0, 5.0, 5.0]), np.array([5.0, 5.0, 5.0])  # labels all alike, answers right
    yield np.array([5.0, 5.0, 5.0]), np.array([4.0, 5.0, 6.0])  # labels all alike, answers wrong


def labels():
    rng = np.random.default_rng(8)
    for names in (("a", "b"), ("0", "1", "2"), tuple("abcdefghij")):
        true = rng.choice(names, 200)
        yield true, np.where(rng.random(200) < 0.7, true, rng.choice(names, 200))
    yield np.array(["a"] * 9 + ["b"]), np.array(["a"] * 10)  # a class never predicted
    yield np.array(["a", "a", "b"]), np.array(["a", "c", "b"])  # a class never true
    yield np.array(["a", "a"]), np.array(["b", "b"])  # nothing right
    yield np.array(["a", "a"]), np.array(["a", "a"])  # one class only


def chances():
    rng = np.random.default_rng(9)
    for names in (("no", "yes"), ("0", "1", "2"), ("0", "1", "2", "10")):
        raw = rng.random((120, len(names)))
        yield np.concatenate([np.array(names), rng.choice(names, 120 - len(names))]), raw / raw.sum(axis=1, keepdims=True), names


def of_numbers(name):
    from jobs import metrics

    theirs = getattr(sk, metrics.REGRESSION[name])
    return [(metrics.regression(true, predicted).get(name), float(theirs(true, predicted))) for true, predicted in numbers()]


def of_labels(name):
    from jobs import metrics

    theirs = getattr(sk, metrics.LABELS[name])
    more = {"average": MORE[name], "zero_division": 0} if name in MORE else {}
    found = []
    for true, predicted in labels():
        ours = metrics.classification(true.astype(object), predicted.astype(object))
        found.append((ours[name], float(theirs(true, predicted, **more))))
    return found


def of_chances(name):
    from jobs import metrics

    found = []
    for true, chance, names in chances():
        codes = np.array([names.index(one) for one in true])
        ours = metrics.probability(true.astype(object), chance, names)
        found.append((ours[name], _theirs(name, codes, chance)))
    return found


def _theirs(name, codes, chance):
    if name == "log_loss":
        return float(sk.log_loss(codes, chance))
    if name == "brier":
        return float(sk.brier_score_loss(codes, chance[:, 1] if chance.shape[1] == 2 else chance))
    if name == "roc_auc":
        return float(sk.roc_auc_score(codes, chance[:, 1]) if chance.shape[1] == 2 else sk.roc_auc_score(codes, chance, multi_class="ovr"))
    return float(sk.average_precision_score(codes, chance[:, 1] if chance.shape[1] == 2 else chance))
