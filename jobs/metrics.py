"""The published table of metrics, and their computation.

Each name has the scikit-learn function that defines it. Those on numbers and labels are computed here with numpy, to the same value
(held by tests), since importing scikit-learn costs two seconds; those on probabilities ask scikit-learn itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.predictions import BOTH, Predictions, classes_of

Floats = npt.NDArray[np.float64]


# Which function of sklearn.metrics defines each metric; where an average must be chosen, the name says which.
REGRESSION = {
    "r2": "r2_score",
    "explained_variance": "explained_variance_score",
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "median_ae": "median_absolute_error",
    "max_error": "max_error",
    "mape": "mean_absolute_percentage_error",
}
LABELS = {
    "accuracy": "accuracy_score",
    "balanced_accuracy": "balanced_accuracy_score",
    "f1_macro": "f1_score",
    "f1_weighted": "f1_score",
    "precision_macro": "precision_score",
    "recall_macro": "recall_score",
    "mcc": "matthews_corrcoef",
}
PROBABILITIES = {
    "roc_auc": "roc_auc_score",  # several classes: each against the rest, mean
    "average_precision": "average_precision_score",
    "log_loss": "log_loss",
    "brier": "brier_score_loss",
}
OPERATIONS = (
    *("latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "throughput_rows_s"),
    *("error_rate", "peak_memory_mb", "start_seconds"),
)


def regression(true: Floats, predicted: Floats) -> dict[str, float]:
    """Metrics of numbers against numbers, in the target's unit. At least one row. What cannot be told (r2 of one row) is left out."""
    error = true - predicted
    absolute, squares = np.abs(error), float(np.mean(error**2))
    found = {
        "rmse": float(np.sqrt(squares)),
        "mse": squares,
        "mae": float(absolute.mean()),
        "median_ae": float(np.median(absolute)),
        "mape": float(np.mean(absolute / np.maximum(np.abs(true), np.finfo(np.float64).eps))),
        "max_error": float(absolute.max()),
    }
    if len(true) > 1:
        found["r2"] = _share(float(np.sum(error**2)), float(np.sum((true - true.mean()) ** 2)))
        found["explained_variance"] = _share(float(np.var(error)), float(np.var(true)))
    return found


def _share(left: float, whole: float) -> float:
    """1 - left/whole; where the labels are all alike: 1 for perfect answers, else 0, as scikit-learn has it."""
    return 1 - left / whole if whole else float(left == 0)


def classification(true: npt.NDArray[np.object_], predicted: npt.NDArray[np.object_]) -> dict[str, float]:
    """Metrics of labels against labels (names). At least one row."""
    counts = Counts.of(true, predicted)
    weights = counts.true / counts.true.sum()
    return {
        "accuracy": counts.accuracy,
        "balanced_accuracy": float(counts.recall[counts.true > 0].mean()),
        "f1_macro": float(counts.f1.mean()),
        "f1_weighted": float((counts.f1 * weights).sum()),
        "precision_macro": float(counts.precision.mean()),
        "recall_macro": float(counts.recall.mean()),
        "mcc": counts.matthews,
    }


