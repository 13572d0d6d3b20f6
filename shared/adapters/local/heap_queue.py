"""The task queue of the laptop: messages in memory, ordered by the time they become visible.

Nothing here outlives the process. That is enough, since the release store holds every open task: after a restart the first
sweep sends them all again.
"""

from __future__ import annotations

import heapq
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from shared.wire.messages import task_message

LONGEST = timedelta(days=7)  # what Azure queues take as visibility
FIRST_BACK_OFF = 1.0  # seconds; doubled with every failure of the message
LONGEST_BACK_OFF = 60.0
POISON = "-poison"
REMEMBERED_WAKES = 1000


@dataclass
class Message:
    """One message of the queue `queue`. `due` is monotonic seconds; `inserted` is UTC."""

    queue: str
    key: str
    attempt: int
    due: float
    dequeue_count: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    pop_receipt: str = ""
    inserted: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def body(self) -> str:
        """The text that the queue trigger gets."""
        return task_message(self.key, self.attempt)

    @property
    def name(self) -> tuple[str, str, int]:
        """What makes two messages the same message."""
        return self.queue, self.key, self.attempt

    @property
    def release_id(self) -> str:
        """Keys are `release/revision/n`."""
        return self.key.partition("/")[0]


class HeapQueue:
    """Port TaskQueue, and the receiving end for the host. Safe for threads.

    The same (key, attempt) is held once, whether it waits or is in flight: sending it again can only make it visible earlier.
    So the sweep may send what it likes (`patience` is zero). A message that failed `max_dequeue_count` times moves to the
    queue `<name>-poison`, where it is tried without end, as on Azure.
    """

    patience = timedelta(0)

    def __init__(self, name: str = "tasks", *, max_dequeue_count: int = 5, back_off: float | None = None) -> None:
        self.name = name
        self.max_dequeue_count = max_dequeue_count
        self.back_off = back_off  # seconds between tries (host.json visibilityTimeout); None: 1, 2, 4, … seconds
        self._changed = threading.Condition()
        self._heaps: dict[str, list[tuple[float, int, Message]]] = {name: [], name + POISON: []}
        self._waiting: dict[tuple[str, str, int], Message] = {}
        self._in_flight: dict[tuple[str, str, int], Message] = {}
        self._woken: dict[str, None] = {}  # releases whose next waiting message is due at once; a dict keeps their order
        self._order = count()
        self._closed = False

    @property
    def names(self) -> tuple[str, ...]:
        """The queues that can be received from: its own and its poison queue."""
        return tuple(self._heaps)

    def send(self, key: str, attempt: int, after: timedelta) -> None:
        """Deliver `{key, attempt}` once `after` has passed; longer than 7 days is cut to 7 days."""
        with self._changed:
            wait = min(after, LONGEST).total_seconds()
            message = Message(self.name, key, attempt, time.monotonic() + max(wait, 0.0))
            if message.release_id in self._woken:
                del self._woken[message.release_id]
                message.due = time.monotonic()
            self._put(message)

    def receive(self, timeout: float, queue: str | None = None) -> Message | None:
        """Take the visible message that was due first, waiting up to `timeout` seconds. None: there was none, or the queue was closed."""
        queue = queue or self.name
        until = time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                due = self._next_due(queue)
                if due is not None and due <= now:
                    return self._take(queue)
                if now >= until:
                    return None
                self._changed.wait(min(until, due if due is not None else until) - now)
        return None

    def done(self, message: Message) -> None:
        """The message was worked off; it is gone."""
        with self._changed:
            self._in_flight.pop(message.name, None)

    def failed(self, message: Message) -> None:
        """The function raised: try again after a back-off, or give the message to the poison queue when it had its tries."""
        with self._changed:
            if self._in_flight.pop(message.name, None) is None:
                return
            if message.dequeue_count < self.max_dequeue_count or message.queue.endswith(POISON):
                message.due = time.monotonic() + self._pause(message)
                self._put(message)
            else:
                self._put(Message(message.queue + POISON, message.key, message.attempt, time.monotonic()))

    def wake(self, release_id: str) -> None:
        """Something happened to this release: what waits of it is visible now.

        If its task is being performed at this moment, or is about to be sent, the next message of it is visible at once,
        since that task may have looked just before it happened.
        """
        with self._changed:
            waiting = [message for message in self._waiting.values() if message.release_id == release_id and message.queue == self.name]
            for message in waiting:
                message.due = time.monotonic()
                self._push(message)
            if not waiting or any(message.release_id == release_id for message in self._in_flight.values()):
                self._woken[release_id] = None
            while len(self._woken) > REMEMBERED_WAKES:
                del self._woken[next(iter(self._woken))]
            self._changed.notify_all()

    def depth(self, queue: str | None = None) -> int:
        """How many messages wait, visible or not."""
        with self._changed:
            return sum(message.queue == (queue or self.name) for message in self._waiting.values())

    def in_flight(self) -> int:
        """How many messages were received and neither done nor failed."""
        with self._changed:
            return len(self._in_flight)

    def close(self) -> None:
        """Nobody receives anything more; those who wait return at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, message: Message) -> None:
        if message.name in self._in_flight:
            return
        held = self._waiting.setdefault(message.name, message)
        held.due = min(held.due, message.due)
        self._push(held)

    def _push(self, message: Message) -> None:
        """A message may stand in its heap several times; only the entry with its present `due` counts."""
        heapq.heappush(self._heaps[message.queue], (message.due, next(self._order), message))
        self._changed.notify_all()

    def _next_due(self, queue: str) -> float | None:
        heap = self._heaps[queue]
        while heap:
            due, _, message = heap[0]
            if self._waiting.get(message.name) is message and message.due == due:
                return due
            heapq.heappop(heap)
        return None

    def _take(self, queue: str) -> Message:
        _, _, message = heapq.heappop(self._heaps[queue])
        del self._waiting[message.name]
        self._in_flight[message.name] = message
        message.dequeue_count += 1
        message.pop_receipt = str(uuid.uuid4())
        return message

    def _pause(self, message: Message) -> float:
        return min(FIRST_BACK_OFF * 2 ** (message.dequeue_count - 1), LONGEST_BACK_OFF) if self.back_off is None else self.back_off
