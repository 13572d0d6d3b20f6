"""Reading a mapping into frozen values by their types and their fields' rules; what does not fit is told, never raised."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_type_hints

from shared.domain.faults import Fault, Severity

Place = tuple[str | int, ...]  # ("kpis", 0, "min")
T = TypeVar("T")
NUMBER = (int, float)
LONGEST = 60  # characters of a value in a message

# What people write for a key of ours.
OTHER_WORDS = {
    "score": "scoring", "score_script": "scoring", "scoring_script": "scoring", "entry_script": "scoring", "script_file": "scoring",
    "conda": "environment", "conda_file": "environment", "env": "environment", "requirements": "environment",
    "model_path": "model", "model_file": "model", "python_version": "python",
    "email": "submitter", "owner": "submitter", "author": "submitter",
    "kpi": "kpis", "metrics": "kpis", "thresholds": "kpis", "target": "data.target", "label": "data.target", "task": "data.task",
    "reference": "data.reference", "dataset": "data.reference", "threshold": "min or max", "minimum": "min", "maximum": "max",
    "at_least": "min", "at_most": "max", "memory": "memory_gb", "cpus": "cpu", "cores": "cpu", "label_column": "target",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where values were written: the file, the line of each place, its text as written, and what `--set` put over it."""

    file: str | None = None
    lines: Mapping[Place, int] = field(default_factory=dict)
    texts: Mapping[Place, str] = field(default_factory=dict)
    overridden: Mapping[Place, str] = field(default_factory=dict)

    def where(self, place: Place) -> tuple[str | None, int | None]:
        """File and line of a place, or of the nearest one round it."""
        for end in range(len(place), 0, -1):
            if place[:end] in self.overridden:
                return f"--set {self.overridden[place[:end]]}", None
            if place[:end] in self.lines:
                return self.file, self.lines[place[:end]]
        return self.file, None


def spelt(place: Place) -> str:
    """`kpis.0.min`."""
    return ".".join(str(part) for part in place)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that looks most like this one, if any does."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[close[0]] if close else None


