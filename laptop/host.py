"""The HTTP side of the Functions host on one machine: HTTP functions, Event Grid doors, write URLs, the inbox.

Requests come from this machine only; keys (`?code=`, `x-functions-key`) are therefore not asked for. What a web page of another
site can make a browser send is refused: by the Host header (a name that was pointed at 127.0.0.1), and by Origin.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import azure.functions as func
from azure.functions.meta import Datum
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from laptop import inbox, storage
from laptop.event_door import LARGEST as LARGEST_DELIVERY
from laptop.event_door import DoorReply, EventDoor, problem
from laptop.functions import HTTP, Invoker, LoadedFunction, TookTooLong
from laptop.host_json import HostJson, HttpRules
from laptop.routes import Route, compile_route
from laptop.storage import Storage
from shared.adapters.local.home import Home

log = logging.getLogger("modelgate.laptop.host")

LARGEST_BODY = 100 << 20  # what the Functions host takes
EVENT_GRID_PATH = "/runtime/webhooks/eventgrid"
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]|laptop\.localhost)(:\d+)?")
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class HttpDoor:
    """An HTTP function behind its route. No methods: all."""

    route: Route
    methods: tuple[str, ...]
    function: LoadedFunction

    def takes(self, method: str) -> bool:
        """Whether it answers this method."""
        return not self.methods or method in self.methods


class TooLarge(Exception):
    """The body is larger than this door takes."""


class Busy(Exception):
    """host.json allows no more requests at once."""


class Host:
    """The ASGI application."""

    def __init__(self, functions: Mapping[str, LoadedFunction], invoker: Invoker, rules: HostJson, home: Home) -> None:
        self.doors = _http_doors(functions, rules.http.prefix)
        self.events = EventDoor(functions, invoker)
        self._invoker = invoker
        self._storage = Storage(home)
        self._home = home
        self._gate = _Gate(rules.http)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:
            log.exception("%s %s failed", request.method, request.url.path)
            response = _response(_failed(error))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        refused = _foreign(request)
        if refused:
            return _response(refused)
        path = request.scope["raw_path"].split(b"?")[0].decode("ascii", "replace")
        if path.startswith(storage.PREFIX):
            return _response(await self._storage.answer(request, path))
        try:
            async with self._gate:
                if path.rstrip("/").lower() == EVENT_GRID_PATH:
                    return _response(await self._event_door(request))
                return await self._function(request, path)
        except Busy:
            return _response(problem(429, "busy", "Too many requests at once.", "Try again in a moment.", {"Retry-After": "1"}))

    async def _event_door(self, request: Request) -> DoorReply:
        name = request.query_params.get("functionName", "")
        if request.method == "OPTIONS":
            return self.events.handshake(name)
        if request.method != "POST":
            return problem(405, "method_not_allowed", "Events are sent with POST.", "Send it with POST.", {"Allow": "POST, OPTIONS"})
        try:
            body = await _body(request, LARGEST_DELIVERY)
        except TooLarge:
            return problem(413, "too_large", "An Event Grid delivery is at most 1 MB.", "Send fewer events at once.")
        return await self.events.post(name, request.headers.get("aeg-event-type"), body)

    async def _function(self, request: Request, path: str) -> Response:
        fitting = [(door, found) for door in self.doors if (found := door.route.match(path)) is not None]
        for door, found in fitting:
            if door.takes(request.method):
                return await self._call(door.function, request, found)
        if inbox.is_inbox(path) and not fitting:
            return await asyncio.to_thread(inbox.answer, self._home.outbox, request.method, path)
        if fitting:
            allowed = ", ".join(sorted({method for door, _ in fitting for method in door.methods}))
            told = f"{path} does not answer {request.method}."
            return _response(problem(405, "method_not_allowed", told, f"It answers {allowed}.", {"Allow": allowed}))
        return _response(problem(404, "not_found", f"There is nothing at {path}.", "GET /api/openapi.json lists what there is."))

    async def _call(self, function: LoadedFunction, request: Request, route_params: Mapping[str, str]) -> Response:
        try:
            body = await _body(request, LARGEST_BODY)
        except TooLarge:
            told = f"A request body is at most {LARGEST_BODY >> 20} MB."
            return _response(problem(413, "too_large", told, "Send a larger archive to the write URL that POST /api/uploads gives."))
        try:
            result = await self._invoker.invoke(function, _request_datum(request, route_params, body))
            return _function_response(result)
        except Exception as error:
            log.exception("%s failed", function.name)
            return _response(_failed(error))


class _Gate:
    """`maxConcurrentRequests` run, up to `maxOutstandingRequests` run or wait, the rest is sent away."""

    def __init__(self, rules: HttpRules) -> None:
        self._running = asyncio.Semaphore(rules.max_concurrent) if rules.max_concurrent is not None else None
        self._most = rules.max_outstanding
        self._outstanding = 0

    async def __aenter__(self) -> None:
        if self._most is not None and self._outstanding >= self._most:
            raise Busy
        self._outstanding += 1
        try:
            if self._running is not None:
                await self._running.acquire()
        except BaseException:
            self._outstanding -= 1
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._outstanding -= 1
        if self._running is not None:
            self._running.release()


def _http_doors(functions: Mapping[str, LoadedFunction], prefix: str) -> tuple[HttpDoor, ...]:
    """Every HTTP function with its route, the most particular routes first."""
    doors = []
    for one in functions.values():
        if one.kind == HTTP:
            template = "/".join(part for part in (prefix, (one.trigger.route or "").strip("/")) if part)
            methods = tuple(getattr(method, "value", method).upper() for method in one.trigger.methods or ())
            doors.append(HttpDoor(compile_route(template), methods, one))
    return tuple(sorted(doors, key=lambda door: door.route.rank))


def _foreign(request: Request) -> DoorReply | None:
    """The refusal of what came by another name than this machine's, or from a page of another site."""
    host = request.headers.get("host", "")
    if _HOST.fullmatch(host.lower()) is None:
        return problem(403, "foreign_host", f"This laptop does not answer as {host!r}.", "Use http://127.0.0.1 and the port.")
    origin = request.headers.get("origin")
    webhook = request.url.path.startswith("/runtime/")  # CloudEvents deliveries carry Event Grid's Origin
    if origin and request.method not in SAFE and not webhook and origin.partition("//")[2] != host:
        return problem(403, "foreign_origin", f"A page of {origin} may not change anything here.", "Open the laptop's own pages.")
    return None


