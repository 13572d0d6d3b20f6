"""From the drop to the verdict mail, against the same server started and the same tools job run by hand."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.journeys.conftest import ROOT, Laptop, free_port, zipped

TEMPLATE = ROOT / "model_templates/sklearn_diabetes"
RUNS = 5


def figures() -> list[Figure]:
    """One cold release in a home of its own (uv's cache is warm in both), then warm ones and the same work by hand in turn."""
    with tempfile.TemporaryDirectory(prefix="modelgate-bench-") as folder:
        home = Path(folder) / "home"
        laptop = Laptop(home, free_port(), more={"MODELGATE_ENVIRONMENTS": ""}).start()
        try:
            tools(laptop)
            cold, ident = drop(laptop, "cold")
            environment = by_hand_environment(home, ident, Path(folder))
            pairs = [(drop(laptop, f"warm{number}")[0], by_hand(home, ident, Path(folder) / f"hand{number}")) for number in range(RUNS)]
        finally:
            laptop.stop()
    warm, hand = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        Figure("drop to verdict mail, warm", warm, "s", hand, most=1.25 + 0.5 / hand),
        Figure("drop to verdict mail, cold", cold, "s", environment + warm, most=1.2),
    ]


def tools(laptop: Laptop) -> None:
    """The tools environment is made once for a home, before the first release counts."""
    command = [str(ROOT / ".venv/bin/python"), "-m", "shared.adapters.local.prepare_tools", str(laptop.home)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def drop(laptop: Laptop, name: str) -> tuple[float, str]:
    """(seconds until the verdict mail lies in the outbox, release id) of an archive moved into model-drop."""
    files = {path.name: path.read_bytes() for path in TEMPLATE.iterdir() if path.is_file()}
    files["manifest.yml"] = files["manifest.yml"].replace(b"name: diabetes", f"name: {name}".encode())
    waiting = laptop.home / f"{name}.part"
    waiting.write_bytes(zipped(files))
    begin = time.perf_counter()
    waiting.rename(laptop.home / "model-drop" / f"{name}.zip")
    laptop.until(lambda: any((laptop.home / "outbox").glob(f"*-passed-{name}-*.eml")), 300)
    span = time.perf_counter() - begin
    return span, str(laptop.get(f"/api/releases?name={name}")["releases"][0]["id"])


def by_hand(home: Path, ident: str, folder: Path) -> float:
    """Seconds for: start the model's server, wait for its first answer, run the tools job."""
    spec: dict[str, Any] = json.loads(next((home / "work").glob(f"{ident}-1/jobs-*/spec.json")).read_text())
    folder.mkdir()
    port = free_port()
    serve = {
        "bundle": spec["bundle"],
        "model": "model.pkl",
        "scoring": spec["scoring"],
        "mlflow": False,
        "v1_imports": False,
        "name": "hand",
    }
    serve |= {"version": 1, "port": port, "out": str(folder / "out"), "sandbox": str(folder / "sandbox"), "hidden": ["holdout.csv"]}
    job = spec | {"out": str(folder / "results"), "work": str(folder / "work"), "endpoint": f"http://127.0.0.1:{port}/score"}
    for name, content in (("serve.json", serve), ("job.json", job)):
        (folder / name).write_text(json.dumps(content))
    for name in ("out", "results", "work"):
        (folder / name).mkdir()
    tools_python = next(
        path for path in (home / "environments").glob("*/bin/python") if path.parent.parent != Path(spec["python"]).parent.parent
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    begin = time.perf_counter()
    with (folder / "log").open("wb") as log:
        command = [spec["python"], str(ROOT / "serving/serve.py"), str(folder / "serve.json")]
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _answers(port)
            job_command = [str(tools_python), str(ROOT / "jobs/main.py"), str(folder / "job.json"), "--once", "smoke", "score"]
            subprocess.run(job_command, cwd=folder, env=environment, check=True, stdout=log, stderr=log, timeout=120)
            return time.perf_counter() - begin
        finally:
            server.terminate()
            server.wait(20)


def _answers(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return
    raise AssertionError("the server did not start by hand")


def by_hand_environment(home: Path, ident: str, folder: Path) -> float:
    """Seconds for uv to resolve, install and compile the same lock."""
    build = next((home / "work").glob(f"{ident}-1/build"))
    uv, target = str(ROOT / ".venv/bin/uv"), folder / "environment"
    begin = time.perf_counter()
    for command in (
        ["pip", "compile", "-q", str(build / "requirements.in"), "-o", str(folder / "lock.txt")],
        ["venv", "-q", str(target)],
        ["pip", "sync", "-q", "--compile-bytecode", "--python", str(target / "bin/python"), str(home / "releases" / ident / "lock.txt")],
    ):
        subprocess.run([uv, *command], check=True, cwd=folder)
    span = time.perf_counter() - begin
    shutil.rmtree(target)
    return span
