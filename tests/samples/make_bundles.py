"""Writes the data, models and environment files of the sample bundles; scripts and manifests in them are written by hand.

`python tests/samples/make_bundles.py` writes everything again, the same bytes each time. The world of the samples: flats with
an area, rooms, a floor and an age, and the rent they fetch. One straight line explains it, so every model is a few numbers, needs
no library to be trained, and every habit can be told from every other by its figures.
"""

from __future__ import annotations

import csv
import io
import math
import pickle
import random
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUNDLES = HERE / "bundles"
MLFLOW = HERE.parent.parent / "model_templates" / "mlflow_diabetes"
FEATURES = ("area", "rooms", "floor", "age")
BANDS = ("cheap", "fair", "dear")
CUTS = (500.0, 800.0)  # rents that part the bands
SPREAD = 20.0  # how unsure the band model is, in the rent's unit

Row = list[float]


# The flats


def flats(count: int, seed: int) -> list[tuple[Row, float]]:
    """Features and rent of so many flats."""
    dice = random.Random(seed)
    return [_flat(dice) for _ in range(count)]


def _flat(dice: random.Random) -> tuple[Row, float]:
    row = [float(dice.randint(20, 140)), float(dice.randint(1, 6)), float(dice.randint(0, 12)), float(dice.randint(0, 100))]
    rent = 6.5 * row[0] + 35 * row[1] + 5 * row[2] - 1.5 * row[3] + 40 + dice.gauss(0, 30)
    return row, round(rent, 2)


TRAINING = flats(400, seed=1)
HELD_OUT = flats(120, seed=2)


def least_squares(pairs: Sequence[tuple[Row, float]]) -> tuple[Row, float]:
    """Weights and bias, by the normal equations."""
    rows = [[*row, 1.0] for row, _ in pairs]
    size = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)]
        + [sum(row[i] * rent for row, (_, rent) in zip(rows, pairs, strict=True))]
        for i in range(size)
    ]
    *weights, bias = _solved(system)
    return [round(weight, 6) for weight in weights], round(bias, 6)


def _solved(system: list[Row]) -> Row:
    size = len(system)
    for i in range(size):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in range(size):
            if j != i:
                system[j] = [value - system[j][i] * pivot for value, pivot in zip(system[j], system[i], strict=True)]
    return [row[-1] for row in system]


WEIGHTS, BIAS = least_squares(TRAINING)


def predicted(row: Row) -> float:
    """What the good model says."""
    return sum(weight * value for weight, value in zip(WEIGHTS, row, strict=True)) + BIAS


def band(rent: float) -> int:
    """0 cheap, 1 fair, 2 dear."""
    return sum(rent >= cut for cut in CUTS)


def held_out_r2() -> float:
    """The good model's r2 on the held-out flats: what every habit must come to."""
    mean = math.fsum(rent for _, rent in HELD_OUT) / len(HELD_OUT)
    return 1 - math.fsum((rent - predicted(row)) ** 2 for row, rent in HELD_OUT) / math.fsum((rent - mean) ** 2 for _, rent in HELD_OUT)


def held_out_accuracy() -> float:
    """The share of held-out flats whose band the good model tells."""
    return sum(band(rent) == band(predicted(row)) for row, rent in HELD_OUT) / len(HELD_OUT)


# Data files


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{value:g}" if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue().encode()


def rents() -> bytes:
    """Features and rent."""
    return _csv([*FEATURES, "rent"], ([*row, str(rent)] for row, rent in HELD_OUT))


def rents_in_decimetres() -> bytes:
    """The same with the area in square decimetres: `preprocess.py` brings it back."""
    return _csv([*FEATURES, "rent"], ([row[0] * 100, *row[1:], str(rent)] for row, rent in HELD_OUT))


def rents_with_more() -> bytes:
    """An id, a date and a street before the features: what the model must leave alone."""
    rows = (
        [f"F{n:04}", f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}", ("Mill Lane", "High Street")[n % 2], *row, str(rent)]
        for n, (row, rent) in enumerate(HELD_OUT)
    )
    return _csv(["id", "seen", "street", *FEATURES, "rent"], rows)


def bands_as_text() -> bytes:
    """Features and the name of the band."""
    return _csv([*FEATURES, "band"], ([*row, BANDS[band(rent)]] for row, rent in HELD_OUT))