async def _body(request: Request, most: int) -> bytes:
    """The whole body. A body that is too large is read to its end before TooLarge is raised: only then does the caller read our answer."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > most:
        raise TooLarge
    return b"".join(chunks)


def _request_datum(request: Request, route_params: Mapping[str, str], body: bytes) -> Datum:
    """The request as the Functions host hands it to the worker: names in lower case, repeated values joined, empty ones left out."""
    query = parse_qs(request.url.query)  # leaves empty values out
    headers = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
    value = {
        "method": _text(request.method),
        "url": _text(str(request.url)),
        "headers": {name.lower(): _text(held) for name, held in headers.items() if held},
        "query": {name: _text(",".join(values)) for name, values in query.items()},
        "params": {name: _text(held) for name, held in route_params.items()},
        "body": Datum(body, "bytes"),
    }
    return Datum(value, "http")


def _function_response(result: Any) -> Response:
    """What a function returned, through azure-functions' own converter. Raises TypeError for what it does not take."""
    try:
        datum = func.get_binding_registry().get("http").encode(result, expected_type=None)  # type: ignore[no-untyped-call]
    except NotImplementedError:
        raise TypeError(f"An HTTP function must return an HttpResponse or text, not {type(result).__name__}.") from None
    if datum.type == "string":
        return Response(datum.value, media_type="text/plain")
    headers = {name: held.value for name, held in datum.value["headers"].items() if name.lower() != "content-length"}
    response = Response(datum.value["body"].value, int(datum.value["status_code"].value), headers)
    for cookie in datum.value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response


def _failed(error: Exception) -> DoorReply:
    if isinstance(error, TookTooLong):
        return problem(504, "timed_out", str(error), "Look whether it was done before you try again.")
    told = f"This failed inside modelgate ({type(error).__name__})."
    return problem(500, "internal", told, "Try again; if it stays so, logs/functions.jsonl in the home says more.")


def _response(reply: DoorReply) -> Response:
    if reply.document is None:
        return Response(status_code=reply.status, headers=dict(reply.headers))
    return Response(json.dumps(reply.document), reply.status, dict(reply.headers), "application/json")


def _text(value: str) -> Datum:
    return Datum(value, "string")
