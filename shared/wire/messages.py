"""Our own values as JSON: what is stored, and what goes through the queue."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.effects import EFFECTS, Effect, Task
from shared.domain.facts import FACTS, Fact
from shared.domain.release import Release
from shared.domain.saved import Saved

# msgspec learns a class at its first use, and two threads that do so at once crash the process. An import is done by one thread.
for _kind in (Release, datetime, *EFFECTS.values(), *FACTS.values()):
    msgspec.json.Decoder(_kind)


def task_message(key: str, attempt: int) -> str:
    """The body of a task's queue message."""
    return msgspec.json.encode({"key": key, "attempt": attempt}).decode()


def read_task_message(body: str | bytes) -> tuple[str, int]:
    """(key, attempt). Raises ValueError for anything else."""
    try:
        message = msgspec.json.decode(body, type=dict[str, Any])
        return str(message["key"]), int(message["attempt"])
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"not a task message: {error}") from error


def saved_to_json(saved: Saved) -> bytes:
    """One document with everything but the revision's place in the store."""
    return msgspec.json.encode(
        {
            "release": saved.release,
            "revision": saved.revision,
            "tasks": [_plain(task) | {"effect": _tagged(task.effect)} for task in saved.tasks],
            "keys": saved.keys,
            "early": [_tagged(fact) for fact in saved.early],
        }
    )


def saved_from_json(document: bytes | str) -> Saved:
    """The inverse of `saved_to_json`. Unknown keys are ignored, so that an older program can read a newer one's releases."""
    raw = msgspec.json.decode(document)
    return Saved(
        msgspec.convert(raw["release"], Release),
        raw["revision"],
        tuple(_task(task) for task in raw["tasks"]),
        tuple(raw["keys"]),
        tuple(_untagged(fact, FACTS) for fact in raw["early"]),
    )


def release_from_json(document: bytes | str) -> Release:
    """Only the release of a stored document: what a listing needs."""
    raw = msgspec.json.decode(document)
    return msgspec.convert(raw["release"], Release)


def _task(raw: dict[str, Any]) -> Task:
    effect: Effect = _untagged(raw.pop("effect"), EFFECTS)
    when = msgspec.convert(raw.pop("due_at"), datetime)
    return Task(effect=effect, due_at=when, **raw)


def _plain(value: Task) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _tagged(value: Effect | Fact) -> list[Any]:
    return [type(value).__name__, value]


def _untagged(raw: list[Any], kinds: dict[str, type]) -> Any:
    return msgspec.convert(raw[1], kinds[raw[0]])
