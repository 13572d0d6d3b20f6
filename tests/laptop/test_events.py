from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import azure.functions as func
import pytest

from laptop.chaos import Chaos
from laptop.event_door import EventDoor
from laptop.events import Deliverer
from laptop.functions import EVENT_GRID, Invoker, load_functions
from laptop.host_json import HostJson
from laptop.subscriptions import SUBSCRIPTIONS, Subscription
from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.signals import Signals
from tests.laptop.small_app import looping

BLOB = "Microsoft.Storage.BlobCreated"


@contextmanager
def delivering(door, folder: Path, chaos: Chaos | None = None, function: str = "door") -> Iterator[Signals]:
    """A deliverer that brings BlobCreated to the function `door`."""
    app, signals = func.FunctionApp(), Signals(HeapQueue())
    app.event_grid_trigger(arg_name="event")(door)
    with looping() as loop:
        invoker = Invoker(HostJson())
        events = EventDoor(load_functions(app), invoker)
        deliverer = Deliverer(signals, events, loop, folder, chaos=chaos, subscriptions=[Subscription("blobs", BLOB, function)])
        deliverer.start()
        yield signals
        deliverer.close()
        assert invoker.close(20)


def test_a_published_event_reaches_its_door(notes, tmp_path):
    def door(event: str) -> None:
        notes.add(json.loads(event))

    with delivering(door, tmp_path) as signals:
        signals.publish(BLOB, "s", {"api": "PutBlob"})
        (event,) = notes.wait_for(1)
    assert (event["eventType"], event["subject"], event["data"]) == (BLOB, "s", {"api": "PutBlob"})


def test_an_event_that_nobody_wants_goes_nowhere(notes, tmp_path):
    def door(event: str) -> None:
        notes.add(json.loads(event)["subject"])

    with delivering(door, tmp_path) as signals:
        signals.publish("Microsoft.Storage.BlobDeleted", "deleted", {})
        signals.publish(BLOB, "created", {})
        assert notes.wait_for(1) == ["created"]


def test_a_failed_delivery_is_tried_again_until_it_succeeds(notes, tmp_path):
    def door(event: str) -> None:
        notes.add(json.loads(event)["id"])
        if len(notes.seen) < 4:
            raise ValueError("not now")

    with delivering(door, tmp_path, Chaos(ladder=0.001)) as signals:
        signals.publish(BLOB, "s", {})
        assert len(set(notes.wait_for(4))) == 1


def test_the_waits_grow_as_event_grids_do(notes, tmp_path):
    def door(event: str) -> None:  # noqa: ARG001
        notes.add(time.monotonic())
        if len(notes.seen) < 3:
            raise ValueError("not now")

    with delivering(door, tmp_path, Chaos(ladder=0.01)) as signals:
        signals.publish(BLOB, "s", {})
        first, second, third = notes.wait_for(3)
    assert second - first >= 0.09  # 10 s, 30 s, … a hundredth of it, a tenth less by jitter
    assert third - second >= 0.27


def test_an_event_that_cannot_be_delivered_is_kept_with_the_reason(tmp_path):
    def door(event: str) -> None:  # noqa: ARG001
        raise ValueError("never")

    with delivering(door, tmp_path, Chaos(ladder=0.000001)) as signals:
        signals.publish(BLOB, "s", {"a": 1})
        letter = first_letter(tmp_path)
    assert letter["subject"] == "s"
    assert letter["data"] == {"a": 1}
    assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
    assert letter["deliveryAttempts"] >= 1
    assert letter["lastDeliveryAttemptTime"] >= letter["publishTime"]


def test_an_event_larger_than_event_grid_takes_is_given_up_at_once(notes, tmp_path):
    def door(event: str) -> None:
        notes.add(event)

    with delivering(door, tmp_path) as signals:
        signals.publish(BLOB, "s", {"a": "x" * 1_200_000})
        letter = first_letter(tmp_path)
    assert (letter["deliveryAttempts"], letter["lastDeliveryOutcome"]) == (1, "BadRequest")
    assert notes.seen == []


def test_events_come_twice_when_chaos_says_so(notes, tmp_path):
    def door(event: str) -> None:
        notes.add(json.loads(event)["id"])

    with delivering(door, tmp_path, Chaos(duplicate=1.0)) as signals:
        signals.publish(BLOB, "s", {})
        first, second = notes.wait_for(2)
    assert first == second


def test_a_dropped_event_never_comes(notes, tmp_path):
    def door(event: str) -> None:
        notes.add(json.loads(event)["subject"])

    with delivering(door, tmp_path, Chaos(drop=0.5, seed=1)) as signals:
        for n in range(40):
            signals.publish(BLOB, str(n), {})
        dice, chaos = random.Random(1), Chaos(drop=0.5)  # noqa: S311
        kept = [str(n) for n in range(40) if chaos.copies(dice)]
        assert sorted(notes.wait_for(len(kept))) == sorted(kept)


def test_one_slow_door_does_not_hold_up_the_others(notes, tmp_path):
    go_on = threading.Event()

    def door(event: str) -> None:
        if json.loads(event)["subject"] == "slow":
            go_on.wait(20)
        notes.add(json.loads(event)["subject"])

    with delivering(door, tmp_path) as signals:
        signals.publish(BLOB, "slow", {})
        signals.publish(BLOB, "quick", {})
        assert notes.wait_for(1) == ["quick"]
        go_on.set()
        notes.wait_for(2)


@pytest.mark.parametrize("api", ["PutBlob", "putblocklist", "CopyBlob", "FlushWithClose"])
def test_a_committed_blob_is_told_to_bundle_uploaded(api):
    assert [one.function for one in SUBSCRIPTIONS if one.wants({"eventType": BLOB, "data": {"api": api}})] == ["bundle_uploaded"]


@pytest.mark.parametrize("api", ["CreateFile", "", None])
def test_a_blob_that_is_not_committed_is_told_to_nobody(api):
    assert not [one for one in SUBSCRIPTIONS if one.wants({"eventType": BLOB, "data": {"api": api}})]


def test_every_event_door_of_the_app_has_its_subscription(app_functions):
    doors = {name for name, one in app_functions.items() if one.kind == EVENT_GRID}
    assert {one.function for one in SUBSCRIPTIONS} == doors


def first_letter(folder: Path) -> dict[str, object]:
    """The first dead letter, as soon as it lies there whole."""
    seen = threading.Event()
    for _ in range(1000):
        found = list(folder.glob("BLOBS/*/*/*/*/*.json"))
        if found:
            (letter,) = json.loads(found[0].read_text())
            return letter
        seen.wait(0.02)
    raise AssertionError("nothing was given up")
