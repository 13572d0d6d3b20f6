"""Columns made from the buffers they lie in: `pyarrow.array` would import pandas, half a second for nothing that is used here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def numbers(values: npt.NDArray[Any]) -> pa.Array:
    """Floats (NaN and infinity: null) or whole numbers."""
    if values.dtype.kind == "i":
        return pa.Array.from_buffers(pa.int64(), len(values), [None, _buffer(values.astype(np.int64))])
    finite = np.isfinite(values)
    return pa.Array.from_buffers(pa.float64(), len(values), [_bits(finite), _buffer(values.astype(np.float64))])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Texts; None: null."""
    encoded = [(value or "").encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    there = np.array([value is not None for value in values], dtype=bool)
    buffers = [_bits(there), _buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


def truths(values: npt.NDArray[np.bool_]) -> pa.Array:
    """True and False."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def column(values: npt.NDArray[Any]) -> pa.Array:
    """What predictions and labels are kept as: numbers or texts."""
    return numbers(values) if values.dtype.kind in "fi" else texts(list(values))


def _bits(values: npt.NDArray[np.bool_]) -> pa.Buffer:
    return _buffer(np.packbits(values, bitorder="little"))


def _buffer(values: npt.NDArray[Any]) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(values))
