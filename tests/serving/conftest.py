"""One real environment for all tests here, and bundles that are served in it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.home import Home
from shared.adapters.local.process_serving import ProcessServing
from shared.adapters.local.processes import Processes
from shared.adapters.local.signals import Signals
from shared.domain.bundle import Bundle, Drop, EnvironmentSpec
from shared.domain.errors import BundleFault
from shared.domain.manifest import Compute, Manifest
from shared.domain.release import Endpoint, Image, Release, Stage

CODE = Path(__file__).resolve().parents[2]
PACKAGES = ["azureml-inference-server-http", "scikit-learn", "pandas"]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def environments(tmp_path_factory):
    """A folder of environments with one in it, built once."""
    folder = tmp_path_factory.mktemp("environments")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, folder / "real"], check=True)
    subprocess.run(
        [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", folder / "real" / "bin" / "python", *PACKAGES], check=True
    )
    return folder


class Waking(Signals):
    """Signals that can be waited for."""

    def __init__(self):
        super().__init__(HeapQueue())
        self.woken = []
        self.changed = threading.Condition()

    def wake(self, release_id):
        super().wake(release_id)
        with self.changed:
            self.woken.append(release_id)
            self.changed.notify_all()


class Laptop:
    """A home, the serving adapter on it, and short ways to use them."""

    def __init__(self, root, environments):
        self.home = Home(root, shared_environments=environments)
        self.home.make()
        self.signals = Waking()
        self.processes = Processes(root / "processes")
        self.serving = ProcessServing(self.home, self.signals, self.processes, code=CODE)
        self.code = CODE
        self.made = 0

    def release(self, files, **known):
        """A built release whose bundle is `files` (path to text or bytes)."""
        self.made += 1
        digest = f"{self.made:064d}"
        for path, content in ({"model.pkl": _pickled({"factor": 2}), "conda.yml": "name: e\n"} | files).items():
            target = self.home.bundle(digest) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        given = {"model": "model.pkl", "scoring": "score.py", "style": "online"} | known
        compute, image = given.pop("compute", Compute()), given.pop("image", "environments/real")
        bundle = Bundle(
            digest, Manifest("m", compute=compute), 1, len(files), environment=EnvironmentSpec("conda.yml", None, None, ()), **given
        )
        drop = Drop("https://laptop/model-drop/m.zip", "1", "m")
        image = Image(image, "sha256:0")
        return Release(f"r{self.made}", drop, "m", Stage.DEPLOYING, NOW, NOW, NOW, bundle=bundle, version=7, image=image)

    def serve(self, files, **known):
        """Serve such a release; answers it with its endpoint."""
        release = self.release(files, **known)
        return SimpleNamespace(release=release, endpoint=self.endpoint(release))

    def endpoint(self, release, seconds=60):
        """Ask, and ask again whenever the adapter says that something happened, as the queue does."""
        woken = self.signals.woken
        for _ in range(5):
            before = woken.count(release.id)
            answer = self.serving.deploy(release)
            if isinstance(answer, Endpoint):
                return answer
            with self.signals.changed:
                assert self.signals.changed.wait_for(lambda: woken.count(release.id) > before, seconds), "it was never woken"  # noqa: B023
        raise AssertionError("no endpoint after five wakes")

    def fault(self, files, **known):
        """Serve what cannot be served; answers the one fault."""
        return self.fault_of(self.release(files, **known))

    def fault_of(self, release):
        """Serve it; answers the one fault."""
        with pytest.raises(BundleFault) as raised:
            self.endpoint(release)
        (fault,) = raised.value.faults
        return fault


def _pickled(value):
    import pickle

    return pickle.dumps(value)


@pytest.fixture
def laptop(tmp_path, environments):
    made = Laptop(tmp_path / "home", environments)
    yield made
    made.processes.stop_all(patience=0)


def post(url, body, **headers):
    """Status and decoded answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", "Connection": "close", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def ask():
    return post
