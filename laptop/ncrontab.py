"""NCRONTAB: `{second} {minute} {hour} {day} {month} {day of week}`, as timer triggers write their schedule. Times are UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?P<star>\*)(?:/(?P<every>\d+))?|(?P<low>\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\d+))?", re.ASCII)
FARTHEST = timedelta(days=366 * 9)  # 29 February comes at least once in eight years, and a weekday can make it wait


class BadSchedule(Exception):
    """No schedule that the Functions host would take."""


@dataclass(frozen=True)
class Schedule:
    """The seconds, minutes, … that a schedule allows."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0: Sunday

    def after(self, moment: datetime) -> datetime:
        """The first time after `moment` that the schedule names. Raises BadSchedule when it names none (30 February)."""
        at = moment.replace(microsecond=0) + timedelta(seconds=1)
        until = at + FARTHEST
        while at < until:
            if at.month not in self.months or at.day not in self.days or at.isoweekday() % 7 not in self.weekdays:
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0, second=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at = at.replace(second=0) + timedelta(minutes=1)
            elif at.second not in self.seconds:
                at += timedelta(seconds=1)
            else:
                return at
        raise BadSchedule(f"The schedule {self.text!r} never comes.")


def parse_schedule(text: str) -> Schedule:
    """Read six fields, or five (then at second 0). Raises BadSchedule."""
    fields = text.split()
    if len(fields) == 5:  # noqa: PLR2004
        fields = ["0", *fields]
    if len(fields) != 6:  # noqa: PLR2004
        raise BadSchedule(f"The schedule {text!r} must have six fields: second minute hour day month weekday.")
    try:
        second, minute, hour, day, month, weekday = fields
        return Schedule(
            text,
            seconds=_field(second, 0, 59),
            minutes=_field(minute, 0, 59),
            hours=_field(hour, 0, 23),
            days=_field(day, 1, 31),
            months=_field(month, 1, 12, MONTHS),
            weekdays=frozenset(number % 7 for number in _field(weekday, 0, 7, DAYS)),
        )
    except ValueError as error:
        raise BadSchedule(f"The schedule {text!r}: {error}") from None


def _field(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    return frozenset(number for item in text.split(",") for number in _item(item, low, high, names))


def _item(text: str, low: int, high: int, names: tuple[str, ...]) -> range:
    found = _ITEM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a number, a range, a step or a list of them.")
    step = int(found["every"] or found["step"] or 1)
    if step == 0:
        raise ValueError(f"{text!r} has a step of 0.")
    if found["star"]:
        return range(low, (6 if names is DAYS else high) + 1, step)
    first = _number(found["low"], low, high, names)
    last = _number(found["high"], low, high, names) if found["high"] else high if found["step"] else first
    if last < first:
        raise ValueError(f"{text!r} runs backwards.")
    return range(first, last + 1, step)


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text[:3].lower() in names and not text.isdecimal():
        return names.index(text[:3].lower()) + low
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ValueError(f"{text!r} is not from {low} to {high}.")
    return int(text)
