from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest

from shared.adapters.local.heap_queue import POISON, HeapQueue
from shared.wire.messages import task_message

NOW = timedelta(0)
LATER = timedelta(hours=1)
A_MOMENT = timedelta(milliseconds=60)


@pytest.fixture
def queue() -> HeapQueue:
    return HeapQueue("tasks", max_dequeue_count=2, back_off=0.0)


def taken(queue: HeapQueue, name: str | None = None) -> list[tuple[str, int]]:
    found = []
    while message := queue.receive(0, name):
        found.append((message.key, message.attempt))
    return found


def test_a_message_is_the_key_and_the_attempt_as_json():
    assert json.loads(task_message("rabc/3/0", 2)) == {"key": "rabc/3/0", "attempt": 2}


def test_messages_come_in_the_order_they_become_visible(queue):
    queue.send("r1/1/0", 1, A_MOMENT)
    queue.send("r2/1/0", 1, NOW)
    queue.send("r3/1/0", 1, timedelta(milliseconds=30))
    assert [queue.receive(5).key for _ in range(3)] == ["r2/1/0", "r3/1/0", "r1/1/0"]


def test_a_message_is_not_seen_before_its_time(queue):
    queue.send("r1/1/0", 1, LATER)
    assert queue.receive(0) is None
    assert queue.depth() == 1


def test_the_same_task_and_attempt_waits_only_once(queue):
    for _ in range(3):
        queue.send("r1/1/0", 1, NOW)
    queue.send("r1/1/0", 2, NOW)
    assert taken(queue) == [("r1/1/0", 1), ("r1/1/0", 2)]


def test_a_message_in_flight_is_not_sent_a_second_time(queue):
    queue.send("r1/1/0", 1, NOW)
    message = queue.receive(0)
    queue.send("r1/1/0", 1, NOW)
    assert queue.receive(0) is None
    queue.done(message)
    assert queue.receive(0) is None


def test_sending_again_with_less_patience_makes_it_visible_earlier(queue):
    queue.send("r1/1/0", 1, LATER)
    queue.send("r1/1/0", 1, NOW)
    assert taken(queue) == [("r1/1/0", 1)]


def test_sending_again_with_more_patience_changes_nothing(queue):
    queue.send("r1/1/0", 1, NOW)
    queue.send("r1/1/0", 1, LATER)
    assert taken(queue) == [("r1/1/0", 1)]


def test_a_done_message_may_be_sent_anew(queue):
    queue.send("r1/1/0", 1, NOW)
    queue.done(queue.receive(0))
    queue.send("r1/1/0", 1, NOW)
    assert taken(queue) == [("r1/1/0", 1)]


def test_a_failed_message_comes_again_and_counts_its_tries(queue):
    queue.send("r1/1/0", 1, NOW)
    first = queue.receive(0)
    assert first.dequeue_count == 1
    receipt = first.pop_receipt
    queue.failed(first)
    again = queue.receive(0)
    assert (again.id, again.dequeue_count) == (first.id, 2)
    assert again.pop_receipt != receipt


def test_a_failed_message_waits_for_its_back_off():
    queue = HeapQueue(back_off=0.1)
    queue.send("r1/1/0", 1, NOW)
    queue.failed(queue.receive(0))
    start = time.monotonic()
    assert queue.receive(0) is None
    assert queue.receive(5) is not None
    assert time.monotonic() - start >= 0.09


def test_a_message_that_failed_too_often_goes_to_the_poison_queue(queue):
    queue.send("r1/1/0", 7, NOW)
    for _ in range(2):
        queue.failed(queue.receive(0))
    assert queue.receive(0) is None
    poison = queue.receive(0, "tasks" + POISON)
    assert (poison.key, poison.attempt, poison.dequeue_count) == ("r1/1/0", 7, 1)


def test_a_poison_message_is_never_lost_however_often_it_fails(queue):
    queue.send("r1/1/0", 1, NOW)
    for _ in range(2):
        queue.failed(queue.receive(0))
    for _ in range(9):
        queue.failed(queue.receive(0, "tasks" + POISON))
    assert taken(queue, "tasks" + POISON) == [("r1/1/0", 1)]


def test_waking_a_release_makes_its_message_visible_now(queue):
    queue.send("r1/1/0", 1, LATER)
    queue.send("r12/1/0", 1, LATER)
    queue.wake("r1")
    assert taken(queue) == [("r1/1/0", 1)]


def test_waking_a_release_in_flight_makes_its_next_message_immediate(queue):
    queue.send("r1/1/0", 1, NOW)
    message = queue.receive(0)
    queue.wake("r1")
    queue.send("r1/1/0", 2, LATER)
    queue.done(message)
    assert taken(queue) == [("r1/1/0", 2)]


def test_a_wake_counts_for_one_message_only(queue):
    queue.send("r1/1/0", 1, NOW)
    queue.receive(0)
    queue.wake("r1")
    queue.send("r1/1/0", 2, LATER)
    queue.send("r1/1/0", 3, LATER)
    assert taken(queue) == [("r1/1/0", 2)]


def test_a_wake_before_the_message_is_sent_is_not_lost(queue):
    queue.wake("r1")
    queue.send("r1/1/0", 2, LATER)
    assert taken(queue) == [("r1/1/0", 2)]


def test_a_wake_that_found_its_message_is_used_up(queue):
    queue.send("r1/1/0", 1, LATER)
    queue.wake("r1")
    queue.done(queue.receive(0))
    queue.send("r1/1/0", 2, LATER)
    assert queue.receive(0) is None


def test_a_receiver_that_waits_is_told_of_a_new_message_at_once(queue):
    got = []
    thread = threading.Thread(target=lambda: got.append(queue.receive(10)))
    thread.start()
    start = time.monotonic()
    queue.send("r1/1/0", 1, NOW)
    thread.join(10)
    assert got[0].key == "r1/1/0"
    assert time.monotonic() - start < 5


def test_closing_lets_every_receiver_go(queue):
    threads = [threading.Thread(target=queue.receive, args=(60,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    queue.close()
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)


def test_many_threads_take_every_message_exactly_once(queue):
    got: list[str] = []

    def work() -> None:
        while message := queue.receive(0.2):
            got.append(message.key)
            queue.done(message)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    keys = [f"r{n}/1/0" for n in range(500)]
    for key in keys:
        queue.send(key, 1, timedelta(milliseconds=hash(key) % 20))
    for thread in threads:
        thread.join(30)
    assert sorted(got) == sorted(keys)


def test_more_than_seven_days_are_cut_to_seven(queue):
    queue.send("r1/1/0", 1, timedelta(days=30))
    assert queue._next_due("tasks") - time.monotonic() == pytest.approx(7 * 86400, abs=5)
