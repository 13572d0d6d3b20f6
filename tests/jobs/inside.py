"""Runs in the tools environment, where jobs/ does: answers calls that come as JSON lines, so that all tests share one start."""
# ruff: noqa: BLE001 - each call imports what it needs, and whatever happens is told on standard output

from __future__ import annotations

import base64
import dataclasses
import importlib
import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def be_the_package(name):
    """Our neighbours in the repository stay out of the path, as for jobs/main.py."""
    spec = importlib.util.spec_from_file_location(name, ROOT / name / "__init__.py", submodule_search_locations=[str(ROOT / name)])
    sys.modules[name] = importlib.util.module_from_spec(spec)


def given(value):
    """Arguments that JSON cannot say."""
    import numpy as np
    import pyarrow as pa

    if isinstance(value, dict) and set(value) == {"$"}:
        kind, content = value["$"]
        return {
            "bytes": lambda: base64.b64decode(content),
            "path": lambda: Path(content),
            "numbers": lambda: np.array(content, dtype=float),
            "names": lambda: np.array(content, dtype=object),
            "batch": lambda: pa.RecordBatch.from_pydict(content),
        }[kind]()
    return value


def plain(value):
    """Results as JSON."""
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)


def desk(spec, *commands):
    """One tools process's work, in this one: what each command is answered."""
    from jobs.main import Desk
    from jobs.spec import Spec, _typed

    one = Desk(Spec(**_typed(spec)))
    one.prepare()
    answers, more = {}, {}
    for command in commands:
        answers[command] = one.answer(command, more)
        more = {"shape": answers[command]["request"]} if answers[command].get("request") else {}
    return answers


def table(path, target=None, rows=1000):
    """What is read of a data file."""
    from jobs.data import open_table
    from jobs.values import column_values, rows_of

    found = open_table(Path(path), target)
    labels = found.labels()
    batches = [rows_of(batch) for batch in found.batches(rows)]
    return {
        "features": found.features,
        "rows": [row for batch in batches for row in batch],
        "sizes": [len(batch) for batch in batches],
        "labels": None if labels is None else column_values(labels.combine_chunks()),
        "notes": [note["code"] for note in found.notes],
    }


def table_types(path):
    """The columns' types."""
    from jobs.data import open_table

    return {field.name: str(field.type) for field in open_table(Path(path), None).types}


def parquet(path):
    """Columns of a parquet file."""
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pydict()


def write_parquet(path, columns):
    """Columns of Python values, with dates and decimals where texts say so."""
    import datetime as dt
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    scope = {"datetime": dt, "Decimal": decimal.Decimal, "nan": float("nan"), "inf": float("inf")}
    pq.write_table(pa.table({name: eval(text, scope) for name, text in columns.items()}), path)  # noqa: S307 - our own test's text


def published(group):
    """Names of a group of metrics."""
    from jobs import metrics

    return list(getattr(metrics, group))


def rows_a_body(sample, shape):
    """How many rows one body takes."""
    from jobs.sample import Sample
    from jobs.scoring import rows_a_body as chosen

    return chosen(Sample(**sample), shape, None)


def draw(folder, task, true, items):
    """Plots of these answers."""
    from jobs import plots, predictions

    found = predictions.numbers(items) if task == "regression" else predictions.labels_of(items, list(true))
    return plots.draw(Path(folder), task, true, found)


def column(values):
    """A column as it comes back from Arrow."""
    from jobs import columns

    return columns.column(values).to_pylist()


def call(name, *arguments):
    """A function of this file or of jobs/."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module) if module else sys.modules[__name__], function)(*map(given, arguments))


def main():
    be_the_package("jobs")
    sys.path.insert(0, str(Path(__file__).parent))
    for line in sys.stdin:
        try:
            told = {"value": plain(call(*json.loads(line)))}
        except Exception as error:
            faults = getattr(error, "faults", [])
            told = {"raised": type(error).__name__, "message": str(error), "codes": [fault["code"] for fault in faults]}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
