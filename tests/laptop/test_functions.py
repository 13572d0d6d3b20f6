from __future__ import annotations

import asyncio
import json
import threading

import azure.functions as func
import pytest
from azure.functions.meta import Datum

from laptop.functions import THREADS, BadFunction, Invoker, TookTooLong, load_functions, thread_count
from laptop.host_json import HostJson
from tests.laptop.small_app import small_app

# ruff: noqa: ARG001 - a binding needs its parameter


def one(door) -> func.FunctionApp:
    """An app with the one Event Grid function `door`."""
    app = func.FunctionApp()
    app.event_grid_trigger(arg_name="event")(door)
    return app


def called(app: func.FunctionApp, rules: HostJson | None = None):
    async def run():
        invoker = Invoker(rules or HostJson())
        try:
            (function,) = load_functions(app).values()
            return await invoker.invoke(function, Datum(json.dumps({"id": "1", "eventType": "t"}), "json"))
        finally:
            invoker.close(5)

    return asyncio.run(run())


def test_every_function_is_loaded_with_its_trigger(notes):
    kinds = {name: one.kind for name, one in load_functions(small_app(notes)).items()}
    assert kinds["raw_event"] == "eventGridTrigger"
    assert kinds["thing"] == "httpTrigger"
    assert kinds["task"] == "queueTrigger"
    assert kinds["tick"] == "timerTrigger"


def test_a_disabled_function_is_left_out(notes):
    assert "tick" not in load_functions(small_app(notes), {"AzureWebJobs.tick.Disabled": "true"})


def test_a_name_given_by_function_name_is_used():
    app = func.FunctionApp()

    @app.function_name("blob_came")
    @app.event_grid_trigger(arg_name="event")
    def door(event: str) -> None: ...

    assert list(load_functions(app)) == ["blob_came"]


def test_a_text_parameter_gets_the_raw_text():
    def door(event: str) -> None:
        assert event == '{"id": "1", "eventType": "t"}'

    called(one(door))


def test_a_parameter_without_annotation_is_converted():
    def door(event) -> None:
        assert isinstance(event, func.EventGridEvent)

    called(one(door))


def test_an_async_function_runs_on_the_loop():
    async def door(event: str) -> None:
        assert asyncio.get_running_loop()

    called(one(door))


def test_a_value_without_a_binding_for_it_is_refused_as_by_the_worker():
    def door(event: str):
        return 1

    with pytest.raises(RuntimeError, match=r"no \$return"):
        called(one(door))


def test_a_function_that_takes_too_long_is_given_up():
    go_on = threading.Event()

    def door(event: str) -> None:
        go_on.wait(20)

    app = one(door)

    async def run() -> None:
        invoker = Invoker(HostJson(timeout=0.05))
        (function,) = load_functions(app).values()
        with pytest.raises(TookTooLong, match="door"):
            await invoker.invoke(function, Datum("{}", "json"))
        assert not invoker.close(0)
        go_on.set()
        assert invoker.close(20)

    asyncio.run(run())


def test_a_timeout_of_the_functions_own_stays_its_own():
    def door(event: str) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        called(one(door))


def extra(event: str, more: str) -> None: ...
def wrong_name(message: str) -> None: ...
def a_list(event: list[str]) -> None: ...
def a_union(event: str | func.EventGridEvent) -> None: ...
def wrong_type(event: func.QueueMessage) -> None: ...
def a_dict(event: dict) -> None: ...


@pytest.mark.parametrize("door", [extra, wrong_name, a_list, a_union, wrong_type, a_dict])
def test_what_the_worker_would_not_index_is_refused(door):
    with pytest.raises(BadFunction, match=door.__name__):
        load_functions(one(door))


def test_two_functions_of_one_name_are_refused():
    def door(event: str) -> None: ...

    app = one(door)
    app.event_grid_trigger(arg_name="event")(door)
    with pytest.raises(ValueError, match="door"):  # by azure-functions itself
        load_functions(app)


def test_a_trigger_that_the_laptop_does_not_have_is_refused():
    app = func.FunctionApp()

    @app.blob_trigger(arg_name="blob", path="a/{b}", connection="c")
    def door(blob: func.InputStream) -> None: ...

    with pytest.raises(BadFunction, match="blobTrigger"):
        load_functions(app)


def test_an_output_binding_is_refused():
    app = func.FunctionApp()

    @app.queue_output(arg_name="out", queue_name="q", connection="c")
    @app.event_grid_trigger(arg_name="event")
    def door(event: str, out: func.Out[str]) -> None: ...

    with pytest.raises(BadFunction, match="out"):
        load_functions(app)


@pytest.mark.parametrize(("text", "threads"), [("", THREADS), ("4", 4), ("0", THREADS), ("-1", THREADS), ("many", THREADS)])
def test_the_number_of_threads_is_the_workers_setting(text, threads):
    assert thread_count({"PYTHON_THREADPOOL_THREAD_COUNT": text}) == threads
