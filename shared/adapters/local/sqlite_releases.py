"""Releases in one SQLite file: WAL, synchronous=FULL, so that what was saved outlives kill -9 and a power cut.

Writers that come at the same time share a commit: each puts its work on a list, one of them carries out all that lies there, every
piece in a savepoint of its own, and commits once. One fsync then serves many releases, and nobody waits longer than two commits.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.domain.errors import Conflict, NotFound, Permanent, Temporary
from shared.domain.saved import Saved
from shared.ports import DeadLetter, Page
from shared.wire.cursor import cursor, position, read_cursor
from shared.wire.messages import release_from_json, saved_from_json, saved_to_json

SCHEMA = """
CREATE TABLE IF NOT EXISTS releases (
  id TEXT PRIMARY KEY, revision INTEGER NOT NULL, name TEXT NOT NULL, stage TEXT NOT NULL, created TEXT NOT NULL,
  open INTEGER NOT NULL, document BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS releases_by_time ON releases (created DESC, id DESC);
CREATE INDEX IF NOT EXISTS releases_open ON releases (id) WHERE open = 1;
CREATE TABLE IF NOT EXISTS keys (number INTEGER PRIMARY KEY, key TEXT NOT NULL, release TEXT NOT NULL, UNIQUE (key, release));
CREATE TABLE IF NOT EXISTS versions (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letters (key TEXT PRIMARY KEY, at TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
"""
Work = Callable[[sqlite3.Connection], Any]


@dataclass
class _Entry:
    work: Work
    result: Any = None
    error: Exception | None = None
    done: bool = False


class SqliteDatabase:
    """The file, with one connection that writes and one that reads. Thread-safe."""

    def __init__(self, path: Path, *, busy: float = 10.0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._busy = busy
        with _translated():
            self._writer, self._reader = self._connect(path), self._connect(path)
            self._writer.executescript(SCHEMA)
        self._pending: list[_Entry] = []
        self._pending_lock, self._writing, self._reading = threading.Lock(), threading.Lock(), threading.Lock()

    def write(self, work: Work) -> Any:
        """Carry out `work` in a durable transaction (shared with others that come now) and return what it returned."""
        entry = _Entry(work)
        with self._pending_lock:
            self._pending.append(entry)
        with self._writing:
            if not entry.done:
                with self._pending_lock:
                    batch, self._pending = self._pending, []
                self._commit(batch)
        if entry.error is not None:
            raise entry.error
        return entry.result

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows."""
        with self._reading, _translated():
            return self._reader.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close both connections."""
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _commit(self, batch: list[_Entry]) -> None:
        try:
            with _translated():
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    for entry in batch:
                        self._run(entry)
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                    raise
        except Exception as error:  # noqa: BLE001 - whatever it was, every piece of the batch failed of it
            for entry in batch:
                entry.error = entry.error or error
        for entry in batch:
            entry.done = True

    def _run(self, entry: _Entry) -> None:
        self._writer.execute("SAVEPOINT piece")
        try:
            entry.result = entry.work(self._writer)
        except (Conflict, NotFound) as error:
            entry.error = error
            self._writer.execute("ROLLBACK TO piece")
        self._writer.execute("RELEASE piece")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Temporary(f"the state database did not take it: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Permanent(f"the state database is damaged or unreadable: {error}") from error


class SqliteReleaseStore:
    """The port ReleaseStore over a SqliteDatabase."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def load(self, release_id: str) -> Saved | None:
        """As last saved."""
        rows = self._database.read("SELECT document FROM releases WHERE id = ?", release_id)
        return saved_from_json(rows[0][0]) if rows else None

    def save(self, saved: Saved, *, expected: int) -> None:
        """Only over revision `expected`."""
        document = saved_to_json(saved)
        self._database.write(lambda connection: _save(connection, saved, document, expected))

    def by_key(self, key: str) -> tuple[str, ...]:
        """Ids, oldest key first."""
        return tuple(row[0] for row in self._database.read("SELECT release FROM keys WHERE key = ? ORDER BY number", key))

    def open(self) -> Iterable[Saved]:
        """What the sweep looks at, read one by one."""
        for (ident,) in self._database.read("SELECT id FROM releases WHERE open = 1"):
            saved = self.load(ident)
            if saved is not None:
                yield saved

    def page(self, *, name: str | None, stage: str | None, limit: int, after: str | None) -> Page:
        """Newest first, by (created, id)."""
        created, ident = read_cursor(after) if after is not None else ("~", "~")
        rows = self._database.read(
            "SELECT document FROM releases WHERE (created, id) < (?, ?) AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR stage = ?4)"
            " ORDER BY created DESC, id DESC LIMIT ?5",
            created,
            ident,
            name,
            stage,
            limit + 1,
        )
        releases = tuple(release_from_json(row[0]) for row in rows)
        return Page(releases[:limit], cursor(releases[limit - 1]) if len(releases) > limit else None)

    def next_version(self, name: str) -> int:
        """1, 2, …."""
        sql = "INSERT INTO versions VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last"
        return int(self._database.write(lambda connection: connection.execute(sql, (name,)).fetchone()[0]))


def _save(connection: sqlite3.Connection, saved: Saved, document: bytes, expected: int) -> None:
    release = saved.release
    values = (saved.revision, release.name, release.stage.value, position(release)[0], saved.open, document, release.id)
    if expected == 0:
        sql = (
            "INSERT INTO releases (revision, name, stage, created, open, document, id) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        changed = connection.execute(sql, values).rowcount
    else:
        sql = "UPDATE releases SET revision=?, name=?, stage=?, created=?, open=?, document=? WHERE id=? AND revision=?"
        changed = connection.execute(sql, (*values, expected)).rowcount
    if changed != 1:
        raise Conflict(f"release {release.id} is no longer at revision {expected}")
    connection.executemany("INSERT OR IGNORE INTO keys (key, release) VALUES (?, ?)", [(key, release.id) for key in saved.keys])


class SqliteDeadLetters:
    """The port DeadLetters over a SqliteDatabase."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def put(self, letter: DeadLetter) -> None:
        """Keep; the same key replaces."""
        row = (letter.key, letter.at.isoformat(), json.dumps({**asdict(letter), "at": letter.at.isoformat()}))
        self._database.write(lambda connection: connection.execute("INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?)", row) and None)

    def list(self) -> Sequence[DeadLetter]:
        """Newest first."""
        return [_letter(row[0]) for row in self._database.read("SELECT document FROM dead_letters ORDER BY at DESC, key DESC")]

    def take(self, key: str) -> DeadLetter:
        """Remove and return."""
        sql = "DELETE FROM dead_letters WHERE key = ? RETURNING document"
        row = self._database.write(lambda connection: connection.execute(sql, (key,)).fetchone())
        if row is None:
            raise NotFound(f"there is no dead letter {key}")
        return _letter(row[0])


def _letter(document: str) -> DeadLetter:
    raw = json.loads(document)
    return DeadLetter(**{**raw, "at": datetime.fromisoformat(raw["at"])})
