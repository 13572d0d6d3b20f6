"""Queue triggers: takes messages from the laptop's queue and runs the function of each."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum

from laptop.functions import QUEUE, BadFunction, Invoker, LoadedFunction
from laptop.host_json import QueueRules
from shared.adapters.local.heap_queue import HeapQueue, Message

log = logging.getLogger("modelgate.laptop.queue")

LIFE = timedelta(days=7)
NO_WAIT = 3600.0  # a receiver is told of every message and of the end; this only bounds its wait


class QueuePump:
    """One thread a queue waits for messages; at most `batchSize + newBatchThreshold` of a queue are worked on at once."""

    def __init__(self, queue: HeapQueue, invoker: Invoker, loop: asyncio.AbstractEventLoop, rules: QueueRules) -> None:
        self._queue = queue
        self._invoker = invoker
        self._loop = loop
        self._rules = rules
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        queue.max_dequeue_count = rules.max_dequeue_count
        queue.back_off = rules.visibility

    def start(self, functions: list[LoadedFunction]) -> None:
        """Serve every queue that a function listens to. Raises BadFunction for a queue that is not there."""
        for function in (one for one in functions if one.kind == QUEUE):
            if function.trigger.queue_name not in self._queue.names:
                known = ", ".join(self._queue.names)
                raise BadFunction(f"{function.name} listens to the queue {function.trigger.queue_name!r}; the laptop has {known}.")
            thread = threading.Thread(target=self._serve, args=(function,), name=f"queue {function.trigger.queue_name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Take no more messages. Those in flight are not lost: the store still has their tasks."""
        self._closed.set()
        self._queue.close()

    def _serve(self, function: LoadedFunction) -> None:
        free = threading.Semaphore(self._rules.at_once)
        while not self._closed.is_set():
            free.acquire()
            message = self._queue.receive(NO_WAIT, function.trigger.queue_name)
            if message is None:
                free.release()
                continue
            future = asyncio.run_coroutine_threadsafe(self._work(function, message), self._loop)
            future.add_done_callback(lambda _: free.release())

    async def _work(self, function: LoadedFunction, message: Message) -> None:
        try:
            await self._invoker.invoke(function, Datum(message.body, "string"), _metadata(message))
        except Exception:
            log.exception("%s failed on %s (try %s)", function.name, message.key, message.dequeue_count)
            self._queue.failed(message)
        else:
            self._queue.done(message)


def _metadata(message: Message) -> dict[str, Datum]:
    """Trigger metadata as the host hands it to the worker."""
    times = {
        "InsertionTime": message.inserted,
        "ExpirationTime": message.inserted + LIFE,
        "NextVisibleTime": datetime.now(UTC) + timedelta(minutes=10),
    }
    texts = {"Id": message.id, "PopReceipt": message.pop_receipt} | {name: at.isoformat() for name, at in times.items()}
    return {name: Datum(text, "string") for name, text in texts.items()} | {"DequeueCount": Datum(message.dequeue_count, "int")}
