"""Children of this host: started under a name, limited, watched, and never left behind.

Each child is started by a thread of its own, which then waits for its end: Linux kills a child whose *starting thread* ends,
so the thread must live as long as the child. A second, shared thread looks at what limited children hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from shared.adapters.local.process_tree import MARK, kill_group, kill_marked, memory, started_at, tree
from shared.domain.errors import NotFound

LAUNCH = Path(__file__).with_name("launch.py")
LOOK_EVERY = 0.2  # seconds between two looks at what limited children hold
LONGEST_LINE = 1 << 20
KEPT = 500  # ended children that can still be asked for
CLOCKS_DIFFER = 1.0  # seconds by which two readings of one start time may differ


@dataclass(frozen=True)
class Limits:
    """What a child and its descendants may use. None: no limit.

    Memory is watched as RAM really held by the whole tree. A limit on address space (RLIMIT_AS, RLIMIT_DATA) would count what
    BLAS, thread stacks and allocators only reserve, several GB on a machine with many cores; RLIMIT_DATA is set far above, for
    storms between two looks. Processes are watched too, since RLIMIT_NPROC counts everything that the user runs.
    """

    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    open_files: int | None = None
    processes: int | None = None
    file_bytes: int | None = None  # largest file that may be written
    wall_seconds: float | None = None

    def rlimits(self) -> str:
        """What `launch.py` sets."""
        storm = None if self.memory_bytes is None else 4 * self.memory_bytes + (4 << 30)
        wanted = {"CPU": self.cpu_seconds, "NOFILE": self.open_files, "FSIZE": self.file_bytes, "DATA": storm, "CORE": 0}
        return ",".join(f"{name}={value}" for name, value in wanted.items() if value is not None)

    @property
    def watched(self) -> bool:
        """Whether somebody must look while it runs."""
        return self.memory_bytes is not None or self.processes is not None or self.wall_seconds is not None


@dataclass(frozen=True)
class Command:
    """What to run. `env` is the whole environment (see `clean_environment`).

    `log` gets standard error, and standard output too unless `on_line` takes it.
    `on_line` is called with each line of standard output, without its end, from a thread of the child.
    """

    argv: Sequence[str]
    cwd: Path
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits | None = None
    stdin: bool = False
    fds: tuple[int, ...] = ()  # handed down under the same numbers, e.g. a listening socket
    on_line: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Running:
    """The child runs."""

    pid: int


@dataclass(frozen=True)
class Ended:
    """The child has ended: `code` as in subprocess (-9: killed by signal 9).

    `reason` says when we ended it or a limit did: `stopped`, or the limit: `memory`, `processes`, `wall`, `cpu`.
    """

    code: int
    reason: str | None = None


class _Child:
    """One child; `lock` guards its number against being signalled after it was reaped."""

    def __init__(self, name: str, command: Command, on_exit: Callable[[int], None] | None) -> None:
        self.name = name
        self.command = command
        self.on_exit = on_exit
        self.mark = uuid.uuid4().hex
        self.lock = threading.Lock()
        self.ready = threading.Event()  # started, or could not be
        self.done = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.error: OSError | None = None
        self.reason: str | None = None
        self.ended: Ended | None = None
        self.began = time.monotonic()

    @property
    def limits(self) -> Limits:
        return self.command.limits or Limits()

    def signal(self, what: int, reason: str) -> None:
        """Signal the whole group, if the child was not reaped yet. The first reason stays."""
        with self.lock:
            if self.process is not None and self.process.returncode is None:
                self.reason = self.reason or reason
                kill_group(self.process.pid, what)

    def over(self) -> str | None:
        """Which watched limit is exceeded now."""
        limits, process = self.limits, self.process
        if process is None or self.ended or self.reason:
            return None
        if limits.wall_seconds is not None and time.monotonic() - self.began > limits.wall_seconds:
            return "wall"
        pids = tree(process.pid)
        if limits.processes is not None and len(pids) > limits.processes:
            return "processes"
        top = limits.memory_bytes
        if top is not None and memory(pids) > top and memory(pids, shared_once=True) > top:
            return "memory"
        return None


class Processes:
    """Children by name. Thread-safe. `state_dir` remembers them on disk, so that the next host can end what a killed one left."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._children: dict[str, _Child] = {}
        self._lock = threading.Lock()
        self._watched = threading.Condition(self._lock)
        self._guard: threading.Thread | None = None
        state_dir.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Command, on_exit: Callable[[int], None] | None = None) -> Running:
        """Start `command` under `name`; while that runs, the same call changes nothing. Raises OSError when it cannot be started.

        `on_exit(code)` is called once, from a thread of the child, when it and its whole group have ended and `state` says so.
        """
        with self._lock:
            child = self._children.get(name)
            if child is None or child.ended is not None or child.error is not None:
                child = self._children[name] = _Child(name, command, on_exit)
                threading.Thread(target=self._tend, args=(child,), name=f"child {name}", daemon=True).start()
                self._forget_oldest()
        child.ready.wait()
        if child.error is not None:
            raise child.error
        assert child.process is not None  # noqa: S101 - ready without an error means started
        return Running(child.process.pid)

    def state(self, name: str) -> Running | Ended | None:
        """How it stands with `name`; None when it was never started (or ended long ago)."""
        child = self._children.get(name)
        if child is None or child.error is not None:
            return None
        child.ready.wait()
        return child.ended or (Running(child.process.pid) if child.process else None)

    def wait(self, name: str, seconds: float) -> Ended | None:
        """Wait for the end of `name`, at most `seconds`; None when it still runs or is not known."""
        child = self._children.get(name)
        if child is not None:
            child.done.wait(seconds)
        return child.ended if child else None

    def write_line(self, name: str, text: str) -> None:
        """Write one line to its standard input. Raises NotFound when nobody is there to read it."""
        child = self._children.get(name)
        pipe = child.process.stdin if child is not None and child.process is not None else None
        if pipe is None:
            raise NotFound(f"{name} does not run or takes no input")
        try:
            pipe.write(text.encode() + b"\n")
            pipe.flush()
        except (OSError, ValueError):
            raise NotFound(f"{name} has ended or reads no more") from None

    def close_input(self, name: str) -> None:
        """Let it see the end of its standard input."""
        child = self._children.get(name)
        if child is not None and child.process is not None:
            _close(child.process.stdin)

    def stop(self, name: str, patience: float = 3.0) -> Ended | None:
        """End the whole group: asked first, killed after `patience` seconds. Returns when it has ended; None when it was not known."""
        child = self._children.get(name)
        if child is None or child.error is not None:
            return None
        child.ready.wait()
        self._end([child], patience)
        return child.ended

    def stop_all(self, patience: float = 3.0) -> None:
        """End all, together."""
        with self._lock:
            children = list(self._children.values())
        self._end(children, patience)

    def reap_orphans(self) -> int:
        """End what an earlier host with this `state_dir` left running; answers how many groups it knew of. A reused pid is never touched.

        To be called before the first `start`.
        """
        records = [(file, _record(file)) for file in self._state_dir.glob("*.json")]
        for _, record in records:
            began = started_at(record["pid"]) if record.get("pid") else None
            if began is not None and record["began"] is not None and abs(began - record["began"]) < CLOCKS_DIFFER:
                kill_group(record["pid"], signal.SIGKILL)
        if records:  # the leader may be gone and its children not: they carry the mark
            kill_marked({record["mark"] for _, record in records if record})
        for file, _ in records:
            file.unlink(missing_ok=True)
        return len(records)

    def _end(self, children: list[_Child], patience: float) -> None:
        until = time.monotonic() + patience
        for child in children:
            child.signal(signal.SIGTERM, "stopped")
        for child in children:
            if not child.done.wait(max(0.0, until - time.monotonic())):
                child.signal(signal.SIGKILL, "stopped")
        for child in children:
            child.done.wait(10)

    def _forget_oldest(self) -> None:
        ended = [name for name, child in self._children.items() if child.ended is not None]
        for name in ended[: max(0, len(ended) - KEPT)]:
            del self._children[name]

    def _tend(self, child: _Child) -> None:
        """Start the child, wait for it, clean up after it, tell."""
        try:
            record = self._remember(child)
            process = child.process = _spawn(child)
            self._remember(child)
        except OSError as error:
            self._record_of(child).unlink(missing_ok=True)
            child.error = error
            child.ready.set()
            child.done.set()
            return
        reader = _read_lines(process, child.command.on_line)
        child.ready.set()
        if child.limits.watched:
            self._watch()
        code = _wait(process, child)
        if reader is not None:
            reader.join(2)  # a descendant that left the group may hold the pipe open
        _close(process.stdin)
        if child.command.limits is not None:  # code that is not ours may have left the group
            kill_marked({child.mark})
        record.unlink(missing_ok=True)
        child.ended = Ended(code, child.reason or ("cpu" if code == -signal.SIGXCPU else None))
        child.done.set()
        if child.on_exit is not None:
            child.on_exit(code)

    def _remember(self, child: _Child) -> Path:
        """Written before the child starts (the mark finds it) and again with its number. No fsync: a power cut ends children too."""
        file = self._record_of(child)
        pid = child.process.pid if child.process else 0
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"pid": pid, "began": pid and started_at(pid), "mark": child.mark}))
        part.replace(file)
        return file

    def _record_of(self, child: _Child) -> Path:
        return self._state_dir / f"{quote(child.name, safe='')[:100]}-{child.mark[:8]}.json"

    def _watch(self) -> None:
        with self._watched:
            if self._guard is None:
                self._guard = threading.Thread(target=self._guard_limits, name="limits of children", daemon=True)
                self._guard.start()
            self._watched.notify()

    def _guard_limits(self) -> None:
        """Look at all limited children a few times a second; rest while there are none."""
        while True:
            with self._watched:
                while not (limited := [child for child in self._children.values() if child.limits.watched and not child.done.is_set()]):
                    self._watched.wait()
                self._watched.wait(LOOK_EVERY)
            for child in limited:
                reason = child.over()
                if reason is not None:
                    child.signal(signal.SIGKILL, reason)


