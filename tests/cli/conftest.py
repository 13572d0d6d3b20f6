"""A modelgate for tests: real HTTP on a free loopback port, releases in memory that move one stage each time they are asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from cli.main import main

START = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
WAY = ["validating", "registering", "building", "deploying", "smoke_testing", "scoring", "evaluating"]
ID = "raaaaaaaaaaaaaa{}"
KPI = {"metric": "r2", "rule": "min", "limit": 0.4, "value": 0.4612, "interval": None, "champion": None, "slice": None, "rows": 89}
FAULT = {
    "code": "MG141",
    "severity": "error",
    "file": "manifest.yml",
    "line": 3,
    "message": "no key `kpi`",
    "fix": "Write `kpis`.",
}


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stand:
    """What the server holds; `ends` is how a release ends: the fields that its last stage brings."""

    url: str = ""
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: dict[str, Any] = field(default_factory=lambda: {"stage": "passed", "verdict": "passed", "kpis": [KPI | {"holds": True}]})
    logs: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)  # (method, path) to what is answered instead
    deadletters: list[dict[str, Any]] = field(default_factory=list)
    way = WAY
    kpi = KPI
    fault = FAULT

    def add(self, last: str = "a", **values: Any) -> dict[str, Any]:
        """A release that has just begun; newest first in lists."""
        release = {
            "id": ID.format(last),
            "name": "diabetes",
            "version": None,
            "stage": WAY[0],
            "verdict": None,
            "decision": None,
            "submitter": "ana@example.com",
            "reasons": [],
            "faults": [],
            "kpis": [],
            "metrics": {},
            "history": [{"at": START.isoformat(), "stage": WAY[0], "fact": "BundleUploaded", "reason": ""}],
            "links": {},
            "same_as": None,
            "created_at": START.isoformat(),
            "updated_at": START.isoformat(),
        } | values
        self.releases = {release["id"]: release} | self.releases
        return release

    def move(self, release: dict[str, Any]) -> None:
        """One stage on, until it has ended."""
        if release["stage"] not in WAY:
            return
        place = WAY.index(release["stage"]) + 1
        at = (START + timedelta(seconds=2.5 * place)).isoformat()
        release |= {"stage": WAY[place], "version": 3} if place < len(WAY) else self.ends
        release["updated_at"] = at
        release["history"].append({"at": at, "stage": release["stage"], "fact": "Moved", "reason": ""})

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Status and JSON value (bytes: as they are)."""
        if (asked.method, asked.path) in self.answers:
            return self.answers[asked.method, asked.path]
        parts = asked.path.strip("/").split("/")
        return getattr(self, f"_{asked.method.lower()}_{parts[1] if len(parts) > 1 else ''}", self._nothing)(asked, parts[2:])

    def _nothing(self, asked: Asked, _: list[str]) -> tuple[int, Any]:
        return problem(404, "not_found", f"There is nothing at {asked.path}.")

    def _get_health(self, *_: Any) -> tuple[int, Any]:
        return 200, {"status": "ok"}

    def _get_releases(self, asked: Asked, rest: list[str]) -> tuple[int, Any]:
        if not rest:
            return 200, self._page(asked)
        release = self.releases.get(rest[0])
        if release is None:
            return problem(404, "not_found", f"There is no release {rest[0]}.")
        return self._part(release, rest[1]) if rest[1:] else self._moved(release)

    def _moved(self, release: dict[str, Any]) -> tuple[int, Any]:
        told = json.loads(json.dumps(release))
        self.move(release)
        return 200, told

    def _part(self, release: dict[str, Any], part: str) -> tuple[int, Any]:
        if part == "logs":
            return 200, "\n".join(f"== {name} ==\n{text}\n" for name, text in self.logs.items()).encode()
        if release["verdict"] is None:
            return problem(409, "no_verdict", "There is no report before the verdict.")
        return 200, b"<!doctype html><title>report</title>"

    def _page(self, asked: Asked) -> dict[str, Any]:
        wanted = {key: asked.query[key][0] for key in ("name", "stage") if key in asked.query}
        found = [each for each in self.releases.values() if all(each[key] == value for key, value in wanted.items())]
        begin, limit = int(asked.query.get("after", ["0"])[0]), int(asked.query.get("limit", ["20"])[0])
        more = begin + limit < len(found)
        return {"releases": found[begin : begin + limit], "next": str(begin + limit) if more else None}

    def _post_releases(self, asked: Asked, rest: list[str]) -> tuple[int, Any]:
        if rest:
            return 200, self.releases[rest[0]] | {"asked": asked.value}
        release = self.add("n")
        return 202, {"id": release["id"], "links": {"self": f"{self.url}/api/releases/{release['id']}"}}

    def _post_uploads(self, *_: Any) -> tuple[int, Any]:
        return 201, {"upload_url": f"{self.url}/storage/model-drop/x.zip?sig=1", "drop_url": "https://laptop.invalid/model-drop/x.zip"}

    def _put_model_drop(self, *_: Any) -> tuple[int, Any]:
        return 201, None

    def _get_deadletters(self, *_: Any) -> tuple[int, Any]:
        return 200, {"deadletters": self.deadletters}

    def _post_deadletters(self, _: Asked, rest: list[str]) -> tuple[int, Any]:
        return 200, {"key": "/".join(rest[:-1]), "verb": rest[-1]}


setattr(Stand, "_put_model-drop", Stand._put_model_drop)


def problem(status: int, code: str, message: str, fix: str = "") -> tuple[int, Any]:
    """An error as the API tells it."""
    return status, {"error": {"code": code, "message": message, "fix": fix}}


class Server:
    """The stand over HTTP; `stop` and `start` again on the same port, as a server that is restarted."""

    def __init__(self, stand: Stand, port: int = 0) -> None:
        self.stand = stand
        self._port = port
        self.start()

    def start(self) -> None:
        stand = self.stand

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {key.lower(): value for key, value in self.headers.items()}
                asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, body)
                stand.asked.append(asked)
                status, value = stand.answer(asked)
                content = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if isinstance(value, bytes) else "application/json")
                self.send_header("Content-Length", str(len(content)))
                if status in (301, 302, 307):
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the library's names

            def log_message(self, *_: Any) -> None:
                """Tests are quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._http.server_address[1]
        stand.url = f"http://127.0.0.1:{self._port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON document."""
        return json.loads(self.out)


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server."""
    running = Server(Stand())
    yield running
    running.stop()


@pytest.fixture
def stand(server: Server) -> Stand:
    """What the running server holds."""
    return server.stand


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`modelgate` in this process."""

    def run(*argv: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(part) for part in argv])
        except SystemExit as ended:  # --help
            code = int(ended.code or 0)
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def ask(stand: Stand, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """`modelgate` in this process, pointed at the server."""
    return lambda *argv: run(*argv, "--url", stand.url)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`modelgate` as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: object, **options: Any) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "cli.main", *(str(part) for part in argv)]
        piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": dict(os.environ)} | options
        started.append(subprocess.Popen(words, **piped))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
