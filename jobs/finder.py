"""Find the request shape that a scoring script understands: the first that gives one usable prediction a row, for 1, 2 and 3 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobs import predictions, requests
from jobs.answers import Unusable, blank, read_answer, shown
from jobs.faults import Fault, JobFault, fault
from jobs.over_http import Ask, Reply
from jobs.sample import FEW, PROBE, WIDE, Sample

CONSTANT = "MG405"
DEATHS = 2  # shapes that may kill the server before no further one is tried; each costs seconds
OF_A_ROW = ("MG401", "MG403")  # what one row among many may cause
# What can be wrong, nearest to a usable answer first.
NEARNESS = (("MG405",), ("MG403",), ("MG402", "MG408", "MG406"), ("MG404", "MG411"), ("MG407",), ("MG401",))
PARSING = ("KeyError", "string indices", "list indices must", "has no attribute", "JSONDecodeError", "not subscriptable")
Reason = Callable[[], str | None]


@dataclass(frozen=True)
class Attempt:
    """One shape tried with so many rows."""

    request: str
    rows: int
    code: str | None = None  # None: usable
    reason: str = ""
    question: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)
    died: bool = False  # the connection closed without an answer: the server's worker went down with the question


@dataclass(frozen=True)
class Found:
    """The shape that worked (None: none did), and every attempt on the way."""

    request: str | None
    attempts: tuple[Attempt, ...]
    keys: Sequence[str] = ()  # what the script reads of its request, as far as its source shows

    @property
    def nearest(self) -> Attempt:
        """The failed attempt that says most: nearest to a usable answer, not for its shape, with most rows, and first of these."""
        return min((one for one in self.attempts if one.code is not None), key=self._distance)

    def _distance(self, attempt: Attempt) -> tuple[int, bool, int]:
        """A shape that the script's own source asks for is not blamed, however its error reads."""
        tier = next(number for number, codes in enumerate(NEARNESS) if attempt.code in codes)
        meant = any(part in self.keys for part in attempt.request.split(":"))
        return tier, not meant and any(word in attempt.reason for word in PARSING), -attempt.rows

    @property
    def notes(self) -> list[Fault]:
        """What to tell of a shape that works."""
        if self.request is None or not requests.one_at_a_time(self.request):
            return []
        text = "The script answers one row a request only: scoring sends row by row, which is slow"
        return [fault("MG409", text, "Let run() take all rows of its request.", severity="warning")]


@dataclass(frozen=True)
class Finder:
    """What all attempts share: the rows, the way to ask, what the predictions must be, and where a failure's reason is told."""

    sample: Sample
    ask: Ask
    task: str
    reason: Reason = lambda: None

    def find(self, asked: str, keys: Sequence[str] = ()) -> Found:
        """Try the shapes of `asked` (`auto`: all of them) in order; one-row shapes last, and not for what prints arrays."""
        attempts: list[Attempt] = []
        for shape in requests.many_shapes(asked, keys):
            if sum(one.died for one in attempts) >= DEATHS:
                return Found(None, tuple(attempts), keys)
            if self._usable(shape, attempts):
                return Found(shape, tuple(attempts), keys)
        if not any(one.code == "MG406" for one in attempts):
            for shape in requests.single_shapes(asked):
                if self._usable(shape, attempts):
                    return Found("row" if shape == "row:data" else shape, tuple(attempts), keys)
        return Found(None, tuple(attempts), keys)

    def _usable(self, shape: str, attempts: list[Attempt]) -> bool:
        for attempt in self._tries(shape):
            attempts.append(attempt)
            if attempt.code is not None:
                return False
        return True

    def _tries(self, shape: str) -> Iterator[Attempt]:
        """1, 2 and 3 rows, then more rows until two answers differ."""
        singly = requests.one_at_a_time(shape)
        counts = range(1, min(FEW, len(self.sample.rows)) + 1)
        items: list[Any] = []
        for count in counts:
            attempt, items = self._one(shape, count - 1 if singly else 0, count)
            yield attempt
        if len(items) <= 1 and not singly:
            return
        yield from self._varied(shape, singly)

    def _varied(self, shape: str, singly: bool) -> Iterator[Attempt]:
        """More rows until two answers differ. A row that fails is for scoring to count, if others are answered."""
        for count in (PROBE, WIDE if not singly else 3 * PROBE):
            attempt, items = self._many(shape, min(count, len(self.sample.rows)), singly)
            if attempt.code is None and self._is_constant(items, attempt.rows):
                reason = f"{shown(items[0])} for each of {len(items)} different rows"
                attempt = replace(attempt, code=CONSTANT, reason=reason)
            if attempt.code != CONSTANT or count != PROBE or len(self.sample.rows) <= PROBE:
                yield attempt
                return

    def _is_constant(self, items: list[Any], rows: int) -> bool:
        same = len(items) > 1 and all(item == items[0] for item in items[1:])
        return same and self.task != "custom" and self.sample.tells_apart(rows)

    def _many(self, shape: str, count: int, singly: bool) -> tuple[Attempt, list[Any]]:
        """Ask for `count` rows: together, or one by one, then those that fail do not count while half are answered."""
        if not singly:
            attempt, items = self._one(shape, 0, count)
            if attempt.code not in OF_A_ROW:
                return attempt, items
        tried = [self._one(shape, at, at + 1) for at in range(min(count, 3 * PROBE))]
        answered = [items[0] for attempt, items in tried if attempt.code is None]
        enough = len(answered) * 2 >= len(tried)
        told = next(attempt for attempt, _ in tried if (attempt.code is None) == enough)
        return replace(told, rows=count), answered

    def _one(self, shape: str, start: int, end: int) -> tuple[Attempt, list[Any]]:
        rows = self.sample.rows[start:end]
        body = requests.body(shape, self.sample.columns, rows)
        reply = self.ask(body)
        told = shown(body.decode()), shown(_as_text(reply))
        try:
            items = usable(reply, len(rows), self.task, self.sample, self.reason)
        except Unusable as unusable:
            return Attempt(shape, end, unusable.code, unusable.reason, *told, died=reply.closed), []
        return Attempt(shape, end, None, "", *told), items


def usable(reply: Reply, rows: int, task: str, sample: Sample, reason: Reason) -> list[Any]:
    """The items of a reply that has one usable prediction a row. Raises Unusable with what is wrong otherwise."""
    if not reply.ok:
        raise Unusable("MG407" if reply.late else "MG401", _why(reply, reason))
    items = read_answer(reply.answer, rows, sample.known)
    if any(blank(item) for item in items):
        raise Unusable("MG403", f"a prediction is null or no finite number: {shown(items)}")
    if task == "regression":
        _check_numbers(items)
    return items


def _check_numbers(items: list[Any]) -> None:
    try:
        answered = predictions.numbers(items).answered
    except JobFault as stop:
        raise Unusable("MG408", str(stop.faults[0]["message"])) from None
    if not answered.all():
        bad = items[int(answered.argmin())]
        raise Unusable("MG408" if isinstance(bad, str) else "MG403", f"a prediction is {shown(bad)}, not a finite number")


def _why(reply: Reply, reason: Reason) -> str:
    told = reply.error or reason()
    if told:
        return told
    return f"HTTP {reply.status}: {shown(_as_text(reply))}"


def _as_text(reply: Reply) -> Any:
    return reply.answer.decode(errors="replace") if isinstance(reply.answer, bytes) else reply.answer or reply.error or ""
