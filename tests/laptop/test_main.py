"""The laptop as a person starts it: a process of its own on a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from laptop.lock import read_lock
from laptop.main import NOT_STARTED

ROOT = Path(__file__).parents[2]
# What a start must not pay for: they belong to jobs, to Azure, to mails and pages, to the command line.
HEAVY = ("azure.ai.ml", "azure.storage", "pandas", "numpy", "pyarrow", "sklearn", "scipy", "matplotlib", "mlflow", "jinja2", "rich")


class Up:
    """A laptop that runs."""

    def __init__(self, home: Path, *more: str, port: int = 0) -> None:
        arguments = [sys.executable, "-m", "laptop.main", "--home", home, "--port", str(port), *more]
        self.process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("modelgate is up: "), self.process.communicate()[1]
        self.url = line.split()[-1]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        url = path if path.startswith("http") else self.url + path
        asked = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()}, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None

    def wait_for(self, holds: Callable[[list[dict[str, Any]]], bool], seconds: float = 30) -> list[dict[str, Any]]:
        """The releases, once they are as wished."""
        until = time.monotonic() + seconds
        while not holds(found := self.get("/api/releases")["releases"]):
            assert time.monotonic() < until, found
        return found

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def up(home) -> Iterator[Up]:
    running = Up(home)
    yield running
    if running.process.poll() is None:
        running.stop()


def refused(*arguments: object) -> str:
    """What a laptop says that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "laptop.main", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == NOT_STARTED
    assert "Traceback" not in done.stderr
    return done.stderr


def bundle(path: Path) -> Path:
    """A bundle that is refused at once: a release that needs no environment."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("score.py", "def init(): pass\n")
    return path


def ended(releases: list[dict[str, Any]]) -> bool:
    return bool(releases) and all(release["verdict"] for release in releases)


def test_a_start_answers_and_writes_who_it_is(up, home):
    assert up.get("/api/health") == {"status": "ok"}
    assert read_lock(home) == {"pid": up.process.pid, "url": up.url}


def test_a_second_laptop_on_the_same_home_is_refused_with_the_first_ones_pid(up, home):
    assert f"process {up.process.pid}" in refused("--home", home, "--port", 0)


def test_a_taken_port_is_told(up, tmp_path):
    port = up.url.rpartition(":")[2]
    assert f"Port {port} is taken" in refused("--home", tmp_path / "other", "--port", port)


def test_unknown_chaos_is_refused_with_what_is_known(home):
    assert "duplicate=0.3" in refused("--home", home, "--chaos", "lightning")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_laptop_that_is_asked_to_stop_ends_well_and_lets_the_home_go(up, home, how):
    assert up.stop(how) == 0
    assert read_lock(home) == {}


def test_a_killed_laptop_comes_up_again_on_the_same_home_and_port_and_goes_on(up, home):
    bundle(home / "model-drop" / "one.zip")
    up.wait_for(ended)
    up.stop(signal.SIGKILL)
    bundle(home / "model-drop" / "two.zip")
    again = Up(home, port=int(up.url.rpartition(":")[2]))
    try:
        found = again.wait_for(lambda releases: ended(releases) and len(releases) == 2)
        assert sorted(release["verdict"] for release in found) == ["invalid", "invalid"]
    finally:
        again.stop()


def test_a_drop_gets_its_verdict_once_also_when_events_come_twice_and_late(home):
    running = Up(home, "--chaos", "duplicate=1,reorder,delay=300ms,seed=1")
    try:
        bundle(home / "model-drop" / "one.zip")
        (release,) = running.wait_for(ended)
        assert release["verdict"] == "invalid"
    finally:
        running.stop()


def test_a_large_archive_goes_through_a_write_url(up, tmp_path):
    _, slot = up.send("POST", "/api/uploads?name=big.zip", b"{}", Content_Type="application/json")
    status, _ = up.send("PUT", slot["upload_url"], bundle(tmp_path / "big.zip").read_bytes())
    assert status == 201
    (release,) = up.wait_for(ended)
    assert release["verdict"] == "invalid"


def test_an_event_posted_from_outside_goes_through_the_same_door(up):
    event = {"id": "1", "eventType": "Microsoft.Storage.BlobCreated", "subject": "s", "eventTime": "2026-11-21T09:31:07Z", "data": {}}
    body = json.dumps([event]).encode()
    assert up.send("POST", "/runtime/webhooks/eventgrid?functionName=bundle_uploaded", body, aeg_event_type="Notification")[0] == 202
    with pytest.raises(urllib.error.HTTPError) as refusal:
        up.send("POST", "/runtime/webhooks/eventgrid?functionName=sweep", body, aeg_event_type="Notification")
    assert refusal.value.code == 404
    refusal.value.close()


def test_only_this_machine_is_listened_to(up):
    port = int(up.url.rpartition(":")[2])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]] if Path("/proc/net/tcp").exists() else []
    addresses = {fields[1].partition(":")[0] for fields in listening if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"}
    assert addresses <= {"0100007F"}


def test_a_start_imports_nothing_heavy(home):
    ask = (
        f"import laptop.assembly, function_app, shared.wiring as w, sys; w.local_parts(); print([n for n in {HEAVY!r} if n in sys.modules])"
    )
    environment = os.environ | {"MODELGATE_HOME": str(home), "MODELGATE_PLATFORM": "laptop"}
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
