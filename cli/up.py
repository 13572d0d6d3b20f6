"""`up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from cli import DEFAULT_URL
from cli.exits import OK, CommandError
from cli.output import Output
from cli.site import home_argument, home_of

HIGHEST_PORT = 65535


def up_arguments(parser: ArgumentParser) -> None:
    """`up [--home DIR] [--port N] [--chaos …]`."""
    home_argument(parser)
    parser.add_argument("--port", type=int, default=7071, help="loopback port (default: 7071)")
    parser.add_argument("--chaos", metavar="WHAT", help="disturb the events, e.g. duplicate=0.3,delay=2s,reorder,drop=0.05")


def up(args: Namespace, out: Output) -> int:
    """Serve until interrupted."""
    if not 0 <= args.port <= HIGHEST_PORT:
        raise CommandError(f"{args.port} is no port.", "Ports go from 1 to 65535; 0 takes a free one.")
    home = home_of(args.home)
    out.say(f"Starting in {home} …", "dim")
    _serve(home, args.port, args.chaos, lambda url: _tell(out, home, url))
    out.say("Stopped. `modelgate up` goes on where this ended.", "dim")
    return OK


def _serve(home: Path, port: int, chaos: str | None, ready: Callable[[str], None]) -> None:
    try:
        from laptop.main import NotStarted, serve  # noqa: PLC0415 - heavy
    except ModuleNotFoundError as error:
        raise CommandError(f"The laptop needs {error.name}, which is not installed.", "Set up with `make laptop`.") from None
    try:
        serve(home, port, chaos, ready)
    except NotStarted as error:
        raise CommandError(str(error), name="not_started") from None


def _tell(out: Output, home: Path, url: str) -> None:
    out.result({"url": url, "home": str(home)}, lambda _: _show(out, home, url))


def _show(out: Output, home: Path, url: str) -> None:
    out.say(f"modelgate is up: {url}", "bold green")
    out.say(f"  drop bundles into   {home / 'model-drop'}")
    out.say(f"  mails               {url}/inbox   ({home / 'outbox'})")
    if url != DEFAULT_URL:
        out.say(f"  for other commands  export MODELGATE_URL={url}")
    out.say("Ctrl-C stops it; releases go on at the next start.", "dim")
