"""Files of `model-drop` as blobs: their URLs, and the eTags that change whenever the file does.

`http://laptop.localhost/model-drop/<percent-encoded path>` names a file (a folder's URL ends in `/`). Nothing listens there:
the name is what Event Grid, the release id and people see, on the laptop as on Azure.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from shared.adapters.local.home import Home
from shared.domain.errors import NotFound

HOST = "laptop.localhost"
CONTAINER = "model-drop"
BASE = f"http://{HOST}/{CONTAINER}/"


def url_of(home: Home, path: Path) -> str:
    """The URL of a file or folder in the drop container; a folder's ends in `/`. Raises ValueError for a path outside it."""
    inside = Path(os.path.abspath(path)).relative_to(os.path.abspath(home.drops))  # noqa: PTH100 - a link's own name counts, not its target
    return BASE + quote(inside.as_posix() if inside.parts else "") + ("/" if path.is_dir() and inside.parts else "")


def path_of(home: Home, url: str) -> Path:
    """The file or folder that a URL names, there or not. Raises NotFound when it names nothing in the drop container or leads out of it."""
    parts = urlsplit(url)
    prefix = f"/{CONTAINER}/"
    if (
        parts.scheme not in ("http", "https")
        or parts.hostname != HOST
        or not parts.path.startswith(prefix)
        or parts.query
        or parts.fragment
    ):
        raise NotFound(f"{url} is not in the drop container; its URLs start with {BASE}")
    names = unquote(parts.path[len(prefix) :]).rstrip("/").split("/")
    if any(name in ("", ".", "..") or "\0" in name or "\\" in name for name in names):
        raise NotFound(f"{url} does not name a file of the drop container.")
    path = home.drops.joinpath(*names)
    if not path.resolve().is_relative_to(home.drops.resolve()):
        raise NotFound(f"{url} leads out of the drop container.")
    return path


def etag_of(path: Path) -> str:
    """The eTag of a file as it lies there now: another size, time or inode gives another one. Raises NotFound."""
    try:
        return etag_from(path.stat())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{path.name} is no longer in the drop container.") from None


def etag_from(found: os.stat_result) -> str:
    """The eTag of a file from its `stat`; looks like a storage account's."""
    return f"0x{found.st_mtime_ns:016x}{found.st_size:x}-{found.st_ino:x}".lower()
