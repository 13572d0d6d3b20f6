"""Watches `model-drop/` and tells of every file there as a storage account would: BlobCreated, once it is whole.

It remembers what it told in memory only: after a start everything that is there is told again, and the doors know what they have
seen by the release's id.
"""

from __future__ import annotations

import contextlib
import logging
import mimetypes
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from shared.adapters.local.addresses import CONTAINER, etag_from, etag_of, url_of
from shared.adapters.local.home import Home
from shared.adapters.local.signals import Signals
from shared.domain.drops import is_unfinished
from shared.domain.errors import NotFound

log = logging.getLogger("modelgate.laptop.drops")

LOOK_EVERY = 0.15  # seconds, while nothing is being written
LOOK_SOON = 0.05  # seconds, while something is
LONGEST_PAUSE = 5.0
SHARE = 100  # the pause is at least this many times what the last look cost: under 1 % of a processor
QUIET_TAR = 1.0  # seconds without a change after which a compressed tar counts as written
QUIET_ZIP = 2.0  # the same for a zip that has no end: somebody's upload broke off, and the check will say so
READY = "_READY"
END_OF_ZIP = b"PK\x05\x06"
LONGEST_END = 22 + 0xFFFF  # the record and its comment
UNKNOWN = 0xFFFFFFFF  # the number stands in the Zip64 record


@dataclass(frozen=True)
class _Seen:
    """A file as one look found it; `since` is when this state was first seen (monotonic seconds)."""

    path: Path
    etag: str
    stat: os.stat_result
    since: float


class DropFolder:
    """Looks into the drop container again and again."""

    def __init__(self, home: Home, signals: Signals) -> None:
        self._home = home
        self._signals = signals
        self._told: dict[Path, str] = {}
        self._pending: dict[Path, _Seen] = {}
        self._count = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="drop folder", daemon=True)

    def start(self) -> None:
        """Watch in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def look(self) -> int:
        """One look: tell of every file that is new or changed and whole. Answers how many were told."""
        now = time.monotonic()
        there = dict(_files(self._home.drops))
        self._told = {path: etag for path, etag in self._told.items() if path in there}
        fresh = {path: (etag_from(stat), stat) for path, stat in there.items() if self._told.get(path) != etag_from(stat)}
        self._pending = {path: self._seen(path, etag, stat, now) for path, (etag, stat) in fresh.items()}
        whole = {path: seen for path, seen in self._pending.items() if _is_whole(seen, now) and _is_same(seen)}
        waiting = [path for path in self._pending if path not in whole]
        ready = [seen for seen in sorted(whole.values(), key=_order) if not _held(seen, waiting)]
        for seen in ready:
            self._tell(seen)
        return len(ready)

    def _seen(self, path: Path, etag: str, stat: os.stat_result, now: float) -> _Seen:
        before = self._pending.get(path)
        return before if before is not None and before.etag == etag else _Seen(path, etag, stat, now)

    def _tell(self, seen: _Seen) -> None:
        self._told[seen.path] = seen.etag
        del self._pending[seen.path]
        self._count += 1
        inside = seen.path.relative_to(self._home.drops).as_posix()
        log.info("%s was dropped", inside)
        subject = f"/blobServices/default/containers/{CONTAINER}/blobs/{inside}"
        self._signals.publish("Microsoft.Storage.BlobCreated", subject, self._data(seen))

    def _data(self, seen: _Seen) -> dict[str, Any]:
        return {
            "api": "PutBlob",
            "clientRequestId": str(uuid.uuid4()),
            "requestId": str(uuid.uuid4()),
            "eTag": seen.etag,
            "contentType": mimetypes.guess_type(seen.path.name)[0] or "application/octet-stream",
            "contentLength": seen.stat.st_size,
            "blobType": "BlockBlob",
            "url": url_of(self._home, seen.path),
            "sequencer": f"{time.time_ns():024X}{self._count:08X}",
            "storageDiagnostics": {"batchId": str(uuid.uuid4())},
        }

    def _watch(self) -> None:
        pause = 0.0
        while not self._closed.wait(pause):
            began = time.thread_time()
            try:
                self.look()
            except Exception:
                log.exception("Looking into the drop folder failed; it is tried again")
            cost = time.thread_time() - began
            pause = min(max(LOOK_SOON if self._pending else LOOK_EVERY, SHARE * cost), LONGEST_PAUSE)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file below `folder` with what `stat` says; links and names of unfinished files are left out."""
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not is_unfinished(entry.name)]
    except OSError:
        return  # taken away while we looked, or closed to us
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):
                yield Path(entry.path), entry.stat(follow_symlinks=False)


def _is_whole(seen: _Seen, now: float) -> bool:
    """Whether a file is written to its end. None counts at first sight, unless it is old: a copying tool may still set its time."""
    name = seen.path.name.lower()
    still = max(now - seen.since, min(time.time() - seen.stat.st_mtime, 3600.0) if now > seen.since else 0.0)
    if name.endswith((".tar.gz", ".tgz")):
        return still >= QUIET_TAR
    if name.endswith(".zip"):
        return now > seen.since and (still >= QUIET_ZIP or has_zip_end(seen.path))
    return now > seen.since


def _is_same(seen: _Seen) -> bool:
    """Whether the file is still as it was seen: it may have been finished between the look and the reading of its end."""
    try:
        return etag_of(seen.path) == seen.etag
    except NotFound:
        return False


def has_zip_end(path: Path) -> bool:
    """Whether the last bytes are the end of a zip whose directory fits before it."""
    try:
        with path.open("rb") as file:
            return _zip_ends(file)
    except OSError:
        return False


def _zip_ends(file: BinaryIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    tail_at = max(0, size - LONGEST_END)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(END_OF_ZIP)
    if at < 0 or len(tail) - at < 22:  # noqa: PLR2004 - the record without its comment
        return False
    record = tail[at : at + 22]
    length, offset, comment = (int.from_bytes(record[low:high], "little") for low, high in ((12, 16), (16, 20), (20, 22)))
    fits = UNKNOWN in (length, offset) or offset + length <= tail_at + at
    return fits and at + 22 + comment == len(tail)


def _order(seen: _Seen) -> tuple[bool, int, str]:
    """Oldest first; `_READY` after everything, since it closes its folder."""
    return seen.path.name == READY, seen.stat.st_mtime_ns, str(seen.path)


def _held(seen: _Seen, waiting: list[Path]) -> bool:
    """`_READY` is not told while a file of its folder is still being written."""
    return seen.path.name == READY and any(path.is_relative_to(seen.path.parent) for path in waiting)
