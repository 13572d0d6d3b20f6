"""perform: carry out one task and tell what came of it.

A message names a task and its attempt; if the store waits for another attempt, or no longer for the task, the message is dropped.
`NotYet` and `Temporary` are saved (attempt + 1, due later) and a new message is sent: nobody waits in here. After an answer the same
call goes on with the release's next task, for at most `policy.go_on_for`.
"""

from __future__ import annotations

import logging
import random
from dataclasses import asdict, replace
from datetime import datetime

from shared.domain import facts as f
from shared.domain.effects import LASTING, Task
from shared.domain.errors import BundleFault, Conflict, ModelgateError, Temporary
from shared.domain.faults import Fault
from shared.domain.saved import Saved
from shared.engine.advance import Step, advance, send
from shared.engine.effects import carry_out
from shared.ports import DeadLetter, NotYet, Ports

log = logging.getLogger("modelgate.engine")


def perform(key: str, attempt: int, ports: Ports) -> None:
    """Carry out task `key` if its `attempt` is the one the store waits for, then go on with what follows from it."""
    started = ports.clock.now()
    todo: Task | None = _find(key, attempt, ports)
    while todo is not None:
        fresh = _perform(todo, ports)
        now = ports.clock.now()
        todo = next((task for task in fresh if task.due_at <= now and not isinstance(task.effect, LASTING)), None)
        if now - started > ports.policy.go_on_for:
            todo = None
        send(tuple(task for task in fresh if task is not todo), ports)


def give_up(key: str, reason: str, ports: Ports) -> None:
    """Put the task with the dead letters and tell its release."""
    saved = ports.releases.load(key.partition("/")[0])
    task = next((task for task in saved.tasks if task.key == key), None) if saved else None
    if saved is None or task is None:
        log.warning("a message for %s was given up, and nothing waits for it: %s", key, reason)
        return
    send(_failed_for_good(task, saved, (_platform_fault(reason),), reason, ports).fresh, ports)


def _find(key: str, attempt: int, ports: Ports) -> Task | None:
    saved = ports.releases.load(key.partition("/")[0])
    task = next((task for task in saved.tasks if task.key == key), None) if saved else None
    return task if task is not None and task.attempt == attempt else None


def _perform(task: Task, ports: Ports) -> tuple[Task, ...]:
    """The tasks that follow."""
    saved = ports.releases.load(task.key.partition("/")[0])
    if saved is None or task not in saved.tasks:
        return ()
    try:
        answer = carry_out(task.effect, saved, ports)
    except BundleFault as fault:
        answer = f.StageFailed(fault.faults, ours=False)
    except (Temporary, Conflict) as error:
        return _later(task, saved, str(error), ports)
    except ModelgateError as error:
        return _failed_for_good(task, saved, (_platform_fault(str(error)),), str(error), ports).fresh
    except Exception as error:
        log.exception("task %s (%s) failed in a way nobody foresaw", task.key, type(task.effect).__name__, extra={"task_key": task.key})
        return _later(task, saved, f"{type(error).__name__}: {error}", ports)
    if isinstance(answer, NotYet):
        return _again(task, ports.clock.now() + answer.after, 0, ports)
    return advance(saved.release.id, answer, ports, answers=task.key).fresh


def _later(task: Task, saved: Saved, reason: str, ports: Ports) -> tuple[Task, ...]:
    failures = task.failures + 1
    if failures >= ports.policy.tries:
        return _failed_for_good(task, saved, (_platform_fault(reason),), reason, ports).fresh
    wait = min(ports.policy.backoff * 2 ** (failures - 1), ports.policy.backoff_cap)
    wait *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
    log.warning(
        "task %s (%s) did not work: %s; try %d in %.1f s", task.key, type(task.effect).__name__, reason, failures + 1, wait.total_seconds()
    )
    return _again(task, ports.clock.now() + wait, failures, ports)


def _again(task: Task, due_at: datetime, failures: int, ports: Ports) -> tuple[Task, ...]:
    """Save the task's next attempt; somebody else's move in between is no harm, unless it wants the task no more."""
    again = replace(task, attempt=task.attempt + 1, due_at=due_at, failures=failures)
    for _ in range(5):
        saved = ports.releases.load(task.key.partition("/")[0])
        if saved is None or task not in saved.tasks:
            return ()
        tasks = tuple(again if other == task else other for other in saved.tasks)
        try:
            ports.releases.save(replace(saved, revision=saved.revision + 1, tasks=tasks), expected=saved.revision)
        except Conflict:
            continue
        return (again,)
    raise Conflict(f"task {task.key} could not be put off: others moved its release five times")


def _failed_for_good(task: Task, saved: Saved, faults: tuple[Fault, ...], reason: str, ports: Ports) -> Step:
    effect = type(task.effect).__name__
    log.error("task %s (%s) is given up: %s", task.key, effect, reason, extra={"release_id": saved.release.id, "task_key": task.key})
    payload = {"attempt": task.attempt, "failures": task.failures, "stage": saved.release.stage.value} | asdict(task.effect)
    ports.dead_letters.put(DeadLetter(task.key, saved.release.id, effect, reason, ports.clock.now(), payload))
    lasting = isinstance(task.effect, LASTING)
    fact: f.Fact = f.TaskGivenUp(effect, reason) if lasting else f.StageFailed(faults, ours=True)
    return advance(saved.release.id, fact, ports, answers=task.key)


def _platform_fault(reason: str) -> Fault:
    return Fault(
        "MG900",
        reason,
        "This is ours, not the bundle's. An operator can bring it on with `modelgate retry ID`; the logs name the cause.",
    )
