"""Ask for a prediction of every row: many rows a body, a few bodies at once. Rows that fail are found and counted, and the rest goes on."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from jobs import requests
from jobs.answers import Unusable, blank, read_answer, shown
from jobs.data import Table
from jobs.finder import Reason
from jobs.over_http import Ask, Reply
from jobs.sample import Sample
from jobs.values import Row, rows_of

BODY_BYTES = 2 << 20  # what a body should weigh, between the two limits on its rows
LEAST_ROWS, MOST_ROWS = 1000, 10_000
SINGLY = 100  # rows that one worker asks for, one after the other
TIMED = 50  # single-row requests whose time is taken
SEARCHES = 200  # further requests that may be spent on finding the rows that make a body fail
SAMPLES = 20  # failed rows that are shown


@dataclass
class Walk:
    """What came of all rows, in their order. `items[n]` is None where row n failed."""

    items: list[Any] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)  # row -> why
    seconds: float = 0.0
    body_rows: int = 1

    @property
    def samples(self) -> list[dict[str, Any]]:
        """The first failed rows with their reasons."""
        return [{"row": row, "reason": self.errors[row]} for row in sorted(self.errors)[:SAMPLES]]


@dataclass
class Asker:
    """How rows are asked for: the shape, the way, and what may still be spent on searching for bad rows. Used by several threads."""

    shape: str
    columns: tuple[str, ...]
    ask: Ask
    known: frozenset[str]
    reason: Reason = lambda: None
    searches: int = SEARCHES
    lock: threading.Lock = field(default_factory=threading.Lock)

    def batch(self, start: int, rows: list[Row]) -> tuple[list[Any], dict[int, str]]:
        """The items of rows `start` …, and the reasons of those that failed."""
        if not requests.one_at_a_time(self.shape):
            return self._together(start, rows)
        items, errors = [], {}
        for at, row in enumerate(rows, start):
            item, error = self._together(at, [row])
            items += item
            errors |= error
        return items, errors

    def _together(self, start: int, rows: list[Row]) -> tuple[list[Any], dict[int, str]]:
        reply = self.ask(requests.body(self.shape, self.columns, rows))
        try:
            items = self._read(reply, len(rows))
        except Unusable as unusable:
            return self._apart(start, rows, unusable.reason, late=reply.late)
        return items, {at: "the prediction is null or not finite" for at, item in enumerate(items, start) if blank(item)}

    def _read(self, reply: Reply, rows: int) -> list[Any]:
        if not reply.ok:
            raise Unusable("MG401", reply.error or self.reason() or f"HTTP {reply.status}")
        return read_answer(reply.answer, rows, self.known)

    def _apart(self, start: int, rows: list[Row], reason: str, *, late: bool) -> tuple[list[Any], dict[int, str]]:
        """One bad row makes a whole body fail: halves are asked again, as far as the budget goes."""
        if late or len(rows) == 1 or not self._may_search():
            return [None] * len(rows), dict.fromkeys(range(start, start + len(rows)), reason)
        middle = len(rows) // 2
        first, errors = self._together(start, rows[:middle])
        second, more = self._together(start + middle, rows[middle:])
        return first + second, errors | more

    def _may_search(self) -> bool:
        with self.lock:
            self.searches -= 2
            return self.searches >= 0


def walk(table: Table, asker: Asker, rows: int, concurrency: int) -> Walk:
    """Ask for all rows, at most `concurrency` requests at once and twice as many bodies held. Raises ServerGone."""
    began = time.perf_counter()
    done = Walk(body_rows=1 if requests.one_at_a_time(asker.shape) else rows)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="score") as workers:
        waiting: deque[Future[tuple[list[Any], dict[int, str]]]] = deque()
        for start, batch in _numbered(table, rows):
            waiting.append(workers.submit(lambda start=start, batch=batch: asker.batch(start, rows_of(batch))))
            if len(waiting) >= 2 * concurrency:
                _take(waiting.popleft(), done)
        while waiting:
            _take(waiting.popleft(), done)
    done.seconds = time.perf_counter() - began
    return done


def _numbered(table: Table, rows: int) -> Iterator[tuple[int, Any]]:
    start = 0
    for batch in table.batches(rows):
        yield start, batch
        start += batch.num_rows


def _take(future: Future[tuple[list[Any], dict[int, str]]], done: Walk) -> None:
    items, errors = future.result()
    done.items += [None if at in errors else item for at, item in enumerate(items, len(done.items))]
    done.errors |= {row: shown(reason) for row, reason in errors.items()}


def rows_a_body(sample: Sample, shape: str, wanted: int | None) -> int:
    """As asked for, else as many rows as weigh about `BODY_BYTES`, between 1,000 and 10,000."""
    if requests.one_at_a_time(shape):
        return SINGLY
    if wanted is not None:
        return wanted
    some = sample.rows[:20]
    weight = len(json.dumps(some)) / len(some)
    return int(min(MOST_ROWS, max(LEAST_ROWS, BODY_BYTES / weight)))


def latencies(sample: Sample, asker: Asker) -> list[float]:
    """Milliseconds of single-row requests, one after the other, as one caller sees them; those that failed do not count."""
    bodies = [requests.body(asker.shape, asker.columns, [sample.rows[at % len(sample.rows)]]) for at in range(TIMED)]
    replies = [asker.ask(body) for body in bodies]
    return [reply.seconds * 1000 for reply in replies if reply.ok]
