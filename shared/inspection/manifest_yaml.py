"""A manifest's YAML as plain values: no aliases, tags, doubled keys or depth, and the line of every place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import yaml

from shared.domain.faults import Fault
from shared.domain.reading import Place, Source

DEEPEST = 20
MOST_EVENTS = 20_000
_LONGEST_NUMBER = 40  # digits
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str, file: str) -> tuple[dict[str, Any], Source, tuple[Fault, ...]]:
    """The manifest's keys, where they stand, and what is wrong with the text; never raises."""
    try:
        refused = _refused(text, file)
        node = None if refused else yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        refused, node = _not_yaml(error, file), None
    walk = _Walk(file)
    given = {} if node is None else walk.value(node, ())
    if given is not None and not isinstance(given, dict):
        refused = Fault(
            "MG141", f"{file} is not a list of keys and values", "Write one `key: value` a line, such as `name: diabetes`.", file, 1
        )
    faults = (refused, *walk.faults) if refused else tuple(walk.faults)
    return (given if isinstance(given, dict) else {}), Source(file, walk.lines, walk.texts), faults


def _not_yaml(error: yaml.YAMLError, file: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    fix = "Check the indentation (spaces, no tabs) and put texts with `:` or `#` into quotes."
    return Fault("MG140", f"{file} is not YAML: {problem}", fix, file, mark.line + 1 if mark else None)


def _refused(text: str, file: str) -> Fault | None:
    """What a manifest does not need and a hostile one is made of, found before anything is built from it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        what = _what(event, count, depth)
        if what:
            fix = "Write every value out where it stands, as plain text, number, list or keys."
            return Fault(
                "MG143",
                f"{file} holds {what}, which is not accepted here",
                fix,
                file,
                event.start_mark.line + 1 if event.start_mark else None,
            )
    return None


def _what(event: yaml.Event, count: int, depth: int) -> str | None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "an anchor or alias (& or *)"
    if not isinstance(event, yaml.DocumentStartEvent) and getattr(event, "tag", None):
        return f"the tag {getattr(event, 'tag', None)}"
    if depth > DEEPEST:
        return f"more than {DEEPEST} levels"
    return f"more than {MOST_EVENTS} values" if count > MOST_EVENTS else None


class _Walk:
    """From nodes to plain values, keeping line and text of every place."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Place, int] = {}
        self.texts: dict[Place, str] = {}
        self.faults: list[Fault] = []

    def value(self, node: yaml.Node, place: Place) -> Any:
        """The node's value as str, int, float, bool, None, list or dict."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, place))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, n)) for n, item in enumerate(node.value)]
        self.texts[place] = node.value
        return _scalar(node.tag, node.value)

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        met: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value) if isinstance(key.value, str) else "?", key.start_mark.line + 1
            if name in met:
                told = f"{name} is there twice, first in line {met[name]}"
                self.faults.append(Fault("MG142", told, "Keep one of the two lines.", self.file, line))
                continue
            met[name] = line
            self.lines[(*place, name)] = line
            yield name, self.value(value, (*place, name))


def _scalar(tag: str, text: str) -> Any:
    """By YAML's own reading of a plain value; what is no plain number or word stays text."""
    kind = tag.rpartition(":")[2]
    if kind in {"null", "bool"}:
        return None if kind == "null" else text.lower() in {"yes", "true", "on"}
    if kind in {"int", "float"} and len(text) <= _LONGEST_NUMBER:
        return _number(text.replace("_", ""))
    return text


def _number(text: str) -> Any:
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text
