"""`check`: the server's own report on a bundle, offline."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.exits import INVALID, OK, CommandError
from cli.output import Output
from cli.safe import safe_line
from cli.site import settings

if TYPE_CHECKING:
    from rich.console import Console

    from shared.domain.bundle import Bundle


def check_arguments(parser: ArgumentParser) -> None:
    """`check BUNDLE [--set k=v …]`."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder, a .zip, a .tar.gz, or the manifest of a folder")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", help="override a manifest value, e.g. kpis.0.min=0.5")


def check(args: Namespace, out: Output) -> int:
    """Print every fault; 0 when none of them is an error."""
    from shared.inspection.inspect import inspect_path  # noqa: PLC0415 - reads YAML

    inspected = inspect_path(bundle_path(args.bundle), site=settings().site, overrides=tuple(args.set))
    faults = [asdict(fault) for fault in inspected.faults]
    ok = inspected.bundle is not None
    out.result({"ok": ok, "faults": faults}, lambda console: _show(console, args.bundle, inspected.bundle, faults))
    return OK if ok else INVALID


def bundle_path(path: Path) -> Path:
    """The bundle that a person points at: for its manifest, the folder. Raises CommandError when nothing is there."""
    if not path.exists():
        raise CommandError(f"There is nothing at {path}.", "Name a folder, a .zip or a .tar.gz.", name="not_found")
    whole = path.resolve()  # `.` has no name, and a bundle's name may be its folder's
    return whole.parent if whole.is_file() and whole.suffix in (".yml", ".yaml") else whole


def _show(console: Console, path: Path, bundle: Bundle | None, faults: list[dict[str, Any]]) -> None:
    from cli.show import show_faults  # noqa: PLC0415 - imports rich

    show_faults(console, faults)
    errors = sum(fault["severity"] == "error" for fault in faults)
    if bundle is None:
        console.print(f"{safe_line(path)} would be invalid: {errors} fault{'s' if errors != 1 else ''} to mend.", style="bold magenta")
    else:
        console.print(f"{safe_line(path)} would be accepted as {safe_line(bundle.manifest.name)}.", style="bold green")
        console.print(_about(bundle))
    console.print(f"Not checked here: {'; '.join(_not_checked(bundle))}.", style="dim")


def _about(bundle: Bundle) -> str:
    from cli.show import size  # noqa: PLC0415 - imports rich

    scoring = bundle.scoring or "served by its MLflow folder"
    data = bundle.data or bundle.manifest.data.reference or "none"
    found = f"model {bundle.model} · scoring {scoring} · environment {bundle.environment.file} · data {data}"
    return safe_line(f"{found} · {bundle.files} files, {size(bundle.size)}")


def _not_checked(bundle: Bundle | None) -> list[str]:
    """What only a release can tell."""
    left = ["whether the packages resolve and install", "whether the model loads and answers", "the KPIs"]
    reference = bundle.manifest.data.reference if bundle else None
    if reference and bundle and not bundle.data:
        left.insert(0, f"whether the server has the data {safe_line(reference)}")
    return left
