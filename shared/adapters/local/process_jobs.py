"""Port Jobs on the laptop: one tools process a release and attempt, which imports while the server still starts.

Commands go in as lines, answers come out as lines, and every result lies in the release's evidence with its attempt and bundle on it:
a host that was killed finds finished work, and starts anew what was not finished. Results of another attempt are never believed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from shared.adapters.local.home import Home
from shared.adapters.local.processes import LAUNCH, Command, Ended, Limits, Processes, Running, clean_environment
from shared.adapters.local.verification_data import find_data
from shared.domain.bundle import Bundle
from shared.domain.errors import BundleFault, ModelgateError, NotFound, Permanent, Temporary
from shared.domain.faults import Fault
from shared.domain.release import Endpoint, Release, Scores
from shared.ports import NotYet, Smoke

SOON = NotYet(timedelta(seconds=2))
EXPERIMENT = "modelgate"
EVENTS = "Microsoft.MachineLearningServices."
RESULTS = {"smoke": "smoke.json", "score": "metrics.json"}
UNANSWERED = ("MG401", "MG507")  # faults that the death of the server may explain better
AHEAD = max(4, 2 * (os.cpu_count() or 1))  # tools processes that run before they are asked for; each holds some 100 MB
KEPT = ("spec.json", "jobs.log")  # small, and enough to run the job again by hand
MOST_DEATHS = 2  # of the tools process in one attempt, before an operator must look


class Teller(Protocol):
    """Where it is told that something happened."""

    def publish(self, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        """To the doors."""

    def wake(self, release_id: str) -> None:
        """To the queue."""


class ServedModels(Protocol):
    """What is needed of the serving adapter."""

    def deploy(self, release: Release) -> Endpoint | NotYet:
        """Make sure that the release is served, and where."""

    def server_pid(self, release: Release) -> int | None:
        """The root of its process tree."""

    def server_fault(self, release: Release) -> Fault | None:
        """Why it ended, when the bundle is to blame."""

    def reported_file(self, release: Release) -> Path:
        """In the folder where the served code leaves what it reports."""

    def python(self, release: Release) -> Path:
        """The bundle environment's interpreter."""

    def environment(self, release: Release, scratch: Path) -> dict[str, str]:
        """Of a child that runs the bundle's code."""

    def limits(self, release: Release) -> Limits:
        """The same child's."""

    def in_process_spec(self, release: Release, folder: Path) -> dict[str, Any]:
        """For `score_batch.py` and `user_code.py`."""

    def fault_of(self, release: Release, out: Path) -> Fault | None:
        """What such a child left in `out`."""


@dataclass
class _Desk:
    """The tools process of one attempt: what it was asked, and what it answered that no file says."""

    release: Release
    name: str
    asked: set[str] = field(default_factory=set)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: bool = False
    deaths: int = 0


