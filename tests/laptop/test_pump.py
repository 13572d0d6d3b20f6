from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import azure.functions as func
import pytest

from laptop.functions import BadFunction, Invoker, load_functions
from laptop.host_json import HostJson, QueueRules
from laptop.pump import QueuePump
from shared.adapters.local.heap_queue import HeapQueue
from tests.laptop.small_app import looping, small_app

NOW = timedelta(0)
RULES = QueueRules(batch_size=2, new_batch_threshold=0, max_dequeue_count=2, visibility=0.0)


@pytest.fixture
def queue(notes) -> Iterator[HeapQueue]:
    queue = HeapQueue()
    with looping() as loop:
        invoker = Invoker(HostJson())
        pump = QueuePump(queue, invoker, loop, RULES)
        pump.start(list(load_functions(small_app(notes)).values()))
        yield queue
        pump.close()
        assert invoker.close(20)


def test_a_message_reaches_its_function_as_a_queue_message(queue, notes):
    queue.send("r1/1/0", 3, NOW)
    ((body, dequeue_count, message_id),) = notes.wait_for(1)
    assert (body, dequeue_count) == ({"key": "r1/1/0", "attempt": 3}, 1)
    assert len(message_id) == 36


def test_a_failing_message_is_tried_as_often_as_host_json_says_and_then_poisoned(queue, notes):
    queue.send("r1/fail/0", 1, NOW)
    seen = notes.wait_for(3)
    assert [tries for _, tries, _ in seen[:2]] == [1, 2]
    assert seen[2] == "poison r1/fail/0"


def test_no_more_messages_are_worked_on_at_once_than_host_json_says():
    app, queue = func.FunctionApp(), HeapQueue()
    inside, most, go_on, full = set(), [0], threading.Event(), threading.Semaphore(0)

    @app.queue_trigger(arg_name="message", queue_name="tasks", connection="c")
    def task(message: str) -> None:
        inside.add(message)
        most[0] = max(most[0], len(inside))
        full.release()
        go_on.wait(20)
        inside.discard(message)

    with looping() as loop:
        invoker = Invoker(HostJson())
        pump = QueuePump(queue, invoker, loop, RULES)
        pump.start(list(load_functions(app).values()))
        for n in range(6):
            queue.send(f"r{n}/1/0", 1, NOW)
        assert full.acquire(timeout=20)
        assert full.acquire(timeout=20)
        assert not full.acquire(timeout=0.2)
        go_on.set()
        for _ in range(4):
            assert full.acquire(timeout=20)
        pump.close()
        assert invoker.close(20)
    assert most == [2]


def test_a_queue_that_is_not_there_is_told():
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="taks", connection="c")
    def task(message: str) -> None: ...

    with looping() as loop, pytest.raises(BadFunction, match="taks"):
        QueuePump(HeapQueue(), Invoker(HostJson()), loop, RULES).start(list(load_functions(app).values()))
