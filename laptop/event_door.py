"""The Event Grid webhook of the Functions host: handshakes, both schemas, one invocation per event.

The rules are those of Azure's own extension; what a caller sends and gets here is what it sends and gets there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from azure.functions.meta import Datum

from laptop.functions import EVENT_GRID, Invoker, LoadedFunction

log = logging.getLogger("modelgate.laptop.events")
SCHEMAS = "An event is an object with id and eventType (Event Grid schema), or with id, source, type and specversion (CloudEvents 1.0)."

LARGEST = (1 << 20) + (1 << 16)  # Event Grid sends at most 1 MB; some room for spaces and escapes
ORIGIN = "eventgrid.azure.net"
CLOUD_EVENT = ("id", "source", "type", "specversion")
GRID_EVENT = ("id", "eventType")


@dataclass(frozen=True)
class DoorReply:
    """Status, JSON document (None: no body) and headers of an answer."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class NoEvent(Exception):
    """The body holds no event."""


class EventDoor:
    """`/runtime/webhooks/eventgrid?functionName=NAME`."""

    def __init__(self, functions: Mapping[str, LoadedFunction], invoker: Invoker) -> None:
        self._functions = {name.lower(): one for name, one in functions.items() if one.kind == EVENT_GRID}
        self._invoker = invoker

    def handshake(self, name: str) -> DoorReply:
        """The CloudEvents handshake (OPTIONS): who may deliver here, and how fast."""
        if name.lower() not in self._functions:
            return self._unknown(name)
        return DoorReply(200, None, {"WebHook-Allowed-Origin": ORIGIN, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"})

    async def post(self, name: str, event_type: str | None, body: bytes) -> DoorReply:
        """Take one delivery; `event_type` is the header aeg-event-type.

        202: every event was worked off. 500: one failed, send all again. 400, 404, 413: no use in sending it again as it is.
        """
        function = self._functions.get(name.lower())
        if function is None:
            return self._unknown(name)
        if len(body) > LARGEST:
            return problem(413, "too_large", "An Event Grid delivery is at most 1 MB.", "Send fewer events at once.")
        kind = (event_type or "").lower()
        if kind == "unsubscribe":
            return DoorReply(202)
        if kind not in ("notification", "subscriptionvalidation"):
            told = f"is {event_type!r}" if event_type else "is missing"
            return problem(400, "bad_header", f"The header aeg-event-type {told}.", "Set it to Notification.")
        try:
            events = events_in(body)
            return await self._notify(function, events) if kind == "notification" else _validated(events)
        except NoEvent as error:
            return problem(
                400, "no_event", str(error), "Send one event, or an array of events, in the Event Grid or the CloudEvents 1.0 schema."
            )

    async def _notify(self, function: LoadedFunction, events: list[dict[str, Any]]) -> DoorReply:
        calls = (self._invoker.invoke(function, Datum(json.dumps(event), "json")) for event in events)
        failures = [result for result in await asyncio.gather(*calls, return_exceptions=True) if isinstance(result, BaseException)]
        for failure in failures:
            log.error("%s failed on an event", function.name, exc_info=failure)
        if failures:
            return problem(500, "event_failed", f"{function.name}: {failures[0]}", "Send the whole delivery again.")
        return DoorReply(202)

    def _unknown(self, name: str) -> DoorReply:
        known = ", ".join(sorted(one.name for one in self._functions.values())) or "none"
        return problem(404, "unknown_function", f"There is no Event Grid function {name!r}.", f"?functionName= may be: {known}.")


def events_in(body: bytes) -> list[dict[str, Any]]:
    """The events of a delivery: a single one or an array, in either schema. Raises NoEvent when any part of it is none."""
    try:
        document = json.loads(body, parse_constant=_refuse)
        json.dumps(document, allow_nan=False)  # 1e999 is read as infinity
    except (ValueError, RecursionError) as error:
        raise NoEvent(f"The body is not JSON: {error}.") from None
    events = document if isinstance(document, list) else [document]
    if not events or not all(_is_event(event) for event in events):
        raise NoEvent(f"The body holds something that is no event. {SCHEMAS}")
    return events


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict):
        return False
    wanted = CLOUD_EVENT if "specversion" in event else GRID_EVENT
    return all(isinstance(event.get(key), str) and event[key] for key in wanted)


def _validated(events: list[dict[str, Any]]) -> DoorReply:
    data = events[0].get("data")
    code = data.get("validationCode") if isinstance(data, dict) else None
    if not isinstance(code, str):
        raise NoEvent("A SubscriptionValidation carries data.validationCode; this one does not.")
    return DoorReply(200, {"validationResponse": code})


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def problem(status: int, code: str, message: str, fix: str, headers: Mapping[str, str] | None = None) -> DoorReply:
    """An error as every interface tells it: `{"error": {"code", "message", "fix"}}`."""
    return DoorReply(status, {"error": {"code": code, "message": message, "fix": fix}}, headers or {})
