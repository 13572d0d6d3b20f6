"""The functions of a Functions app, made callable as the Python worker makes them.

What a function gets is decided by the worker's rule: a parameter annotated `str` or `bytes` gets the raw text, any other is made by
azure-functions' own converter of the trigger. What the worker would refuse to index is refused here too, so that a mistake shows
on the laptop and not as an empty list of functions after a deployment.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import os
import threading
import time
import typing
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from laptop.host_json import HostJson, is_disabled

log = logging.getLogger("modelgate.laptop.functions")
running: contextvars.ContextVar[str | None] = contextvars.ContextVar("running", default=None)  # the function that this thread runs

EVENT_GRID, QUEUE, TIMER, HTTP = "eventGridTrigger", "queueTrigger", "timerTrigger", "httpTrigger"
KINDS = (EVENT_GRID, QUEUE, TIMER, HTTP)
THREADS = 32  # the worker's default is cpus + 4; a small machine would let a slow task keep the pages waiting


class BadFunction(Exception):
    """The worker would not take this function."""


class TookTooLong(Exception):
    """A function ran longer than host.json allows. Its thread cannot be ended and runs on; its result is not used."""


@dataclass(frozen=True)
class LoadedFunction:
    """A function, its trigger, and how its parameter is made. `binding` is the converter's name; `generic` gives the raw text."""

    name: str
    kind: str
    trigger: Any
    run: Callable[..., Any]
    binding: str
    returns: bool
    wants_context: bool

    def argument(self, data: Datum, metadata: Mapping[str, Datum]) -> Any:
        """What the function gets for its trigger."""
        return data.value if self.binding == "generic" else _converter(self.binding).decode(data, trigger_metadata=metadata)


def load_functions(app: func.FunctionApp, environment: Mapping[str, str] = os.environ) -> dict[str, LoadedFunction]:
    """Every function of the app by name, without those that a setting disables. Raises BadFunction for what the worker would refuse."""
    loaded = [_load(function) for function in app.get_functions()]
    return {one.name: one for one in loaded if not is_disabled(one.name, environment)}


def _load(function: Any) -> LoadedFunction:
    name, trigger = function.get_function_name(), function.get_trigger()
    run = function.get_user_function()
    if trigger.type not in KINDS:
        raise BadFunction(f"{name} has a {trigger.type}; the laptop knows {', '.join(KINDS)}.")
    others = [binding for binding in function.get_bindings() if binding is not trigger and binding.name != "$return"]
    if others:
        raise BadFunction(f"{name} has the binding {others[0].name} ({others[0].type}); the laptop knows triggers and $return only.")
    parameters, hints = set(inspect.signature(run).parameters), typing.get_type_hints(run)
    wants_context = "context" in parameters and trigger.name != "context"
    if parameters - {"context"} != {trigger.name} - {"context"}:
        raise BadFunction(f"{name} has the parameters {sorted(parameters)}, but its trigger gives {trigger.name!r}.")
    return LoadedFunction(
        name=name,
        kind=trigger.type,
        trigger=trigger,
        run=run,
        binding=_binding_of(name, trigger, hints.get(trigger.name)),
        returns=any(binding.name == "$return" for binding in function.get_bindings()),
        wants_context=wants_context,
    )


def _binding_of(name: str, trigger: Any, annotation: Any) -> str:
    """The worker's rule: `str` and `bytes` get raw text, no annotation gets the converter, any other must be the converter's own type."""
    if annotation in (str, bytes):
        return "generic"
    if annotation is not None and not (isinstance(annotation, type) and _converter(trigger.type).check_input_type_annotation(annotation)):
        raise BadFunction(f"{name}: a {trigger.type} cannot be annotated {annotation!r}; the worker would list no function at all.")
    return str(trigger.type)


def _converter(binding: str) -> Any:
    return func.get_binding_registry().get(binding)  # type: ignore[no-untyped-call]


_local = threading.local()


class _Context(func.Context):
    """What a parameter named `context` gets."""

    def __init__(self, name: str, invocation_id: str) -> None:
        self._name, self._id = name, invocation_id

    @property
    def invocation_id(self) -> str:
        return self._id

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return str(os.getcwd())  # noqa: PTH109 - a string is what the worker gives

    @property
    def thread_local_storage(self) -> Any:
        return _local

    @property
    def trace_context(self) -> Any:
        return None

    @property
    def retry_context(self) -> Any:
        return None


class Invoker:
    """Runs functions: sync ones in a pool of threads, async ones on the loop, as the worker does."""

    def __init__(self, host: HostJson, environment: Mapping[str, str] = os.environ) -> None:
        self._host = host
        self._pool = ThreadPoolExecutor(thread_count(environment), thread_name_prefix="function")
        self._idle = threading.Condition()
        self._busy = 0  # threads that run a function, also those whose result nobody waits for any more

    async def invoke(self, function: LoadedFunction, data: Datum, metadata: Mapping[str, Datum] | None = None) -> Any:
        """Run it once and give its result. Raises what the function raises, or TookTooLong."""
        arguments = {function.trigger.name: function.argument(data, metadata or {})}
        if function.wants_context:
            arguments["context"] = _Context(function.name, str(uuid.uuid4()))
        limit = self._host.http_timeout if function.kind == HTTP else self._host.timeout
        began = time.monotonic()
        try:
            result = await asyncio.wait_for(self._run(function, arguments), limit)
        except TimeoutError:
            if limit is None or time.monotonic() - began < limit:
                raise  # the function's own
            raise TookTooLong(f"{function.name} ran longer than the {limit:g} s that host.json allows.") from None
        finally:
            log.debug("%s took %.0f ms", function.name, 1000 * (time.monotonic() - began))
        if result is not None and not function.returns:
            raise RuntimeError(f"{function.name} returned a value and has no $return binding.")
        return result

    def close(self, patience: float) -> bool:
        """Start nothing more and wait for what runs, at most `patience` seconds. Answers whether everything has ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, patience)

    async def _run(self, function: LoadedFunction, arguments: Mapping[str, Any]) -> Any:
        if inspect.iscoroutinefunction(function.run):
            return await function.run(**arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run_named, function, arguments)

    def _run_named(self, function: LoadedFunction, arguments: Mapping[str, Any]) -> Any:
        token = running.set(function.name)
        with self._idle:
            self._busy += 1
        try:
            return function.run(**arguments)
        finally:
            running.reset(token)
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()


def thread_count(environment: Mapping[str, str]) -> int:
    """Threads for sync functions: PYTHON_THREADPOOL_THREAD_COUNT when it is a number from 1 to 2^31-1, as in the worker."""
    text = environment.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    return int(text) if text.isdecimal() and 1 <= int(text) < 2**31 else THREADS
