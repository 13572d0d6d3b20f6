"""Answers of scoring scripts, read as people give them.

`read_answer` makes one item a row out of a list, a dict with one list, JSON inside a JSON string (twice too), pandas'
`to_json`, or `{"columns", "rows"}`. What cannot be meant as predictions is refused with the reason: an error told with
HTTP 200, a printed array, nothing.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Collection
from typing import Any

KNOWN_NAMES = (
    *("predictions", "prediction", "predicted", "y_pred", "preds", "pred", "result", "results", "output", "outputs"),
    *("forecast", "label", "labels", "class", "classes", "category", "answer", "value", "values", "scores", "score", "data"),
)
ERROR_NAMES = ("error", "errors", "exception", "traceback", "error_message", "errormessage", "detail", "message")
PRINTED_ARRAY = re.compile(r"^(array\()?\[[\s\[]*[+\-]?[\d.][\s\d.eE+\-\[\]]*\]\)?$")  # no commas: JSON it is not
NEARLY = 1e-6  # what rounding may add to a probability
SHOWN = 200  # characters of an answer that a message quotes


class Unusable(Exception):
    """An answer that holds no predictions; `code` says of which kind."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def read_answer(answer: Any, rows: int, labels: Collection[str] = ()) -> list[Any]:
    """One item a row: a number, a text, None, a list of numbers (probabilities), or a dict of them. Raises Unusable.

    `answer` is a response body or a value that was JSON already; `labels` are texts known to be answers (classes), not messages.
    """
    value = decoded(_text_of(answer) if isinstance(answer, bytes) else answer)
    items = [single(item) for item in _list_in(value, rows, labels)]
    if len(items) != rows:
        raise Unusable("MG402", f"{_count(len(items))} for {rows} row{'s' if rows > 1 else ''}")
    return items


def _count(number: int) -> str:
    return "1 prediction" if number == 1 else f"{number} predictions"


