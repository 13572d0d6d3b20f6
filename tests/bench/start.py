"""Start-up: importing the app, the host's first answer, the idle laptop, the command's help."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.figures import Figure
from tests.journeys.conftest import ROOT, Laptop, free_port

RUNS = 5


def figures() -> list[Figure]:
    """Medians of five; a pair is run in turn."""
    python = sys.executable
    app, bare = paired([python, "-c", "import function_app"], [python, "-c", "import azure.functions"])
    told, nothing = paired([str(Path(python).parent / "modelgate"), "--help"], [python, "-c", "pass"])
    first, memory = idle()
    return [
        Figure("import function_app", app * 1000, "ms", bare * 1000, most=2.5),
        Figure("modelgate --help", told * 1000, "ms", nothing * 1000, most=5),
        Figure("host up to first answer", first, "s", limit=2.0),
        Figure("idle laptop, all processes (PSS)", memory, "MB", limit=150.0),
    ]


def paired(command: list[str], other: list[str]) -> tuple[float, float]:
    """Seconds of both, A B A B …."""
    spans = [(timed(command), timed(other)) for _ in range(RUNS + 1)][1:]  # the first warms the caches
    first, second = zip(*spans, strict=True)
    return statistics.median(first), statistics.median(second)


def timed(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def idle() -> tuple[float, float]:
    """(seconds to the first answer, MB) of an empty laptop, medians."""
    spans, sizes = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="modelgate-bench-") as folder:
            laptop = Laptop(Path(folder), free_port())
            begin = time.perf_counter()
            laptop.start()
            spans.append(time.perf_counter() - begin)
            laptop.until(lambda laptop=laptop: laptop.get("/api/releases") is not None, 10)
            assert laptop.process is not None
            main = psutil.Process(laptop.process.pid)
            sizes.append(sum(one.memory_full_info().pss for one in (main, *main.children(recursive=True))) / 1e6)
            laptop.stop()
    return statistics.median(spans), statistics.median(sizes)
