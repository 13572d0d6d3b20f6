"""The published table of metrics: every name that a KPI may hold a model against and that is measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric. `scorer` is scikit-learn's scorer behind it; a `neg_` in its name is turned round, so errors are positive here."""

    name: str
    direction: Literal["higher", "lower", "none"]  # which is better
    unit: str  # "1": a pure number; "target": the target's own unit
    task: Literal["regression", "classification", "operations"]
    scorer: str | None
    meaning: str


_TABLE = (
    Metric(
        "r2",
        "higher",
        "1",
        "regression",
        "r2",
        "Share of the target's variance that the model explains; 0 is as good as always saying the mean.",
    ),
    Metric("explained_variance", "higher", "1", "regression", "explained_variance", "Like r2, but a constant error does not count."),
    Metric(
        "rmse", "lower", "target", "regression", "neg_root_mean_squared_error", "Root of the mean squared error: large errors count more."
    ),
    Metric("mse", "lower", "target²", "regression", "neg_mean_squared_error", "Mean squared error."),
    Metric("mae", "lower", "target", "regression", "neg_mean_absolute_error", "Mean absolute error."),
    Metric(
        "median_ae", "lower", "target", "regression", "neg_median_absolute_error", "Median absolute error: half of all rows are closer."
    ),
    Metric("max_error", "lower", "target", "regression", "neg_max_error", "Largest absolute error of any row."),
    Metric(
        "mape",
        "lower",
        "1",
        "regression",
        "neg_mean_absolute_percentage_error",
        "Mean absolute error as a share of the true value; 0.1 is 10 %.",
    ),
    Metric("accuracy", "higher", "1", "classification", "accuracy", "Share of rows with the right class."),
    Metric(
        "balanced_accuracy",
        "higher",
        "1",
        "classification",
        "balanced_accuracy",
        "Mean over the classes of the share found; rare classes count as much.",
    ),
    Metric("f1_macro", "higher", "1", "classification", "f1_macro", "Mean over the classes of the balance of precision and recall."),
    Metric("f1_weighted", "higher", "1", "classification", "f1_weighted", "Like f1_macro, each class weighted by its rows."),
    Metric(
        "precision_macro",
        "higher",
        "1",
        "classification",
        "precision_macro",
        "Mean over the classes of the share of right answers among those given.",
    ),
    Metric("recall_macro", "higher", "1", "classification", "recall_macro", "Mean over the classes of the share of rows that were found."),
    Metric("mcc", "higher", "1", "classification", "matthews_corrcoef", "Matthews correlation of true and given classes; 0 is chance."),
    Metric(
        "roc_auc",
        "higher",
        "1",
        "classification",
        "roc_auc",
        "Chance that a positive row gets a higher score than a negative one; needs probabilities.",
    ),
    Metric(
        "average_precision", "higher", "1", "classification", "average_precision", "Area under precision over recall; needs probabilities."
    ),
    Metric(
        "log_loss", "lower", "1", "classification", "neg_log_loss", "How surprised the probabilities are by the truth; needs probabilities."
    ),
    Metric("brier", "lower", "1", "classification", "neg_brier_score", "Mean squared error of the probabilities; needs probabilities."),
    Metric("latency_p50_ms", "lower", "ms", "operations", None, "Half of all requests were answered within this time."),
    Metric("latency_p95_ms", "lower", "ms", "operations", None, "95 of 100 requests were answered within this time."),
    Metric("latency_p99_ms", "lower", "ms", "operations", None, "99 of 100 requests were answered within this time."),
    Metric("throughput_rows_s", "higher", "rows/s", "operations", None, "Rows scored a second, all requests together."),
    Metric("error_rate", "lower", "1", "operations", None, "Share of rows without a usable answer."),
    Metric("peak_memory_mb", "lower", "MB", "operations", None, "Most memory that the serving processes held at once."),
    Metric("start_seconds", "lower", "s", "operations", None, "From start to first answer of the server, init included."),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
