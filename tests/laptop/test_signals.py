from __future__ import annotations

from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest

from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.signals import Signals, envelope

FIELDS = {"id", "topic", "subject", "eventType", "eventTime", "data", "dataVersion", "metadataVersion"}


@pytest.mark.parametrize(
    ("event_type", "topic"),
    [
        ("Microsoft.Storage.BlobCreated", "/providers/Microsoft.Storage/storageAccounts/laptop"),
        ("Microsoft.MachineLearningServices.RunCompleted", "/providers/Microsoft.MachineLearningServices/workspaces/laptop"),
        ("Microsoft.ContainerRegistry.ImagePushed", "/providers/Microsoft.ContainerRegistry/registries/laptop"),
        ("Microsoft.Communication.EmailDeliveryReportReceived", "/providers/microsoft.communication/communicationservices/laptop"),
    ],
)
def test_an_event_has_every_field_and_its_source_as_topic(event_type, topic):
    event = envelope(event_type, "s", {"a": 1})
    assert set(event) == FIELDS
    assert event["topic"].startswith("/subscriptions/00000000-0000-0000-0000-000000000000/resource")
    assert event["topic"].endswith(topic)
    assert (event["eventType"], event["subject"], event["data"]) == (event_type, "s", {"a": 1})


def test_the_time_of_an_event_is_utc_and_readable_by_azure_functions():
    at = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
    event = envelope("Microsoft.Storage.BlobCreated", "s", {}, at=at)
    assert event["eventTime"] == "2026-01-02T03:04:05.678900Z"
    read = func.EventGridEvent(
        id=event["id"],
        data=event["data"],
        topic=event["topic"],
        subject="s",
        event_type=event["eventType"],
        event_time=datetime.fromisoformat(event["eventTime"]),
        data_version="",
    )
    assert read.event_time == at


def test_an_event_of_no_known_source_is_refused():
    with pytest.raises(ValueError, match=r"Contoso\.Thing"):
        envelope("Contoso.Thing", "s", {})


def test_events_are_taken_in_the_order_they_were_published():
    signals = Signals(HeapQueue())
    for subject in "abc":
        signals.publish("Microsoft.Storage.BlobCreated", subject, {})
    assert [signals.next_event(0)["subject"] for _ in range(3)] == ["a", "b", "c"]
    assert signals.next_event(0) is None


def test_waking_reaches_the_queue():
    queue = HeapQueue()
    queue.send("r1/1/0", 1, timedelta(hours=1))
    Signals(queue).wake("r1")
    assert queue.receive(0).key == "r1/1/0"
