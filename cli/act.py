"""`cancel`, `decide`, `retry` and `deadletters`: what a person changes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any
from urllib.parse import quote

from cli.client import client_for
from cli.exits import OK, CommandError
from cli.ids import release_id
from cli.output import Output
from cli.safe import safe_line
from cli.times import local


def cancel_arguments(parser: ArgumentParser) -> None:
    """`cancel ID`."""
    parser.add_argument("id", metavar="ID")


def cancel(args: Namespace, out: Output) -> int:
    """Stop a release; its mail says so."""
    return _act(args, out, "cancel", {}, "is cancelled.")


def decide_arguments(parser: ArgumentParser) -> None:
    """`decide ID pass|fail --reason … --as EMAIL`."""
    parser.add_argument("id", metavar="ID")
    parser.add_argument("outcome", choices=("pass", "fail"))
    parser.add_argument("--reason", required=True, help="why; it goes into the mail and the report")
    parser.add_argument("--as", dest="by", metavar="EMAIL", required=True, help="who decides")


def decide(args: Namespace, out: Output) -> int:
    """Give a person's decision on an inconclusive release."""
    value = {"outcome": args.outcome, "reason": args.reason, "as": args.by}
    return _act(args, out, "decide", value, f"is decided: {args.outcome}.")


def retry_arguments(parser: ArgumentParser) -> None:
    """`retry ID [--from STAGE]`."""
    parser.add_argument("id", metavar="ID")
    parser.add_argument("--from", dest="stage", metavar="STAGE", help="where to start again (default: where it stopped)")


def retry(args: Namespace, out: Output) -> int:
    """Try a release again that ended without a gate's answer."""
    value = {"from": args.stage} if args.stage else {}
    return _act(args, out, "retry", value, f"is tried again.  Follow it:  modelgate status {args.id} --watch")


def _act(args: Namespace, out: Output, verb: str, value: dict[str, Any], done: str) -> int:
    client = client_for(args)
    ident = release_id(client, args.id)
    answer = client.post(f"api/releases/{ident}/{verb}", value)
    out.result(answer, lambda console: console.print(f"{ident} {done}"))
    return OK


def deadletters_arguments(parser: ArgumentParser) -> None:
    """`deadletters [requeue KEY]`."""
    parser.add_argument("action", nargs="?", choices=("requeue",), help="put a task back; without it they are listed")
    parser.add_argument("key", nargs="?", metavar="KEY")


def deadletters(args: Namespace, out: Output) -> int:
    """List the tasks that were given up, or put one back."""
    if args.action:
        return _requeue(args, out)
    answer = client_for(args).get("api/deadletters")
    letters = answer["deadletters"]
    shown = "\n".join(_letter(each) for each in letters) or "No task was given up."
    out.result(answer, lambda console: console.print(shown))
    return OK


def _requeue(args: Namespace, out: Output) -> int:
    if not args.key:
        raise CommandError("Which task?", "modelgate deadletters requeue KEY; `modelgate deadletters` lists the keys.")
    answer = client_for(args).post(f"api/deadletters/{quote(args.key)}/requeue")
    out.result(answer, lambda console: console.print(f"{safe_line(args.key)} is queued again."))
    return OK


def _letter(letter: dict[str, Any]) -> str:
    head = f"{safe_line(letter.get('key'))}  {safe_line(letter.get('effect'))}  {local(letter.get('at'))}"
    return f"{head}\n    {safe_line(letter.get('reason'))}"
