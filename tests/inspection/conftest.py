"""Small bundles, written where a test wants them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.domain.bundle import Inspected
from shared.domain.manifest import SiteDefaults
from shared.inspection.inspect import inspect_path

SCORE = """\
import json
import os

import joblib
import numpy as np


def init():
    global model
    model = joblib.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.pkl"))


def run(data):
    return model.predict(np.array(json.loads(data)["data"])).tolist()
"""
CONDA = """\
name: diabetes
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip:
      - scikit-learn==1.7.2
      - azureml-inference-server-http
"""
MANIFEST = """\
submitter: ana@example.com
data: {reference: holdout.csv, target: y, task: regression}
kpis:
  - {metric: r2, min: 0.4}
"""
GOOD: dict[str, str | bytes | None] = {
    "score.py": SCORE,
    "conda.yml": CONDA,
    "manifest.yml": MANIFEST,
    "model.pkl": pickle.dumps({"coefficients": [1.0, 2.0]}),
    "holdout.csv": "age,bmi,y\n1,2,3\n",
}
Files = dict[str, str | bytes | None]


def write(folder: Path, files: Files) -> Path:
    for path, content in files.items():
        if content is not None:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def good() -> Files:
    """A bundle without a fault; a test changes one thing."""
    return dict(GOOD)


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Inspected]:
    """Write the good bundle with some files changed (None: left out), inspect it. `only`: these files and no others."""

    def inspected(changed: Files | None = None, *, only: Files | None = None, site: SiteDefaults | None = None, sets: tuple[str, ...] = ()):
        folder = tmp_path / "diabetes"
        folder.mkdir(exist_ok=True)
        write(folder, only if only is not None else {**GOOD, **(changed or {})})
        return inspect_path(folder, site=site or SiteDefaults(), overrides=sets)

    return inspected


@pytest.fixture
def codes(look: Callable[..., Inspected]) -> Callable[..., list[str]]:
    """The codes of all faults, worst first."""
    return lambda *args, **more: [fault.code for fault in look(*args, **more).faults]


@pytest.fixture
def fault(look: Callable[..., Inspected]):
    """The one fault with this code; its text is what a person reads."""

    def found(code: str, *args, **more):
        faults = look(*args, **more).faults
        matching = [each for each in faults if each.code == code]
        assert len(matching) == 1, f"{code} is not there once: {faults}"
        return matching[0]

    return found
