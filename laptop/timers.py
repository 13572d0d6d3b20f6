"""Timer triggers: each runs when its schedule says, never twice at the same time.

The Functions host remembers in storage when a timer ran last, and runs it at once when a time was missed. The laptop keeps no such
record: it counts every start as a missed time, unless the timer says `use_monitor=False`. `run_on_startup` then changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime

from azure.functions.meta import Datum

from laptop.functions import TIMER, Invoker, LoadedFunction
from laptop.ncrontab import Schedule, parse_schedule

log = logging.getLogger("modelgate.laptop.timers")

LATE = 1.0  # seconds; later than that is past due


class Timers:
    """All timers of the app."""

    def __init__(self, functions: list[LoadedFunction], invoker: Invoker) -> None:
        self._timers = [(one, parse_schedule(_schedule_text(one))) for one in functions if one.kind == TIMER]
        self._invoker = invoker

    async def run(self) -> None:
        """Run them until cancelled."""
        await asyncio.gather(*(self._keep(function, schedule) for function, schedule in self._timers))

    async def _keep(self, function: LoadedFunction, schedule: Schedule) -> None:
        last: datetime | None = None
        if function.trigger.use_monitor is not False or function.trigger.run_on_startup:
            last = await self._fire(function, schedule, None, datetime.now(UTC), late=function.trigger.use_monitor is not False)
        due = schedule.after(datetime.now(UTC))
        while True:
            wait = (due - datetime.now(UTC)).total_seconds()
            if wait > 0:
                await asyncio.sleep(min(wait, 60.0))  # in steps, since a laptop sleeps and its clock is set
                continue
            last = await self._fire(function, schedule, last, due, late=wait < -LATE)
            due = schedule.after(max(due, datetime.now(UTC)))

    async def _fire(self, function: LoadedFunction, schedule: Schedule, last: datetime | None, due: datetime, *, late: bool) -> datetime:
        began = datetime.now(UTC)
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {
                "Last": (last or began).isoformat(),
                "LastUpdated": (last or began).isoformat(),
                "Next": due.isoformat(),
            },
            "IsPastDue": late,
        }
        try:
            await self._invoker.invoke(function, Datum(json.dumps(info), "json"))
        except Exception:
            log.exception("%s failed; it runs again at %s", function.name, schedule.after(datetime.now(UTC)).isoformat())
        return began


def _schedule_text(function: LoadedFunction) -> str:
    return str(function.trigger.schedule)
