"""Port Serving on the laptop: one real scoring server a release, a child process on a loopback port of its own.

The host binds the port and hands the listening socket down, so the port cannot be taken in between, and a request that comes early
waits for the server instead of being refused. Readiness is one request that is sent at once and answered when the server can.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.adapters.local.home import Home
from shared.adapters.local.processes import Command, Limits, Processes, Running, clean_environment
from shared.adapters.local.serving_faults import Case, died, exceeded, read_told, too_slow, why
from shared.adapters.local.signals import Signals
from shared.domain.bundle import Bundle
from shared.domain.errors import BundleFault, Permanent
from shared.domain.faults import Fault
from shared.domain.release import Endpoint, Release
from shared.ports import NotYet

SOON = NotYet(timedelta(seconds=2))
GB = 1 << 30
MOST_STARTS = 3  # of one attempt, when the server dies without a reason of its own
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")
PROBE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MOST_RUN_ERRORS = 10


@dataclass
class _Server:
    """One start of a server. `endpoint` once it has answered, `fault` once it ended through the bundle."""

    release: Release
    folder: Path
    port: int
    began: float
    starts: int
    endpoint: Endpoint | None = None
    fault: Fault | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return f"serve {self.folder.parent.name}"

    @property
    def out(self) -> Path:
        return self.folder / "out"


class ProcessServing:
    """Serves bundles with `serving/serve.py` of `code`, at most `most` at a time (default: 2 a core, at least 4)."""

    def __init__(
        self, home: Home, signals: Signals, processes: Processes, *, code: Path, most: int | None = None, init_seconds: float = 240.0
    ) -> None:
        self._home = home
        self._signals = signals
        self._processes = processes
        self._code = code
        self._most = most or max(4, 2 * (os.cpu_count() or 1))
        self._init_seconds = init_seconds
        self._servers: dict[str, _Server] = {}
        self._waiting: dict[str, None] = {}  # releases without a place, oldest first
        self._lock = threading.RLock()

    def deploy(self, release: Release) -> Endpoint | NotYet:
        """Serve the release; a server that was lost with an earlier host, or died, is started anew on another port.

        BundleFault (3xx) with the user's own traceback when the script cannot be loaded, `init()` fails or a limit is exceeded.
        """
        with self._lock:
            server = self._servers.get(release.id)
            if server is not None and server.release.attempt == release.attempt:
                return self._standing(server)
        if server is not None:
            self.take_down(server.release)
        return self._find_place(release)

    def take_down(self, release: Release) -> None:
        """End the server and remove its scratch. Its log stays in the evidence."""
        with self._lock:
            server = self._servers.pop(release.id, None)
            self._waiting.pop(release.id, None)
        if server is not None:
            self._processes.stop(server.name, patience=0)  # it holds nothing that a slow end would save
            shutil.rmtree(server.folder, ignore_errors=True)
        self._wake_next()

    def server_pid(self, release: Release) -> int | None:
        """The root of the running server's process tree."""
        server = self._servers.get(release.id)
        state = self._processes.state(server.name) if server else None
        return state.pid if isinstance(state, Running) else None

    def server_fault(self, release: Release) -> Fault | None:
        """Why the release's server ended, when the bundle is to blame."""
        server = self._servers.get(release.id)
        return server.fault if server else None

    def out(self, release: Release) -> Path:
        """Where the running server's child writes: `reported.json`, `run_errors.jsonl`."""
        server = self._servers.get(release.id)
        return server.out if server else self._folder(release) / "out"

    def reported_file(self, release: Release) -> Path:
        """Figures that the served code logged, `{name: value}`; there when it logged any."""
        return self.out(release) / "reported.json"

    def run_errors(self, release: Release) -> tuple[str, ...]:
        """Why `run()` raised, newest last: `score.py:12 ValueError: …`. The server's answers do not say it."""
        return tuple(_run_errors(self.out(release)))

    def python(self, release: Release) -> Path:
        """The interpreter of the release's environment. Permanent when it is not there."""
        if release.image is None:
            raise Permanent(f"Release {release.id} has no environment yet.")
        folder = self._home.environments / Path(release.image.reference).name
        for python in (folder / "bin" / "python", folder / "venv" / "bin" / "python"):
            if python.exists():
                return python
        raise Permanent(f"The environment {folder} is gone. Retry the release from building.")

    def environment(self, release: Release, scratch: Path) -> dict[str, str]:
        """The whole environment of a child that runs the bundle's code: nothing inherited, as many threads as it asked CPUs."""
        threads = str(max(1, math.ceil(_bundle(release).manifest.compute.cpu)))
        return clean_environment(scratch, PYTHONUNBUFFERED="1", **dict.fromkeys(THREADS, threads))

    def limits(self, release: Release) -> Limits:
        """What a child that runs the bundle's code may use; its memory is what the manifest asks for."""
        memory = int(_bundle(release).manifest.compute.memory_gb * GB)
        return Limits(memory_bytes=memory, open_files=4096, processes=128, file_bytes=8 * GB)

    def in_process_spec(self, release: Release, folder: Path) -> dict[str, Any]:
        """The spec for `score_batch.py` and `user_code.py` without the keys that say what to do. `folder` must hold no sandbox yet."""
        return self._spec(release, folder) | {"style": _bundle(release).style}

    def fault_of(self, release: Release, out: Path) -> Fault | None:
        """The fault that a child of the release's wrote to `out`, if it wrote one."""
        told = read_told(out)
        return why(Case(told, _bundle(release), tuple(_model_files(out.parent / "sandbox")))) if told else None

    def _standing(self, server: _Server) -> Endpoint | NotYet:
        """What can be said of a server of this attempt."""
        if server.fault is not None:
            raise BundleFault(server.fault)
        if not server.ended.is_set():
            return server.endpoint or SOON
        return self._start(server.release, server.starts + 1)

    def _find_place(self, release: Release) -> NotYet:
        with self._lock:
            running = [server for server in self._servers.values() if not server.ended.is_set()]
            full = len(running) >= self._most
            old = next((server for server in running if self._is_over(server)), None) if full else None
            if not full:
                self._waiting.pop(release.id, None)
                return self._start(release, 1)
            self._waiting[release.id] = None
        if old is not None:
            self.take_down(old.release)
        return SOON

    def _is_over(self, server: _Server) -> bool:
        """Whether the release had its verdict since this server started; it is kept only for people to try."""
        verdict = self._home.releases / server.release.id / "verdict.json"
        with contextlib.suppress(OSError):
            return verdict.stat().st_mtime > (server.folder / "spec.json").stat().st_mtime
        return False

    def _start(self, release: Release, starts: int) -> NotYet:
        """Start a server; the lock is held."""
        python, folder = self.python(release), self._folder(release)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "out").mkdir(parents=True)
        with _listener() as listener:
            server = _Server(release, folder, listener.getsockname()[1], time.monotonic(), starts)
            spec = self._spec(release, folder) | {
                "port": server.port,
                "listener": listener.fileno(),
                "timeout": int(2 * self._init_seconds),
            }
            (folder / "spec.json").write_text(json.dumps(spec))
            command = Command(
                argv=(str(python), str(self._code / "serving" / "serve.py"), str(folder / "spec.json")),
                cwd=folder,
                log=self._home.release(release.id) / "logs" / "serve.log",
                env=self.environment(release, folder),
                limits=self.limits(release),
                fds=(listener.fileno(),),
            )
            self._processes.start(server.name, command, lambda code: self._on_exit(server, code))
            self._servers[release.id] = server
        threading.Thread(target=self._await, args=(server,), name=f"start of {server.name}", daemon=True).start()
        return SOON

    def _await(self, server: _Server) -> None:
        """Wait for the first answer, or for the end of whatever could give one."""
        while not server.ended.is_set():
            left = server.began + self._init_seconds - time.monotonic()
            if left <= 0:
                server.fault = too_slow(_bundle(server.release), self._init_seconds)
                self._processes.stop(server.name, patience=0)
            elif _answers(server.port, left):
                server.endpoint = Endpoint(f"http://127.0.0.1:{server.port}/score", round(time.monotonic() - server.began, 3))
                return self._signals.wake(server.release.id)
            else:  # refused or cut off: most likely it is about to end
                server.ended.wait(0.02)
        return None

    def _on_exit(self, server: _Server, code: int) -> None:
        """The server has ended: say why, if the bundle is to blame, and let the next one have its place."""
        server.fault = server.fault or self._why(server, code)
        server.endpoint = None
        shutil.rmtree(server.folder / "sandbox", ignore_errors=True)  # models are large; `out` is still read
        server.ended.set()
        self._signals.wake(server.release.id)
        self._wake_next()

    def _why(self, server: _Server, code: int) -> Fault | None:
        """None: nothing is known against the bundle, it may be started again."""
        state = self._processes.state(server.name)
        reason = getattr(state, "reason", None)
        bundle = _bundle(server.release)
        if reason == "stopped":
            return None
        if reason is not None:
            return exceeded(bundle, reason, self.limits(server.release))
        told = self.fault_of(server.release, server.out)
        if told is None and (server.endpoint is None or server.starts >= MOST_STARTS):
            return died(bundle, code, self._home.release(server.release.id) / "logs" / "serve.log")
        return told

    def _wake_next(self) -> None:
        release_id = next(iter(self._waiting), None)
        if release_id is not None:
            self._signals.wake(release_id)

    def _folder(self, release: Release) -> Path:
        return self._home.work / f"{release.id}-{release.attempt}" / "serve"

    def _spec(self, release: Release, folder: Path) -> dict[str, Any]:
        bundle = _bundle(release)
        return {
            "bundle": str(self._home.bundle(bundle.digest)),
            "model": bundle.model,
            "scoring": bundle.scoring,
            "mlflow": bundle.mlflow,
            "v1_imports": bundle.v1_imports,
            "name": release.name,
            "version": release.version or 1,
            "hidden": [bundle.data] if bundle.data else [],
            "sandbox": str(folder / "sandbox"),
            "out": str(folder / "out"),
        }


