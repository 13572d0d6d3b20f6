"""What happens on the laptop, told as Event Grid would tell it.

Adapters publish here; the laptop's deliverer drains the outbox and posts each envelope to the doors. The outbox is in memory:
an event that a crash swallows is made up for by the polls and the sweep, as a lost event is on Azure.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any

from shared.adapters.local.heap_queue import HeapQueue
from shared.ports import Mail

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/laptop/providers/"
# The source's ARM id stands in `topic`; which one follows from the type of the event.
TOPICS = {
    "Microsoft.Storage.": GROUP + "Microsoft.Storage/storageAccounts/laptop",
    "Microsoft.MachineLearningServices.": GROUP + "Microsoft.MachineLearningServices/workspaces/laptop",
    "Microsoft.ContainerRegistry.": GROUP + "Microsoft.ContainerRegistry/registries/laptop",
    "Microsoft.Communication.": (GROUP + "Microsoft.Communication/CommunicationServices/laptop").lower(),
}
DATA_VERSIONS = {
    "Microsoft.Storage.": "",
    "Microsoft.MachineLearningServices.": "1.0",
    "Microsoft.ContainerRegistry.": "1.0",
    "Microsoft.Communication.": "1.0",
}

Envelope = dict[str, Any]


def envelope(event_type: str, subject: str, data: Mapping[str, Any], *, at: datetime | None = None) -> Envelope:
    """One event in the Event Grid schema, all its fields filled. Raises ValueError for a type that no source of ours raises."""
    source = next((prefix for prefix in TOPICS if event_type.startswith(prefix)), None)
    if source is None:
        raise ValueError(f"No source on the laptop raises events of type {event_type!r}; known are {', '.join(p + '*' for p in TOPICS)}.")
    return {
        "id": str(uuid.uuid4()),
        "topic": TOPICS[source],
        "subject": subject,
        "eventType": event_type,
        "eventTime": (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "data": dict(data),
        "dataVersion": DATA_VERSIONS[source],
        "metadataVersion": "1",
    }


class Signals:
    """Where adapters say that something happened: to the world (`publish`), and to the queue (`wake`). Safe for threads."""

    def __init__(self, queue: HeapQueue) -> None:
        self._queue = queue
        self._outbox: SimpleQueue[Envelope | None] = SimpleQueue()

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell it to the doors, as a real Event Grid envelope, at least once and soon after."""
        self._outbox.put(envelope(event_type, subject, data))

    def wake(self, release_id: str) -> None:
        """Try the release's waiting task now instead of after its NotYet."""
        self._queue.wake(release_id)

    def next_event(self, timeout: float) -> Envelope | None:
        """The oldest event not yet taken, waiting up to `timeout` seconds for one. None: there was none, or `close` was called."""
        try:
            return self._outbox.get(timeout=timeout) if timeout > 0 else self._outbox.get_nowait()
        except Empty:
            return None

    def close(self) -> None:
        """Let whoever waits for an event go, without one."""
        self._outbox.put(None)


def mail_delivered(signals: Signals, sender: str, mail: Mail) -> None:
    """Tell that the mail lies in the outbox, as a mail service reports a delivery: one event a recipient."""
    for recipient in mail.to:
        data: Envelope = {"sender": sender, "recipient": recipient, "messageId": mail.operation_id, "status": "Delivered"}
        data |= {"deliveryStatusDetails": {"statusMessage": "in the outbox"}, "deliveryAttemptTimestamp": mail.at.isoformat()}
        signals.publish("Microsoft.Communication.EmailDeliveryReportReceived", f"sender/{sender}/message/{mail.operation_id}", data)
