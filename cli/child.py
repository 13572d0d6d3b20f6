"""The laptop as a child process: started, waited for, stopped."""

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

START, STOP = 30.0, 15.0  # seconds that starting and stopping may take


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def laptop(home: Path, port: int) -> Iterator[Client]:
    """A laptop on `port` that answers; gone at the end, whatever happens. What it prints goes to `logs/laptop.log` of its home."""
    log = home / "logs" / "laptop.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    client = Client(f"http://127.0.0.1:{port}")
    argv = [sys.executable, "-m", "laptop.main", "--home", str(home), "--port", str(port)]
    with log.open("ab") as written:
        # A session of its own: Ctrl-C ends us, and we end it in order.
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True)
    try:
        _wait_until_it_answers(client, process, log)
        yield client
    finally:
        _stop(process)


def _wait_until_it_answers(client: Client, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START
    while True:
        with contextlib.suppress(CommandError):
            client.get("api/health")
            return
        if process.poll() is not None:
            raise CommandError(f"The laptop ended at once: {_last_line(log)}", f"All of it: {log}", code=ERROR, name="laptop")
        if time.monotonic() > give_up:
            raise CommandError(f"The laptop does not answer after {START:.0f} s.", f"Its log: {log}", code=ERROR, name="laptop")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()  # its children die with it
        process.wait()
