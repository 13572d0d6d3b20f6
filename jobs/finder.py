"""Find the request shape that a scoring script understands: the first that gives one usable prediction a row, for 1, 2 and 3 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jobs import predictions, requests
from jobs.answers import Unusable, blank, read_answer, shown
from jobs.faults import JobFault
from jobs.over_http import Ask, Reply
from jobs.sample import FEW, PROBE, WIDE, Sample

CONSTANT = "MG405"
# Codes of what can be wrong, nearest to a usable answer first.
NEARNESS = ("MG405", "MG403", "MG402", "MG408", "MG406", "MG404", "MG411", "MG407", "MG401")
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

    def as_json(self) -> dict[str, Any]:
        """For smoke.json."""
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """The shape that worked (None: none did), and every attempt on the way."""

    request: str | None
    attempts: tuple[Attempt, ...]

    @property
    def nearest(self) -> Attempt:
        """The failed attempt that says most: nearest to a usable answer, then with most rows."""
        failed = [one for one in self.attempts if one.code is not None]
        return min(failed, key=lambda one: (NEARNESS.index(one.code or "MG401"), any(word in one.reason for word in PARSING), -one.rows))


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
            if self._usable(shape, attempts):
                return Found(shape, tuple(attempts))
        if not any(one.code == "MG406" for one in attempts):
            for shape in requests.single_shapes(asked):
                if self._usable(shape, attempts):
                    return Found("row" if shape == "row:data" else shape, tuple(attempts))
        return Found(None, tuple(attempts))

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
        for count in (PROBE, WIDE if not singly else 3 * PROBE):
            attempt, items = self._many(shape, min(count, len(self.sample.rows)), singly)
            if attempt.code is None and self.task != "custom" and _constant(items) and self.sample.tells_apart(attempt.rows):
                attempt = Attempt(
                    shape,
                    attempt.rows,
                    CONSTANT,
                    f"{shown(items[0])} for each of {attempt.rows} different rows",
                    attempt.question,
                    attempt.answer,
                )
            if attempt.code != CONSTANT or count != PROBE or len(self.sample.rows) <= PROBE:
                yield attempt
                return

    def _many(self, shape: str, count: int, singly: bool) -> tuple[Attempt, list[Any]]:
        if not singly:
            return self._one(shape, 0, count)
        items: list[Any] = []
        attempt = Attempt(shape, count)
        for at in range(count):
            attempt, item = self._one(shape, at, at + 1)
            if attempt.code is not None:
                break
            items += item
        return Attempt(shape, count, attempt.code, attempt.reason, attempt.question, attempt.answer), items

    def _one(self, shape: str, start: int, end: int) -> tuple[Attempt, list[Any]]:
        rows = self.sample.rows[start:end]
        body = requests.body(shape, self.sample.columns, rows)
        reply = self.ask(body)
        told = shown(body.decode()), shown(_as_text(reply))
        try:
            items = usable(reply, len(rows), self.task, self.sample, self.reason)
        except Unusable as unusable:
            return Attempt(shape, end, unusable.code, unusable.reason, *told), []
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


def _constant(items: list[Any]) -> bool:
    return len(items) > 1 and all(item == items[0] for item in items[1:])