class ProcessJobs:
    """Runs `jobs/main.py` of `code` with the interpreter that `tools_python` knows. `limits` are the tools process's own."""

    def __init__(
        self,
        home: Home,
        signals: Teller,
        processes: Processes,
        serving: ServedModels,
        tools_python: Callable[[], Path | NotYet],
        *,
        code: Path,
        batch_rows: int | None = None,
        concurrency: int = 2,
        limits: Limits | None = None,
    ) -> None:
        self._home = home
        self._signals = signals
        self._processes = processes
        self._serving = serving
        self._tools_python = tools_python
        self._code = code
        self._rows = {"batch_rows": batch_rows or None, "concurrency": concurrency}  # no number: chosen by size
        self._limits = limits
        self._desks: dict[str, _Desk] = {}
        self._lock = threading.RLock()

    def prepare(self, release: Release) -> None:
        """Start the release's tools process, so that it is ready when the server is. Never raises: `smoke` tells what is wrong.

        While the image is still built only the tools environment is made; of many releases at once only a few get ready ahead.
        """
        try:
            with self._lock:
                if release.image is None:
                    self._tools_python()
                elif self._running() < AHEAD:
                    self._started(release)
        except (ModelgateError, OSError):
            return

    def smoke(self, release: Release) -> Smoke | NotYet:
        """See the port. BundleFault: 4xx for the answers, 5xx for the data, 3xx when the server died of them."""
        result = self._result(release, "smoke")
        if result is None:
            return self._ask(release, "smoke", served=True)
        if not result["ok"]:
            raise self._blame(release, result)
        return Smoke(result["request"], tuple(Fault(**note) for note in result["notes"]))

    def score(self, release: Release) -> bool | NotYet:
        """See the port: True when the run ended well, False when it did not (`scores` says why). Its end is published as an event, too."""
        result = self._result(release, "score")
        if result is None:
            return self._ask(release, "score", served=not _in_process(_bundle(release)))
        desk = self._desks.get(release.id) or _Desk(release, "")
        self._tell_end(desk, str(release.run), succeeded=result["ok"])
        self._stop(release)
        return bool(result["ok"])

    def scores(self, release: Release) -> Scores:
        """See the port."""
        result = self._result(release, "score")
        if result is None:
            raise Temporary(f"The scoring run {release.run} left no result; it is run again when the release is retried from scoring.")
        if not result["ok"]:
            raise self._blame(release, result)
        notes = tuple(Fault(**note) for note in result["notes"])
        return Scores(result["metrics"], result["reported"], result["rows"], result["failed_rows"], notes)

    def _running(self) -> int:
        return sum(isinstance(self._processes.state(desk.name), Running) for desk in self._desks.values())

    def end(self, release: Release) -> None:
        """End the release's tools process, whatever it does; what it worked with goes, but for its spec and its log."""
        self._stop(release)
        for path in (self._home.work / f"{release.id}-{release.attempt}").glob("jobs-*/*"):
            if path.name not in KEPT:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def _stop(self, release: Release) -> None:
        with self._lock:
            desk = self._desks.pop(release.id, None)
        if desk is not None:
            self._processes.stop(desk.name, patience=0)

    def _result(self, release: Release, command: str) -> dict[str, Any] | None:
        """What lies in the evidence, if it is this attempt's, of this bundle, and of this run."""
        try:
            found = json.loads((self._home.release(release.id) / RESULTS[command]).read_bytes())
        except (OSError, ValueError):
            return None
        wanted = {"attempt": release.attempt, "bundle": _bundle(release).digest}
        if command == "score":
            wanted["run"] = release.run
        return found if isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items()) else None

    def _blame(self, release: Release, result: Mapping[str, Any]) -> BundleFault:
        """The faults of a result; those that serving knows better come in its words."""
        folder = result.get("fault_folder")
        known = self._serving.fault_of(release, Path(folder)) if folder else None
        if known is None and any(fault["code"] in UNANSWERED for fault in result["faults"]):
            known = self._serving.server_fault(release)
        return BundleFault(known) if known else BundleFault(*(Fault(**fault) for fault in result["faults"]))

    def _ask(self, release: Release, command: str, *, served: bool) -> NotYet:
        """Have the command under way. Raises what its last answer was, if that was no result."""
        with self._lock:
            desk = self._started(release)
            if isinstance(desk, NotYet):
                return desk
            if (told := desk.told.pop(command, None)) is not None:
                desk.asked.discard(command)
                raise self._trouble(release, told)
            if command in desk.asked:
                return SOON
        arguments = self._where(release) if served else {}
        if isinstance(arguments, NotYet):
            return arguments
        arguments["python"] = str(self._serving.python(release))
        if command == "score":
            arguments |= {"run": release.run, "shape": release.request}
        with self._lock, contextlib.suppress(NotFound):  # it ended just now: started anew when asked again
            self._processes.write_line(desk.name, f"{command} {json.dumps(arguments)}")
            desk.asked.add(command)
        return SOON

    def _where(self, release: Release) -> dict[str, Any] | NotYet:
        endpoint = self._serving.deploy(release)
        if isinstance(endpoint, NotYet):
            return endpoint
        return {
            "endpoint": endpoint.url,
            "start_seconds": endpoint.start_seconds,
            "server_pid": self._serving.server_pid(release),
            "serve_out": str(self._serving.reported_file(release).parent),
        }

    def _trouble(self, release: Release, told: Mapping[str, Any]) -> ModelgateError:
        """What an answer means that left no result."""
        if told["kind"] == "gone":
            known = self._serving.server_fault(release)
            return (
                BundleFault(known)
                if known
                else Temporary(f"The server of {release.name} went away while it was asked; it is started again.")
            )
        log = self._home.release(release.id) / "logs" / f"{told['command']}.log"
        return Permanent(f"The tools process failed: {told.get('message', 'no reason given')}. See {log}.")

    def _started(self, release: Release) -> _Desk | NotYet:
        """The release's desk with its process running; the lock is held."""
        desk = self._desks.get(release.id)
        if desk is not None and desk.release.attempt != release.attempt:
            self._processes.stop(desk.name, patience=0)
            desk = None
        if desk is None:
            desk = self._desks[release.id] = _Desk(release, f"jobs {release.id}-{release.attempt}")
        desk.release = release
        if isinstance(state := self._processes.state(desk.name), Running):
            return desk
        if isinstance(state, Ended) and state.reason != "stopped":
            self._count_death(desk, state)
        python = self._tools_python()
        if isinstance(python, NotYet):
            return python
        desk.asked.clear()
        self._start(desk, python)
        return desk

    def _count_death(self, desk: _Desk, ended: Ended) -> None:
        desk.deaths += 1
        if desk.deaths >= MOST_DEATHS:
            why = ended.reason or f"exit code {ended.code}"
            raise Permanent(f"The tools process of {desk.release.name} ended {desk.deaths} times by itself ({why}). Retry the release.")

    def _start(self, desk: _Desk, python: Path) -> None:
        release = desk.release
        work = Path(tempfile.mkdtemp(prefix="jobs-", dir=self._home.scratch(f"{release.id}-{release.attempt}")))
        spec = work / "spec.json"
        spec.write_text(json.dumps(self._spec(release, work)))
        command = Command(
            argv=(str(python), "-I", str(self._code / "jobs" / "main.py"), str(spec)),
            cwd=work,
            log=work / "jobs.log",
            env=clean_environment(work, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONUNBUFFERED="1"),
            limits=self._limits,
            stdin=True,
            on_line=lambda line: self._hear(desk, line),
        )
        self._processes.start(desk.name, command, lambda _: self._signals.wake(release.id))

    def _hear(self, desk: _Desk, line: str) -> None:
        """An answer came: what is no result is kept for who asks next; a run's end is told to the world."""
        try:
            told = json.loads(line)
        except ValueError:
            return
        release = desk.release
        with self._lock:
            if told.get("kind") in ("gone", "broken"):
                desk.told[told["command"]] = told
        if told.get("command") == "score" and told.get("kind") in (None, "bundle"):
            self._tell_end(desk, told["run"], succeeded=told["ok"])
        self._signals.wake(release.id)

    def _tell_end(self, desk: _Desk, run: str, *, succeeded: bool) -> None:
        """What Azure ML would send, once while this host runs: again after a restart, since the first may be lost."""
        with self._lock:
            if desk.published:
                return
            desk.published = True
        data: dict[str, Any] = {
            "experimentId": EXPERIMENT,
            "experimentName": EXPERIMENT,
            "runId": run,
            "runType": "azureml.scriptrun",
            "runTags": {"modelgate_release": desk.release.id},
            "runProperties": {},
        }
        kind = "RunCompleted" if succeeded else "RunStatusChanged"
        self._signals.publish(EVENTS + kind, f"experiments/{EXPERIMENT}/runs/{run}", data if succeeded else data | {"runStatus": "Failed"})

    def _spec(self, release: Release, work: Path) -> dict[str, Any]:
        """All that `jobs/spec.py` knows, but for what comes with the commands."""
        bundle, limits = _bundle(release), self._serving.limits(release)
        calls = {"preprocess": bundle.preprocess, "metrics": bundle.metrics}
        specs = {call: self._serving.in_process_spec(release, work / call) for call, module in calls.items() if module}
        return {
            **self._rows,
            **calls,
            "data": str(find_data(self._home, bundle)),
            "target": bundle.manifest.data.target,
            "task": bundle.manifest.data.task,
            "request": bundle.manifest.request,
            "out": str(self._home.release(release.id)),
            "work": str(work),
            "bundle": str(self._home.bundle(bundle.digest)),
            "scoring": bundle.scoring,
            "serving": str(self._code / "serving"),
            "python": str(self._serving.python(release)) if release.image else None,
            "user_code": specs,
            "in_process": self._serving.in_process_spec(release, work / "model") if _in_process(bundle) else None,
            "child": {
                "launch": [sys.executable, "-I", "-S", str(LAUNCH)],
                "rlimits": limits.rlimits(),
                "env": self._serving.environment(release, work),
                "memory_bytes": limits.memory_bytes,
            },
            "attempt": release.attempt,
            "digest": bundle.digest,
        }


def _bundle(release: Release) -> Bundle:
    if release.bundle is None:
        raise Permanent(f"Release {release.id} has no bundle yet.")
    return release.bundle


def _in_process(bundle: Bundle) -> bool:
    """No endpoint: a job loads the model."""
    return bundle.manifest.compute.target == "cluster" or bundle.style == "batch"
