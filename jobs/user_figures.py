"""The submitter's own `preprocess.py` and `metrics.py`, run by `serving/user_code.py` in the bundle's environment."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from jobs import columns
from jobs.child import Child
from jobs.data import Table, open_table
from jobs.faults import Fault, JobFault, fault, refusal
from jobs.files import read_json
from jobs.in_process import last_line
from jobs.spec import Spec

ROWS = 16_384


def preprocessed(spec: Spec, table: Table) -> Table:
    """The features as `preprocess.py` gives them, labels as they were. Raises JobFault when it fails or changes the number of rows."""
    if spec.preprocess is None:
        return table
    given, taken = spec.work / "preprocess-in", spec.work / "preprocess-out" / "features.csv"
    rows = _write_features(table, given / "features.csv", None)
    reason = _call(spec, "preprocess", spec.preprocess, given, taken)
    if reason is not None:
        raise _preprocess_fault(spec, f"failed: {reason}")
    after = open_table(taken, None)
    found = sum(batch.num_rows for batch in after.batches(ROWS))
    if found != rows:
        raise _preprocess_fault(spec, f"gave {found} rows for {rows}; it must keep rows and their order")
    return replace(after, labelled=table, notes=table.notes)


def _preprocess_fault(spec: Spec, what: str) -> JobFault:
    fix = "preprocess(frame) gets the features and returns a frame with the same rows in the same order."
    return refusal("MG512", f"{spec.preprocess} {what}", fix, file=spec.preprocess)


def reported_by_metrics(
    spec: Spec, table: Table, true: npt.NDArray[Any], predicted: npt.NDArray[Any], rows: npt.NDArray[np.bool_]
) -> tuple[dict[str, float], list[Fault]]:
    """What the submitter's `metrics.py` says of predictions that stand, over `rows`. Its failure is a note, not the end."""
    if spec.metrics is None:
        return {}, []
    given, taken = spec.work / "metrics-in", spec.work / "metrics-out" / "reported.json"
    kept = columns.truths(rows)
    _write_features(table, given / "features.csv", kept)
    labels = pa.table({"y_true": columns.column(true).filter(kept), "y_pred": columns.column(predicted).filter(kept)})
    pa.csv.write_csv(labels, given / "labels.csv")
    reason = _call(spec, "metrics", spec.metrics, given, taken)
    found = read_json(taken) if reason is None else None
    if reason is None and not isinstance(found, dict):
        reason = "it gave no dict of numbers"
    if reason is not None:
        return {}, [
            fault(
                "MG513", f"{spec.metrics} failed: {reason}", "KPIs on its figures count as missing.", file=spec.metrics, severity="warning"
            )
        ]
    return figures(found), []


def figures(found: Any) -> dict[str, float]:
    """Only what is a finite number, by name."""
    numbers = {str(name): value for name, value in (found or {}).items() if isinstance(value, int | float) and not isinstance(value, bool)}
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}


def _write_features(table: Table, path: Path, kept: pa.Array | None) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pa.csv.CSVWriter(path, pa.schema([table.types.field(name) for name in table.features])) as writer:
        for batch in table.batches(ROWS):
            writer.write_batch(batch if kept is None else batch.filter(kept.slice(rows, batch.num_rows)))
            rows += batch.num_rows
    return rows


def _call(spec: Spec, call: str, module: str, given: Path, taken: Path) -> str | None:
    """Run the submitter's function; None when it ended well, else why it did not."""
    if spec.serving is None:
        raise ValueError("the spec names no serving folder")
    taken.parent.mkdir(parents=True, exist_ok=True)
    asked = spec.work / f"{call}.json"
    basis = spec.user_code.get(call) or {"bundle": str(spec.bundle)}
    asked.write_text(json.dumps({**basis, "call": call, "module": module, "in": str(given), "out": str(taken)}), encoding="utf-8")
    with Child(spec, [str(spec.serving / "user_code.py"), str(asked)], spec.out / "logs" / "score.log") as child:
        if child.wait(spec.score_seconds) == 0:
            return None
        noted = read_json(taken.parent / "fault.json")
        return last_line(str(noted.get("message", ""))) if isinstance(noted, dict) else child.how_it_ended()