@cache
def hints(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(cls)


class Reader:
    """Reads values and keeps the faults met on the way."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.places: dict[Place, list[Place]] = {}  # of a list: where each item that could be read stands

    def tell(self, code: str, place: Place, message: str, fix: str, severity: Severity = "error") -> None:
        """Keep a fault of this place."""
        file, line = self.source.where(place)
        self.faults.append(Fault(code, message, fix, file, line, severity))

    def dataclass(self, cls: type[T], given: object, default: T | None, place: Place = ()) -> T | None:
        """`cls` from a mapping; what is missing or wrong comes from `default`. None when a needed key is missing without one."""
        if not isinstance(given, Mapping):
            self.tell("MG145", place, f"{spelt(place) or 'the manifest'} is not a list of keys and values", f"Write {example(cls)}.")
            return default
        known = {each.name: each for each in dataclasses.fields(cls)}  # type: ignore[arg-type]
        self.unknown(given, known, place)
        values = {name: self._field(cls, each, given[name], default, (*place, name)) for name, each in known.items() if _there(given, name)}
        if default is not None:
            return dataclasses.replace(default, **values)  # type: ignore[type-var]
        missing = [name for name, each in known.items() if _needed(each) and not values.get(name)]
        if missing:
            self.tell("MG145", place, f"{spelt(place)} has no {missing[0]}", f"Write {example(cls)}.")
            return None
        return cls(**values)

    def unknown(self, given: Mapping[str, Any], known: Iterable[str], place: Place) -> None:
        """A fault for each key that nobody would read."""
        names = list(known)
        for key in given:
            if key not in names:
                word = _other_word(key, names) or did_you_mean(key, names)
                fix = f"Did you mean {word}?" if word else f"Known keys here: {', '.join(names)}."
                self.tell("MG144", (*place, key), f"unknown key {spelt((*place, key))}", fix)

    def _field(self, cls: type, each: dataclasses.Field[Any], value: object, default: object, place: Place) -> Any:
        fallback = getattr(default, each.name, None if each.default is dataclasses.MISSING else each.default)
        read = self._value(_core(hints(cls)[each.name]), value, fallback, place)
        return fallback if read is None or self._breaks(each.metadata, read, place) else read

    def _value(self, hint: Any, value: object, fallback: Any, place: Place) -> Any:
        if dataclasses.is_dataclass(hint):
            return self.dataclass(cast("type[Any]", hint), value, fallback, place)
        inner = get_args(hint)
        if inner[1:] == (Ellipsis,):
            return self._list(inner[0], value, place)
        return self._plain(hint, value, place)

    def _list(self, cls: Any, value: object, place: Place) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            self.tell("MG145", place, f"{spelt(place)} is not a list", f"Write one line each: - {example(cls)}.")
            return None
        read = [self.dataclass(cls, item, None, (*place, n)) for n, item in enumerate(value)]
        self.places[place] = [(*place, n) for n, item in enumerate(read) if item is not None]
        return tuple(item for item in read if item is not None)

    def _plain(self, hint: Any, value: object, place: Place) -> Any:
        read = _PLAIN[hint if hint in _PLAIN else Mapping](value, self.source.texts.get(place))
        if read is None:
            self.tell(
                "MG145",
                place,
                f"{spelt(place)} is {_told(value)}, not {_KINDS.get(hint, 'a list of keys and values')}",
                _FIXES.get(hint, ""),
            )
        return read

    def _breaks(self, rules: Mapping[str, Any], value: Any, place: Place) -> bool:
        """Whether the value is outside its field's rules; told if so."""
        wanted = _broken(rules, value)
        if wanted:
            word = did_you_mean(str(value), rules.get("choices", ()))
            fix = f"Did you mean {word}?" if word else f"Give {wanted}."
            self.tell("MG146", place, f"{spelt(place)} is {_told(value)}; it must be {wanted}", fix)
        if isinstance(value, Mapping) and "keys" in rules:
            self.unknown(value, rules["keys"], place)
        return bool(wanted)


def _other_word(key: str, known: Iterable[str]) -> str | None:
    """What people call a key of ours; `data.target` only where `data` is a key."""
    word = OTHER_WORDS.get(key.lower(), "")
    return word if word.split(".")[0].split(" ")[0] in known else None


def _there(given: Mapping[str, Any], name: str) -> bool:
    return given.get(name) is not None


def _needed(each: dataclasses.Field[Any]) -> bool:
    return each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING


def _core(hint: Any) -> Any:
    """`str | None` is read as `str`: an empty value is one that was not given."""
    inner = [each for each in get_args(hint) if each is not type(None)]
    return inner[0] if type(None) in get_args(hint) else hint


def _text(value: object, written: str | None) -> str | None:
    if isinstance(value, (*NUMBER, str)):
        text = written if written is not None else str(value)
        return text.strip() or None
    return None


def _number(value: object, _written: str | None) -> float | None:
    try:
        number = float(value) if isinstance(value, (*NUMBER, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _integer(value: object, written: str | None) -> int | None:
    number = _number(value, written)
    return int(number) if number is not None and number == int(number) else None


def _yes_or_no(value: object, _written: str | None) -> bool | None:
    return value if isinstance(value, bool) else None


def _mapping(value: object, _written: str | None) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


_PLAIN: Mapping[Any, Any] = {str: _text, float: _number, int: _integer, bool: _yes_or_no, Mapping: _mapping}
_KINDS = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}
_FIXES = {
    str: "Give one text, in quotes if in doubt.",
    float: "Give a finite number, such as 0.4.",
    int: "Give a whole number, such as 30.",
    bool: "Write true or false.",
}


def _broken(rules: Mapping[str, Any], value: Any) -> str | None:
    """What the rules want instead of this value, or None when it fits."""
    if "choices" in rules and value not in rules["choices"]:
        return "one of " + ", ".join(rules["choices"])
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        return str(rules["form"])
    if "least" in rules and value < rules["least"]:
        return f"at least {rules['least']}"
    if "above" in rules and value <= rules["above"]:
        return f"above {rules['above']}"
    if "below" in rules and value >= rules["below"]:
        return f"below {rules['below']}"
    return None


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return "a list of keys and values"
    text = "a list" if isinstance(value, list) else repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def example(cls: Any) -> str:
    """One line that would be right."""
    lines = {"Kpi": "{metric: r2, min: 0.4}", "DataSpec": "{reference: holdout.csv, target: label}", "Compute": "{target: local, cpu: 1}"}
    return lines.get(getattr(cls, "__name__", ""), "one key and its value a line, such as `name: diabetes`")
