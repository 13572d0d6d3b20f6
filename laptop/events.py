"""Event Grid on one machine: takes what adapters published and delivers it to the doors, at least once.

Deliveries go through the same door as the webhook's (`EventDoor.post`), with a body as Event Grid sends it, and are tried again by
Event Grid's ladder. What cannot be delivered lands in the dead-letter folder with the fields that Azure adds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from laptop.chaos import Chaos
from laptop.event_door import EventDoor
from laptop.subscriptions import SUBSCRIPTIONS, Subscription
from shared.adapters.local.home import write_whole
from shared.adapters.local.signals import Signals

log = logging.getLogger("modelgate.laptop.events")

LADDER = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 43200)  # seconds
LONGEST_LIFE = 86400.0  # seconds; shortened with the ladder
MOST_ATTEMPTS = 30
NEVER_AGAIN = {400: "BadRequest", 403: "Forbidden", 413: "BadRequest"}
OUTCOMES = NEVER_AGAIN | {404: "NotFound", 408: "TimedOut", 429: "Busy", 503: "Busy"}
PATIENCE = 30.0  # seconds that Event Grid waits for an answer


@dataclass
class _Delivery:
    subscription: Subscription
    event: dict[str, Any]
    published: datetime
    attempts: int = 0
    outcome: str = ""
    tried: datetime | None = field(default=None)


class Deliverer:
    """Drains the outbox of `signals` in a thread of its own and delivers on the host's loop."""

    def __init__(
        self,
        signals: Signals,
        door: EventDoor,
        loop: asyncio.AbstractEventLoop,
        dead_letters: Path,
        *,
        chaos: Chaos | None = None,
        subscriptions: Sequence[Subscription] = SUBSCRIPTIONS,
    ) -> None:
        self._signals = signals
        self._door = door
        self._loop = loop
        self._dead_letters = dead_letters
        self._chaos = chaos or Chaos()
        self._subscriptions = subscriptions
        self._dice = random.Random(self._chaos.seed)  # noqa: S311 - chaos needs no secrecy
        self._thread = threading.Thread(target=self._drain, name="event deliverer", daemon=True)
        self._closed = threading.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Deliver nothing more; what waits is lost, as the outbox is, and made up for by the sweep."""
        self._closed.set()
        self._signals.close()

    def _drain(self) -> None:
        while not self._closed.is_set():
            event = self._signals.next_event(3600)
            if event is not None:
                self._loop.call_soon_threadsafe(self._accept, event)

    def _accept(self, event: dict[str, Any]) -> None:
        for subscription in self._subscriptions:
            if subscription.wants(event):
                for late in self._chaos.copies(self._dice):
                    task = self._loop.create_task(self._deliver(_Delivery(subscription, event, datetime.now(UTC)), late))
                    self._under_way.add(task)
                    task.add_done_callback(self._under_way.discard)

    async def _deliver(self, delivery: _Delivery, late: float) -> None:
        """One copy of one event to one subscription, until it is taken or given up."""
        if late:
            await asyncio.sleep(late)
        body = json.dumps([delivery.event]).encode()
        while True:
            status = await self._attempt(delivery, body)
            if 200 <= status <= 204:  # noqa: PLR2004 - what Event Grid counts as success
                return
            over = delivery.attempts >= MOST_ATTEMPTS or self._age(delivery) > LONGEST_LIFE * self._chaos.ladder
            if status in NEVER_AGAIN or over:
                self._give_up(delivery, "MaxDeliveryAttemptsExceeded" if over else delivery.outcome)
                return
            step = LADDER[min(delivery.attempts, len(LADDER)) - 1]
            await asyncio.sleep(step * self._chaos.ladder * self._dice.uniform(0.9, 1.1))

    async def _attempt(self, delivery: _Delivery, body: bytes) -> int:
        delivery.attempts += 1
        delivery.tried = datetime.now(UTC)
        try:
            reply = await asyncio.wait_for(self._door.post(delivery.subscription.function, "Notification", body), PATIENCE)
            status = reply.status
        except TimeoutError:
            status = 408
        delivery.outcome = OUTCOMES.get(status, "Delivered" if status < 300 else "BadRequest")  # noqa: PLR2004
        log.debug("%s to %s: %s", delivery.event["eventType"], delivery.subscription.function, status)
        return status

    def _age(self, delivery: _Delivery) -> float:
        return (datetime.now(UTC) - delivery.published).total_seconds()

    def _give_up(self, delivery: _Delivery, reason: str) -> None:
        """Write it where Event Grid would: `<SUBSCRIPTION>/<yyyy>/<m>/<d>/<h>/<guid>.json`."""
        at = datetime.now(UTC)
        letter = delivery.event | {
            "deadLetterReason": reason,
            "deliveryAttempts": delivery.attempts,
            "lastDeliveryOutcome": delivery.outcome,
            "publishTime": delivery.published.isoformat(),
            "lastDeliveryAttemptTime": delivery.tried and delivery.tried.isoformat(),
        }
        name = delivery.subscription.name.upper()
        path = self._dead_letters / name / f"{at.year}/{at.month}/{at.day}/{at.hour}/{uuid.uuid4()}.json"
        log.error("Gave up delivering %s to %s: %s. See %s", delivery.event["eventType"], delivery.subscription.function, reason, path)
        write_whole(path, json.dumps([letter], indent=1).encode())
