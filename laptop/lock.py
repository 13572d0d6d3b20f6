"""One laptop a home: a lock that the system itself lets go when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

LOCK_FILE = "laptop.lock"


class AlreadyUp(Exception):
    """Another laptop runs on this home."""


class HomeLock:
    """Held from `__init__` until `release`, or the end of the process. Raises AlreadyUp with a sentence that names who holds it."""

    def __init__(self, home: Path) -> None:
        self._file: IO[str] = (home / LOCK_FILE).open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held = read_lock(home)
            self._file.close()
            who = f"process {held['pid']}" + (f", {held['url']}" if held.get("url") else "") if held else "another process"
            raise AlreadyUp(f"A laptop is already up on {home} ({who}). Stop it first, or choose another --home.") from None
        self.tell({"pid": os.getpid()})

    def tell(self, holder: dict[str, Any]) -> None:
        """Write who holds it: `pid`, and `url` once it is known."""
        self._file.seek(0)
        self._file.truncate()
        json.dump(holder, self._file)
        self._file.flush()

    def release(self) -> None:
        """Let the next one in."""
        self._file.seek(0)
        self._file.truncate()
        self._file.close()


def read_lock(home: Path) -> dict[str, Any]:
    """What the holder wrote: `pid`, `url`; empty when nobody did."""
    try:
        found = json.loads((home / LOCK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "pid" in found else {}
