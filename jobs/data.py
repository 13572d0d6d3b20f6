"""Verification data: csv or parquet, one file or a folder of part files, read in batches without loading all of it.

`Table.batches` yields features only; the labels are read by `Table.labels` alone, so nothing that is sent to a model can hold them.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs import csv_parts
from jobs.faults import Fault, JobFault, fault, refusal

CSV_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
INDEX_NAMES = ("", "Unnamed: 0")  # how pandas writes an index nobody asked for
BLOCK = 16_384  # rows of a parquet read


@dataclass(frozen=True)
class Table:
    """Data that was looked at: its files, its feature columns in order, its label column if there is one."""

    files: tuple[Path, ...]
    parquet: bool
    types: pa.Schema  # all columns of every file
    features: tuple[str, ...]
    target: str | None
    notes: tuple[Fault, ...] = ()
    labelled: Table | None = None  # whose labels these rows have, when `preprocess.py` made the features

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The features, `rows` rows at a time (the last batch has what is left)."""
        yield from _resized(self._read(self.features), rows)

    def labels(self) -> pa.ChunkedArray | None:
        """The label column, in the order of the rows; None without a target."""
        if self.labelled is not None:
            return self.labelled.labels()
        if self.target is None:
            return None
        columns = [batch.column(0) for batch in self._read((self.target,))]
        return pa.chunked_array(columns, type=self.types.field(self.target).type)

    def _read(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        for file in self.files:
            if self.parquet:
                with pq.ParquetFile(file) as opened:
                    for batch in opened.iter_batches(batch_size=BLOCK, columns=list(columns)):
                        yield batch.select(list(columns))
            else:
                yield from csv_parts.batches(file, columns, self.types)


def open_table(path: Path, target: str | None) -> Table:
    """Look at the data without reading all of it. Raises JobFault when it cannot be what it should be."""
    files = _files(path)
    parquet = _is_parquet(files)
    types = _parquet_types(files) if parquet else csv_parts.types(files)
    _check_columns(types, path.name)
    if target is not None and target not in types.names:
        raise JobFault(_no_target(target, types.names, path.name))
    table = Table(files, parquet, types, *_features(types, target), _index_notes(types, target, path.name))
    if next(table.batches(1), None) is None:
        raise refusal("MG503", f"The verification data {path.name} has no rows", "Give data with at least one row.", file=path.name)
    return table


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder: of its sorted (path, SHA-256) lines."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{file.relative_to(path).as_posix()} {digest(file)}\n" for file in sorted(path.rglob("*")) if file.is_file()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _features(types: pa.Schema, target: str | None) -> tuple[tuple[str, ...], str | None]:
    return tuple(name for name in types.names if name != target and name not in _index_columns(types, target)), target


def _index_columns(types: pa.Schema, target: str | None) -> list[str]:
    first = types.names[:1] if types.names and types.names[0] in INDEX_NAMES else []
    return [name for name in first + [one for one in types.names if one.startswith("__index_level_")] if name != target]


def _index_notes(types: pa.Schema, target: str | None, name: str) -> tuple[Fault, ...]:
    left_out = _index_columns(types, target)
    if not left_out:
        return ()
    text = f"{name} holds an index written by pandas ({', '.join(map(repr, left_out))}); it was left out of the features"
    return (fault("MG524", text, "Write the data with index=False.", file=name, severity="info"),)


def _files(path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    found = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith((".", "_")))
    parts = tuple(file for file in found if file.name.lower().endswith(CSV_ENDINGS + PARQUET_ENDINGS))
    if not parts:
        what = ", ".join(file.name for file in found[:5]) or "nothing"
        raise refusal(
            "MG502",
            f"The data folder {path.name} holds no csv or parquet file; it holds {what}",
            "Give csv or parquet files.",
            file=path.name,
        )
    return parts


def _is_parquet(files: tuple[Path, ...]) -> bool:
    kinds = {_looks_like_parquet(file) for file in files}
    if len(kinds) > 1:
        raise refusal("MG505", "The data folder mixes csv and parquet files", "Keep the parts in one format.", file=files[0].parent.name)
    return kinds.pop()


def _looks_like_parquet(file: Path) -> bool:
    """Told by content: names lie."""
    with file.open("rb") as opened:
        head = opened.read(4096)
    if head[:4] == b"PAR1":
        return True
    if not head:
        raise refusal("MG503", f"The verification data {file.name} is empty (0 bytes)", "Give data with a header and rows.", file=file.name)
    if not file.name.lower().endswith(CSV_ENDINGS):
        raise _wrong_format(file, "its name ends neither in .csv nor in .parquet, and it does not start like parquet")
    if b"\0" in head and head[:2] != b"\x1f\x8b":
        raise _wrong_format(file, "it holds binary bytes" + (" (an Excel or zip file?)" if head[:2] == b"PK" else ""))
    return False


def _wrong_format(file: Path, why: str) -> JobFault:
    return refusal(
        "MG502", f"{file.name} is neither csv nor parquet: {why}", "Save it as csv with a header, or as parquet.", file=file.name
    )


def _parquet_types(files: tuple[Path, ...]) -> pa.Schema:
    schemas = [_parquet_schema(file) for file in files]
    for file, schema in zip(files, schemas, strict=True):
        if set(schema.names) != set(schemas[0].names):
            raise parts_disagree(files[0], file, schemas[0].names, schema.names)
    return schemas[0]


def _parquet_schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file)
    except (pa.ArrowInvalid, OSError):
        raise _wrong_format(file, "it starts like parquet but is cut off or damaged") from None


def parts_disagree(first: Path, other: Path, expected: list[str], found: list[str]) -> JobFault:
    """The fault of part files with different columns."""
    differ = sorted(set(expected) ^ set(found))
    text = f"The parts {first.name} and {other.name} have different columns: {', '.join(differ[:5])}"
    return refusal("MG505", text, "Write all parts with the same columns.", file=other.name)


def _check_columns(types: pa.Schema, name: str) -> None:
    twice = sorted({column for column in types.names if types.names.count(column) > 1})
    if twice:
        raise refusal(
            "MG505", f"{name} has the column {', '.join(map(repr, twice[:5]))} more than once", "Give every column its own name.", file=name
        )


def _no_target(target: str, names: list[str], file: str) -> Fault:
    near = difflib.get_close_matches(target, names, 1, 0.6) or [one for one in names if one.strip().lower() == target.strip().lower()]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")  # noqa: PLR2004
    return fault("MG504", f"The data has no column {target!r}{hint}", f"Set data.target in manifest.yml to one of: {shown}", file=file)


def _resized(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        while sum(one.num_rows for one in held) >= rows:
            joined = pa.concat_batches(held)
            yield joined.slice(0, rows)
            held = [joined.slice(rows)]
    rest = pa.concat_batches(held) if held else None
    if rest is not None and rest.num_rows:
        yield rest
