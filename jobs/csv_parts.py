"""CSV files as people write them: separator, encoding and column types are found, then batches are read one after the other."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc

from jobs.faults import JobFault, refusal

BLOCK_BYTES = 8 << 20  # types are guessed from the first block; what comes later may widen them
SEPARATORS = ",;\t|"


def types(files: tuple[Path, ...]) -> pa.Schema:
    """Names and types that hold for every row of every file: a column that holds 1 and later 1.5 is float, later `x` is text."""
    found: dict[str, pa.DataType] = {}
    first = _header(files[0])
    for file in files:
        header = _header(file)
        if header != first:
            _refuse_other_columns(files[0], file, first, header)
        _widen(file, found)
    return pa.schema([(name, found.get(name, pa.string())) for name in first])


def batches(file: Path, columns: tuple[str, ...], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows of one file, only `columns`, in that order and in the schema's types."""
    chosen = {name: schema.field(name).type for name in columns}
    with _opened(file, chosen, list(columns)) as reader:
        yield from _read(reader, file)


def _widen(file: Path, found: dict[str, pa.DataType]) -> None:
    """Read the file until no value contradicts the types; one that fits in the first block is read once."""
    for name, kind in _guessed(file, found).items():
        found[name] = _wider(found.get(name), kind)
    while file.stat().st_size > BLOCK_BYTES or file.suffix == ".gz":
        contradiction = _contradiction(file, found)
        if contradiction is None:
            return
        found[contradiction] = pa.float64() if found[contradiction] == pa.int64() else pa.string()


def _guessed(file: Path, known: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
    with _opened(file, {}, None) as reader:
        return {field.name: _plain(field.type, known.get(field.name)) for field in reader.schema}


def _plain(kind: pa.DataType, known: pa.DataType | None) -> pa.DataType:
    """Dates stay the text that they are in the file; a column without a value takes the type it has elsewhere."""
    if pa.types.is_null(kind):
        return known or pa.float64()
    return kind if kind in (pa.int64(), pa.float64(), pa.bool_()) else pa.string()


def _wider(one: pa.DataType | None, other: pa.DataType) -> pa.DataType:
    if one is None or one == other:
        return other
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()


def _contradiction(file: Path, found: dict[str, pa.DataType]) -> str | None:
    """The first column with a value that its type cannot hold."""
    try:
        with _opened(file, found, None) as reader:
            for _ in reader:
                pass
    except pa.ArrowInvalid as error:
        number = re.match(r"In CSV column #(\d+): CSV conversion error", str(error))
        if number is None:
            raise _unreadable(file, error) from None
        return _header(file)[int(number[1])]
    return None


def _opened(file: Path, kinds: dict[str, pa.DataType], columns: list[str] | None) -> pc.CSVStreamingReader:
    separator, encoding = _habits(file)
    try:
        return pc.open_csv(
            pa.input_stream(str(file), compression="detect"),
            read_options=pc.ReadOptions(block_size=BLOCK_BYTES, encoding=encoding),
            parse_options=pc.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pc.ConvertOptions(column_types=kinds, include_columns=columns, strings_can_be_null=True),
        )
    except pa.ArrowInvalid as error:
        raise _unreadable(file, error) from None


def _read(reader: pc.CSVStreamingReader, file: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except pa.ArrowInvalid as error:
        raise _unreadable(file, error) from None


def _header(file: Path) -> list[str]:
    separator, encoding = _habits(file)
    line = _head(file).decode(encoding, errors="replace")
    rows = csv.reader(line.splitlines(), delimiter=separator)
    return next(iter(rows), [])


def _habits(file: Path) -> tuple[str, str]:
    """Separator and encoding: the separator that its header line holds most often; UTF-8 unless the bytes say otherwise."""
    head = _head(file)
    first = head.split(b"\n", 1)[0].decode("latin-1")
    separator = max(SEPARATORS, key=first.count)
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return separator, "latin-1"
    return separator, "utf-8"


def _head(file: Path) -> bytes:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as opened:
        return bytes(opened.read(1 << 20)).removeprefix(b"\xef\xbb\xbf")


def _refuse_other_columns(first: Path, other: Path, expected: list[str], found: list[str]) -> None:
    if set(expected) != set(found):
        text = f"The parts {first.name} and {other.name} have different columns: {', '.join(sorted(set(expected) ^ set(found))[:5])}"
        raise refusal("MG505", text, "Write all parts with the same columns.", file=other.name)


def _unreadable(file: Path, error: Exception) -> JobFault:
    """What Arrow says without the row that it quotes: raw data has no place in messages."""
    text = str(error).split("\n")[0]
    said = re.match(
        r"(?:CSV parse error: )?(?:Row #\d+: )?(Expected \d+ columns, got \d+|In CSV column #\d+: CSV conversion error to \w+)", text
    )
    row = re.search(r"Row #(\d+)", text)
    where = f" (row {row[1]})" if row else ""
    why = f": {said[1]}{where}" if said else ": it is no well-formed csv"
    return refusal(
        "MG502", f"{file.name} cannot be read as csv{why}", "Every row needs as many values as the header has names.", file=file.name
    )
