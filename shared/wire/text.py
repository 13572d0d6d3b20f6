"""Plain text for people: safe strings, numbers, times and durations, each written one way everywhere."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo

NO_NUMBER = "\u2013"
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])")
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # control, format (bidi, zero width), not assigned, private, surrogate, line ends
_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"), "***"),
    (re.compile(r"(?i)(?<=[?&;\s])(sig|accountkey|sharedaccesskey|sharedaccesssignature)=[^\s&;\"']+"), r"\1=***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{12,}"), r"\1 ***"),
    (
        re.compile(r"(?i)\b([\w-]*(?:password|passwd|secret|api[_-]?key|access[_-]?key|token))(\"?'?\s*[=:]\s*\"?'?)[^\s\"',;&]{4,}"),
        r"\1\2***",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "***"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|sk-|xox[abpr]-)[A-Za-z0-9_-]{16,}"), "***"),
)


def clean(text: object, limit: int = 400) -> str:
    """One line, safe in a header, a terminal and a page: no escapes, no control, bidi or zero-width characters, no secrets."""
    line = " ".join(clean_block(text, limit=limit * 4).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clean_block(text: object, limit: int = 200_000) -> str:
    """The same for text of several lines: line ends and tabs stay."""
    plain = _ESCAPES.sub("", str(text)[: limit * 2]).replace("\r\n", "\n").replace("\r", "\n")
    seen = "".join(char if char in "\n\t" else "" if unicodedata.category(char) in _UNSEEN else char for char in plain)
    return redact(seen)[:limit]


def redact(text: str) -> str:
    """`text` with what looks like a password, key or token replaced by `***`."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def sound(text: str) -> str:
    """`text` as any encoder takes it: lone surrogates become `?`."""
    return text.encode("utf-8", "replace").decode()


def last_lines(content: bytes, lines: int = 60) -> str:
    """The last lines of a log, safe to show; at most 400 characters of each."""
    text = clean_block(content[-200_000:].decode("utf-8", "replace"))
    return "\n".join(line[:400].rstrip() for line in text.rstrip().split("\n")[-lines:])


def plural(count: int, thing: str, things: str = "") -> str:
    """`1 KPI`, `3 KPIs`."""
    return f"{count} {thing if count == 1 else things or thing + 's'}"


def rfc3339(at: datetime) -> str:
    """UTC with `Z`, milliseconds only where there are any."""
    utc = at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def utc_time(at: datetime) -> str:
    """`21 Nov 2026 09:33 UTC`."""
    return at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC").lstrip("0")


def both_times(at: datetime, zone: tzinfo | None) -> str:
    """UTC, and local time beside it when that reads differently: `21 Nov 2026 09:33 UTC (10:33 CET)`."""
    there = at.astimezone(zone or UTC)
    if not there.utcoffset():
        return utc_time(at)
    day = "" if there.date() == at.astimezone(UTC).date() else there.strftime("%d %b ").lstrip("0")
    name, offset = there.tzname() or "", there.strftime("%z")
    return f"{utc_time(at)} ({day}{there:%H:%M} {name if name.isalpha() else f'UTC{offset[:3]}:{offset[3:]}'})"


def duration(span: timedelta | float) -> str:
    """`0.8 s`, `12 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 9.95:  # noqa: PLR2004 - below this one decimal tells something
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    for size, unit, small, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def byte_size(count: int) -> str:
    """`812 B`, `3.4 kB`, `1.2 MB`."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - decimal units
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"  # noqa: PLR2004
        size /= 1000
    return f"{size:.1f} GB"


def number(value: float | None) -> str:
    """A metric to read: as many decimals as its size deserves. None and what is no number: a dash."""
    if value is None or not math.isfinite(value):
        return NO_NUMBER
    return _written(value, _decimals(value)) if value == 0 or 1e-4 <= abs(value) < 1e15 else f"{value:.3g}"  # noqa: PLR2004


def pair(value: float | None, limit: float) -> tuple[str, str]:
    """Value and limit with the same decimals, and enough of them that they compare as the numbers do."""
    if value is None or not math.isfinite(value):
        return NO_NUMBER, number(limit)
    needed = max(_decimals(limit), _exact(limit))
    for decimals in range(needed, 13):
        shown, bound = round(value, decimals), round(limit, decimals)
        if (shown < bound) == (value < limit) and (shown > bound) == (value > limit):
            return _written(value, decimals), _written(limit, decimals)
    return repr(value), repr(limit)


def _decimals(value: float) -> int:
    size = abs(value)
    if size == 0:
        return 2
    return 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 0.1 else min(1 - math.floor(math.log10(size)), 6)  # noqa: PLR2004


def _exact(value: float) -> int:
    return next((decimals for decimals in range(7) if round(value, decimals) == value), 6)


def _written(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if abs(value) >= 10_000 else f"{value:.{decimals}f}"  # noqa: PLR2004 - 1234 needs no comma
