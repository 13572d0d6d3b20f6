"""`submit`: hand in a bundle; with `--watch`, wait for its verdict."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.archive import Archive, archive_of
from cli.check import bundle_path
from cli.client import Client, client_for
from cli.exits import OK, CommandError
from cli.output import Output
from cli.safe import safe_line

if TYPE_CHECKING:
    from rich.console import Console

BODY_LIMIT = 100_000_000  # bytes that POST /api/releases takes; more goes by a write URL


def submit_arguments(parser: ArgumentParser) -> None:
    """`submit BUNDLE [--watch] [--force] [--set k=v …] [--as EMAIL]`."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder, a .zip or a .tar.gz")
    parser.add_argument("--watch", action="store_true", help="stay until the verdict; the exit code then tells it")
    parser.add_argument("--force", action="store_true", help="judge it again even if the same was judged before")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", help="override a manifest value, e.g. kpis.0.min=0.5")
    parser.add_argument("--as", dest="submitter", metavar="EMAIL", help="who gets the mail, unless the manifest says")


def submit(args: Namespace, out: Output) -> int:
    """Send the bundle. Without `--watch` 0 means that it was taken."""
    from cli.show import size  # noqa: PLC0415 - imports rich

    client = client_for(args)
    for override in args.set:
        if not override.partition("=")[0].strip() or "=" not in override:
            raise CommandError(f"--set {override} is no key=value.", "Write it like --set kpis.0.min=0.5")
    with archive_of(bundle_path(args.bundle)) as archive:
        out.say(f"Sending {safe_line(archive.name)} ({size(archive.size)}) to {client.url}", "dim")
        taken = send(client, archive, args)
    if not args.watch:
        out.result(taken, lambda console: _show(console, taken))
        return OK
    from cli.look import watched  # noqa: PLC0415 - only here

    return watched(client, str(taken["id"]), out)


def send(client: Client, archive: Archive, args: Namespace, limit: int = BODY_LIMIT) -> dict[str, Any]:
    """Hand the archive over, by the body or, beyond `limit` bytes, by a write URL; `{id, links}`."""
    query = [("name", archive.name), *([("force", "true")] if args.force else []), *(("set", override) for override in args.set)]
    headers = {"x-modelgate-submitter": args.submitter} if args.submitter else {}
    if archive.size <= limit:
        typed = {"Content-Type": archive.content_type, **headers}
        return dict(client.post_file("api/releases", archive.file, archive.size, typed, query))
    slot = client.post("api/uploads", headers=headers, query=query)
    client.put_file(str(slot["upload_url"]), archive.file, archive.size)
    return dict(client.post("api/releases", {"url": slot["drop_url"]}))


def _show(console: Console, taken: dict[str, Any]) -> None:
    ident = safe_line(taken["id"])
    console.print(f"Taken as {ident}. The verdict comes by mail.")
    console.print(f"Follow it:  modelgate status {ident} --watch")
