# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["numpy==2.4.6", "scikit-learn==1.9.1"]
# ///
"""Trains the model, holds data out for its verification, and prints where the KPI limits in manifest.yml come from.

Run it with `uv run train.py`, or with any Python that has the packages above. The same versions give the same files.
"""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

HERE = Path(__file__).parent
TARGET = "disease_progression"
SEED = 0
METRICS = {"r2": "r2", "rmse": "neg_root_mean_squared_error"}


def fifths(target: np.ndarray) -> np.ndarray:
    """Which fifth of the range each value lies in, so that every split holds mild and severe cases alike."""
    return np.searchsorted(np.quantile(target, [0.2, 0.4, 0.6, 0.8]), target)


def load() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, features in their own units (years, kg/m2, mmHg, ...), and the progression one year later."""
    data = load_diabetes(scaled=False)
    return list(data.feature_names), data.data, data.target


def make_model() -> Pipeline:
    """The scaler travels inside the model: whoever sends raw units gets the right answer."""
    return make_pipeline(StandardScaler(), Ridge(alpha=10.0))


def cross_validation(features: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric on thirty folds. A fold has as many rows as are held out, so it spreads as the verdict would."""
    folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=10, random_state=SEED).split(features, fifths(target))
    found = cross_validate(make_model(), features, target, cv=folds, scoring=METRICS)
    return {name: abs(found[f"test_{name}"]) for name in METRICS}


def print_limits(found: dict[str, np.ndarray]) -> None:
    """Two standard deviations on the bad side of the mean: a model as good as this one nearly always holds them."""
    for name, values in found.items():
        mean, spread = values.mean(), values.std(ddof=1)
        rule, limit = ("min", mean - 2 * spread) if name == "r2" else ("max", mean + 2 * spread)
        print(f"cross-validation {name} {mean:.3f} +/- {spread:.3f}  ->  {rule}: {limit:.3f}")


def write_csv(path: Path, names: list[str], features: np.ndarray, target: np.ndarray) -> None:
    """One row a patient, the label last."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([*names, TARGET])
        rows.writerows([f"{value:g}" for value in row] for row in np.column_stack([features, target]))


def save(model: Pipeline, path: Path) -> None:
    """Write the model where score.py reads it."""
    path.write_bytes(pickle.dumps(model, protocol=5))


def main() -> None:
    """Hold a quarter out, look at the rest by cross-validation, then train on all of the rest."""
    names, features, target = load()
    train, held, train_target, held_target = train_test_split(features, target, test_size=0.25, random_state=SEED, stratify=fifths(target))
    print_limits(cross_validation(train, train_target))
    model = make_model().fit(train, train_target)
    print(f"held out: r2 {model.score(held, held_target):.3f} on {len(held)} rows")
    save(model, HERE / "model.pkl")
    write_csv(HERE / "holdout.csv", names, held, held_target)


if __name__ == "__main__":
    with threadpool_limits(1):  # one thread adds in one order: the same bits on every run
        main()
