"""`demo`: one real bundle all the way, from nothing."""

from __future__ import annotations

import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cli.child import laptop, running_laptop
from cli.client import Client
from cli.exits import ERROR, CommandError, exit_code
from cli.init import copy_template, template_named
from cli.output import Output
from cli.safe import safe_line
from cli.site import home_argument, home_of
from cli.times import span
from cli.tools import Preparation, WithNews
from cli.watch import follow, view_for

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

PATIENCE = 60.0  # seconds until a drop is seen, and until a verdict's mail lies in the outbox


def demo_arguments(parser: ArgumentParser) -> None:
    """`demo [--home DIR] [--template NAME]`."""
    home_argument(parser)
    parser.add_argument("--template", default="sklearn_diabetes", metavar="NAME", help="what to drop (default: sklearn_diabetes)")


def demo(args: Namespace, out: Output) -> int:
    """Drop a template as a person would, follow it, and say where its mail and report lie."""
    began = time.monotonic()
    template = template_named(args.template)
    home = home_of(args.home)
    with Preparation(home) as preparation, _running(home, out) as client:
        release = _one_release(client, home, template, preparation, out)
        mail = _wait_for(lambda: _mail_of(home, release), "mail of the verdict")
    told = {"release": release, "home": str(home), "mail": str(mail), "report": str(_report(home, release))}
    out.result(told | {"seconds": round(time.monotonic() - began, 1)}, lambda console: _show(console, told, time.monotonic() - began))
    return exit_code(release)


def drop(home: Path, template: Path) -> str:
    """Copy the template into `model-drop/` file by file, then close the folder with an empty `_READY`; the folder's name.

    A line in the manifest says when it was dropped. So a second run is another bundle of the same model, with the next
    version and its environment at hand, and not a duplicate, which would only repeat the first verdict.
    """
    now = datetime.now().astimezone()
    folder = home / "model-drop" / f"{template.name}-{now:%Y%m%d-%H%M%S-%f}"
    copy_template(template, folder)
    with (folder / "manifest.yml").open("a", encoding="utf-8") as manifest:
        manifest.write(f"\n# dropped by `modelgate demo` at {now.isoformat(timespec='seconds')}\n")
    (folder / "_READY").touch()
    return folder.name


@contextmanager
def _running(home: Path, out: Output) -> Iterator[Client]:
    """The laptop of this home: the one that runs already, else our own, which is stopped at the end."""
    there = running_laptop(home)
    if there:
        out.say(f"A laptop runs here already, at {there.url}; the demo uses it.", "dim")
        yield there
        return
    out.say(f"Starting the laptop in {home} …", "dim")
    with laptop(home) as client:
        out.say(f"It answers at {client.url} until the demo ends.", "dim")
        yield client


def _one_release(client: Client, home: Path, template: Path, preparation: Preparation, out: Output) -> dict[str, Any]:
    """Drop, find the release that came of it, follow it to its verdict."""
    before = {release["id"] for release in _newest(client)}
    name = drop(home, template)
    out.say(f"Dropped {template.name} into {home / 'model-drop' / name}", "dim")
    names = (name, _name_in(template))
    ident = _wait_for(lambda: _begun(client, before, names), "release of what was dropped")
    with view_for(out) as view:
        return follow(client, ident, WithNews(view, preparation))


def _newest(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("api/releases", limit=50)["releases"]
    return found


def _begun(client: Client, before: set[str], names: tuple[str, ...]) -> str | None:
    """The release that is new and named for the folder, or already for its manifest."""
    return next((str(each["id"]) for each in _newest(client) if each["id"] not in before and each.get("name") in names), None)


def _name_in(template: Path) -> str:
    found = re.search(r"^name:\s*[\"']?([^\s\"'#]+)", (template / "manifest.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else template.name


def _mail_of(home: Path, release: Mapping[str, Any]) -> Path | None:
    """The mail of this release that is not its receipt."""
    import email.policy  # noqa: PLC0415 - only here

    for path in sorted((home / "outbox").glob("*.eml"), reverse=True):
        with path.open("rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        if mail["X-Modelgate-Release"] == release["id"] and mail["X-Modelgate-Kind"] != "receipt":
            return path
    return None


def _report(home: Path, release: Mapping[str, Any]) -> Path:
    return home / "releases" / str(release["id"]) / "report.html"


def _wait_for(found: Callable[[], T | None], what: str) -> T:
    """Ask until there is an answer."""
    give_up = time.monotonic() + PATIENCE
    while (answer := found()) is None:
        if time.monotonic() > give_up:
            fix = "`modelgate doctor` looks what may be missing."
            raise CommandError(f"There is still no {what} after {PATIENCE:.0f} s.", fix, code=ERROR, name="late")
        time.sleep(0.1)  # a poll
    return answer


def _show(console: Console, told: dict[str, Any], seconds: float) -> None:
    from cli.show import kpi_line, show_release  # noqa: PLC0415 - imports rich

    show_release(console, told["release"], steps=False)
    console.print(f"\nmail    {told['mail']}\nreport  {told['report']}\n", soft_wrap=True)
    kpis = kpi_line(told["release"].get("kpis") or [])
    console.print(f"{safe_line(told['release'].get('verdict'))} in {span(seconds)}" + (f": {kpis}" if kpis else ""), style="bold")
    console.print("Yours next: modelgate init sklearn_diabetes my-model, then `modelgate up` in another window", style="dim")
