"""Cells of a table as JSON can hold them: missing and infinite are null, dates are ISO text, whole columns at once."""

from __future__ import annotations

import base64
from datetime import date, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Row = list[Any]


def rows_of(batch: pa.RecordBatch) -> list[Row]:
    """The batch's rows, each a list of JSON safe values in the order of the columns."""
    return [list(row) for row in zip(*(column_values(column) for column in batch.columns), strict=True)]


def column_values(column: pa.Array) -> list[Any]:
    """A column's values, JSON safe."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_float16(kind):
        column, kind = column.cast(pa.float32()), pa.float32()
    if pa.types.is_floating(kind):
        return list(pc.if_else(pc.is_finite(column), column, pa.nulls(len(column), kind)).to_pylist())
    values = column.to_pylist()
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return list(values)
    return [safe(value) for value in values]


def safe(value: Any) -> Any:
    """One value, JSON safe; lists and structs all the way down."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _safe_inside(value)


def _safe_inside(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [safe(item) for item in value]
    if isinstance(value, dict):
        return {str(key): safe(item) for key, item in value.items()}
    return value if value is None or isinstance(value, str | int | bool) else str(value)
