"""Questions to a model that a child loads in its own process (`serving/score_batch.py`): no endpoint, one load, question by question.

Questions and answers go through two named pipes, a line each, so that the next question may depend on the last answer.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import time
from pathlib import Path
from typing import Any, Self

from jobs.child import TICK, Child
from jobs.faults import JobFault, fault, refusal
from jobs.files import read_json
from jobs.over_http import OK, Reply
from jobs.spec import Spec

LOADING_FAILED = 3  # exit code: the model or init() could not be had, `fault.json` says why


class LoadedModel:
    """The model in its child. `ask` may be used by one thread at a time. Use `with`."""

    def __init__(self, spec: Spec, log: Path) -> None:
        self._spec, self._folder = spec, spec.work / "in-process"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._questions, self._answers = _pipe(self._folder / "requests"), _pipe(self._folder / "answers")
        self._rest = b""
        self._asked = 0
        self._child = start(
            spec, log, {"style": "online", "requests": str(self._folder / "requests"), "answers": str(self._folder / "answers")}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.end()
        os.close(self._answers)
        if self._questions >= 0:
            os.close(self._questions)

    def ask(self, body: bytes) -> Reply:
        """One question. Raises JobFault when the child has ended or does not answer in time: it cannot be asked again."""
        began = time.perf_counter()
        patience = self._spec.request_seconds + (0 if self._asked else self._spec.init_seconds)
        self._asked += 1
        self._write(body + b"\n", time.monotonic() + patience)
        reply = _reply(self._line(time.monotonic() + patience))
        return Reply(reply.status, reply.answer, time.perf_counter() - began, reply.error)

    def finish(self) -> dict[str, Any]:
        """Let the child end by itself; what it measured: start_seconds, peak_memory_mb."""
        os.close(self._questions)
        self._questions = -1
        self._child.wait(self._spec.request_seconds)
        return measures(self._spec)

    def _write(self, line: bytes, until: float) -> None:
        left = memoryview(line)
        while left:
            _, ready, _ = select.select([], [self._questions], [], TICK)
            if ready:
                left = left[os.write(self._questions, left) :]
            else:
                self._check(until)

    def _line(self, until: float) -> bytes:
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], TICK)
            if ready:
                self._rest += os.read(self._answers, 1 << 20)
            else:
                self._check(until)
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _check(self, until: float) -> None:
        if self._child.code() is not None:
            raise ended(self._spec, self._child)
        if time.monotonic() > until:
            self._child.end("time")
            raise ended(self._spec, self._child)


def _pipe(path: Path) -> int:
    """A named pipe held open for both ways: nobody waits for the other side to come, and its end is not taken for the end of the work."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


def _reply(line: bytes) -> Reply:
    told = json.loads(line)
    if "error" in told:
        return Reply(0, error=last_line(str(told["error"])))
    return Reply(OK, told.get("answer"))


def last_line(text: str) -> str:
    """What a traceback ends with: the exception."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "run() failed without a reason"


def start(spec: Spec, log: Path, more: dict[str, Any]) -> Child:
    """Start `score_batch.py` for this spec and `more`."""
    if spec.in_process is None or spec.serving is None:
        raise ValueError("the spec says nothing of loading the model in process")
    spec.work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(spec.in_process.get("sandbox", ""), ignore_errors=True)  # of an earlier start: serving lays a new one
    asked = spec.work / "score_batch.json"
    asked.write_text(json.dumps({**spec.in_process, **more, "measures": str(_measures(spec))}), encoding="utf-8")
    return Child(spec, [str(spec.serving / "score_batch.py"), str(asked)], log)


def _measures(spec: Spec) -> Path:
    return spec.work / "measures.json"


def measures(spec: Spec) -> dict[str, Any]:
    """What the child measured, as far as it came to that."""
    return read_json(_measures(spec)) or {}


class LoadingFailed(JobFault):
    """The model could not be loaded; `folder` holds serving's own `fault.json`."""

    def __init__(self, folder: str, message: str) -> None:
        super().__init__(fault("MG520", f"The model could not be loaded: {message}", "Run init() on your machine in the same environment."))
        self.folder = folder


def ended(spec: Spec, child: Child) -> JobFault:
    """Why a child that should still answer has ended."""
    if child.code() == LOADING_FAILED and spec.in_process is not None:
        folder = str(spec.in_process.get("out", ""))
        noted = read_json(Path(folder) / "fault.json")
        return LoadingFailed(folder, last_line(str(noted.get("message", ""))) if isinstance(noted, dict) else child.how_it_ended())
    text = f"The model's process ended before all was scored: {child.how_it_ended()}"
    return refusal("MG521", text, "Raise compute.memory_gb if it needs more memory; else see logs/score.log.", file=spec.scoring)
