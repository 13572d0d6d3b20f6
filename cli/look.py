"""`status`, `list`, `logs` and `report`: look at releases, change nothing."""

from __future__ import annotations

import re
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.client import Client, client_for
from cli.exits import OK, exit_code, is_over
from cli.ids import first_releases, release_id
from cli.output import Output
from cli.safe import safe, safe_line
from cli.watch import follow, view_for

if TYPE_CHECKING:
    from rich.console import Console


def status_arguments(parser: ArgumentParser) -> None:
    """`status [ID] [--watch]`."""
    parser.add_argument("id", nargs="?", default="latest", metavar="ID", help="the release (default: latest)")
    parser.add_argument("--watch", action="store_true", help="stay until the verdict; the exit code then tells it")


def status(args: Namespace, out: Output) -> int:
    """How far a release is; with `--watch` the exit code is its verdict's."""
    client = client_for(args)
    ident = release_id(client, args.id)
    if args.watch:
        return watched(client, ident, out)
    from cli.show import history_table, show_release  # noqa: PLC0415 - imports rich

    release = client.get(f"api/releases/{ident}")

    def show(console: Console) -> None:
        console.print(history_table(release))
        show_release(console, release)

    out.result(release, show)
    return OK


def watched(client: Client, ident: str, out: Output) -> int:
    """Follow a release to its verdict, show it, return its exit code."""
    from cli.show import show_release  # noqa: PLC0415 - imports rich

    with view_for(out) as view:
        release = follow(client, ident, view)
    out.result(release, lambda console: show_release(console, release))
    return exit_code(release)


def list_arguments(parser: ArgumentParser) -> None:
    """`list [--name] [--stage] [--limit] [--all]`."""
    parser.add_argument("--name", help="only releases of this model")
    parser.add_argument("--stage", help="only releases in this stage, e.g. failed")
    parser.add_argument("--limit", type=_positive, default=20, help="how many at most (default: 20)")
    parser.add_argument("--all", action="store_true", help="every one, however many")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def list(args: Namespace, out: Output) -> int:  # noqa: A001 - the verb's name
    """Releases, newest first."""
    from cli.show import releases_table  # noqa: PLC0415 - imports rich

    page = first_releases(client_for(args), None if args.all else args.limit, name=args.name, stage=args.stage)
    found = page["releases"]
    out.result(page, lambda console: console.print(releases_table(found) if found else "No release yet."))
    if page["next"]:
        out.say("There are more: --limit N or --all.", "dim")
    return OK


def logs_arguments(parser: ArgumentParser) -> None:
    """`logs ID [-f]`."""
    parser.add_argument("id", metavar="ID")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as long as the release does")


def logs(args: Namespace, out: Output) -> int:
    """What building, serving, trying and scoring printed."""
    client = client_for(args)
    ident = release_id(client, args.id)
    if out.as_json or not args.follow:
        if args.follow:
            _until_over(client, ident)
        found = _logs(client, ident)
        out.result({"id": ident, "logs": found}, lambda _: _print_new({}, found))
        return OK
    return _follow_logs(client, ident)


def _follow_logs(client: Client, ident: str) -> int:
    shown: dict[str, str] = {}
    while True:
        over = is_over(client.get(f"api/releases/{ident}"))  # asked before the logs, so that nothing written until then is missed
        found = _logs(client, ident)
        _print_new(shown, found)
        if over:
            return OK
        shown = found
        time.sleep(1)  # a polite poll


def _until_over(client: Client, ident: str) -> None:
    while not is_over(client.get(f"api/releases/{ident}")):
        time.sleep(1)  # a polite poll


def _logs(client: Client, ident: str) -> dict[str, str]:
    """Text by log, in the order of the stages: the server sends one text with a heading `== name ==` above each."""
    text = client.fetch(f"api/releases/{ident}/logs").body.decode("utf-8", "replace")
    _, *parts = re.split(r"^== (.+) ==$\n?", text, flags=re.MULTILINE)
    return {name: log.strip("\n") for name, log in zip(parts[::2], parts[1::2], strict=True)}


def _print_new(shown: dict[str, str], found: dict[str, str]) -> None:
    for name, text in found.items():
        old = shown.get(name, "")
        new = (text.removeprefix(old)).strip("\n")
        if new:
            print(f"== {safe_line(name)} ==\n{safe(new)}\n", flush=True)


def report_arguments(parser: ArgumentParser) -> None:
    """`report ID [--out F]`."""
    parser.add_argument("id", metavar="ID")
    parser.add_argument("--out", metavar="F", help="a file, or - for stdout (default: report-ID.html; stdout when that is no terminal)")


def report(args: Namespace, out: Output) -> int:
    """Fetch the report: one HTML file that reads offline."""
    client = client_for(args)
    ident = release_id(client, args.id)
    page = client.fetch(f"api/releases/{ident}/report").body
    piped = not out.as_json and not sys.stdout.isatty()
    target = args.out or ("-" if piped else f"report-{ident}.html")
    if target == "-" and not out.as_json:
        sys.stdout.buffer.write(page)
        return OK
    path = Path(target)
    path.write_bytes(page)
    out.result({"id": ident, "file": str(path), "bytes": len(page)}, lambda console: console.print(f"{path}  ({len(page) / 1000:.0f} kB)"))
    return OK