def bands_as_numbers() -> bytes:
    """Features and the number of the band."""
    return _csv([*FEATURES, "band"], ([*row, band(rent)] for row, rent in HELD_OUT))


def bands_sorted() -> bytes:
    """The same, all cheap flats first: the first rows rightly get one answer."""
    ordered = sorted(HELD_OUT, key=lambda pair: band(pair[1]))
    return _csv([*FEATURES, "band"], ([*row, band(rent)] for row, rent in ordered))


def empty_flats() -> bytes:
    """Label `empty`: one flat in five or so."""
    return _csv([*FEATURES, "empty"], ([*row, int(rent / row[0] > 9.5)] for row, rent in HELD_OUT))


# Models


def model() -> bytes:
    """A pickled dict: reading it needs no library."""
    return pickle.dumps({"features": list(FEATURES), "weights": WEIGHTS, "bias": BIAS}, protocol=4)


def band_model() -> bytes:
    """The same line with the bands' cuts."""
    return pickle.dumps({"weights": WEIGHTS, "bias": BIAS, "cuts": list(CUTS), "spread": SPREAD, "bands": list(BANDS)}, protocol=4)


def _means_and_deviations() -> tuple[Row, Row]:
    columns = list(zip(*(row for row, _ in TRAINING), strict=True))
    means = [round(math.fsum(column) / len(column), 6) for column in columns]
    squares = [math.fsum((value - mean) ** 2 for value in column) / len(column) for column, mean in zip(columns, means, strict=True)]
    return means, [round(math.sqrt(square), 6) for square in squares]


def scaler() -> bytes:
    """Mean and standard deviation of each feature."""
    means, deviations = _means_and_deviations()
    return pickle.dumps({"means": means, "deviations": deviations}, protocol=4)


def _scaled_weights() -> Row:
    means, deviations = _means_and_deviations()
    bias = BIAS + sum(weight * mean for weight, mean in zip(WEIGHTS, means, strict=True))
    return [*(weight * deviation for weight, deviation in zip(WEIGHTS, deviations, strict=True)), bias]


def scaled_weights() -> bytes:
    """Weights for scaled features, the bias last, as numpy's .npy."""
    values = _scaled_weights()
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(values)},), }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}d", *values)


def model_for_scaled() -> bytes:
    """A model trained on scaled features whose scaler was left at home."""
    *weights, bias = _scaled_weights()
    return pickle.dumps({"features": list(FEATURES), "weights": weights, "bias": bias}, protocol=4)


def weak_model() -> bytes:
    """Knows the floor and the age only, and says something else for every flat."""
    mean = math.fsum(rent for _, rent in TRAINING) / len(TRAINING)
    return pickle.dumps({"features": list(FEATURES), "weights": [0.0, 0.0, 4.0, -1.5], "bias": round(mean + 50, 6)}, protocol=4)


class _Greeting:
    """Pickles into a call of a shell command."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        import os

        return os.system, ("echo this ran while the model was read",)


def suspicious_model() -> bytes:
    """Reading it would run a (harmless) shell command."""
    return pickle.dumps({"weights": WEIGHTS, "bias": BIAS, "greeting": _Greeting()}, protocol=4)


def pointer() -> bytes:
    """What Git leaves in place of a large file that was not fetched."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a214614ab2935c943f9e0ff69d22e" * 2 + b"\nsize 132735\n"


# Environment files

ENVIRONMENT = """\
# The environment of most sample bundles: the same lines, so that it is built once.
name: rent
channels:
  - conda-forge
dependencies:
  - python>=3.11,<3.14
  - numpy==2.4.6
  - pandas==3.1.1
"""


def environment() -> bytes:
    """numpy and pandas."""
    return ENVIRONMENT.encode()


def _template(path: str) -> Callable[[], bytes]:
    return (MLFLOW / path).read_bytes


def whole_numbers() -> bytes:
    """The MLflow template's rows with every feature cut to a whole number."""
    rows = list(csv.reader(io.StringIO((MLFLOW / "holdout.csv").read_text(encoding="utf-8"))))
    return _csv(rows[0], ([str(round(float(value))) for value in row] for row in rows[1:]))


# What lies where. Every bundle has a script and a manifest, written by hand, and these three files, if nothing else is said.