def _text_of(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unusable("MG406", f"{len(body)} bytes that are no text (an image, a pickle?)") from None


def decoded(value: Any) -> Any:
    """JSON inside JSON inside JSON is still JSON; a Python literal (`str(list)`) is taken too."""
    for _ in range(3):
        if not isinstance(value, str):
            return value
        text = value.strip()
        try:
            value = json.loads(text)
        except ValueError:
            return _literal(text)
    return value


def _literal(text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _list_in(value: Any, rows: int, labels: Collection[str]) -> list[Any]:
    if isinstance(value, list | tuple):
        return _of_list(list(value), rows)
    if isinstance(value, dict):
        return _of_dict(value, rows, labels)
    if isinstance(value, str):
        return _of_text(value, rows, labels)
    if value is None:
        raise Unusable("MG411", "run() gave nothing back (None)")
    return [value]  # a bare number: right for one row, a wrong count for more


def _of_list(items: list[Any], rows: int) -> list[Any]:
    if len(items) == 1 and rows > 1 and isinstance(items[0], list | tuple) and len(items[0]) == rows:
        return list(items[0])  # wrapped once more: [[1, 2, 3]]
    if rows == 1 and len(items) > 1 and is_distribution(items):
        return [items]  # the probabilities of the only row
    return items


def is_distribution(items: Any) -> bool:
    """Whether these are the probabilities of the classes of one row."""
    numbers = isinstance(items, list) and len(items) > 1 and all(is_number(item) for item in items)
    return numbers and all(-NEARLY <= item <= 1 + NEARLY for item in items) and math.isclose(sum(items), 1.0, abs_tol=1000 * NEARLY)


def is_number(value: Any) -> bool:
    """A finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _of_text(text: str, rows: int, labels: Collection[str]) -> list[Any]:
    if text in labels and rows == 1:
        return [text]
    if PRINTED_ARRAY.match(text):
        raise Unusable(
            "MG406", f"a printed numpy array, which loses digits and, when long, rows: {shown(text)}. Return predictions.tolist()"
        )
    if not text:
        raise Unusable("MG411", "the answer is empty")
    raise Unusable("MG404", f"the answer is a text, not predictions: {shown(text)}")


def _of_dict(value: dict[Any, Any], rows: int, labels: Collection[str]) -> list[Any]:
    if not value:
        raise Unusable("MG411", "run() gave nothing back (an empty object)")
    if told := _error_in(value):
        raise Unusable("MG404", f"an error told with HTTP 200: {shown(told)}")
    if isinstance(value.get("columns"), list) and isinstance(value.get("rows", value.get("data")), list):
        return _of_frame(value["columns"], value.get("rows", value.get("data")))
    if _is_indexed(value):
        return list(value.values())
    return _of_named({str(key): _column(item) for key, item in value.items()}, rows, labels)


def _error_in(value: dict[Any, Any]) -> Any:
    if any(isinstance(decoded(item), list) for item in value.values()):
        return None
    for key, item in value.items():
        if str(key).lower() in ERROR_NAMES and item:
            return item
    return None


def _is_indexed(value: dict[Any, Any]) -> bool:
    """Pandas' Series.to_json(): {"0": 1.5, "1": 2.5}; also with an index of its own, but not {"0": {...}} (a frame's)."""
    return all(re.fullmatch(r"-?\d+", str(key)) for key in value) and not any(isinstance(item, dict) for item in value.values())


def _column(item: Any) -> Any:
    """A column of pandas' DataFrame.to_json() is {"0": v, ...}: its values are the column."""
    item = decoded(item)
    return list(item.values()) if isinstance(item, dict) and item and _is_indexed(item) else item


def _of_frame(columns: list[Any], rows: list[Any]) -> list[Any]:
    """A frame's prediction column: the known name, else the only column, else the last (where people append it)."""
    names = [str(name) for name in columns]
    known = [names.index(name) for name in KNOWN_NAMES if name in names]
    at = known[0] if known else len(names) - 1
    if all(is_distribution(row) for row in rows):
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [row[at] if isinstance(row, list) else row for row in rows]


def _of_named(value: dict[str, Any], rows: int, labels: Collection[str]) -> list[Any]:
    lists = {key: item for key, item in value.items() if isinstance(item, list)}
    if len(lists) > 1 and _is_chances(lists, rows):
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    chosen = _chosen(lists or value)
    if chosen is None and rows == 1 and is_distribution(list(value.values())):
        return [value]  # {"setosa": 0.9, "virginica": 0.1}
    if chosen is None:
        raise Unusable(
            "MG406", f"an object with several lists ({', '.join(list(value)[:6])}): which one holds the predictions cannot be told"
        )
    return _list_in(value[chosen], rows, labels)


def _is_chances(lists: dict[str, list[Any]], rows: int) -> bool:
    return all(len(item) == rows for item in lists.values()) and all(
        is_distribution(list(row)) for row in zip(*lists.values(), strict=True)
    )


def _chosen(value: dict[str, Any]) -> str | None:
    lower = {key.lower(): key for key in reversed(value)}
    known = next((lower[name] for name in KNOWN_NAMES if name in lower), None)
    return known or (next(iter(value)) if len(value) == 1 else None)


def single(item: Any) -> Any:
    """The item of one row: [[3.5]] is 3.5, {"label": "a", "score": 0.9} is "a"; probabilities stay a list or a dict."""
    while isinstance(item, list | tuple) and len(item) == 1:
        item = item[0]
    if not isinstance(item, dict):
        return list(item) if isinstance(item, tuple) else item
    if len(item) > 1 and is_distribution(list(item.values())):
        return {str(key): value for key, value in item.items()}
    chosen = _chosen({str(key): value for key, value in item.items()}) if item else None
    return single(item[chosen]) if chosen in item else None


def blank(item: Any) -> bool:
    """Whether the item is no answer: null, NaN, infinity, or a list or dict that holds one."""
    if isinstance(item, list | dict):
        return not item or any(blank(one) for one in (item.values() if isinstance(item, dict) else item))
    return item is None or (isinstance(item, float) and not math.isfinite(item))


def shown(value: Any) -> str:
    """An answer as a message can quote it: one line, not too long."""
    text = " ".join((value if isinstance(value, str) else json.dumps(value, default=str)).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
