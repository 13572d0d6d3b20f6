"""The laptop as a child process: started on the usual port or a free one, waited for, stopped."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cli.client import Client
from cli.exits import ERROR, CommandError

DEFAULT_PORT = 7071
START, STOP = 60.0, 20.0  # seconds that starting and stopping may take


@contextlib.contextmanager
def laptop(home: Path) -> Iterator[Client]:
    """A laptop of this home that answers; gone at the end, whatever happens. What it prints goes to `logs/laptop.out`."""
    log = home / "logs" / "laptop.out"
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "laptop.main", "--home", str(home), "--port", str(_port())]
    with log.open("wb") as written:
        # A session of its own: Ctrl-C ends us, and we end it in order.
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True)
    signal.signal(signal.SIGTERM, _end)  # or a terminated demo would leave its laptop behind
    try:
        yield _once_it_answers(home, process, log)
    finally:
        _stop(process)


def _port() -> int:
    """The usual port, so that links in mails are good again after the next `modelgate up`; any other one if it is taken."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT


def running_laptop(home: Path) -> Client | None:
    """The laptop that holds this home and answers, if there is one."""
    from laptop.lock import read_lock  # noqa: PLC0415 - only here

    url = str(read_lock(home).get("url") or "")
    with contextlib.suppress(CommandError):
        client = Client(url)
        client.get("api/health")
        return client
    return None


def _once_it_answers(home: Path, process: subprocess.Popen[bytes], log: Path) -> Client:
    give_up = time.monotonic() + START
    while process.poll() is None:
        if client := running_laptop(home):
            return client
        if time.monotonic() > give_up:
            raise CommandError(f"The laptop does not answer after {START:.0f} s.", f"What it said: {log}", code=ERROR, name="laptop")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    told = f"The laptop ended at once, with code {process.returncode}: {_last_line(log)}"
    raise CommandError(told, f"All that it said: {log}", code=ERROR, name="laptop")


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()  # its children die with it
        process.wait()