def clean_environment(scratch: Path, **more: str) -> dict[str, str]:
    """An environment with nothing inherited: search path, a home and a temporary folder in `scratch`, UTF-8, and `more`."""
    base = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(scratch), "TMPDIR": str(scratch), "LANG": "C.UTF-8"}
    return base | more


def _spawn(child: _Child) -> subprocess.Popen[bytes]:
    command = child.command
    limits = command.limits.rlimits() if command.limits else "-"
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), limits, *command.argv],
            cwd=command.cwd,
            env={**command.env, MARK: child.mark},
            stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if command.on_line else log,
            stderr=log,
            pass_fds=command.fds,
            start_new_session=True,
        )


def _read_lines(process: subprocess.Popen[bytes], on_line: Callable[[str], None] | None) -> threading.Thread | None:
    if on_line is None or process.stdout is None:
        return None
    pipe, tell = process.stdout, on_line

    def read() -> None:
        with pipe:
            for line in iter(lambda: pipe.readline(LONGEST_LINE), b""):
                tell(line.decode(errors="replace").rstrip("\r\n"))

    reader = threading.Thread(target=read, name=f"lines of {process.pid}", daemon=True)
    reader.start()
    return reader


def _wait(process: subprocess.Popen[bytes], child: _Child) -> int:
    """Wait for the leader and end what it leaves in its group, before its number is free for others."""
    if hasattr(os, "waitid"):  # macOS has it from Python 3.13
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        kill_group(process.pid, signal.SIGKILL)
        with child.lock:
            return process.wait()
    code = process.wait()
    kill_group(process.pid, signal.SIGKILL)
    return code


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()


def _record(file: Path) -> dict[str, Any]:
    """What is written there, or nothing when it cannot be read."""
    try:
        record = json.loads(file.read_bytes())
        return record if {"pid", "began", "mark"} <= record.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}
