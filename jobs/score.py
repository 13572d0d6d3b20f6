"""Scoring: predictions of every row, then metrics, plots and the submitter's own figures; everything a release's verdict rests on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from jobs import columns, in_process, metrics, mini_batches, plots, predictions, scoring, user_figures
from jobs.child import peak_memory_mb
from jobs.data import Table
from jobs.faults import Fault, JobFault, fault, refusal
from jobs.files import read_json, whole, write_json
from jobs.finder import Found
from jobs.over_http import Ask, Endpoint
from jobs.predictions import Predictions, label
from jobs.sample import Sample
from jobs.smoke import Reasons, find_shape, report, the_fault
from jobs.spec import Spec
from jobs.values import column_values


@dataclass
class Outcome:
    """What asking for all rows gave: the shape, the rows, single-row times, what operations measured, and what to tell."""

    request: str
    walk: scoring.Walk
    times: list[float] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    notes: list[Fault] = field(default_factory=list)


def score(spec: Spec, table: Table, sample: Sample, sha256: str) -> dict[str, Any]:
    """Score everything; results go to `predictions.parquet`, `plots/`, and last `metrics.json`. Returns the answer to the command."""
    began = time.monotonic()
    outcome = _asked(spec, table, sample)
    _refuse_if_nothing_answered(outcome.walk, spec)
    true = _truth(table, spec)
    found = _settled(spec, outcome.walk.items, true)
    _write_predictions(spec.out / "predictions.parquet", true, found, outcome.walk)
    reported, notes = _reported(spec, table, true, found)
    drawn = _drawn(spec, true, found)
    notes = [*table.notes, *outcome.notes, *found.notes, *_row_notes(outcome.walk, true), *notes]
    result = {
        "metrics": _metrics(spec, true, found, outcome),
        "reported": reported,
        "rows": len(outcome.walk.items),
        "failed_rows": int((~found.answered).sum()),
        "failed_samples": outcome.walk.samples,
        "data": {"sha256": sha256, "rows": len(outcome.walk.items), "columns": len(table.features) + (true is not None)},
        "request": outcome.request,
        "body_rows": outcome.walk.body_rows,
        "plots": drawn,
        "notes": notes,
        "seconds": round(time.monotonic() - began, 3),
    }
    write_json(spec.out / "metrics.json", {**result, **spec.stamp, "ok": True, "faults": []})
    return {"ok": True, "faults": [], "request": outcome.request, "rows": result["rows"], "failed_rows": result["failed_rows"]}


def _asked(spec: Spec, table: Table, sample: Sample) -> Outcome:
    log = spec.out / "logs" / "score.log"
    if spec.endpoint is not None:
        return _over_http(spec, table, sample)
    if spec.in_process is not None and spec.in_process.get("style") == "batch":
        request, walk = mini_batches.score(spec, table, log)
        return Outcome(request, walk, measured=_numbers(in_process.measures(spec)))
    with in_process.LoadedModel(spec, log) as model:
        outcome = _questions(spec, table, sample, model.ask, 1)
        outcome.measured = _numbers(model.finish())
    return outcome


def _over_http(spec: Spec, table: Table, sample: Sample) -> Outcome:
    ask = Endpoint(spec.endpoint or "", spec.request_seconds).ask
    outcome = _questions(spec, table, sample, ask, spec.concurrency)
    measured = {"start_seconds": spec.start_seconds, "peak_memory_mb": peak_memory_mb(spec.server_pid)}
    outcome.measured = _numbers(measured)
    return outcome


def _questions(spec: Spec, table: Table, sample: Sample, ask: Ask, concurrency: int) -> Outcome:
    """Find the shape unless it is known, take the time of single rows, then ask for all."""
    shape = spec.shape or _shape_of(spec, find_shape(spec, sample, ask))
    asker = scoring.Asker(shape, table.features, ask, sample.known, Reasons(spec.serve_out).newest)
    times = scoring.latencies(sample, asker)
    return Outcome(shape, scoring.walk(table, asker, scoring.rows_a_body(sample, shape, spec.batch_rows), concurrency), times)


def _shape_of(spec: Spec, found: Found) -> str:
    if found.request is None:
        raise JobFault(the_fault(spec, found))
    write_json(spec.out / "smoke.json", {**report(found), **spec.stamp, "ok": True, "faults": []})
    return found.request


def _numbers(measured: dict[str, Any]) -> dict[str, float]:
    return {name: round(float(measured[name]), 3) for name in ("start_seconds", "peak_memory_mb") if measured.get(name) is not None}


def _refuse_if_nothing_answered(walk: scoring.Walk, spec: Spec) -> None:
    if len(walk.errors) == len(walk.items):
        reason = walk.errors[min(walk.errors)] if walk.errors else "there were no rows"
        raise refusal(
            "MG507",
            f"Not one of {len(walk.items)} rows was answered: {reason}",
            "See logs/score.log for the first reasons.",
            file=spec.scoring,
        )


def _truth(table: Table, spec: Spec) -> npt.NDArray[Any] | None:
    """The true labels: numbers (NaN: missing) for regression, else names (None: missing); None without a target."""
    column = table.labels()
    if column is None:
        return None
    if spec.task == "regression":
        return _true_numbers(column, table, spec)
    return np.array([label(value) for value in column_values(column.combine_chunks())], dtype=object)


def _true_numbers(column: pa.ChunkedArray, table: Table, spec: Spec) -> npt.NDArray[np.float64]:
    found = predictions.numbers(column_values(column.combine_chunks()))
    if not found.answered.any():
        text = f"The label column {spec.target!r} holds no numbers, as task: regression needs"
        raise refusal("MG506", text, "Set data.target to the right column, or task: classification.", file=table.files[0].name)
    return np.where(found.answered, found.values, np.nan)


def _settled(spec: Spec, items: list[Any], true: npt.NDArray[Any] | None) -> Predictions:
    if spec.task == "regression":
        return predictions.numbers(items)
    if spec.task == "classification":
        return predictions.labels_of(items, () if true is None else list(true))
    return predictions.as_they_are(items)


def _write_predictions(path: Path, true: npt.NDArray[Any] | None, found: Predictions, walk: scoring.Walk) -> None:
    """row, y_true (with a target), y_pred, p_<class> (with probabilities), error."""
    made: dict[str, Any] = {"row": columns.numbers(np.arange(len(walk.items)))}
    if true is not None:
        made["y_true"] = columns.column(true)
    made["y_pred"] = columns.column(found.values)
    for at, name in enumerate(found.classes if found.chances is not None else ()):
        made[f"p_{name}"] = columns.numbers(found.chances[:, at])
    made["error"] = columns.texts([walk.errors.get(row) for row in range(len(walk.items))])
    with whole(path) as temporary:
        pq.write_table(pa.table(made), temporary)


def _reported(spec: Spec, table: Table, true: npt.NDArray[Any] | None, found: Predictions) -> tuple[dict[str, float], list[Fault]]:
    """Figures of the submitter's own code: logged while answering, and those of `metrics.py`, which sees predictions that stand."""
    folder = spec.serve_out or (Path(spec.in_process["out"]) if spec.in_process and spec.in_process.get("out") else None)
    logged = user_figures.figures(read_json(folder / "reported.json")) if folder else {}
    if true is None or spec.metrics is None:
        return logged, []
    computed, notes = user_figures.reported_by_metrics(spec, table, true, found.values, _both(true, found))
    return logged | computed, notes


