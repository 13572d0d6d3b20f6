"""Scripts for batch: `run` gets a list of csv paths and gives one prediction a row, or one a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from jobs import in_process
from jobs.answers import Unusable, blank, read_answer, shown
from jobs.data import Table
from jobs.faults import refusal
from jobs.files import json_lines
from jobs.scoring import LEAST_ROWS, Walk
from jobs.spec import Spec

FILES_TOGETHER = 100  # one-row files of one mini-batch
MOST_FILES = 20_000
A_ROW, A_FILE = "batch: one answer a row", "batch: one answer a file"
PROBES = ((1,), (3,), (2, 2))  # rows of the files of each probing mini-batch


@dataclass(frozen=True)
class Batch:
    """One mini-batch: its files, and how many rows are in them together."""

    paths: tuple[Path, ...]
    rows: int


def score(spec: Spec, table: Table, log: Path) -> tuple[str, Walk]:
    """Predictions of all rows, and what a prediction stands for. Raises JobFault when the script's answers fit neither rows nor files."""
    folder = spec.work / "mini-batches"
    folder.mkdir(parents=True, exist_ok=True)
    probes = _probes(table, folder)
    batches = [
        Batch((_written(folder / f"{n}.csv", batch),), batch.num_rows)
        for n, batch in enumerate(table.batches(spec.batch_rows or LEAST_ROWS))
    ]
    lines = _run(spec, log, [*probes, *batches])
    if _fits(lines, [len(batch.paths) for batch in probes]) and not _fits(lines, [batch.rows for batch in probes]):
        return A_FILE, _one_a_file(spec, table, folder, log)
    _check_probes(lines, probes, spec)
    return A_ROW, _walked(spec, lines[len(probes) :], batches)


def _probes(table: Table, folder: Path) -> list[Batch]:
    head = next(table.batches(max(map(sum, PROBES))))
    found = []
    for number, sizes in enumerate(PROBES):
        rows = min(sum(sizes), head.num_rows)
        paths = [
            _written(folder / f"probe-{number}-{at}.csv", head.slice(sum(sizes[:at]), size))
            for at, size in enumerate(sizes)
            if sum(sizes[: at + 1]) <= rows
        ]
        if paths:
            found.append(Batch(tuple(paths), sum(sizes[: len(paths)])))
    return found


def _written(path: Path, batch: pa.RecordBatch) -> Path:
    pa.csv.write_csv(batch, path)
    return path


def _run(spec: Spec, log: Path, batches: list[Batch]) -> list[dict[str, Any]]:
    """The child's line for each mini-batch, in order."""
    answers = spec.work / "answers.jsonl"
    answers.unlink(missing_ok=True)
    paths = [[str(path) for path in batch.paths] for batch in batches]
    with in_process.start(spec, log, {"style": "batch", "mini_batches": paths, "answers": str(answers)}) as child:
        child.wait(spec.score_seconds)
        lines = list(json_lines(answers))
        if len(lines) < len(batches):
            raise in_process.ended(spec, child)
    return lines


def _fits(lines: list[dict[str, Any]], counts: list[int]) -> bool:
    return all(_readable(line, count) for line, count in zip(lines, counts, strict=False))


def _readable(line: dict[str, Any], count: int) -> bool:
    try:
        return "error" not in line and bool(read_answer(line.get("answer"), count))
    except Unusable:
        return False


def _check_probes(lines: list[dict[str, Any]], probes: list[Batch], spec: Spec) -> None:
    for line, batch in zip(lines, probes, strict=False):
        try:
            _items(line, batch.rows)
        except Unusable as unusable:
            text = f"run() did not give one prediction a row for {len(batch.paths)} file(s) with {batch.rows} row(s): {unusable.reason}"
            raise refusal(
                unusable.code,
                text,
                "Return a list or a frame with one entry for each row of the files (or for each file).",
                file=spec.scoring,
            ) from None


def _items(line: dict[str, Any], count: int) -> list[Any]:
    if "error" in line:
        raise Unusable("MG401", in_process.last_line(str(line["error"])))
    return read_answer(line.get("answer"), count)


def _walked(spec: Spec, lines: list[dict[str, Any]], batches: list[Batch]) -> Walk:
    walk = Walk(body_rows=max(batch.rows for batch in batches))
    for line, batch in zip(lines, batches, strict=True):
        start = len(walk.items)
        try:
            items = _items(line, batch.rows)
        except Unusable as unusable:
            walk.items += [None] * batch.rows
            walk.errors |= dict.fromkeys(range(start, start + batch.rows), shown(unusable.reason))
            continue
        walk.items += items
        walk.errors |= {at: "the prediction is null or not finite" for at, item in enumerate(items, start) if blank(item)}
    walk.seconds = sum(in_process.measures(spec).get("seconds", [])[-len(batches) :])
    return walk


def _one_a_file(spec: Spec, table: Table, folder: Path, log: Path) -> Walk:
    batches = list(_single_files(table, folder))
    if sum(batch.rows for batch in batches) >= MOST_FILES:
        text = f"run() gives one prediction a file, which is tried on one file a row; the data has {MOST_FILES} rows or more"
        raise refusal("MG402", text, "Return one prediction for each row of the files, or use less verification data.", file=spec.scoring)
    return _walked(spec, _run(spec, log, batches), batches)


def _single_files(table: Table, folder: Path) -> Iterator[Batch]:
    done = 0
    for batch in table.batches(FILES_TOGETHER):
        if done >= MOST_FILES:
            return
        yield Batch(tuple(_written(folder / f"row-{done + at}.csv", batch.slice(at, 1)) for at in range(batch.num_rows)), batch.num_rows)
        done += batch.num_rows
