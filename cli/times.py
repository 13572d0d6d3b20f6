"""Times of the server, for people."""

from __future__ import annotations

from datetime import UTC, datetime


def parsed(text: object) -> datetime | None:
    """An RFC 3339 time, aware; None for anything else."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def seconds_between(start: object, end: object | None = None) -> float:
    """Seconds from `start` to `end` (None: now), never below 0; 0 when either is no time."""
    begun, ended = parsed(start), parsed(end) if end is not None else datetime.now(UTC)
    return max(0.0, (ended - begun).total_seconds()) if begun and ended else 0.0


def span(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 10:  # noqa: PLR2004 - from here on tenths are noise
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for limit, form in ((60, "{s} s"), (3600, "{m} min {s:02} s"), (86400, "{h} h {m:02} min")):
        if whole < limit:
            return form.format(s=whole % 60, m=whole // 60 % 60, h=whole // 3600)
    return f"{whole // 86400} d {whole // 3600 % 24} h"


def local(text: object) -> str:
    """The local time of day with its date; the text itself when it is no time."""
    time = parsed(text)
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else str(text or "")