def _bundle(release: Release) -> Bundle:
    if release.bundle is None:
        raise Permanent(f"Release {release.id} has no bundle yet.")
    return release.bundle


@contextlib.contextmanager
def _listener() -> Iterator[socket.socket]:
    """A listening socket on a free loopback port; ours is closed again once the child has its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener


def _answers(port: int, seconds: float) -> bool:
    """Whether the server answers within `seconds`. The connection is closed: one worker would wait 2 s for more on an open one."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(PROBE)
            answer = b""
            while chunk := connection.recv(4096):
                answer += chunk
            return answer.startswith(b"HTTP/")
    except OSError:  # the server ended, or the time is over
        return False


def _model_files(sandbox: Path) -> Iterator[str]:
    """Files as they are seen from AZUREML_MODEL_DIR."""
    for root in sorted((sandbox / "azureml-models").glob("*/*")):
        for path in sorted(root.rglob("*")):
            if path.is_file():
                yield path.relative_to(root).as_posix()


def _run_errors(out: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for line in (out / "run_errors.jsonl").read_text().splitlines()[-MOST_RUN_ERRORS:]:
            with contextlib.suppress(ValueError, KeyError):
                told = json.loads(line)
                yield f"{told['file']}:{told['line']} {told['type']}: {told['message']}"
