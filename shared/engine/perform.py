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
    until = ports.clock.now() + ports.policy.go_on_for
    saved = ports.releases.load(key.partition("/")[0])
    todo = _wanted(saved, key, attempt)
    while saved is not None and todo is not None:
        step = _perform(todo, saved, ports)
        now, saved = ports.clock.now(), step.saved
        goes_on = (task for task in step.fresh if task.due_at <= now and not isinstance(task.effect, LASTING))
        todo = next(goes_on, None) if now < until else None
        send(tuple(task for task in step.fresh if task is not todo), ports)


def give_up(key: str, reason: str, ports: Ports) -> None:
    """Put the task with the dead letters and tell its release."""
    saved = ports.releases.load(key.partition("/")[0])
    task = next((task for task in saved.tasks if task.key == key), None) if saved else None
    if saved is None or task is None:
        log.warning("a message for %s was given up, and nothing waits for it: %s", key, reason)
        return
    send(_failed_for_good(task, saved, reason, ports).fresh, ports)


def _wanted(saved: Saved | None, key: str, attempt: int) -> Task | None:
    tasks = saved.tasks if saved is not None else ()
    return next((task for task in tasks if task.key == key and task.attempt == attempt), None)


def _perform(task: Task, saved: Saved, ports: Ports) -> Step:
    """What came of the task. `saved` may be old by now: then the save conflicts, and is tried on what is there."""
    try:
        answer = carry_out(task.effect, saved, ports)
    except BundleFault as fault:
        answer = f.StageFailed(fault.faults, ours=False)
    except (Temporary, Conflict) as error:
        return _later(task, saved, str(error), ports)
    except ModelgateError as error:
        return _failed_for_good(task, saved, str(error), ports)
    except Exception as error:
        log.exception("task %s (%s) failed in a way nobody foresaw", task.key, type(task.effect).__name__, extra={"task_key": task.key})
        return _later(task, saved, f"{type(error).__name__}: {error}", ports)
    if isinstance(answer, NotYet):
        return _again(task, saved, ports.clock.now() + answer.after, 0, ports)
    return _clean(task, advance(saved.release.id, answer, ports, answers=task.key, known=saved), ports)


def _clean(task: Task, step: Step, ports: Ports) -> Step:
    """A release that ended while its work was under way (cancelled, expired) leaves nothing running."""
    if step.saved.release.ended and not step.fresh and not isinstance(task.effect, LASTING):
        ports.jobs.end(step.saved.release)
        ports.serving.take_down(step.saved.release)
    return step


def _later(task: Task, saved: Saved, reason: str, ports: Ports) -> Step:
    failures = task.failures + 1
    if failures >= ports.policy.tries:
        return _failed_for_good(task, saved, reason, ports)
    wait = min(ports.policy.backoff * 2 ** (failures - 1), ports.policy.backoff_cap)
    wait *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
    log.warning(
        "task %s (%s) did not work: %s; try %d in %.1f s", task.key, type(task.effect).__name__, reason, failures + 1, wait.total_seconds()
    )
    return _again(task, saved, ports.clock.now() + wait, failures, ports)


def _again(task: Task, saved: Saved, due_at: datetime, failures: int, ports: Ports) -> Step:
    """Save the task's next attempt; somebody else's move in between is no harm, unless it wants the task no more."""
    again = replace(task, attempt=task.attempt + 1, due_at=due_at, failures=failures)
    for _ in range(5):
        tasks = tuple(again if other == task else other for other in saved.tasks)
        if again not in tasks:
            return _clean(task, Step(saved), ports)
        later = replace(saved, revision=saved.revision + 1, tasks=tasks)
        try:
            ports.releases.save(later, expected=saved.revision)
        except Conflict:
            saved = ports.releases.load(saved.release.id) or saved
            continue
        return Step(later, (again,))
    raise Conflict(f"task {task.key} could not be put off: others moved its release five times")


def _failed_for_good(task: Task, saved: Saved, reason: str, ports: Ports) -> Step:
    effect = type(task.effect).__name__
    log.error("task %s (%s) is given up: %s", task.key, effect, reason, extra={"release_id": saved.release.id, "task_key": task.key})
    payload = {"attempt": task.attempt, "failures": task.failures, "stage": saved.release.stage.value} | asdict(task.effect)
    ports.dead_letters.put(DeadLetter(task.key, saved.release.id, effect, reason, ports.clock.now(), payload))
    lasting = isinstance(task.effect, LASTING)
    fact: f.Fact = f.TaskGivenUp(effect, reason) if lasting else f.StageFailed((_platform_fault(reason),), ours=True)
    return advance(saved.release.id, fact, ports, answers=task.key)


def _platform_fault(reason: str) -> Fault:
    return Fault(
        "MG900",
        reason,
        "This is ours, not the bundle's. An operator can bring it on with `modelgate retry ID`; the logs name the cause.",
    )
