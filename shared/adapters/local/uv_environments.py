"""Images on the laptop: environments made by uv, addressed by the hash of their lock."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.adapters.local.build_environment import FINISHED, fresh, is_finished, lock_hash, machine
from shared.adapters.local.build_log import SERVER_PARTS, Failure, explain, failure_of
from shared.adapters.local.home import Home, write_whole
from shared.adapters.local.interpreters import Asked, Interpreter, Interpreters, choose, running
from shared.adapters.local.package_index import uv_environment
from shared.adapters.local.processes import Command, Processes, Running, clean_environment
from shared.adapters.local.signals import Signals
from shared.domain.bundle import Bundle, Requirement
from shared.domain.errors import Permanent, Temporary
from shared.domain.faults import Fault
from shared.domain.release import Image, Release
from shared.inspection.requirement_lines import SERVER
from shared.ports import NotYet

SCRIPT = Path(__file__).with_name("build_environment.py")
AGAIN = timedelta(seconds=2)
SERVER_ASKED = f"{SERVER}>=0.8"  # older ones have no 404 and 400 answers worth the name
CONSTRAINTS = ("setuptools<81",)  # the last ones with pkg_resources
IMPORTS_SERVER = "import azureml_inference_server_http.server.create_app, gunicorn.app.base"
TOOLS = "build-tools"


@dataclass(frozen=True)
class Plan:
    """One build: what to resolve, for which interpreter, where its scratch and its log are."""

    name: str
    interpreter: Interpreter
    work: Path
    log: Path
    requirements: tuple[str, ...] = ()
    server: str | None = None
    server_needed: bool = False
    constraints: tuple[str, ...] = ()
    lock: str | None = None
    check: str | None = None
    notes: tuple[Fault, ...] = ()
    index: dict[str, str] = field(default_factory=dict, repr=False)  # may hold secrets

    @property
    def key(self) -> str:
        """Equal for plans that resolve to the same lock at the same time."""
        index = {name: value for name, value in self.index.items() if "INDEX" in name or name in {"UV_FIND_LINKS", "UV_EXCLUDE_NEWER"}}
        asked = [
            sorted(self.requirements),
            self.server,
            self.server_needed,
            self.constraints,
            self.interpreter.text,
            str(self.interpreter.path),
        ]
        return hashlib.sha256(json.dumps([asked, machine(), sorted(index.items())]).encode()).hexdigest()

    @property
    def result(self) -> Path:
        """What the builder says in the end."""
        return self.work / "build.json"


class UvEnvironments:
    """Port `ImageBuilder`, and the tools environment. One child process a release; nothing here waits for it.

    `ttl`: how long a resolved lock is used again for the same requirements. `build_limit`: seconds of one build. `size_limit`: bytes of
    one environment. `uv`: its program; else the one beside our interpreter, else the one on the search path.
    """

    def __init__(
        self,
        home: Home,
        signals: Signals,
        processes: Processes,
        *,
        code: Path,
        ttl: timedelta = timedelta(days=7),
        build_limit: float = 1800,
        size_limit: int = 8_000_000_000,
        uv: str | None = None,
    ) -> None:
        self._home, self._signals, self._processes = home, signals, processes
        self._tools_lock = code / "jobs" / "requirements.txt"
        self._ttl, self._seconds, self._bytes = ttl, build_limit, size_limit
        self._uv = uv or found_uv()
        self._interpreters = Interpreters(home.environments / ".interpreters.json")
        self._told: set[str] = set()  # builds whose failure was told: asked again, they are started again

    # Images

    def build(self, release: Release) -> Image | NotYet:
        """See the port. The build's log is `logs/build.log`, its lock `lock.txt` in the release's evidence.

        Raises BundleFault naming package and line, Temporary while the index cannot be reached, Permanent when this machine cannot build.
        """
        bundle = _bundle(release)
        plan = self._plan(release, bundle)
        done = self._finished(plan)
        if done is not None:
            return self._image(release, bundle, plan, *done)
        if isinstance(self._processes.state(plan.name), Running):
            return NotYet(AGAIN)
        told = self._told_by(plan)
        if told is not None:
            self._told.add(plan.name)
            raise explain(self._failure(told, bundle, plan))
        self._start(plan, lambda: self._signals.wake(release.id))
        return NotYet(AGAIN)

    def _failure(self, told: dict[str, Any], bundle: Bundle, plan: Plan) -> Failure:
        environment, limits = bundle.environment, (self._seconds, self._bytes)
        return failure_of(told, environment.requirements, environment.file, python=plan.interpreter.text, limits=limits)

    def _plan(self, release: Release, bundle: Bundle) -> Plan:
        interpreter, notes = choose(asked_python(bundle), self._interpreters.present())
        requirements, pinned = split_server(bundle.environment.requirements)
        names = {each.name for each in requirements}
        needed = bundle.style == "online" and bundle.manifest.compute.target != "cluster"
        return Plan(
            f"build-{release.id}-{release.attempt}",
            interpreter,
            self._home.scratch(f"{release.id}-{release.attempt}") / "build",
            self._home.release(release.id) / "logs" / "build.log",
            tuple(each.spec for each in requirements) + _mlflow(bundle, names),
            None if pinned else SERVER_ASKED,
            needed,
            () if "setuptools" in names else CONSTRAINTS,
            check=IMPORTS_SERVER if needed and names & SERVER_PARTS else None,
            notes=notes,
            index=uv_environment(os.environ),
        )

    def _finished(self, plan: Plan) -> tuple[str, bool] | None:
        """(hash, whether the server is in it) when the plan's environment is there: this build made it, or an earlier one for the same."""
        told = _json(plan.result)
        known = told if told and told["outcome"] == "finished" else fresh(self._resolved(plan), self._ttl.total_seconds())
        return (known["hash"], known["server"]) if known and is_finished(self._home.environments / known["hash"]) else None

    def _resolved(self, plan: Plan) -> Path:
        return self._home.environments / ".resolved" / f"{plan.key}.json"

    def _image(self, release: Release, bundle: Bundle, plan: Plan, name: str, server: bool) -> Image:
        marker = json.loads((self._home.environments / name / FINISHED).read_bytes())
        head = f"# Python {marker['python']} on {marker['platform']}; environment {name}\n"
        write_whole(self._home.release(release.id) / "lock.txt", (head + marker["lock"]).encode())
        if not plan.log.exists():
            write_whole(
                plan.log, f"Environment {name} is there already: the same packages were resolved before.\n{head}{marker['lock']}".encode()
            )
        self._publish(bundle, name, marker["bytes"])
        notes = plan.notes if server or plan.server is None else (*plan.notes, _without_server(bundle))
        return Image(f"environments/{name}", f"sha256:{name}", notes)

    def _publish(self, bundle: Bundle, name: str, size: int) -> None:
        """As Azure's registry tells of a pushed image."""
        repository, tag = f"modelgate/{bundle.manifest.name.lower()}", f"{name[:12]}-{bundle.digest[:12]}"
        target = {
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "size": size,
            "digest": f"sha256:{name}",
            "length": size,
            "repository": repository,
            "tag": tag,
        }
        request = {"id": str(uuid.uuid4()), "host": "laptop", "method": "PUT", "useragent": "modelgate"}
        data = {"id": str(uuid.uuid4()), "timestamp": datetime.now(UTC).isoformat(), "action": "push", "target": target, "request": request}
        self._signals.publish("Microsoft.ContainerRegistry.ImagePushed", f"{repository}:{tag}", data)

    # The child

    def _start(self, plan: Plan, tell: Callable[[], None]) -> None:
        """`tell` is called when the environment can be used, and when the child has ended."""
        self._told.discard(plan.name)
        plan.result.unlink(missing_ok=True)
        plan.work.mkdir(parents=True, exist_ok=True)
        spec = plan.work / "spec.json"
        write_whole(spec, json.dumps(self._spec(plan)).encode())
        env = clean_environment(plan.work, **plan.index)
        command = Command([sys.executable, "-I", str(SCRIPT), str(spec)], plan.work, plan.log, env, on_line=lambda _: tell())
        self._processes.start(plan.name, command, lambda _: tell())

    def _spec(self, plan: Plan) -> dict[str, Any]:
        return {
            "uv": self._uv,
            "python": str(plan.interpreter.path),
            "python_version": plan.interpreter.text,
            "environments": str(self._home.environments),
            "work": str(plan.work),
            "result": str(plan.result),
            "requirements": plan.requirements,
            "server": plan.server,
            "server_needed": plan.server_needed,
            "constraints": plan.constraints,
            "lock": plan.lock,
            "check": plan.check,
            "seconds": self._seconds,
            "bytes": self._bytes,
            "key": plan.key,
            "ttl": self._ttl.total_seconds(),
        }

    def _told_by(self, plan: Plan) -> dict[str, Any] | None:
        """How the ended build failed; None when there is none to tell of, and one is to be started."""
        if plan.name in self._told:
            return None
        told = _json(plan.result)
        if told is not None:
            return told if told["outcome"] == "failed" else None
        if self._processes.state(plan.name) is not None:
            self._told.add(plan.name)
            raise Temporary("The build was ended from outside before it was done; it is started again.")
        return None

    # The tools environment

    def tools_python(self) -> Path | NotYet:
        """The interpreter that jobs run with. Raises Temporary or Permanent when it cannot be made; asked again, it is tried again."""
        plan = self._tools_plan()
        folder = self._home.environments / lock_hash(plan.lock or "", plan.interpreter.text)
        if is_finished(folder):
            return folder / "bin" / "python"
        if isinstance(self._processes.state(plan.name), Running):
            return NotYet(AGAIN)
        told = self._told_by(plan)
        if told is not None:
            self._told.add(plan.name)
            raise tools_error(told)
        self._start(plan, lambda: None)
        return NotYet(AGAIN)

    def ensure_tools(self, *, wait: bool = True) -> Path | NotYet:
        """The same, waiting for it. For set-up, never for a worker."""
        python = self.tools_python()
        while wait and isinstance(python, NotYet):
            self._processes.wait(TOOLS, self._seconds + 60)
            python = self.tools_python()
        return python

    def _tools_plan(self) -> Plan:
        work = self._home.scratch("tools")
        lock = self._tools_lock.read_text(encoding="utf-8")
        return Plan(TOOLS, running(), work, self._home.logs / "tools.log", lock=lock, index=uv_environment(os.environ))


