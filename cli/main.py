"""The `modelgate` command: finds the sub-command, runs it, turns how it ended into an exit code.

Only argparse is imported at start; each sub-command's module is imported when it is asked for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn

from cli import DEFAULT_URL
from cli.exits import ERROR, INTERRUPTED, PIPE_CLOSED, CommandError


class Verb(NamedTuple):
    """A sub-command: `module` holds `<name>(args, out) -> exit code` and `<name>_arguments(parser)`."""

    name: str
    module: str
    help: str


VERBS = (
    Verb("init", "init", "copy a model template to start from"),
    Verb("check", "check", "check a bundle offline, with the server's own rules"),
    Verb("up", "up", "run the whole system on this machine"),
    Verb("demo", "demo", "see one bundle go all the way, from nothing"),
    Verb("submit", "submit", "hand in a bundle (folder, .zip, .tar.gz)"),
    Verb("status", "look", "show how far a release is"),
    Verb("list", "look", "list releases, newest first"),
    Verb("logs", "look", "show the logs of a release"),
    Verb("report", "look", "fetch the report of a release"),
    Verb("cancel", "act", "stop a release"),
    Verb("decide", "act", "decide an inconclusive release"),
    Verb("retry", "act", "try a release again from where it stopped"),
    Verb("deadletters", "act", "list or requeue tasks that were given up"),
    Verb("doctor", "doctor", "look whether this machine has what is needed"),
)

COLUMN = 13  # the longest name and two: argparse forgets the indent of sub-commands
EPILOG = """\
An ID may be shortened while it stays unique; `latest` is the newest release.
exit codes: 0 passed, 1 invalid, 2 failed, 3 inconclusive, 4 error, expired or cancelled, 5 usage or not reachable

first steps:
  modelgate demo                                see it work, from nothing
  modelgate init sklearn_diabetes my-model      copy a template
  modelgate up                                  in another window
  modelgate submit my-model --watch             wait for the verdict"""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Knows the width of the terminal by itself: argparse would import shutil and its compressors for that."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=min(_columns(), 110))


class _Parser(argparse.ArgumentParser):
    """argparse ends with 2 for a wrong command line, which here means `failed`; so it ends with 5."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{self.prog}: {message}.", f"{self.format_usage().strip()}\nMore: {self.prog} --help")


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns - 2
    except (OSError, ValueError):
        return 98


def parser_for(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of `argv`: every verb is known by name, only one that `argv` speaks of has its arguments loaded."""
    parser = _Parser(
        prog="modelgate",
        usage="modelgate COMMAND … [--json] [--url URL]",
        description="Drop a model bundle, get a verdict.",
        epilog=EPILOG,
        formatter_class=_Help,
    )
    _common(parser)
    parser.set_defaults(json=False, url=None)
    verbs = parser.add_subparsers(dest="verb", metavar=" " * COLUMN, title="commands", prog="modelgate")
    for verb in VERBS:
        sub = verbs.add_parser(verb.name, help=verb.help, description=verb.help[0].upper() + verb.help[1:] + ".", formatter_class=_Help)
        _common(sub)
        if verb.name in argv:
            getattr(import_module(f"cli.{verb.module}"), f"{verb.name}_arguments")(sub)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    unset = argparse.SUPPRESS  # so that a sub-command does not undo what stood before it
    parser.add_argument("--json", action="store_true", default=unset, help="one JSON document on stdout, progress on stderr")
    parser.add_argument("--url", default=unset, help=f"where modelgate runs (MODELGATE_URL, else {DEFAULT_URL})")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _run(argv)
    except CommandError as error:
        return _tell(error, as_json="--json" in argv)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return PIPE_CLOSED
    except OSError as error:
        return _tell(CommandError(f"This did not work: {_of_system(error)}."), as_json="--json" in argv)
    except Exception:  # noqa: BLE001 - a person reads a sentence; the traceback goes to a file for who mends it
        return _tell(_own_error(), as_json="--json" in argv)


def _run(argv: Sequence[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 must not end a command
    parser = parser_for(argv)
    args = parser.parse_args(argv)
    if args.verb is None:
        parser.error("say which command")
    from cli.output import Output  # noqa: PLC0415 - not for --help

    verb = next(verb for verb in VERBS if verb.name == args.verb)
    code: int = getattr(import_module(f"cli.{verb.module}"), verb.name)(args, Output(as_json=args.json))
    sys.stdout.flush()  # a reader that went away shows here, not after main
    return code


def _tell(error: CommandError, *, as_json: bool) -> int:
    from cli.safe import safe  # noqa: PLC0415 - not for --help

    try:
        if as_json:
            import json  # noqa: PLC0415 - only here

            print(json.dumps({"error": {"code": error.name, "message": error.message, "fix": error.fix}}), flush=True)
        print("\n".join(safe(part) for part in (error.message, error.fix) if part), file=sys.stderr, flush=True)
    except BrokenPipeError:
        _silence_stdout()
    return error.code


def _of_system(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def _own_error() -> CommandError:
    import tempfile  # noqa: PLC0415 - only here
    import traceback  # noqa: PLC0415 - only here

    with tempfile.NamedTemporaryFile("w", prefix="modelgate-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(traceback.format_exc())
    what = traceback.format_exception_only(*sys.exc_info()[:2])[-1].strip()
    return CommandError(f"modelgate itself went wrong: {what}", f"Where it happened: {file.name}", code=ERROR, name="internal")


def _silence_stdout() -> None:
    """Python flushes stdout once more at exit; let that go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
