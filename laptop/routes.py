"""HTTP routes as the Functions host reads them: ASP.NET templates such as `api/releases/{id}` or `{page:int?}` or `{*path}`.

An encoded slash (`%2F`) stays encoded in a parameter, as Kestrel leaves it; everything else is decoded. Letters match in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>[A-Za-z_]\w*)(?P<constraints>(?::\w+(?:\([^{}]*?\))?(?=[:=?}]))*)(?P<default>=[^?{}]*)?(?P<optional>\?)?\}"
)
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^{}]*?)\))?(?=:|$)")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Check = Callable[[str], bool]


class BadRoute(Exception):
    """A route template that the Functions host would not take."""


@dataclass(frozen=True)
class _Segment:
    """One part of a path between slashes: a literal, or a parameter with its checks."""

    literal: str | None
    name: str = ""
    checks: tuple[Check, ...] = ()
    optional: bool = False
    default: str | None = None
    rest: bool = False

    @property
    def rank(self) -> int:
        """What is tried first: literals, then constrained parameters, plain ones, catch-alls."""
        return 0 if self.literal is not None else 1 + (not self.checks) + 2 * self.rest


@dataclass(frozen=True)
class Route:
    """A template, ready to match paths."""

    template: str
    segments: tuple[_Segment, ...]

    @property
    def rank(self) -> tuple[int, ...]:
        """Routes are tried in this order."""
        return tuple(segment.rank for segment in self.segments)

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The parameters of a path as it came over the wire (still encoded, without query), or None when it does not fit."""
        parts = [_decoded(part) for part in raw_path.strip("/").split("/")] if raw_path.strip("/") else []
        found: dict[str, str] = {}
        for place, segment in enumerate(self.segments):
            value = "/".join(parts[place:]) if segment.rest else parts[place] if place < len(parts) else ""
            if not _fits(segment, value, found):
                return None
        takes_all = bool(self.segments) and self.segments[-1].rest
        return found if takes_all or len(parts) <= len(self.segments) else None


def compile_route(template: str) -> Route:
    """Read a template. Raises BadRoute when it has a mistake or a constraint that is not known."""
    text = template.strip("/")
    segments = tuple(_segment(part, template) for part in text.split("/")) if text else ()
    for earlier in segments[:-1]:
        if earlier.rest or earlier.optional:
            raise BadRoute(f"Route {template!r}: only its last part may be optional or take the rest of the path.")
    return Route(template, segments)


def _segment(text: str, template: str) -> _Segment:
    if "{" not in text and "}" not in text:
        return _Segment(literal=text.lower())
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise BadRoute(f"Route {template!r}: {text!r} is not a parameter such as {{id}} or {{id:int}}.")
    default = found["default"]
    return _Segment(
        literal=None,
        name=found["name"],
        checks=tuple(_check(name, arguments, template) for name, arguments in _CONSTRAINT.findall(found["constraints"])),
        optional=bool(found["optional"]) or default is not None,
        default=default[1:] if default else None,
        rest=bool(found["star"]),
    )


def _check(name: str, arguments: str, template: str) -> Check:
    numbers = [part.strip() for part in arguments.split(",")]
    if name == "regex":
        return partial(_matches, re.compile(arguments, re.IGNORECASE))
    if name in _PLAIN and not arguments:
        return _PLAIN[name]
    if name in _COUNTED and all(re.fullmatch(r"-?\d+", number) for number in numbers):
        return partial(_COUNTED[name], *(int(number) for number in numbers))
    raise BadRoute(f"Route {template!r}: the constraint {name!r} is not known or lacks its numbers.")


def _fits(segment: _Segment, value: str, found: dict[str, str]) -> bool:
    if segment.literal is not None:
        return value.lower() == segment.literal
    if not value:
        if segment.default is not None:
            found[segment.name] = segment.default
        return segment.optional or segment.rest
    found[segment.name] = value
    return all(check(value) for check in segment.checks)


def _decoded(part: str) -> str:
    return "%2F".join(unquote(piece) for piece in re.split("%2F", part, flags=re.IGNORECASE))


def _matches(pattern: re.Pattern[str], value: str) -> bool:
    return pattern.search(value) is not None


def _is_int(value: str, bits: int = 32) -> bool:
    return re.fullmatch(r"[+-]?\d+", value, re.ASCII) is not None and -(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1)


def _is_float(value: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value, re.ASCII) is not None


_PLAIN: dict[str, Check] = {
    "int": _is_int,
    "long": partial(_is_int, bits=64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "guid": lambda value: _GUID.fullmatch(value) is not None,
    "alpha": lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
    "decimal": _is_float,
    "double": _is_float,
    "float": _is_float,
    "required": bool,
}
_COUNTED: dict[str, Callable[..., bool]] = {
    "length": lambda low, *high_and_value: low <= len(high_and_value[-1]) <= (high_and_value[0] if len(high_and_value) > 1 else low),
    "minlength": lambda low, value: len(value) >= low,
    "maxlength": lambda high, value: len(value) <= high,
    "min": lambda low, value: _is_int(value, 64) and int(value) >= low,
    "max": lambda high, value: _is_int(value, 64) and int(value) <= high,
    "range": lambda low, high, value: _is_int(value, 64) and low <= int(value) <= high,
}
