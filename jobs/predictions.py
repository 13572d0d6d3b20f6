"""Items of answers as columns: numbers for regression, labels and probabilities for classification, matched with the true labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.answers import blank, is_distribution, is_number, shown
from jobs.faults import Fault, fault, refusal

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]
BOTH = 2  # classes of a yes-or-no question


@dataclass(frozen=True)
class Predictions:
    """What was predicted, row by row. `values` holds numbers (NaN: none) or texts (None: none)."""

    values: Floats | Texts
    answered: npt.NDArray[np.bool_]
    chances: Floats | None = None  # rows x classes
    classes: tuple[str, ...] = ()  # names of the columns of `chances`
    notes: tuple[Fault, ...] = field(default=())

    @property
    def kind(self) -> str:
        """Number | text | other."""
        return {"f": "number"}.get(self.values.dtype.kind, "text")


def numbers(items: Sequence[Any]) -> Predictions:
    """Predictions of a regression. A row that is no finite number is not answered."""
    for item in items:
        if isinstance(item, list | dict):
            raise refusal(
                "MG511",
                f"A prediction is {shown(item)}, not one number",
                "Return one number a row for task: regression, or set task: classification.",
            )
    values = np.array([_number(item) for item in items], dtype=np.float64)
    return Predictions(values, np.isfinite(values))


def _number(item: Any) -> float:
    try:
        return float(item) if item is not None else float("nan")
    except (TypeError, ValueError):
        return float("nan")


def label(value: Any) -> str | None:
    """A label's name: 1, 1.0 and "1" are the same label, as are True and "true"; None for a missing one."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _plain(str(value).strip())