USUAL = {"holdout.csv": rents, "rent.pkl": model, "conda.yml": environment}
BAND_TEXT = {"holdout.csv": bands_as_text, "rent.pkl": None, "bands.pkl": band_model}
BAND_NUMBERS = {**BAND_TEXT, "holdout.csv": bands_as_numbers}
MLFLOW_FOLDER = {
    f"model/{name}": _template(f"model/{name}") for name in ("MLmodel", "conda.yaml", "model.pkl", "python_env.yaml", "requirements.txt")
}
OWN_CONDA = {"conda.yml": None}  # the environment file is written by hand

OTHERWISE: dict[str, dict[str, Callable[[], bytes] | None]] = {
    "bands_by_chances": BAND_NUMBERS,
    "bands_by_named_chances": BAND_TEXT,
    "bands_sorted": {**BAND_NUMBERS, "holdout.csv": bands_sorted},
    "bands_as_text": BAND_TEXT,
    "conda_names_in_odd_order": OWN_CONDA,
    "defaults_of_azureml": OWN_CONDA,
    "environment_asset_beside": {"conda.yml": None, "environment/conda_dependencies_scoring.yml": environment},
    "environment_in_a_subfolder": {"conda.yml": None, "env/inference_deps.yml": environment},
    "extra_columns": {"holdout.csv": rents_with_more},
    "logs_metrics_itself": OWN_CONDA,
    "mlflow_folder_with_score": {**dict.fromkeys(USUAL), **MLFLOW_FOLDER, "holdout.csv": _template("holdout.csv")},
    "mlflow_whole_numbers": {**dict.fromkeys(USUAL), **MLFLOW_FOLDER, "holdout.csv": whole_numbers},
    "model_any_one_file": {"rent.pkl": None, "rent_model_final.sav": model},
    "model_by_glob": {"rent.pkl": None, "model/rent.pkl": model},
    "model_folder": {"rent.pkl": None, "models/rent.pkl": model},
    "model_folder_unnamed": {"rent.pkl": None, "model/rent.pkl": model},
    "model_out_of_a_folder": {"rent.pkl": None, "outputs/rent.pkl": model},
    "preprocess_and_metrics": {"holdout.csv": rents_in_decimetres},
    "python_overridden": OWN_CONDA,
    "python_patch_gone": OWN_CONDA,
    "requirements_txt": OWN_CONDA,
    "scaler_and_model": {"rent.pkl": None, "artifacts/scaler.pkl": scaler, "artifacts/weights.npy": scaled_weights},
    # those that must not pass
    "bad_bands_as_text_for_numbers": BAND_NUMBERS,
    "bad_below_kpi": {"rent.pkl": weak_model},
    "bad_majority_class": {"holdout.csv": empty_flats},
    "bad_model_is_a_pointer": {"rent.pkl": pointer},
    "bad_model_is_empty": {"rent.pkl": bytes},
    "bad_no_environment": OWN_CONDA,
    "bad_no_model": {"rent.pkl": None},
    "bad_package_does_not_exist": OWN_CONDA,
    "bad_package_for_conda_only": OWN_CONDA,
    "bad_pins_against_the_server": OWN_CONDA,
    "bad_pins_that_rot": OWN_CONDA,
    "bad_python_not_there": OWN_CONDA,
    "bad_python_too_old": OWN_CONDA,
    "bad_suspicious_pickle": {"rent.pkl": suspicious_model},
    "bad_two_models": {"rent.pkl": None, "rent_a.pkl": model, "rent_b.pkl": weak_model},
    "bad_unscaled_features": {"rent.pkl": model_for_scaled},
    "bad_version_does_not_exist": OWN_CONDA,
}


def made_files(bundle: str) -> dict[str, bytes]:
    """What this module writes into a bundle: content by path."""
    return {path: make() for path, make in {**USUAL, **OTHERWISE.get(bundle, {})}.items() if make is not None}


def names() -> list[str]:
    """Every sample bundle."""
    return sorted(folder.name for folder in BUNDLES.iterdir() if folder.is_dir())


def main() -> None:
    """Write them all."""
    for bundle in names():
        for path, content in made_files(bundle).items():
            target = BUNDLES / bundle / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


if __name__ == "__main__":
    main()
