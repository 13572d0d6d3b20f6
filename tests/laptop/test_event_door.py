from __future__ import annotations

import json

import pytest

from laptop.event_door import LARGEST
from shared.adapters.local.signals import envelope

CLOUD = {
    "id": "c1",
    "source": "/subscriptions/x",
    "type": "Microsoft.Storage.BlobCreated",
    "specversion": "1.0",
    "subject": "s",
    "time": "2026-11-21T09:31:07Z",
    "data": {"api": "PutBlob"},
}


def grid(name: str = "g1") -> dict[str, object]:
    return envelope("Microsoft.Storage.BlobCreated", "s", {"api": "PutBlob"}) | {"id": name}


@pytest.mark.parametrize("event", [grid(), CLOUD])
@pytest.mark.parametrize("batch", [True, False])
def test_a_text_parameter_gets_the_raw_event_in_either_schema(site, notes, event, batch):
    assert site.deliver("raw_event", [event] if batch else event)[0] == 202
    assert notes.wait_for(1) == [event]


def test_each_element_is_one_invocation(site, notes):
    assert site.deliver("raw_event", [grid("1"), grid("2"), CLOUD])[0] == 202
    assert sorted(event["id"] for event in notes.wait_for(3)) == ["1", "2", "c1"]


def test_an_event_grid_event_is_converted_for_a_parameter_of_that_type(site, notes):
    assert site.deliver("typed_event", [grid()])[0] == 202
    assert notes.wait_for(1) == [("g1", "Microsoft.Storage.BlobCreated", "s", {"api": "PutBlob"})]


def test_a_cloud_event_is_converted_for_a_parameter_of_that_type(site, notes):
    assert site.deliver("cloud_event", CLOUD)[0] == 202
    assert notes.wait_for(1) == [("c1", "Microsoft.Storage.BlobCreated", "/subscriptions/x", {"api": "PutBlob"})]


def test_one_failure_asks_for_the_whole_delivery_again(site, notes):
    status, _, body = site.deliver("raw_event", [grid("1"), grid("fail"), grid("3")])
    assert status == 500
    assert "no such luck" in json.loads(body)["error"]["message"]
    assert {event["id"] for event in notes.wait_for(2)} == {"1", "3"}


def test_a_subscription_is_validated_with_its_code(site, notes):
    validation = [grid() | {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d-38b6"}}]
    status, _, body = site.deliver("raw_event", validation, "SubscriptionValidation")
    assert (status, json.loads(body)) == (200, {"validationResponse": "512d-38b6"})
    assert notes.seen == []


def test_a_validation_without_its_code_is_refused(site):
    assert site.deliver("raw_event", [grid()], "SubscriptionValidation")[0] == 400


def test_an_unsubscription_is_taken_note_of(site, notes):
    assert site.deliver("raw_event", b"", "Unsubscribe")[0] == 202
    assert notes.seen == []


@pytest.mark.parametrize("kind", [None, "", "Notificatio", "SomethingElse"])
def test_a_missing_or_unknown_header_is_refused(site, notes, kind):
    assert site.deliver("raw_event", [grid()], kind)[0] == 400
    assert notes.seen == []


def test_the_header_is_read_in_any_case(site):
    assert site.deliver("raw_event", [grid()], "notification")[0] == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"[[]]",
        b"{}",
        b'{"id": "1"}',
        b'{"id": 1, "eventType": "x"}',
        b'{"specversion": "1.0", "id": "1", "type": "x"}',
        b'[{"id": "1", "eventType": "x"}, 7]',
        b'{"id": "1", "eventType": "x", "data": NaN}',
        b'{"id": "1", "eventType": "x", "data": 1e999}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_event_is_refused_and_nothing_runs(site, notes, body):
    status, _, answer = site.deliver("raw_event", body)
    assert status == 400
    assert set(json.loads(answer)["error"]) == {"code", "message", "fix"}
    assert notes.seen == []


@pytest.mark.parametrize("name", ["nobody", "", "thing", "task"])
def test_an_unknown_function_is_not_found(site, name):
    assert site.deliver(name, [grid()])[0] == 404


def test_a_delivery_of_one_megabyte_is_taken(site):
    assert site.deliver("raw_event", [grid() | {"data": "x" * 1_000_000}])[0] == 202


def test_a_larger_delivery_is_refused(site, notes):
    assert site.deliver("raw_event", [grid() | {"data": "x" * LARGEST}])[0] == 413
    assert notes.seen == []


def test_the_cloud_events_handshake_allows_event_grid(site):
    path = "/runtime/webhooks/eventgrid?functionName=raw_event"
    status, headers, _ = site.ask("OPTIONS", path, WebHook_Request_Origin="eventgrid.azure.net")
    assert (status, headers["webhook-allowed-origin"], headers["webhook-allowed-rate"]) == (200, "eventgrid.azure.net", "*")
    assert "POST" in headers["allow"]


def test_the_handshake_for_an_unknown_function_is_not_found(site):
    assert site.ask("OPTIONS", "/runtime/webhooks/eventgrid?functionName=nobody")[0] == 404


def test_a_delivery_with_event_grids_origin_is_taken(site):
    path = "/runtime/webhooks/eventgrid?functionName=raw_event"
    assert site.ask("POST", path, json.dumps(CLOUD).encode(), aeg_event_type="Notification", Origin="eventgrid.azure.net")[0] == 202


def test_only_post_and_options_are_answered(site):
    status, headers, _ = site.ask("GET", "/runtime/webhooks/eventgrid?functionName=raw_event")
    assert (status, headers["allow"]) == (405, "POST, OPTIONS")