@dataclass(frozen=True)
class Counts:
    """How often each class was true, predicted, and both."""

    classes: tuple[str, ...]
    true: Floats
    predicted: Floats
    both: Floats
    codes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]  # true and predicted of each row, as positions in `classes`

    @classmethod
    def of(cls, true: npt.NDArray[np.object_], predicted: npt.NDArray[np.object_]) -> Counts:
        """Counted over the classes that occur on either side."""
        classes = classes_of([*set(true), *set(predicted)])
        at = {name: number for number, name in enumerate(classes)}
        left = np.array([at[name] for name in true], dtype=np.int64)
        right = np.array([at[name] for name in predicted], dtype=np.int64)
        size = len(classes)
        return cls(classes, _count(left, size), _count(right, size), _count(left[left == right], size), (left, right))

    def table(self, chosen: list[int]) -> npt.NDArray[np.int64]:
        """How often each chosen class (row) was taken for each chosen class (column)."""
        place = np.full(len(self.classes), -1)
        place[chosen] = np.arange(len(chosen))
        left, right = place[self.codes[0]], place[self.codes[1]]
        both = (left >= 0) & (right >= 0)
        return np.bincount(left[both] * len(chosen) + right[both], minlength=len(chosen) ** 2).reshape(len(chosen), -1)

    @property
    def accuracy(self) -> float:
        """The share of rows that are right."""
        return float(self.both.sum() / self.true.sum())

    @property
    def recall(self) -> Floats:
        """Of each class, the share that was found."""
        return _ratio(self.both, self.true)

    @property
    def precision(self) -> Floats:
        """Of each class, the share of what was taken for it that is."""
        return _ratio(self.both, self.predicted)

    @property
    def f1(self) -> Floats:
        """The harmonic mean of recall and precision, by class."""
        return _ratio(2 * self.both, self.true + self.predicted)

    @property
    def matthews(self) -> float:
        """Matthews' correlation, for any number of classes; 0 where it is not defined."""
        rows = self.true.sum()
        top = self.both.sum() * rows - (self.true * self.predicted).sum()
        below = (rows**2 - (self.true**2).sum()) * (rows**2 - (self.predicted**2).sum())
        return float(top / np.sqrt(below)) if below > 0 else 0.0


def _count(codes: npt.NDArray[np.int64], size: int) -> Floats:
    return np.bincount(codes, minlength=size).astype(np.float64)


def _ratio(top: Floats, below: Floats) -> Floats:
    return np.divide(top, below, out=np.zeros_like(top), where=below > 0)


def probability(true: npt.NDArray[np.object_], chances: Floats, classes: tuple[str, ...]) -> dict[str, float]:
    """Metrics of probabilities (rows x classes, in the order of `classes`). With one class only in the labels there are none."""
    present = [name for name in classes if name in set(true)]
    if len(present) < BOTH or set(true) - set(classes):
        return {}
    from sklearn import metrics as sk  # noqa: PLC0415 - two seconds, needed by few

    position = {name: at for at, name in enumerate(classes)}
    codes = np.array([position[name] for name in true])
    chances = chances / chances.sum(axis=1, keepdims=True)
    every = range(len(classes))
    found = {"log_loss": sk.log_loss(codes, chances, labels=every)}
    if len(classes) == BOTH:
        true_codes, scores = codes, chances[:, 1]
        found["brier"] = sk.brier_score_loss(codes, scores)
    else:
        seen = [position[name] for name in present]
        true_codes, scores = (codes[:, None] == np.array(seen)).astype(float), chances[:, seen]
        found["brier"] = sk.brier_score_loss(codes, chances, labels=every)
    found["roc_auc"] = sk.roc_auc_score(true_codes, scores, average="macro")
    found["average_precision"] = sk.average_precision_score(true_codes, scores, average="macro")
    return {name: float(value) for name, value in found.items()}


def of_labels(task: str, true: npt.NDArray[Any], found: Predictions) -> dict[str, float]:
    """All metrics that labels and predictions allow, over the rows that have both. None of them is NaN or infinite."""
    computed: dict[str, float] = {}
    if task == "regression":
        both = found.answered & np.isfinite(true)
        computed = regression(true[both], found.values[both]) if both.any() else {}
    elif task == "classification":
        both = found.answered & np.array([name is not None for name in true], dtype=bool)
        if both.any():
            computed = classification(true[both], found.values[both])
            computed |= probability(true[both], found.chances[both], found.classes) if found.chances is not None else {}
    return finite(computed)


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Without what is no finite number: the gate then says that the metric is missing."""
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}


def operations(times: list[float], rows: int, failed: int, seconds: float) -> dict[str, float]:
    """`times` in ms; throughput over all rows."""
    found: dict[str, float] = {"error_rate": failed / rows if rows else 1.0}
    if times:
        p50, p95, p99 = np.percentile(np.array(times), [50, 95, 99])
        found |= {"latency_p50_ms": round(p50, 3), "latency_p95_ms": round(p95, 3), "latency_p99_ms": round(p99, 3)}
    if seconds > 0:
        found["throughput_rows_s"] = round((rows - failed) / seconds, 3)
    return finite(found)
