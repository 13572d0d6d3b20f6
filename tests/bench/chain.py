"""The chain of stages with trivial effects, durable on SQLite, against a bare SQLite loop with one fsync a transition."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

from shared.adapters.local.sqlite_releases import SqliteDatabase, SqliteReleaseStore
from shared.domain.bundle import Inspected
from shared.domain.effects import LASTING
from shared.engine.claim import claim
from shared.engine.perform import perform
from shared.wire.event_grid import Uploaded
from shared.wiring import SystemClock
from tests.bench.figures import Figure
from tests.world import ACCOUNT, World, bundle

IN_FLIGHT = 200
WORKERS = 16
TRANSITIONS = 8


class Heap:
    """A queue that keeps stage work by hand and leaves mails and clean-up for later, as the figure is of the stages."""

    patience = timedelta(0)

    def __init__(self) -> None:
        self.messages: list[tuple[str, int]] = []
        self.lock = threading.Lock()

    def send(self, key: str, attempt: int, _after: object) -> None:
        with self.lock:
            self.messages.append((key, attempt))

    def take(self) -> tuple[str, int] | None:
        with self.lock:
            return self.messages.pop(0) if self.messages else None


def system(folder: Path) -> tuple[World, Heap, SqliteDatabase]:
    world, heap, database = World(), Heap(), SqliteDatabase(folder / "state.db")
    world.with_ports(releases=SqliteReleaseStore(database), queue=heap, clock=SystemClock())
    return world, heap, database


def latency(folder: Path, chains: int = 20) -> float:
    """Seconds from the event to the verdict of one release alone, median."""
    world, heap, database = system(folder)
    spans = []
    for number in range(chains):
        begin = time.perf_counter()
        start(world, number)
        while (message := heap.take()) is not None and not _lasting(world, message[0]):
            perform(*message, world.ports)
        spans.append(time.perf_counter() - begin)
        heap.messages.clear()
    database.close()
    return statistics.median(spans)


def throughput(folder: Path) -> float:
    """Verdicts a second with IN_FLIGHT releases at once."""
    world, heap, database = system(folder)
    for number in range(IN_FLIGHT):
        start(world, number)
    begin = time.perf_counter()

    def work() -> None:
        while (message := heap.take()) is not None:
            if not _lasting(world, message[0]):
                perform(*message, world.ports)

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    span = time.perf_counter() - begin
    ended = sum(saved.release.ended for saved in world.ports.releases.open())
    assert ended == IN_FLIGHT, f"{ended} of {IN_FLIGHT} have their verdict"
    database.close()
    return IN_FLIGHT / span


def start(world: World, number: int) -> None:
    world.bundles.inspected[f"{ACCOUNT}/model-drop/{number}.zip"] = Inspected(bundle(digest=f"{number:064x}"), (), "d")
    claim(Uploaded(ACCOUNT, "model-drop", f"{number}.zip", "1", 1), world.ports)


def _lasting(world: World, key: str) -> bool:
    saved = world.ports.releases.load(key.partition("/")[0])
    return saved is not None and any(task.key == key and isinstance(task.effect, LASTING) for task in saved.tasks)


def floor(folder: Path, chains: int = 60) -> tuple[float, float]:
    """(seconds, chains a second) of the bare loop: TRANSITIONS updates, each its own durable commit."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE r (id INTEGER PRIMARY KEY, stage TEXT)")
    spans = []
    for number in range(chains):
        begin = time.perf_counter()
        connection.execute("INSERT INTO r VALUES (?, '0')", (number,))
        for stage in range(1, TRANSITIONS):
            connection.execute("UPDATE r SET stage = ? WHERE id = ?", (str(stage), number))
        spans.append(time.perf_counter() - begin)
    connection.close()
    return statistics.median(spans), chains / sum(spans)


def figures() -> list[Figure]:
    """Medians of five runs."""
    with tempfile.TemporaryDirectory() as folder:
        runs = []
        for number in range(5):
            path = Path(folder) / str(number)
            path.mkdir()
            runs.append((*floor(path), latency(path / "l"), throughput(path / "t")))
    floor_s, floor_rate, span, rate = (statistics.median(column) for column in zip(*runs, strict=True))
    return [
        Figure("chain latency", span * 1000, "ms", floor_s * 1000, most=4),
        Figure("chain throughput, 200 in flight", rate, "1/s", floor_rate, least=0.25),
    ]
