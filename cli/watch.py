"""Following a release until its verdict: asks politely, outlives a restart of the server, shows how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, Self

from cli.client import Client
from cli.exits import CommandError, Refused, Unreachable, is_over
from cli.output import Output
from cli.safe import safe_line
from cli.times import seconds_between, span

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live

Json = Mapping[str, Any]

FIRST_PAUSE, LAST_PAUSE = 0.3, 2.0  # seconds between two questions; longer while nothing changes
PATIENCE = 90.0  # seconds without an answer before it is given up
WAITS_FOR = {
    "collecting": "all files of the folder",
    "validating": "the bundle being checked",
    "registering": "the model registry",
    "building": "its environment: packages are resolved and installed",
    "deploying": "its server and its init()",
    "smoke_testing": "first real requests with 1, 2 and 3 rows",
    "scoring": "the verification data being scored",
    "evaluating": "the gate",
}


class View(AbstractContextManager["View"], Protocol):
    """Shows a release on its way."""

    def show(self, release: Json) -> None:
        """The release as it stands now."""

    def note(self, sentence: str) -> None:
        """Something about the watching itself."""


def follow(
    client: Client, ident: str, view: View, *, pause: Callable[[float], None] = time.sleep, patience: float = PATIENCE
) -> dict[str, Any]:
    """The release once it has its verdict. Raises Unreachable when the server stays away, Refused when it knows no such release."""
    last, seconds = None, FIRST_PAUSE
    for release in _answers(client, ident, view, pause, patience):
        view.show(release)
        if is_over(release):
            return repeated(client, release)
        stands = (release.get("stage"), len(release.get("history") or []))
        seconds = FIRST_PAUSE if stands != last else min(seconds * 1.3, LAST_PAUSE)
        last = stands
        pause(seconds)
    raise AssertionError  # pragma: no cover - _answers has no end


def repeated(client: Client, release: dict[str, Any]) -> dict[str, Any]:
    """A duplicate with the verdict that it repeats; any other release as it is."""
    if release.get("stage") == "duplicate" and not release.get("verdict") and release.get("same_as"):
        first = client.get(f"api/releases/{release['same_as']}")
        return {**release, "verdict": first.get("verdict"), "kpis": release.get("kpis") or first.get("kpis")}
    return release


def _answers(client: Client, ident: str, view: View, pause: Callable[[float], None], patience: float) -> Iterator[dict[str, Any]]:
    """The release, asked for again each time; silence of the server is bridged for `patience` seconds."""
    silent_since: float | None = None
    while True:
        try:
            release = client.get(f"api/releases/{ident}")
        except (Unreachable, Refused) as error:
            silent_since = _only_for_a_while(error, view, silent_since, patience)
            pause(1.0)
            continue
        if silent_since is not None:
            view.note("The server answers again.")
            silent_since = None
        yield release


def _only_for_a_while(error: CommandError, view: View, silent_since: float | None, patience: float) -> float:
    """Since when the server has been silent. Raises `error` if that will not pass by itself, or has not for long enough."""
    if isinstance(error, Refused) and error.status not in (429, 500, 502, 503, 504):
        raise error
    now = time.monotonic()
    if silent_since is None:
        view.note(f"The server does not answer; waiting up to {patience:.0f} s for it. Releases go on once it is back.")
        return now
    if now - silent_since > patience:
        raise error
    return silent_since


def view_for(out: Output) -> View:
    """Live on a terminal, a line a step elsewhere."""
    return LiveView(out.console) if out.console.is_terminal else PlainView(out)


class PlainView:
    """A line for each stage that was left, one for what it waits for now."""

    def __init__(self, out: Output) -> None:
        self._out, self._told = out, 0
        self._named = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def show(self, release: Json) -> None:
        """Tell the stages that are new since the last time."""
        if not self._named:
            self._named = True
            self._out.say(f"{safe_line(release.get('name'))}  {safe_line(release.get('id'))}")
        passed = steps(release)
        for index in range(self._told, len(passed)):
            before = f"  (after {span(passed[index - 1].seconds)})" if index else ""
            self._out.say(f"  {passed[index].stage.replace('_', ' ')}{before}")
        self._told = len(passed)

    def note(self, sentence: str) -> None:
        """On a line of its own."""
        self._out.say(f"  {sentence}")


class Step:
    """One stage that a release came to, and the seconds it spent there (until now for the last one)."""

    def __init__(self, stage: str, since: object, until: object | None) -> None:
        self.stage, self.seconds = safe_line(stage), seconds_between(since, until)


def steps(release: Json) -> list[Step]:
    """The stages so far, in order; lines of the history that stayed in a stage belong to it."""
    entered: list[tuple[str, Any]] = []
    for line in release.get("history") or []:
        if not entered or entered[-1][0] != line.get("stage"):
            entered.append((str(line.get("stage")), line.get("at")))
    if not entered or entered[-1][0] != release.get("stage"):
        entered.append((str(release.get("stage")), release.get("updated_at")))
    ends = [at for _, at in entered[1:]] + [release.get("updated_at") if is_over(release) else None]
    return [Step(stage, at, end) for (stage, at), end in zip(entered, ends, strict=True)]


class LiveView:
    """All stages with their times, redrawn in place."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live  # noqa: PLC0415 - heavy
        from rich.spinner import Spinner  # noqa: PLC0415 - heavy

        self._release: Json = {}
        self._spinner = Spinner("dots", style="blue")
        self._live: Live = Live(console=console, get_renderable=self._drawn, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, release: Json) -> None:
        """Draw it from now on."""
        self._release = release

    def note(self, sentence: str) -> None:
        """Above the stages."""
        self._live.console.print(sentence, style="dim")

    def _drawn(self) -> Group:
        from rich.console import Group  # noqa: PLC0415 - heavy
        from rich.table import Table  # noqa: PLC0415 - heavy

        if not self._release:
            return Group()
        from cli.show import title  # noqa: PLC0415 - imports rich

        grid = Table.grid(padding=(0, 2, 0, 1))
        passed = steps(self._release)
        for step in passed[:-1]:
            grid.add_row("✓", step.stage.replace("_", " "), span(step.seconds), "", style="dim")
        if is_over(self._release):
            return Group(grid)  # the verdict is printed below, with its title
        waits = WAITS_FOR.get(passed[-1].stage, "")
        grid.add_row(self._spinner, passed[-1].stage.replace("_", " "), span(passed[-1].seconds), waits)
        return Group(title(self._release), grid)
