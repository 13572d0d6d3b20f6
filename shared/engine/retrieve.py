"""What a person fetches or brings back: logs of a release, a dead letter."""

from __future__ import annotations

from shared.domain import facts as f
from shared.domain.effects import EFFECTS, LASTING, SendMail, TakeDown, Task
from shared.domain.errors import Conflict
from shared.domain.release import Release
from shared.domain.saved import Saved
from shared.engine.advance import advance, send
from shared.ports import DeadLetter, Ports

ORDER = ("build", "serve", "smoke", "score")


def logs_of(release: Release, ports: Ports) -> str:
    """Every log of the release's evidence in the order of the stages, each under a heading, after the history."""
    lines = [f"{line.at:%Y-%m-%dT%H:%M:%SZ} {line.stage} {line.fact} {line.reason}".rstrip() for line in release.history]
    names = [name for name in ports.evidence.names(release.id) if name.startswith("logs/")]
    names.sort(key=lambda name: next((at for at, word in enumerate(ORDER) if word in name), len(ORDER)))
    parts = [f"== {name} ==\n{ports.evidence.get(release.id, name).decode(errors='replace').rstrip()}\n" for name in names]
    return "\n".join(["== history ==", *lines, "", *parts])


def requeue(key: str, by: str, ports: Ports) -> Release:
    """Bring a given-up task back: a mail or a clean-up is asked for again, a stage's work by a retry of its release. Raises NotFound."""
    letter = ports.dead_letters.take(key)
    try:
        return _again(letter, by, ports)
    except Exception:
        ports.dead_letters.put(letter)
        raise


def _again(letter: DeadLetter, by: str, ports: Ports) -> Release:
    kind = EFFECTS[letter.effect]
    if kind not in LASTING:
        step = advance(letter.release_id, f.RetryAsked(by), ports, person=True)
        send(step.fresh, ports)
        return step.saved.release
    saved = ports.releases.load(letter.release_id)
    if saved is None:
        raise Conflict(f"release {letter.release_id} is gone")
    effect = SendMail(str(letter.payload["kind"])) if kind is SendMail else TakeDown()
    task = Task(letter.key, effect, ports.clock.now())
    ports.releases.save(Saved(saved.release, saved.revision + 1, (*saved.tasks, task), saved.keys, saved.early), expected=saved.revision)
    send((task,), ports)
    return saved.release
