"""Metrics against scikit-learn's own, and the published names."""

from __future__ import annotations

import math

import pytest

from shared.domain.metrics import METRICS
from tests.jobs.asking import names, numbers

LABEL_METRICS = ["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "precision_macro", "recall_macro", "mcc"]
NUMBER_METRICS = ["r2", "explained_variance", "rmse", "mse", "mae", "median_ae", "max_error", "mape"]
CHANCE_METRICS = ["roc_auc", "average_precision", "log_loss", "brier"]


@pytest.mark.parametrize("name", NUMBER_METRICS)
def test_a_regression_metric_is_scikit_learns(inside, name):
    for ours, theirs in inside("against_sklearn.of_numbers", name):
        assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("name", LABEL_METRICS)
def test_a_classification_metric_is_scikit_learns(inside, name):
    for ours, theirs in inside("against_sklearn.of_labels", name):
        assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("name", CHANCE_METRICS)
def test_a_probability_metric_is_scikit_learns(inside, name):
    for ours, theirs in inside("against_sklearn.of_chances", name):
        assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


def test_every_published_metric_is_measured_and_no_other(inside):
    listed = [*NUMBER_METRICS, *LABEL_METRICS, *CHANCE_METRICS, *inside("published", "OPERATIONS")]
    assert sorted(listed) == sorted(METRICS)


@pytest.mark.parametrize(("group", "mine"), [("REGRESSION", NUMBER_METRICS), ("LABELS", LABEL_METRICS), ("PROBABILITIES", CHANCE_METRICS)])
def test_the_tested_names_are_all_there_are(inside, group, mine):
    assert sorted(inside("published", group)) == sorted(mine)


def test_one_row_has_no_r2(inside):
    assert "r2" not in inside("jobs.metrics.regression", numbers(1.0), numbers(2.0))


def test_labels_of_one_class_have_no_probability_metrics(inside):
    assert inside("jobs.metrics.probability", names("a", "a"), {"$": ["numbers", [[0.5, 0.5], [0.9, 0.1]]]}, ["a", "b"]) == {}


def test_what_is_not_finite_is_left_out(inside):
    assert inside("jobs.metrics.finite", {"good": 1.0, "bad": math.nan, "worse": math.inf}) == {"good": 1.0}


def test_percentiles_are_those_of_the_times(inside):
    found = inside("jobs.metrics.operations", [float(n) for n in range(1, 101)], 10, 0, 2.0)
    assert (found["latency_p50_ms"], found["latency_p95_ms"], found["latency_p99_ms"]) == (50.5, 95.05, 99.01)


def test_throughput_and_error_rate_count_answered_rows(inside):
    found = inside("jobs.metrics.operations", [], 10, 4, 2.0)
    assert (found["throughput_rows_s"], found["error_rate"]) == (3.0, 0.4)
