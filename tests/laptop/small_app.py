"""A small Functions app of every kind of trigger, and a real server round it."""

# ruff: noqa: ARG001 - a binding needs its parameter

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func

from laptop.assembly import Server
from laptop.functions import Invoker, load_functions
from laptop.host import Host
from laptop.host_json import HostJson, HttpRules
from shared.adapters.local.home import Home


@dataclass
class Notes:
    """What the functions of the small app were called with."""

    seen: list[Any] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, thing: Any) -> None:
        with self.changed:
            self.seen.append(thing)
            self.changed.notify_all()

    def wait_for(self, count: int, seconds: float = 20) -> list[Any]:
        """The first `count` calls, as soon as there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.seen) >= count, seconds), f"only {self.seen}"
            return list(self.seen)


def small_app(notes: Notes) -> func.FunctionApp:  # noqa: C901 - a list of doors
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route("api/things/{id}", methods=["GET", "POST"])
    def thing(req: func.HttpRequest) -> func.HttpResponse:
        told = {
            "id": req.route_params["id"],
            "method": req.method,
            "params": dict(req.params),
            "body": req.get_body().decode(),
            "url": req.url,
            "headers": dict(req.headers),
        }
        return func.HttpResponse(json.dumps(told), status_code=201, mimetype="application/json", headers={"X-Kind": "thing"})

    @app.route("api/things/latest", methods=["GET"])
    def latest(req: func.HttpRequest) -> str:
        return f"latest by {req.method}"

    @app.route("api/letters/{key}/requeue", methods=["POST"])
    def requeue(req: func.HttpRequest) -> str:
        return req.route_params["key"]

    @app.route("api/cookies", methods=["GET"])
    async def cookies(req: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(b"\x00\xff", mimetype="application/octet-stream")
        response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", "b=2; SameSite=Lax")
        return response

    @app.route("api/broken", methods=["GET"])
    def broken(req: func.HttpRequest) -> str:
        raise ValueError("the secret cause")

    @app.route("api/nothing", methods=["GET"])
    def nothing(req: func.HttpRequest) -> func.HttpResponse:
        return None

    @app.route("api/slow", methods=["GET"])
    def slow(req: func.HttpRequest, context: func.Context) -> str:
        notes.add("slow " + context.function_name)
        threading.Event().wait(1.0)
        return "done"

    @app.event_grid_trigger(arg_name="event")
    def raw_event(event: str) -> None:
        read = json.loads(event)
        if read["id"] == "fail":
            raise ValueError("no such luck")
        notes.add(read)

    @app.event_grid_trigger(arg_name="event")
    def typed_event(event: func.EventGridEvent) -> None:
        notes.add((event.id, event.event_type, event.subject, event.get_json()))

    @app.event_grid_trigger(arg_name="event")
    def cloud_event(event: func.CloudEvent) -> None:
        notes.add((event.id, event.type, event.source, event.get_json()))

    @app.queue_trigger(arg_name="message", queue_name="tasks", connection="AzureWebJobsStorage")
    def task(message: func.QueueMessage) -> None:
        notes.add((message.get_json(), message.dequeue_count, message.id))
        if "fail" in message.get_json()["key"]:
            raise ValueError("this task fails")

    @app.queue_trigger(arg_name="message", queue_name="tasks-poison", connection="AzureWebJobsStorage")
    def poison(message: str) -> None:
        notes.add("poison " + json.loads(message)["key"])

    @app.timer_trigger(arg_name="timer", schedule="*/1 * * * * *", use_monitor=False)
    def tick(timer: func.TimerRequest) -> None:
        notes.add(("tick", timer.past_due, time.time()))

    return app


@dataclass
class Served:
    """A running server and how to talk to it."""

    port: int
    host: Host

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            headers: dict[str, str] = {}
            for name, value in answer.getheaders():
                headers[name.lower()] = ", ".join(filter(None, (headers.get(name.lower()), value)))
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def deliver(self, function: str, body: Any, kind: str | None = "Notification") -> tuple[int, dict[str, str], bytes]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"aeg_event_type": kind} if kind else {}
        return self.ask("POST", f"/runtime/webhooks/eventgrid?functionName={function}", content, **headers)


@contextmanager
def served(app: func.FunctionApp, home: Home, rules: HostJson | None = None) -> Iterator[Served]:
    """A real server on a free loopback port, in a thread with a loop of its own."""
    rules = rules or HostJson(http=HttpRules(prefix=""))
    with looping() as loop, socket.create_server(("127.0.0.1", 0)) as listener:
        functions, invoker = load_functions(app), Invoker(rules)
        host = _on(loop, lambda: Host(functions, invoker, rules, home))
        up = threading.Event()
        server = Server(host, up.set)
        ending = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), loop)
        assert up.wait(20)
        yield Served(listener.getsockname()[1], host)
        server.should_exit = True
        ending.result(20)
        invoker.close(5)


@contextmanager
def looping() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _on(loop: asyncio.AbstractEventLoop, make: Callable[[], Any]) -> Any:
    async def run() -> Any:
        return make()

    return asyncio.run_coroutine_threadsafe(run(), loop).result(20)
