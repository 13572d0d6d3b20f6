"""Which release a person means: a whole id, a unique beginning of one, or `latest`."""

from __future__ import annotations

import re
from typing import Any

from cli.client import Client
from cli.exits import CommandError
from cli.safe import safe_line

_WHOLE = re.compile(r"r[a-z2-7]{15}")
_PAGE = 100


def release_id(client: Client, asked: str) -> str:
    """The id meant by `asked`. Raises CommandError when there is none, or more than one."""
    asked = asked.strip().lower()
    if _WHOLE.fullmatch(asked):
        return asked
    found = _latest(client) if asked == "latest" else _beginning_with(client, asked)
    if not found:
        raise CommandError(f"There is no release {asked!r}.", "`modelgate list` shows those there are.", name="not_found")
    if len(found) > 1 or not asked:
        raise CommandError(f"{asked!r} may be {_some(found)}.", "Write more of the id.", name="ambiguous")
    return str(found[0])


def first_releases(client: Client, limit: int | None, **query: Any) -> dict[str, Any]:
    """`{releases, next}`: the newest `limit` that fit `query` (None: every one), page by page."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = client.get("api/releases", limit=min(_PAGE, limit - len(found)) if limit else _PAGE, after=after, **query)
        found += page["releases"]
        after = page.get("next")
        if not after or (limit and len(found) >= limit):
            return {"releases": found, "next": after}


def _latest(client: Client) -> list[Any]:
    return [each["id"] for each in client.get("api/releases", limit=1)["releases"]]


def _beginning_with(client: Client, asked: str) -> list[Any]:
    return [each["id"] for each in first_releases(client, None)["releases"] if str(each["id"]).startswith(asked)]


def _some(ids: list[Any]) -> str:
    shown = ", ".join(safe_line(each) for each in ids[:4])
    return f"{shown} or {len(ids) - 4} more" if len(ids) > 4 else shown  # noqa: PLR2004 - what fits a line
