"""A real laptop in a process of its own, and releases through it. Environments are kept in `.cache/` between runs."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0  # seconds until a release must have its verdict; environments may have to be built first


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Laptop:
    """A running `python -m laptop.main`. It is asked over HTTP, as people ask it."""

    home: Path
    port: int
    process: subprocess.Popen | None = None
    more: Mapping[str, str] | None = None
    arguments: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Laptop:
        environment = os.environ | {"MODELGATE_ENVIRONMENTS": str(ROOT / ".cache/environments"), "MODELGATE_QUIET_PERIOD_SECONDS": "2"}
        command = [sys.executable, "-m", "laptop.main", "--home", str(self.home), "--port", str(self.port), *self.arguments]
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "laptop.out").open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment | dict(self.more or {}), stdout=out, stderr=out)
        self.until(lambda: self.get("/api/health") is not None, 30)
        return self

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def get(self, path: str):
        with (
            suppress(urllib.error.HTTPError, urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(self.url + path, timeout=10) as answer,
        ):
            return json.load(answer)
        return None

    def post(self, path: str, body: bytes, kind: str = "application/zip", **headers: str):
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind, **headers}, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def submit(self, bundle: Path | Mapping[str, bytes], query: str = "force=true") -> str:
        """The id of the release of a folder, or of files by name."""
        name = bundle.name if isinstance(bundle, Path) else "bundle"
        query = f"name={name}.zip&{query}"
        return str(self.post(f"/api/releases?{query}", zipped(bundle), **{"x-modelgate-submitter": "ana@example.com"})["id"])

    def release(self, ident: str):
        return self.get(f"/api/releases/{ident}")

    def verdict(self, ident: str, patience: float = PATIENCE):
        """The release once it has ended and its last mail is out."""

        def over():
            found = self.release(ident)
            done = (
                found and found["verdict"] and any(line["fact"] == "MailSent" and line["reason"] != "receipt" for line in found["history"])
            )
            return found if done else None

        return self.until(over, patience)

    def until(self, what, seconds: float):
        """The first answer of `what` that is true; polls, and fails with the laptop's own words when time is over."""
        end = time.monotonic() + seconds
        pause = threading.Event()
        while time.monotonic() < end:
            if found := what():
                return found
            assert self.process is None or self.process.poll() is None, (self.home / "laptop.out").read_text()[-3000:]
            pause.wait(0.1)
        raise AssertionError(f"not within {seconds} s; the laptop said: {(self.home / 'laptop.out').read_text()[-3000:]}")

    def mails(self) -> list[str]:
        return sorted(path.name for path in (self.home / "outbox").glob("*.eml"))


def zipped(bundle: Path | Mapping[str, bytes]) -> bytes:
    if isinstance(bundle, Path):
        bundle = {path.relative_to(bundle).as_posix(): path.read_bytes() for path in sorted(bundle.rglob("*")) if path.is_file()}
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in bundle.items():
            out.writestr(name, content)
    return body.getvalue()


@pytest.fixture(scope="session")
def laptop(tmp_path_factory):
    laptop = Laptop(tmp_path_factory.mktemp("laptop"), free_port()).start()
    yield laptop
    laptop.stop()


@pytest.fixture
def own_laptop(tmp_path):
    """Made, not started: for tests that stop, kill or chaos it."""
    laptop = Laptop(tmp_path / "home", free_port())
    yield laptop
    laptop.stop()


@pytest.fixture(scope="session")
def released(laptop):
    """released(folder or files) -> the release with its verdict."""

    def released(bundle, query="force=true"):
        return laptop.verdict(laptop.submit(bundle, query))

    return released
