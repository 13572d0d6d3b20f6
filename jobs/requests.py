"""The bodies that scoring scripts expect, by name.

A shape is one of the published names, or one of these grown from them: `columns` ({col: [..]}), `key:<name>:records`, `key:<name>:columns`,
`row:<shape>` (that shape, one row a request), `row:features` ({col: value}), `row:flat` ({"data": [..]}). Plain `row` is `row:data`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from typing import Any

Rows = Sequence[Sequence[Any]]

MANY = ("data", "input_data", "records", "rows")
MORE = ("key:data:records", "key:data:columns", "columns")
SINGLE = ("row:data", "row:input_data", "row:records", "row:rows", "row:features", "row:flat")


def _input_data(columns: Sequence[str], rows: Rows) -> Any:
    return {"input_data": {"columns": list(columns), "index": list(range(len(rows))), "data": rows}}


def _records(columns: Sequence[str], rows: Rows) -> Any:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _columns(columns: Sequence[str], rows: Rows) -> Any:
    return {name: [row[at] for row in rows] for at, name in enumerate(columns)}


BUILDERS: dict[str, Callable[[Sequence[str], Rows], Any]] = {
    "data": lambda _, rows: {"data": rows},
    "input_data": _input_data,
    "records": _records,
    "rows": lambda _, rows: rows,
    "columns": _columns,
    "row:features": lambda columns, rows: dict(zip(columns, rows[0], strict=True)),
    "row:flat": lambda _, rows: {"data": rows[0]},
}


def body(shape: str, columns: Sequence[str], rows: Rows) -> bytes:
    """The request body of these rows in this shape. Raises ValueError for a name that is no shape."""
    return json.dumps(_value(shape, columns, rows), allow_nan=False, separators=(",", ":")).encode()


def _value(shape: str, columns: Sequence[str], rows: Rows) -> Any:
    if shape in BUILDERS:
        return BUILDERS[shape](columns, rows)
    head, _, rest = shape.partition(":")
    if head == "row":
        return _value(rest or "data", columns, rows)
    if head == "key" and rest:
        name, _, inner = rest.partition(":")
        return {name: _value(inner or "rows", columns, rows)}
    raise ValueError(f"unknown request shape {shape!r}: use auto, {', '.join(MANY)}, row or key:<name>")


def one_at_a_time(shape: str) -> bool:
    """Whether a request of this shape carries one row only."""
    return shape == "row" or shape.startswith("row:")


def many_shapes(asked: str, keys: Sequence[str] = ()) -> list[str]:
    """The shapes to try in order; `keys` are names that the scoring script looks for in its request."""
    if asked == "row":
        return []
    if asked.startswith("key:") and asked.count(":") == 1:
        return [asked, f"{asked}:records", f"{asked}:columns"]
    if asked != "auto":
        return [asked]
    named = [f"key:{key}{inner}" for key in keys if key not in ("data", "input_data") for inner in ("", ":records")]
    return [*MANY, *named, *MORE]


def single_shapes(asked: str) -> list[str]:
    """The one-row shapes to try when no shape took several rows."""
    return list(SINGLE) if asked in ("auto", "row") else []


def keys_in(source: str) -> list[str]:
    """Names that a scoring script may look for in its request: `body["inputs"]`, `body.get("inputs")`, parameters under `@input_schema`.

    The source is read, never run. What does not parse has no names.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    found = [
        name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == "run"
        for name in _run_keys(function)
    ]
    return list(dict.fromkeys(found))[:5]


def _run_keys(run: ast.FunctionDef) -> list[str]:
    decorated = [argument.arg for argument in run.args.args] if run.decorator_list else []
    return decorated + [name for node in ast.walk(run) if (name := _key(node)) is not None]


def _key(node: ast.AST) -> str | None:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return _text(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        return _text(node.args[0])
    return None


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