def tools_error(told: dict[str, Any]) -> Temporary | Permanent:
    """Our own lock is never a submitter's fault."""
    error = explain(failure_of(told, (), "jobs/requirements.txt", python=running().text, limits=(0, 0)))
    if isinstance(error, Temporary | Permanent):
        return error
    return Permanent(f"The tools environment could not be made: {error}")


def found_uv() -> str:
    """The program beside our interpreter, else on the search path. Raises Permanent."""
    beside = Path(sys.prefix) / "bin" / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise Permanent("uv is not installed beside modelgate; run `make setup`.")
    return found


def asked_python(bundle: Bundle) -> Asked:
    """The manifest's Python, else the environment file's."""
    if bundle.manifest.python:
        return Asked(bundle.manifest.python, "manifest.yml")
    environment = bundle.environment
    return Asked(environment.python, environment.python_file or environment.file, environment.python_line)


def split_server(requirements: tuple[Requirement, ...]) -> tuple[list[Requirement], bool]:
    """The requirements without a server that is named but not pinned, and whether it is pinned."""
    pinned = any(each.name == SERVER and each.spec != SERVER for each in requirements)
    return [each for each in requirements if each.name != SERVER or each.spec != SERVER], pinned


def _mlflow(bundle: Bundle, names: set[str]) -> tuple[str, ...]:
    """What loads an MLflow model that has no scoring file, when its environment file leaves it out."""
    return ("mlflow",) if bundle.mlflow and bundle.scoring is None and not names & {"mlflow", "mlflow-skinny"} else ()


def _without_server(bundle: Bundle) -> Fault:
    message = "the scoring server does not fit beside these packages and is left out; this release needs no endpoint"
    return Fault("MG241", message, "Nothing to do, as long as it runs on a cluster or in batch.", bundle.environment.file, None, "warning")


def _bundle(release: Release) -> Bundle:
    if release.bundle is None:
        raise Permanent(f"{release.id} has no bundle to build for")
    return release.bundle


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value
