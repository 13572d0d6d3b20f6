"""Puts the laptop together: the app's functions, and everything that calls them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from laptop.chaos import Chaos
from laptop.drop_folder import DropFolder
from laptop.events import Deliverer
from laptop.functions import BadFunction, Invoker, load_functions, running
from laptop.host import Host
from laptop.host_json import BadHostJson, HostJson, read_host_json
from laptop.ncrontab import BadSchedule
from laptop.pump import QueuePump
from laptop.routes import BadRoute
from laptop.subscriptions import SUBSCRIPTIONS
from laptop.timers import Timers
from shared.wiring import CODE

if TYPE_CHECKING:
    from shared.wiring import LocalParts


class BadApp(Exception):
    """The Functions host would not run this app."""


class Laptop:
    """One laptop on one loop. Raises BadApp, with the reason, for what the Functions host or the worker would refuse."""

    def __init__(self, parts: LocalParts, weather: Chaos, loop: asyncio.AbstractEventLoop) -> None:
        from function_app import app  # noqa: PLC0415 - its doors are wired by the settings, which stand now

        try:
            rules = read_host_json(CODE / "host.json")
            functions = load_functions(app)
            self._functions = list(functions.values())
            self._invoker = Invoker(rules)
            self.host = Host(functions, self._invoker, rules, parts.home)
            self._timers = Timers(self._functions, self._invoker)
        except (BadHostJson, BadFunction, BadRoute, BadSchedule) as error:
            raise BadApp(str(error)) from None
        obey_levels(rules)
        wanted = [one for one in SUBSCRIPTIONS if one.function in functions]
        dead = parts.home.logs / "undelivered"
        self._pump = QueuePump(parts.queue, self._invoker, loop, rules.queues)
        self._deliverer = Deliverer(parts.signals, self.host.events, loop, dead, chaos=weather, subscriptions=wanted)
        self._drops = DropFolder(parts.home, parts.signals)
        self._loop = loop
        self._timing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let everything run; to be called on the loop."""
        self._pump.start(self._functions)
        self._deliverer.start()
        self._drops.start()
        self._timing = self._loop.create_task(self._timers.run())

    def close(self, patience: float) -> bool:
        """Start nothing more; wait for functions that run. Answers whether all have ended."""
        self._drops.close()
        self._deliverer.close()
        self._pump.close()
        if self._timing is not None:
            self._loop.call_soon_threadsafe(self._timing.cancel)
        return self._invoker.close(patience)


class Server(uvicorn.Server):
    """The HTTP server, which says when it answers. Connections get a moment to end when it stops."""

    def __init__(self, host: Host, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            host, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=3
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets=sockets)
        self._ready()


def obey_levels(rules: HostJson) -> None:
    """Let `logging.logLevel` of host.json decide what is kept: `Function.<name>.User` while a function runs, `Host.<name>` else."""

    def keeps(record: logging.LogRecord) -> bool:
        name = running.get()
        return record.levelno >= rules.level(f"Function.{name}.User" if name else f"Host.{record.name}")

    for handler in logging.getLogger("modelgate").handlers:
        handler.addFilter(keeps)
