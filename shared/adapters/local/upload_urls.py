"""Write URLs of the laptop: each takes one PUT of one new drop until it expires, like a SAS with only the right to create.

The signature is an HMAC with a key that lies in the home and is made at first use.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from shared.adapters.local.addresses import CONTAINER
from shared.adapters.local.home import Home

KEY_FILE = "upload.key"
RIGHTS = "c"  # create only


class UploadRefused(Exception):
    """The URL was not made here, was changed, or has expired."""


def upload_url(home: Home, base: str, name: str, expires_at: datetime) -> str:
    """The URL, below the host's address `base`, that takes the drop `name` until `expires_at` (aware)."""
    expires = expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"sp": RIGHTS, "se": expires, "sr": "b", "sig": _signature(home, name, expires)}
    return f"{base.rstrip('/')}/storage/{CONTAINER}/{quote(name)}?{urlencode(query)}"


def check_upload(home: Home, name: str, query: Mapping[str, str], now: datetime) -> None:
    """Raises UploadRefused, with a sentence, unless `query` was signed here for `name` and holds at `now` (aware)."""
    expires = query.get("se", "")
    signed = hmac.compare_digest(_signature(home, name, expires).encode(), query.get("sig", "").encode())
    if not signed or query.get("sp") != RIGHTS:
        raise UploadRefused("The signature does not fit this URL.")
    if now >= datetime.fromisoformat(expires):
        raise UploadRefused(f"The URL expired at {expires}.")


def _signature(home: Home, name: str, expires: str) -> str:
    return hmac.digest(_key(home.root / KEY_FILE), f"{RIGHTS}\n{expires}\n{CONTAINER}/{name}".encode(), "sha256").hex()


def _key(path: Path) -> bytes:
    """The key; whoever comes first makes it, readable by its owner only."""
    if not path.exists():
        fresh = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # unlike a rename, never over a key that somebody else has just made
        fresh.unlink()
    return path.read_bytes()