def _both(true: npt.NDArray[Any], found: Predictions) -> npt.NDArray[np.bool_]:
    labelled = np.isfinite(true) if true.dtype.kind == "f" else np.array([name is not None for name in true], dtype=bool)
    return found.answered & labelled


def _drawn(spec: Spec, true: npt.NDArray[Any] | None, found: Predictions) -> list[str]:
    if true is None:
        return []
    return plots.draw(spec.out / "plots", spec.task, true, found)


def _row_notes(walk: scoring.Walk, true: npt.NDArray[Any] | None) -> list[Fault]:
    notes = []
    if walk.errors:
        first = walk.samples[0]
        text = f"{len(walk.errors)} of {len(walk.items)} rows were not answered, the first is row {first['row']}: {first['reason']}"
        notes.append(fault("MG508", text, "Metrics are those of the answered rows; error_rate tells the rest.", severity="warning"))
    missing = 0 if true is None else int(sum(value is None or value != value for value in true))  # noqa: PLR0124 - NaN
    if missing:
        notes.append(
            fault(
                "MG523",
                f"{missing} rows have no label and are left out of the metrics",
                "Give every row of the data a label.",
                severity="warning",
            )
        )
    return notes


def _metrics(spec: Spec, true: npt.NDArray[Any] | None, found: Predictions, outcome: Outcome) -> dict[str, float]:
    walk = outcome.walk
    rows, failed = len(walk.items), int((~found.answered).sum())
    labels = {} if true is None else metrics.of_labels(spec.task, true, found)
    return labels | metrics.operations(outcome.times, rows, failed, walk.seconds) | metrics.finite(outcome.measured)
