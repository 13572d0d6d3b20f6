"""Drives the real worker library without a Functions host: `python drive_worker.py APP_ROOT < invocations.json > answers.json`.

It plays the part of the process that stands between host and library and hands on their messages. Those are gRPC messages there;
the library only reads and makes attributes, so plain objects with the same names do here.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.utils import threadpool


class Message:
    """A message with whatever fields it is made with; fields that were not set are None."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> None:
        if name.startswith("_") or name == "TypedData":
            raise AttributeError(name)


class OneOf(Message):
    """A message of which one field is set."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        return next(iter(self.__dict__), None)


class StatusResult(Message):
    """Its constants are the worker protocol's."""

    Failure, Success = 0, 1


class BindingInfo(Message):
    """Its constants are the worker protocol's."""

    undefined, inout, out = 0, 2, 1


PROTOS = SimpleNamespace(
    **dict.fromkeys(
        ("WorkerInitResponse", "WorkerMetadata", "FunctionMetadataResponse", "FunctionLoadResponse", "RpcFunctionMetadata"), Message
    ),
    **dict.fromkeys(("InvocationResponse", "RpcException", "RpcHttp"), Message),
    **dict.fromkeys(("TypedData", "ParameterBinding"), OneOf),
    StatusResult=StatusResult,
    BindingInfo=BindingInfo,
)


def request(**what: Any) -> Any:
    """A request as the library takes it."""
    return SimpleNamespace(request=SimpleNamespace(**what), properties={"host": "127.0.0.1", "protos": PROTOS})


async def indexed(root: str) -> list[dict[str, Any]]:
    """The functions that the worker finds, with their raw bindings. Exits with its message when it finds none."""
    started = await runtime.worker_init_request(request(worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=root)))
    if started.result.status != StatusResult.Success:
        sys.exit(started.result.exception.stack_trace)
    answer = await runtime.functions_metadata_request(request(functions_metadata_request=SimpleNamespace(function_app_directory=root)))
    return [
        {"name": one.name, "id": one.function_id, "bindings": [json.loads(text) for text in one.raw_bindings]}
        for one in answer.function_metadata_results or ()
    ]


async def invoked(function: dict[str, Any], data: dict[str, str]) -> dict[str, Any]:
    """What one invocation answered; `data` is one field of TypedData, such as `{"json": …}`."""
    (trigger,) = (binding for binding in function["bindings"] if binding["type"].endswith("Trigger"))
    load = SimpleNamespace(function_id=function["id"], metadata=Message(name=function["name"]))
    loaded = await runtime.function_load_request(request(function_load_request=load))
    call = SimpleNamespace(
        invocation_id=str(uuid.uuid4()),
        function_id=function["id"],
        input_data=[Input(trigger["name"], OneOf(**data))],
        trigger_metadata={},
        trace_context=Message(),
        retry_context=Message(),
    )
    answer = await runtime.invocation_request(request(invocation_request=call))
    ok = loaded.result.status == answer.result.status == StatusResult.Success
    return {"ok": ok, "why": None if ok else answer.result.exception.stack_trace}


class Input:
    """A parameter with its data."""

    def __init__(self, name: str, data: OneOf) -> None:
        self.name = name
        self.data = data

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        return "data"


async def main() -> None:
    """Index, invoke everything that standard input asks for, write what came of it."""
    threadpool.start_threadpool_executor()
    functions = await indexed(sys.argv[1])
    by_name = {function["name"]: function for function in functions}
    answers = [await invoked(by_name[name], data) for name, data in json.load(sys.stdin)]
    threadpool.stop_threadpool_executor()
    json.dump({"functions": functions, "answers": answers}, sys.stdout)


asyncio.run(main())
