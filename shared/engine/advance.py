"""advance: load, decide, save, send.

The release with its history, tasks and keys is one write under an expected revision; the tasks are sent after it. A crash between
the two is mended by the sweep, which sends what is due again. Task keys are computed from release and revision, so the same move
made twice asks for the same tasks.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.effects import LASTING, Effect, SendMail, TakeDown, Task
from shared.domain.errors import Conflict, NoSuchStep, NotFound
from shared.domain.facts import Fact
from shared.domain.identity import keys_of, mail_id
from shared.domain.lifecycle import decide, is_early
from shared.domain.policy import Policy
from shared.domain.release import Release
from shared.domain.saved import Saved
from shared.ports import Ports

log = logging.getLogger("modelgate.engine")
TRIES = 5
MOST_EARLY = 20  # facts kept for a later stage; more than these are noise


@dataclass(frozen=True)
class Step:
    """What a fact came to: the release as stored, and the tasks that this step added."""

    saved: Saved
    fresh: tuple[Task, ...] = ()


def start(release: Release, fact: str, effects: tuple[Effect, ...], ports: Ports) -> Step | None:
    """Begin a release. None: it is there already (the same event again)."""
    saved = Saved(release, 1, _tasks(release.id, 1, effects, release.created_at, ports.policy), keys_of(release))
    try:
        ports.releases.save(saved, expected=0)
    except Conflict:
        return None
    log.info("release %s starts in %s: %s", release.id, release.stage, release.drop.url, extra={"release_id": release.id, "fact": fact})
    return Step(saved, saved.tasks)


def tell(key: str, fact: Fact, ports: Ports) -> None:
    """Give an event's fact to every release that waits for `key`; an unknown key moves nothing."""
    ids = ports.releases.by_key(key)
    for release_id in ids:
        send(advance(release_id, fact, ports).fresh, ports)
    if not ids:
        log.info("nothing waits for %s (%s)", key, type(fact).__name__)


def advance(
    release_id: str, fact: Fact, ports: Ports, *, answers: str | None = None, person: bool = False, known: Saved | None = None
) -> Step:
    """Move the release by `fact` and store it; the caller sends `fresh` (or performs it).

    `answers` is the key of the task that gave the fact: an answer to a task that is no longer wanted is dropped. What fits no row is
    kept if it is early, else recorded in the log; only a `person` is told (NoSuchStep). `known` spares the first load. Raises NotFound,
    and Conflict after five tries.
    """
    for attempt in range(TRIES):
        saved = known if known is not None and attempt == 0 else ports.releases.load(release_id)
        if saved is None:
            raise NotFound(f"there is no release {release_id}")
        if answers is not None and answers not in {task.key for task in saved.tasks}:
            return Step(saved)
        step = _step(saved, fact, ports.clock.now(), ports.policy, answers, person=person)
        if step.saved is saved:
            return step
        try:
            ports.releases.save(step.saved, expected=saved.revision)
        except Conflict:
            continue
        _log_moves(saved.release, step.saved.release)
        return step
    raise Conflict(f"release {release_id} was moved by others {TRIES} times while {type(fact).__name__} was tried")


def send(tasks: tuple[Task, ...], ports: Ports) -> None:
    """Put tasks on the queue, each visible when it is due."""
    now = ports.clock.now()
    for task in tasks:
        ports.queue.send(task.key, task.attempt, max(task.due_at - now, timedelta(0)))


def _step(saved: Saved, fact: Fact, at: datetime, policy: Policy, answers: str | None, *, person: bool) -> Step:
    try:
        release, effects = _decide(saved.release, fact, at)
    except NoSuchStep:
        if person:
            raise
        return _unfit(saved, fact)
    early: list[Fact] = []
    for waiting in saved.early:  # each is tried once after the move; what is still ahead stays
        try:
            moved, more = _decide(release, waiting, at)
            stays = moved.stage is release.stage
            kept = tuple(effect for effect in effects if stays or isinstance(effect, LASTING))
            release, effects = moved, tuple(dict.fromkeys(kept + more))
        except NoSuchStep:
            early += [waiting] if is_early(release, waiting) else []
    revision = saved.revision + 1
    fresh = _tasks(release.id, revision, effects, at, policy)
    tasks = _wanted(saved, release, answers, superseded={task.effect for task in fresh}) + fresh
    return Step(Saved(release, revision, tasks, _keys(saved, release, fresh), tuple(early)), fresh)


def _decide(release: Release, fact: Fact, at: datetime) -> tuple[Release, tuple[Effect, ...]]:
    move = decide(release, fact, at)
    return move.release, move.effects


def _unfit(saved: Saved, fact: Fact) -> Step:
    if is_early(saved.release, fact) and fact not in saved.early and len(saved.early) < MOST_EARLY:
        return Step(replace(saved, revision=saved.revision + 1, early=(*saved.early, fact)))
    log.info(
        "%s changes nothing: release %s is %s",
        type(fact).__name__,
        saved.release.id,
        saved.release.stage,
        extra={"release_id": saved.release.id},
    )
    return Step(saved)


def _tasks(release_id: str, revision: int, effects: tuple[Effect, ...], at: datetime, policy: Policy) -> tuple[Task, ...]:
    return tuple(
        Task(f"{release_id}/{revision}/{n}", effect, at + (policy.endpoint_ttl if isinstance(effect, TakeDown) else timedelta(0)))
        for n, effect in enumerate(effects)
    )


def _wanted(saved: Saved, release: Release, answers: str | None, superseded: set[Effect]) -> tuple[Task, ...]:
    """Old tasks still wanted: mails and cleaning always, a stage's work only while the release stays there."""
    stays = release.stage is saved.release.stage
    return tuple(
        task
        for task in saved.tasks
        if task.key != answers and task.effect not in superseded and (stays or isinstance(task.effect, LASTING))
    )


def _keys(saved: Saved, release: Release, fresh: tuple[Task, ...]) -> tuple[str, ...]:
    mails = tuple(f"mail:{mail_id(release, task.effect.kind)}" for task in fresh if isinstance(task.effect, SendMail))
    return tuple(dict.fromkeys((*saved.keys, *keys_of(release), *mails)))


def _log_moves(before: Release, after: Release) -> None:
    for line in after.history[len(before.history) :]:
        log.info(
            "release %s: %s -> %s (%s%s)",
            after.id,
            before.stage,
            line.stage,
            line.fact,
            f": {line.reason}" if line.reason else "",
            extra={"release_id": after.id, "stage": line.stage.value, "fact": line.fact},
        )
