"""`doctor`: does this machine have what modelgate needs? A line each, with a remedy."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.client import LOOPBACK, Client, client_for
from cli.exits import ERROR, OK, CommandError
from cli.output import Output
from cli.safe import safe, safe_line
from cli.site import home_argument, home_of
from cli.tools import environments_of, tools_ready

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE = 20  # seconds for the package registry
LITTLE, TIGHT = 1, 5  # GB of free disk: a fault, a warning
STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}
OLDEST, OLDEST_SERVED = (3, 11), (3, 7)


@dataclass(frozen=True)
class Check:
    """One thing looked at: `state` ok, warn or fail; what was found; what to do when it is not ok."""

    name: str
    state: str
    found: str
    fix: str = ""


def doctor_arguments(parser: ArgumentParser) -> None:
    """`doctor [--home DIR]`."""
    home_argument(parser)


def doctor(args: Namespace, out: Output) -> int:
    """Look at everything; 4 when something is missing that modelgate cannot do without."""
    checks = list(_told(checks_of(args), out))
    ok = all(check.state != "fail" for check in checks)
    out.result({"ok": ok, "checks": [asdict(check) for check in checks]}, lambda console: _summary(console, checks))
    return OK if ok else ERROR


def checks_of(args: Namespace) -> Iterator[Check]:
    """Every check, in the order in which one depends on the other."""
    client, home = client_for(args), home_of(args.home)
    uv = _uv()
    yield from (_python(), uv)
    yield _interpreters()
    yield _disk(home)
    yield _home(home)
    yield Check("package registry", "fail", "not tried without uv", "Mend uv first.") if uv.state == "fail" else _registry()
    yield _tools(environments_of(home))
    yield from _server(client)


def _told(checks: Iterator[Check], out: Output) -> Iterator[Check]:
    for check in checks:
        if not out.as_json:
            _line(out.console, check)
        yield check


def _line(console: Console, check: Check) -> None:
    from rich.text import Text  # noqa: PLC0415 - heavy

    console.print(Text.assemble((f"{check.state:<5}", STYLES[check.state]), f"{check.name:<22}", safe_line(check.found)))
    if check.fix and check.state != "ok":
        console.print(Text(f"{'':<5}→ {safe(check.fix)}"))


def _summary(console: Console, checks: list[Check]) -> None:
    failed, warned = (sum(check.state == state for check in checks) for state in ("fail", "warn"))
    if failed:
        console.print(f"\n{failed} thing{'s' if failed > 1 else ''} to mend first.")
    else:
        console.print("\nReady." + (" What is marked `warn` may be wanted later." if warned else ""))


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST:
        return Check("Python", "fail", version, "Install Python 3.11 or newer, and run `make demo` again.")
    return Check("Python", "ok", f"{version}, {sys.executable}")


def _uv() -> Check:
    from shared.adapters.local.uv_environments import found_uv  # noqa: PLC0415 - not for --help
    from shared.domain.errors import Permanent  # noqa: PLC0415

    try:
        program = found_uv()
    except Permanent as error:
        return Check("uv", "fail", "not found", str(error))
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return Check(
        "uv", "ok" if answer.returncode == 0 else "fail", answer.stdout.strip() or answer.stderr.strip(), "Set up again: make setup"
    )


def _interpreters() -> Check:
    from shared.adapters.local.interpreters import Interpreters  # noqa: PLC0415 - not for --help

    with tempfile.TemporaryDirectory() as folder:
        present = Interpreters(Path(folder) / "found.json").present()
    found = sorted({each.version[:2] for each in present if each.version >= OLDEST_SERVED})
    fix = "A bundle that asks for another Python is told so; pyenv installs more."
    return Check("Pythons for bundles", "ok" if len(found) > 1 else "warn", ", ".join(f"{major}.{minor}" for major, minor in found), fix)


def _disk(home: Path) -> Check:
    return disk_check(shutil.disk_usage(_existing(home)).free / 1e9, home)


def disk_check(free: float, home: Path) -> Check:
    """`free`: GB on the disk that holds `home`."""
    state = "fail" if free < LITTLE else "warn" if free < TIGHT else "ok"
    return Check(
        "disk",
        state,
        f"{free:.1f} GB free for {home}",
        "Make room, or name a home elsewhere with --home; an environment takes 0.1 to 4 GB.",
    )


def _home(home: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=_existing(home)):
            return Check("home", "ok", f"{home} can be written")
    except OSError as error:
        return Check("home", "fail", f"{home}: {error.strerror}", "Name another with --home, or mend its permissions.")


def _existing(path: Path) -> Path:
    return next(each for each in (path.resolve(), *path.resolve().parents) if each.exists())


def _registry() -> Check:
    """One tiny package is resolved as a build would resolve it, without what was fetched before."""
    from shared.adapters.local.package_index import uv_environment  # noqa: PLC0415 - not for --help
    from shared.adapters.local.uv_environments import found_uv  # noqa: PLC0415

    fix = "Look at the network, and at the index that pip and uv are set to (UV_DEFAULT_INDEX, PIP_INDEX_URL, pip.conf)."
    argv = [found_uv(), "pip", "compile", "-", "--no-cache", "--no-deps", "--quiet", "--no-header", "--python", sys.executable]
    env = {"PATH": os.environ.get("PATH", ""), **uv_environment(os.environ)}
    try:
        answer = subprocess.run(argv, input="iniconfig\n", env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return Check("package registry", "fail", f"no answer in {PATIENCE} s", fix)
    if answer.returncode != 0:
        return Check("package registry", "fail", _first_line(answer.stderr), fix)
    return Check("package registry", "ok", "answers")


def _tools(environments: Path) -> Check:
    if tools_ready(environments):
        return Check("tools environment", "ok", f"ready in {environments}")
    return Check("tools environment", "warn", "not made yet", "Nothing to do: the first release makes it, once for this home.")


def _first_line(text: str) -> str:
    line = next((line.strip(" \u00d7\u2570\u2500\u25b6") for line in text.splitlines() if line.strip()), "uv said nothing")
    return re.sub(r"(\w+://)[^/\s@]+@", r"\1", line)  # an index's password is not for the screen


def _server(client: Client) -> Iterator[Check]:
    """Whether modelgate answers at the URL; if not, whether it could on this machine."""
    try:
        client.get("api/health")
    except CommandError as error:
        yield Check("server", "warn", error.message, error.fix)
        yield from _port(client)
        return
    yield Check("server", "ok", f"answers at {client.url}")


def _port(client: Client) -> Iterator[Check]:
    parts = urlsplit(client.url)
    if parts.hostname not in LOOPBACK or not parts.port:
        return
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", parts.port)) == 0
    found = f"{parts.port} is taken by something else" if taken else f"{parts.port} is free"
    yield Check("port", "warn" if taken else "ok", found, "Use another: modelgate up --port N, and --url for the other commands.")
