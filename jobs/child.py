"""A child that runs the bundle's code, in the bundle's environment: nothing inherited, limited in memory and time, never left behind."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import psutil

from jobs.spec import Spec

TICK = 0.2  # seconds between two looks at what the child holds
MARK = "MODELGATE_PROCESS"  # how the host finds descendants of what it started
PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin"


class Child:
    """One running child. Use `with`: it has ended when the block has."""

    def __init__(self, spec: Spec, arguments: Sequence[str], log: Path) -> None:
        if spec.python is None:
            raise ValueError("the spec names no python for the bundle's code")
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.reason: str | None = None  # memory | time: why we ended it
        self._memory_bytes = spec.child.memory_bytes
        self._looked = time.monotonic()
        launch = [*spec.child.launch, str(os.getpid()), spec.child.rlimits] if spec.child.launch else []
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [*launch, spec.python, *arguments],
                cwd=spec.work,
                env=_environment(spec),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def code(self) -> int | None:
        """How it ended; None while it runs. Also sees to the memory limit, so ask often."""
        now = time.monotonic()
        if self._memory_bytes is not None and now - self._looked > TICK:
            self._looked = now
            if resident(self._process.pid) > self._memory_bytes:
                self.end("memory")
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Wait for its end; after `seconds` it is ended, with `reason` time."""
        until = time.monotonic() + seconds
        while (code := self.code()) is None:
            if time.monotonic() > until:
                self.end("time")
            try:
                self._process.wait(TICK)
            except subprocess.TimeoutExpired:
                continue
        return code

    def end(self, reason: str | None = None) -> None:
        """Kill it and its descendants, if they still run."""
        if self._process.poll() is not None:
            return
        self.reason = self.reason or reason
        for pid in reversed(descendants(self._process.pid)):
            _kill(pid)
        self._process.kill()
        self._process.wait()

    def how_it_ended(self) -> str:
        """For a message."""
        if self.reason == "memory":
            return f"it held more than {(self._memory_bytes or 0) // 2**20} MB of memory"
        if self.reason == "time":
            return "it took too long"
        code = self._process.poll()
        return f"it was killed by signal {-code}" if code is not None and code < 0 else f"it ended with exit code {code}"


def _environment(spec: Spec) -> dict[str, str]:
    plain = {"PATH": PLAIN_PATH, "HOME": str(spec.work), "TMPDIR": str(spec.work), "LANG": "C.UTF-8"}
    mark = {MARK: os.environ[MARK]} if MARK in os.environ else {}
    return (dict(spec.child.env) or plain) | mark


def _kill(pid: int) -> None:
    try:
        psutil.Process(pid).kill()
    except psutil.Error:
        return


def descendants(pid: int) -> list[int]:
    """The children of a process and theirs, as far as they can be seen."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def resident(pid: int) -> int:
    """Bytes of RAM that a process and its descendants hold now."""
    total = 0
    for one in [pid, *descendants(pid)]:
        try:
            total += psutil.Process(one).memory_info().rss
        except psutil.Error:
            continue
    return total


def peak_memory_mb(pid: int | None) -> float | None:
    """The most that a process and its descendants have held, each at its own highest; None when that cannot be told."""
    if pid is None:
        return None
    found = [peak for one in [pid, *descendants(pid)] if (peak := _high_water(one)) is not None]
    return round(sum(found) / 1024, 1) if found else None


def _high_water(pid: int) -> int | None:
    """KB. Linux keeps the highest; elsewhere it is what is held now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return resident(pid) // 1024 or None
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
