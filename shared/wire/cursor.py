"""The cursor of a listing: where one page ended, as text for the next request."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC

from shared.domain.errors import NotFound
from shared.domain.release import Release


def position(release: Release) -> tuple[str, str]:
    """Where a release stands in a listing: creation time, then id."""
    return release.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), release.id


def cursor(release: Release) -> str:
    """An opaque mark behind `release`."""
    return base64.urlsafe_b64encode("|".join(position(release)).encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[str, str]:
    """The position behind a cursor. Raises NotFound for a cursor that is none of ours."""
    try:
        created, _, ident = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("|")
    except (binascii.Error, ValueError):
        created, ident = "", ""
    if not created or not ident:
        raise NotFound("that is no cursor of this listing; take `next` from an earlier answer")
    return created, ident
