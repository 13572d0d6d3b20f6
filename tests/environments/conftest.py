"""A home, its processes, and bundles that ask for packages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.home import Home
from shared.adapters.local.processes import Processes
from shared.adapters.local.signals import Signals
from shared.adapters.local.uv_environments import UvEnvironments
from shared.domain.bundle import Bundle, Drop, EnvironmentSpec, Requirement
from shared.domain.manifest import Manifest
from shared.domain.release import Image, Release, Stage

CODE = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Woken(Signals):
    """The real signals, and a bell for the test."""

    def __init__(self) -> None:
        super().__init__(HeapQueue())
        self.bell = threading.Semaphore(0)

    def wake(self, release_id: str) -> None:
        super().wake(release_id)
        self.bell.release()


class Site:
    """One host with its builder."""

    def __init__(self, root: Path, **settings: object) -> None:
        self.home = Home(root)
        self.home.make()
        self.signals = Woken()
        self.processes = Processes(self.home.work / "processes")
        self.images = UvEnvironments(self.home, self.signals, self.processes, **{"code": CODE, **settings})  # type: ignore[arg-type]

    def finish(self, release: Release, seconds: float = 120) -> Image:
        """Ask as the engine does: again whenever the release is woken."""
        for _ in range(20):
            answer = self.images.build(release)
            if isinstance(answer, Image):
                return answer
            assert self.signals.bell.acquire(timeout=seconds), "nobody was woken"
        raise AssertionError("the build neither ended nor failed")

    def log(self, release: Release) -> str:
        return (self.home.release(release.id) / "logs" / "build.log").read_text()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(name: str = "home", **settings: object) -> Site:
        sites.append(Site(tmp_path / name, **settings))
        return sites[-1]

    yield make
    for each in sites:
        each.processes.stop_all()


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


def asks(*specs: str, python: str | None = None, first_line: int = 5) -> EnvironmentSpec:
    """What conda.yml would be read as, each package a line."""
    names = [spec.split("=")[0].split("<")[0].split(">")[0].split("[")[0] for spec in specs]
    requirements = (
        Requirement(name, spec, "conda.yml", first_line + n, spec) for n, (name, spec) in enumerate(zip(names, specs, strict=True))
    )
    return EnvironmentSpec("conda.yml", python, 3 if python else None, tuple(requirements))


def release(environment: EnvironmentSpec, release_id: str = "r1", *, batch: bool = False, manifest: Manifest | None = None) -> Release:
    manifest = manifest or Manifest(name="Diabetes")
    bundle = Bundle("d" * 64, manifest, 1, 1, "model.pkl", "score.py", environment, "batch" if batch else "online")
    return Release(release_id, Drop("http://drops/a.zip", "1", "a"), "diabetes", Stage.BUILDING, NOW, NOW, NOW, bundle=bundle)


def again(earlier: Release, attempt: int) -> Release:
    return replace(earlier, attempt=attempt)


SHORT = timedelta(seconds=0)
