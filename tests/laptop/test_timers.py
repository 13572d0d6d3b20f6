from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import azure.functions as func

from laptop.functions import Invoker, load_functions
from laptop.host_json import HostJson
from laptop.timers import Timers
from tests.laptop.small_app import Notes, looping


@contextmanager
def ticking(notes: Notes, **trigger: object) -> Iterator[None]:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", **trigger)
    def tick(timer: func.TimerRequest) -> None:
        notes.add((timer.past_due, timer.schedule_status["Next"]))
        if len(notes.seen) == 1:
            raise ValueError("the first time fails")

    with looping() as loop:
        invoker = Invoker(HostJson())
        timers = Timers(list(load_functions(app).values()), invoker)
        running = asyncio.run_coroutine_threadsafe(timers.run(), loop)
        yield
        running.cancel()
        assert invoker.close(20)


def test_a_timer_runs_by_its_schedule_also_after_a_failure(notes):
    with ticking(notes, schedule="* * * * * *", use_monitor=False):
        assert [late for late, _ in notes.wait_for(2)] == [False, False]


def test_a_start_counts_as_a_missed_time(notes):
    with ticking(notes, schedule="0 0 0 1 1 *"):
        assert notes.wait_for(1)[0][0] is True


def test_run_on_startup_runs_without_being_late(notes):
    with ticking(notes, schedule="0 0 0 1 1 *", use_monitor=False, run_on_startup=True):
        assert notes.wait_for(1)[0][0] is False


def test_a_timer_without_monitor_waits_for_its_time(notes):
    with ticking(notes, schedule="0 0 0 1 1 *", use_monitor=False), notes.changed:
        assert not notes.changed.wait_for(lambda: notes.seen, 0.3)
