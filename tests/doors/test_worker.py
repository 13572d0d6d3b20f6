"""The real worker library of Azure Functions on Python 3.13: it indexes our app and calls its doors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.local.addresses import etag_of, url_of
from shared.adapters.local.home import Home
from shared.adapters.local.signals import envelope
from tests.house.test_shadowing import shadowing

pytestmark = pytest.mark.worker

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).with_name("drive_worker.py")
WORKER = "azure-functions-runtime"

GET, POST = ("GET",), ("POST",)
EVENTS = (
    "bundle_uploaded",
    "model_registered",
    "image_pushed",
    "run_completed",
    "run_status_changed",
    "drift_detected",
    "mail_delivery_reported",
)
TABLE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(EVENTS, ("eventGridTrigger",)),
    "perform_task": ("queueTrigger", "tasks"),
    "poison_task": ("queueTrigger", "tasks-poison"),
    "sweep": ("timerTrigger", "0 */1 * * * *"),
    "health": ("httpTrigger", "api/health", GET, "ANONYMOUS"),
    "new_release": ("httpTrigger", "api/releases", POST, "FUNCTION"),
    "new_upload": ("httpTrigger", "api/uploads", POST, "FUNCTION"),
    "releases": ("httpTrigger", "api/releases", GET, "FUNCTION"),
    "release": ("httpTrigger", "api/releases/{id}", GET, "FUNCTION"),
    "release_report": ("httpTrigger", "api/releases/{id}/report", GET, "FUNCTION"),
    "release_logs": ("httpTrigger", "api/releases/{id}/logs", GET, "FUNCTION"),
    "release_events": ("httpTrigger", "api/releases/{id}/events", GET, "FUNCTION"),
    "release_cancellation": ("httpTrigger", "api/releases/{id}/cancel", POST, "FUNCTION"),
    "release_decision": ("httpTrigger", "api/releases/{id}/decide", POST, "FUNCTION"),
    "release_retry": ("httpTrigger", "api/releases/{id}/retry", POST, "FUNCTION"),
    "dead_letters": ("httpTrigger", "api/deadletters", GET, "FUNCTION"),
    "dead_letter_requeue": ("httpTrigger", "api/deadletters/{*key}", POST, "FUNCTION"),
    "openapi": ("httpTrigger", "api/openapi.json", GET, "ANONYMOUS"),
    "dashboard": ("httpTrigger", "/", GET, "FUNCTION"),
    "release_page": ("httpTrigger", "releases/{id}", GET, "FUNCTION"),
}
ML, MAIL = "Microsoft.MachineLearningServices.", "Microsoft.Communication.EmailDeliveryReportReceived"
RUN = {"experimentId": "e", "experimentName": "x", "runId": "mg-r-1", "runType": None, "runTags": {}, "runProperties": {}}
SAMPLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "model_registered": (
        ML + "ModelRegistered",
        "models/m:1",
        {"ModelName": "m", "ModelVersion": 1, "ModelTags": {}, "ModelProperties": {}},
    ),
    "image_pushed": ("Microsoft.ContainerRegistry.ImagePushed", "m:1", {"action": "push", "target": {"repository": "m", "tag": "1"}}),
    "run_completed": (ML + "RunCompleted", "experiments/e/runs/mg-r-1", RUN),
    "run_status_changed": (ML + "RunStatusChanged", "experiments/e/runs/mg-r-1", RUN | {"runStatus": "Failed"}),
    "drift_detected": (ML + "DatasetDriftDetected", "datadrifts/d/runs/r", {"DataDriftId": "d", "RunId": "r", "DriftCoefficient": 0.5}),
    "mail_delivery_reported": (MAIL, "sender/s/message/m", {"messageId": "m", "recipient": "a@example.com", "status": "Delivered"}),
}


def python_3_13() -> Path | None:
    """A Python 3.13 that really runs: this one, on the search path, or under pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [Path(sys.executable), shutil.which("python3.13"), *sorted(pyenv.glob("versions/3.13.*/bin/python"))]
    ask = "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
    found = (Path(one) for one in candidates if one)
    return next((one for one in found if subprocess.run([one, "-c", ask], capture_output=True, check=False).returncode == 0), None)


def cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    """The same event as Event Grid sends it to a subscription that asks for CloudEvents."""
    return {
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "data": event["data"],
        "specversion": "1.0",
    }


@pytest.fixture(scope="session")
def worker(tmp_path_factory) -> Path:
    """The Python of an environment with the worker library and what our app needs."""
    base = python_3_13()
    if base is None:
        pytest.skip("there is no Python 3.13 on the search path or under pyenv, which the worker library needs")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["laptop"]]
    folder = tmp_path_factory.mktemp("worker") / "env"
    python = folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", base, folder], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, WORKER, *needed], check=True)
    return python


@pytest.fixture
def home(tmp_path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def driven(worker: Path, home: Home, invocations: list[tuple[str, dict[str, str]]]) -> dict[str, Any]:
    """What the worker found and answered, run as the Functions image runs it: from the app's root, with nothing else on the path."""
    environment = {"PATH": os.environ["PATH"], "MODELGATE_PLATFORM": "laptop", "MODELGATE_HOME": str(home.root), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [worker, DRIVER, ROOT],
        input=json.dumps(invocations),
        text=True,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def row(bindings: list[dict[str, Any]]) -> tuple[Any, ...]:
    (trigger,) = (binding for binding in bindings if binding["type"].endswith("Trigger"))
    detail = {
        "httpTrigger": lambda: (trigger["route"], tuple(trigger["methods"]), trigger["authLevel"]),
        "queueTrigger": lambda: (trigger["queueName"],),
        "timerTrigger": lambda: (trigger["schedule"],),
        "eventGridTrigger": tuple,
    }
    return (trigger["type"], *detail[trigger["type"]]())


def test_the_worker_finds_exactly_our_functions_with_their_triggers(worker, home):
    found = driven(worker, home, [])["functions"]
    assert {function["name"]: row(function["bindings"]) for function in found} == TABLE


@pytest.mark.parametrize("schema", ["event_grid", "cloud_events"])
def test_the_worker_calls_every_event_door_in_both_schemas(worker, home, schema):
    drop = home.drops / "diabetes.zip"
    with zipfile.ZipFile(drop, "w") as archive:
        archive.writestr("score.py", "def init(): pass\n")
    blob = {
        "api": "PutBlob",
        "eTag": etag_of(drop),
        "contentLength": drop.stat().st_size,
        "blobType": "BlockBlob",
        "url": url_of(home, drop),
    }
    samples = SAMPLES | {
        "bundle_uploaded": ("Microsoft.Storage.BlobCreated", "/blobServices/default/containers/model-drop/blobs/diabetes.zip", blob)
    }
    events = {name: envelope(*sample) for name, sample in samples.items()}
    sent = {name: event if schema == "event_grid" else cloud_event(event) for name, event in events.items()}
    answers = driven(worker, home, [(name, {"json": json.dumps(sent[name])}) for name in EVENTS])["answers"]
    assert dict(zip(EVENTS, answers, strict=True)) == {name: {"ok": True, "why": None} for name in EVENTS}
    assert started_releases(worker, home) == ["diabetes"]


def started_releases(worker: Path, home: Home) -> list[str]:
    """Names of the releases in the home's store, read with the worker's Python."""
    page = "ports().releases.page(name=None, stage=None, limit=9, after=None)"
    ask = f"import json; from shared.wiring import ports; print(json.dumps([one.name for one in {page}.releases]))"
    environment = {"PATH": os.environ["PATH"], "MODELGATE_HOME": str(home.root), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([worker, "-c", ask], text=True, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_nothing_that_the_worker_brings_shadows_our_packages(worker):
    (packages,) = worker.parents[1].glob("lib/python3.13/site-packages")
    assert shadowing(distributions(path=[str(packages)])) == {}
