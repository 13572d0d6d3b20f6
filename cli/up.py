"""`up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cli.exits import OK, CommandError
from cli.output import Output

HIGHEST_PORT = 65535


def up_arguments(parser: ArgumentParser) -> None:
    """`up [--home DIR] [--port N] [--chaos …]`."""
    parser.add_argument("--home", type=Path, default=Path(".modelgate"), help="where everything lies (default: .modelgate)")
    parser.add_argument("--port", type=int, default=7071, help="loopback port (default: 7071)")
    parser.add_argument("--chaos", metavar="WHAT", help="disturb the events, e.g. duplicate=0.3,delay=2s,reorder,drop=0.05")


def up(args: Namespace, out: Output) -> int:
    """Serve until interrupted."""
    if not 0 <= args.port <= HIGHEST_PORT:
        raise CommandError(f"{args.port} is no port.", "Ports go from 1 to 65535; 0 takes a free one.")
    try:
        from laptop.main import serve  # noqa: PLC0415 - heavy
    except ModuleNotFoundError as error:
        raise CommandError(f"The laptop needs {error.name}, which is not installed.", "Set up with `make laptop`.") from None
    out.say(f"Starting in {args.home.resolve()} … Ctrl-C stops it; nothing is lost by that.", "dim")
    serve(args.home, args.port, args.chaos)
    return OK