def _plain(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text.lower() if text in ("True", "False") else text
    return str(int(number)) if number.is_integer() else text


def labels_of(items: Sequence[Any], truth: Sequence[str | None]) -> Predictions:
    """Predictions of a classification as labels; `truth` (names by `label`) tells which classes there are."""
    known = classes_of(truth)
    filled = [item for item in items if item is not None]
    if filled and all(isinstance(item, dict) for item in filled):
        return _by_name(items)
    if filled and all(isinstance(item, list) for item in filled):
        return _by_column(items, known)
    if len(known) == BOTH and _are_chances(filled):
        return _of_positive(items, known)
    names = np.array([None if isinstance(item, list | dict) else label(item) for item in items], dtype=object)
    matched, notes = _matched(names, known)
    return Predictions(matched, np.array([name is not None for name in matched]), notes=notes)


def classes_of(names: Sequence[str | None]) -> tuple[str, ...]:
    """The classes in their usual order: numbers by value, texts by alphabet."""
    found = {name for name in names if name is not None}
    try:
        return tuple(sorted(found, key=float))
    except ValueError:
        return tuple(sorted(found))


def _are_chances(items: list[Any]) -> bool:
    return bool(items) and all(is_number(item) and 0 <= item <= 1 for item in items) and any(item not in (0, 1) for item in items)


def _of_positive(items: Sequence[Any], known: tuple[str, ...]) -> Predictions:
    """One probability a row: that of the second class, as scikit-learn orders them."""
    chance = np.array([_number(item) for item in items], dtype=np.float64)
    answered = np.isfinite(chance)
    values = np.array([known[int(one >= 0.5)] if ok else None for one, ok in zip(chance, answered, strict=True)], dtype=object)  # noqa: PLR2004
    text = f"Each answer is one number between 0 and 1; it was read as the probability of {known[1]!r}"
    return Predictions(values, answered, np.column_stack([1 - chance, chance]), known, (fault("MG525", text, severity="info"),))


def _by_name(items: Sequence[Any]) -> Predictions:
    names = classes_of([label(name) for item in items if item for name in item])
    matrix = [[{label(key): value for key, value in (item or {}).items()}.get(name, np.nan) for name in names] for item in items]
    return _most_likely(np.array(matrix, dtype=np.float64), names, is_chance=True)


def _by_column(items: Sequence[Any], known: tuple[str, ...]) -> Predictions:
    width = max(len(item) for item in items if item is not None)
    rows = [item if item is not None and len(item) == width and all(map(is_number, item)) else [np.nan] * width for item in items]
    names = known if len(known) == width else _numbered(known, width)
    chances = all(is_distribution(item) for item in items if item is not None)
    return _most_likely(np.array(rows, dtype=np.float64), names, is_chance=chances)


def _numbered(known: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Columns named 0 … width-1, where every known label is one of these."""
    names = tuple(str(number) for number in range(width))
    if set(known) <= set(names):
        return names
    labels = f"{len(known)} labels ({', '.join(known[:5])})"
    text = f"Each answer has {width} numbers but the data has {labels}: which number belongs to which label cannot be told"
    raise refusal("MG511", text, "Return labels, or one object a row that names each label's probability.")


def _most_likely(matrix: Floats, names: tuple[str, ...], *, is_chance: bool) -> Predictions:
    answered = np.isfinite(matrix).all(axis=1)
    best = np.where(answered, np.nan_to_num(matrix, nan=-np.inf).argmax(axis=1), -1)
    values = np.array([names[at] if at >= 0 else None for at in best], dtype=object)
    notes = (
        ()
        if is_chance
        else (fault("MG526", "Answers are scores that are no probabilities; the highest one was taken as the label", severity="info"),)
    )
    return Predictions(values, answered, matrix if is_chance else None, names if is_chance else (), notes)


def _matched(names: Texts, known: tuple[str, ...]) -> tuple[Texts, tuple[Fault, ...]]:
    """Predicted names in the words of the true labels: other case, or positions among the sorted texts, which is told.

    Texts for numbers are not matched: any order would be a guess, and a lucky one would pass the gate.
    """
    found = classes_of(list(names))
    if not known or not found or set(found) & set(known):
        return names, ()
    folded = {name.casefold(): name for name in known}
    if len(folded) == len(known) and {name.casefold() for name in found} <= set(folded):
        return _renamed(names, {name: folded[name.casefold()] for name in found}), ()
    by_order = _by_order(found, known)
    if by_order is None:
        return names, (_nothing_in_common(found, known),)
    told = ", ".join(f"{a} = {b}" for a, b in list(by_order.items())[:5])
    fix = "Return the labels as they stand in the data, if this is not what was meant."
    return _renamed(names, by_order), (
        fault("MG510", f"Answers and labels have no value in common; they were matched in sorted order: {told}", fix, severity="warning"),
    )


def _by_order(found: tuple[str, ...], known: tuple[str, ...]) -> dict[str, str] | None:
    positions = [str(number) for number in range(len(known))]
    return {name: known[int(name)] for name in found} if not _numeric(known) and set(found) <= set(positions) else None


def _numeric(names: tuple[str, ...]) -> bool:
    return all(name.lstrip("-").replace(".", "", 1).isdigit() for name in names)


def _renamed(names: Texts, by: dict[str, str]) -> Texts:
    return np.array([None if name is None else by[name] for name in names], dtype=object)


def _nothing_in_common(found: tuple[str, ...], known: tuple[str, ...]) -> Fault:
    text = f"No answer is one of the labels: answers are {', '.join(found[:5])}; labels are {', '.join(known[:5])}"
    return fault("MG509", text, "Return the labels as they stand in the data.", severity="warning")


def as_they_are(items: Sequence[Any]) -> Predictions:
    """Predictions of a task of the submitter's own: numbers where all are numbers, else texts (lists and dicts as JSON)."""
    answered = np.array([not blank(item) for item in items])
    if all(is_number(item) for item, ok in zip(items, answered, strict=True) if ok):
        return Predictions(np.array([_number(item) for item in items], dtype=np.float64), answered)
    texts = [None if not ok else item if isinstance(item, str) else json.dumps(item) for item, ok in zip(items, answered, strict=True)]
    return Predictions(np.array(texts, dtype=object), answered)
