"""`modelgate up`: the whole system on one machine, until it is asked to stop.

The order of stopping matters: functions end first, then the children they watch. A function that saw its child being stopped would
take that for the bundle's fault.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from laptop.chaos import BadChaos, Chaos, parse_chaos
from laptop.lock import AlreadyUp, HomeLock

if TYPE_CHECKING:
    from shared.wiring import LocalParts

log = logging.getLogger("modelgate.laptop")

NOT_STARTED = 5  # exit code: usage, or not reachable
PATIENCE = 10.0  # seconds for functions that still run when the laptop is asked to stop


class NotStarted(Exception):
    """The laptop could not start; the message says why and what to do."""


def serve(home: Path, port: int = 7071, chaos: str | None = None, ready: Callable[[str], None] | None = None) -> None:
    """Run the laptop on `home` until SIGINT or SIGTERM; `ready(url)` is called once it answers. Port 0 takes any free one.

    Once a process: settings are read once. Raises NotStarted with a sentence for people.
    """
    home = home.expanduser().absolute()
    try:
        weather = parse_chaos(chaos)
        home.mkdir(parents=True, exist_ok=True)
        lock = HomeLock(home)
    except (AlreadyUp, BadChaos, OSError) as error:
        raise NotStarted(str(error)) from None
    try:
        with contextlib.closing(_listen(port)) as listener, _quiet_signals():
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            lock.tell({"pid": os.getpid(), "url": url})
            os.environ.update(MODELGATE_PLATFORM="laptop", MODELGATE_HOME=str(home), MODELGATE_URL=url)
            _run(listener, weather, lambda: ready(url) if ready else None)
    finally:
        lock.release()


def _run(listener: socket.socket, weather: Chaos, ready: Callable[[], None]) -> None:
    parts = _parts()
    shutil.rmtree(parts.home.work / "uploads", ignore_errors=True)  # uploads that a kill cut off
    left = parts.processes.reap_orphans()
    if left:
        log.info("ended %s processes that an earlier laptop had left", left)
    ended = asyncio.run(_until_stopped(parts, weather, listener, ready))
    if not ended and threading.current_thread() is threading.main_thread():
        log.warning("a function still runs after %.0f s: it is cut off, and its task is done anew at the next start", PATIENCE)
        logging.shutdown()
        os._exit(0)  # the system ends the children with us; nobody is left to take that for a failure of theirs
    parts.processes.stop_all()
    parts.close()


def _parts() -> LocalParts:
    """The wired laptop, its log open. Raises NotStarted when a setting makes no sense."""
    from shared.domain.errors import Permanent  # noqa: PLC0415 - after the settings of this process are set
    from shared.log import to_files  # noqa: PLC0415
    from shared.wiring import local_parts  # noqa: PLC0415

    try:
        parts = local_parts()
    except Permanent as error:
        raise NotStarted(str(error)) from None
    to_files(parts.home.logs, parts.settings.log_level)
    return parts


async def _until_stopped(parts: LocalParts, weather: Chaos, listener: socket.socket, ready: Callable[[], None]) -> bool:
    """Answers whether every function had ended."""
    from laptop.assembly import BadApp, Laptop, Server  # noqa: PLC0415 - the app is imported with it, after the settings are set

    try:
        laptop = Laptop(parts, weather, asyncio.get_running_loop())
    except BadApp as error:
        raise NotStarted(str(error)) from None
    laptop.start()
    try:
        await Server(laptop.host, ready).serve(sockets=[listener])
    finally:
        ended = await asyncio.to_thread(laptop.close, PATIENCE)
    return ended


def _listen(port: int) -> socket.socket:
    """A socket on loopback, and on nothing else. Raises NotStarted when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a killed laptop's port stays taken for a minute
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise NotStarted(
                f"Port {port} is taken by another program. Stop it, or choose another with --port (0: any free one)."
            ) from None
        raise NotStarted(f"Port {port} cannot be used: {error}. Choose another --port (0: any free one).") from None
    return listener


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    """The server sends a signal on when it has stopped; by then it has done its work, and we go on to end everything else."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {name: signal.signal(name, lambda *_: None) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def main(arguments: list[str] | None = None) -> int:
    """`python -m laptop.main --home DIR --port N [--chaos …]`."""
    parser = argparse.ArgumentParser(prog="laptop", description="Run modelgate on this machine.")
    parser.add_argument("--home", type=Path, default=Path(".modelgate"))
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--chaos", help="duplicate=0.3,delay=2s,reorder,drop=0.05,seed=7,ladder=0.1")
    try:
        chosen = parser.parse_args(arguments)
    except SystemExit as end:
        return NOT_STARTED if end.code else 0
    try:
        serve(chosen.home, chosen.port, chosen.chaos, lambda url: print(f"modelgate is up: {url}", flush=True))  # noqa: T201 - for people
    except NotStarted as error:
        sys.stderr.write(f"{error}\n")
        return NOT_STARTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
