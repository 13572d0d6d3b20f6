"""Real environments, made by the real uv from real packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.local.home import Home
from shared.adapters.local.uv_environments import found_uv
from shared.domain.errors import BundleFault, Temporary
from shared.domain.manifest import Compute, Manifest
from shared.domain.release import Image
from shared.ports import NotYet
from tests.environments.conftest import SHORT, Site, again, asks, release

NewSite = Callable[..., Site]
SIX = asks("six==1.16.0")
BATCH = Manifest(name="diabetes", compute=Compute(target="cluster"))


def folder(site: Site, image: Image) -> Path:
    return site.home.environments / image.digest.removeprefix("sha256:")


def imports(site: Site, image: Image, code: str) -> str:
    python = folder(site, image) / "bin" / "python"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Image]:
    """One environment, for those who only look at it."""
    site = Site(tmp_path_factory.mktemp("built"))
    return site, site.finish(release(SIX, "r0"))


def test_an_image_holds_what_was_asked_for_and_the_scoring_server(built: tuple[Site, Image]) -> None:
    site, image = built
    assert imports(site, image, "import six, azureml_inference_server_http; print(six.__version__)") == "1.16.0"


def test_an_image_is_compiled_to_bytecode(built: tuple[Site, Image]) -> None:
    site, image = built
    (compiled,) = folder(site, image).glob("lib/python*/site-packages/__pycache__/six.*.pyc")
    assert compiled.stat().st_size > 0


def test_the_image_is_addressed_by_the_hash_of_its_lock(built: tuple[Site, Image]) -> None:
    site, image = built
    assert image.reference == f"environments/{folder(site, image).name}"
    assert len(folder(site, image).name) == 64


def test_the_lock_lies_in_the_evidence_whole_and_names_no_index(built: tuple[Site, Image]) -> None:
    site, _ = built
    lock = (site.home.release("r0") / "lock.txt").read_text()
    assert "six==1.16.0" in lock
    assert "azureml-inference-server-http==" in lock
    assert "://" not in lock
    assert "--" not in lock


def test_the_build_log_lies_in_the_evidence(built: tuple[Site, Image]) -> None:
    site, _ = built
    assert "six==1.16.0" in site.log(release(SIX, "r0"))


def test_a_finished_image_is_told_as_the_registry_tells_it(new_site: NewSite, built: tuple[Site, Image]) -> None:
    site = sharing(new_site, built[0])
    image = site.images.build(release(SIX, "r1"))
    assert isinstance(image, Image)
    event = site.signals.next_event(0)
    assert event is not None
    target = event["data"]["target"]
    assert event["eventType"] == "Microsoft.ContainerRegistry.ImagePushed"
    assert event["subject"] == f"modelgate/diabetes:{image.digest[7:19]}-{'d' * 12}"
    assert (target["digest"], target["repository"], event["data"]["action"]) == (image.digest, "modelgate/diabetes", "push")


def sharing(new_site: NewSite, other: Site, **settings: object) -> Site:
    """Another host that uses the same environments."""
    site = new_site("other", **settings)
    home = Home(site.home.root, other.home.environments)
    site.home = home
    site.images = type(site.images)(home, site.signals, site.processes, code=Path(__file__).resolve().parents[2], **settings)  # type: ignore[arg-type]
    return site


def test_the_same_packages_in_another_order_are_the_same_image_at_once(new_site: NewSite, built: tuple[Site, Image]) -> None:
    site = sharing(new_site, built[0])
    assert site.images.build(release(asks("six==1.16.0", first_line=9), "r1")) == built[1]
    assert (site.home.release("r1") / "lock.txt").read_text() == (built[0].home.release("r0") / "lock.txt").read_text()


def test_an_old_resolution_is_made_anew_and_finds_the_finished_environment(new_site: NewSite, built: tuple[Site, Image]) -> None:
    site = sharing(new_site, built[0], ttl=SHORT)
    assert isinstance(site.images.build(release(SIX, "r2")), NotYet)
    assert site.finish(release(SIX, "r2")) == built[1]
    assert "is there already" in site.log(release(SIX, "r2"))


@pytest.mark.slow
def test_asked_twice_while_it_builds_there_is_one_builder(site: Site) -> None:
    first = release(SIX)
    assert isinstance(site.images.build(first), NotYet)
    state = site.processes.state("build-r1-1")
    assert isinstance(site.images.build(first), NotYet)
    assert site.processes.state("build-r1-1") == state
    site.finish(first)
    assert site.log(first).count("Creating virtual environment") == 1


@pytest.mark.slow
def test_of_many_at_once_one_builds_and_the_others_wait(new_site: NewSite) -> None:
    one = new_site("home")
    two = sharing(new_site, one)
    releases = [(one, release(SIX, "r1")), (one, release(SIX, "r2")), (two, release(SIX, "r3"))]
    for site, each in releases:
        assert isinstance(site.images.build(each), NotYet)
    images = [site.finish(each) for site, each in releases]
    assert len(set(images)) == 1
    assert sum("Creating virtual environment" in site.log(each) for site, each in releases) == 1


@pytest.mark.slow
def test_a_half_built_environment_is_never_used(new_site: NewSite, built: tuple[Site, Image]) -> None:
    site, image = sharing(new_site, built[0]), built[1]
    place = folder(site, image)
    (place / "finished.json").unlink()
    (place / "left over").write_text("of a builder that was killed")
    assert isinstance(site.images.build(release(SIX, "r2")), NotYet)
    assert site.finish(release(SIX, "r2")) == image
    assert not (place / "left over").exists()
    assert imports(site, image, "import six; print(six.__version__)") == "1.16.0"


@pytest.mark.slow
def test_a_builder_killed_in_the_middle_is_told_as_passing_and_started_again(site: Site) -> None:
    killed = release(SIX)
    assert isinstance(site.images.build(killed), NotYet)
    made = threading.Event()
    while not made.is_set() and site.processes.wait("build-r1-1", 0.02) is None:
        if any(path.is_dir() and len(path.name) == 64 for path in site.home.environments.iterdir()):
            site.processes.stop("build-r1-1", patience=0)
            made.set()
    assert not list(site.home.environments.glob("*/finished.json"))
    with pytest.raises(Temporary):
        site.images.build(killed)
    while site.signals.bell.acquire(blocking=False):
        pass
    image = site.finish(killed)
    assert imports(site, image, "import six; print(six.__version__)") == "1.16.0"


@pytest.mark.slow
def test_an_environment_whose_interpreter_is_gone_is_built_again(new_site: NewSite, built: tuple[Site, Image]) -> None:
    site, image = sharing(new_site, built[0]), built[1]
    (folder(site, image) / "bin" / "python").unlink()
    assert isinstance(site.images.build(release(SIX, "r2")), NotYet)
    site.finish(release(SIX, "r2"))
    assert imports(site, image, "import six; print(six.__version__)") == "1.16.0"


@pytest.mark.parametrize(
    ("specs", "code", "line", "words"),
    [
        (("six", "pandsa==1.0"), "MG220", 6, ("pandsa", "Did you mean pandas?")),
        (("six", "no-such-package-of-anybody"), "MG220", 6, ("no-such-package-of-anybody", "bundle's folder")),
        (("six==99.0",), "MG221", 5, ("six==99.0", "Write six==1.")),
        (("flask>=2.4,<3",), "MG221", 5, ("flask>=2.4,<3", "Write flask==")),
        (("torch==1.10.0+cu113",), "MG221", 5, ("torch==1.10.0+cu113", "Write torch==1.10.0:")),
        (("tensorflow==1.15",), "MG222", 5, ("tensorflow==1.15", "was never made for Python")),
        (("pandas==2.2.0", "numpy==1.20.0"), "MG223", 6, ("pandas==2.2.0' (line 5)", "numpy==1.20.0' (line 6)", "depends on numpy")),
        (("six", "markupsafe==1.0"), "MG224", 6, ("markupsafe==1.0", "ImportError")),
        (("gunicorn==19.9.0",), "MG240", 5, ("gunicorn==19.9.0' (line 5)", "azureml-inference-server-http needs gunicorn==20.1.0 or")),
        (("pydantic==2.5.0", "azureml-inference-server-http==1.5.1"), "MG240", 5, ("pydantic==2.5.0", "server-http needs pydantic>=2.12")),
    ],
)
def test_a_build_that_cannot_be_is_told_with_package_line_and_cause(
    site: Site, specs: tuple[str, ...], code: str, line: int, words: tuple[str, ...]
) -> None:
    with pytest.raises(BundleFault) as raised:
        site.finish(release(asks(*specs)))
    (fault,) = raised.value.faults
    assert (fault.code, fault.file, fault.line) == (code, "conda.yml", line)
    assert [word for word in words if word not in fault.message + fault.fix] == []
    assert len(fault.message.splitlines()) <= 11


@pytest.mark.slow
def test_pins_that_resolve_but_break_the_server_are_a_conflict_too(site: Site) -> None:
    with pytest.raises(BundleFault) as raised:
        site.finish(release(asks("flask==1.1.2")))
    (fault,) = raised.value.faults
    assert (fault.code, fault.line) == ("MG240", 5)
    assert "cannot import name" in fault.message
    assert not list(site.home.environments.glob("*/finished.json"))


def test_without_an_endpoint_the_server_is_left_out_when_it_does_not_fit(site: Site) -> None:
    image = site.finish(release(asks("gunicorn==19.9.0"), manifest=BATCH))
    assert [note.code for note in image.notes] == ["MG241"]
    assert imports(site, image, "import gunicorn; print(gunicorn.__version__)") == "19.9.0"


def test_a_python_too_old_for_a_package_is_told_with_the_version_that_would_do(site: Site) -> None:
    needs_python(site, "3.8")
    with pytest.raises(BundleFault) as raised:
        site.finish(release(asks("networkx==3.6", python="3.8")))
    (fault,) = raised.value.faults
    assert fault.code == "MG222"
    assert "needs Python >=3.11" in fault.message
    assert "networkx==3.1," in fault.fix


@pytest.mark.slow
@pytest.mark.parametrize("minor", ["3.7", "3.8", "3.13"])
def test_every_python_gets_the_server_that_supports_it(site: Site, minor: str) -> None:
    needs_python(site, minor)
    image = site.finish(release(asks("six", python=minor)))
    assert imports(site, image, "import sys, azureml_inference_server_http as s; print('%d.%d' % sys.version_info[:2])") == minor


def needs_python(site: Site, minor: str) -> None:
    if not any(each.text.startswith(f"{minor}.") for each in site.images._interpreters.present()):
        pytest.skip(f"no Python {minor} here")


def test_an_index_that_cannot_be_reached_is_never_the_bundles_fault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(site.home.root / "empty"))
    broken = release(SIX)
    with pytest.raises(Temporary):
        site.finish(broken)
    assert "127.0.0.1" not in site.log(broken)
    assert isinstance(site.images.build(broken), NotYet)  # asked again, it tries again


def test_a_failure_told_once_is_tried_again_when_asked_again(site: Site) -> None:
    wrong = release(asks("six==99.0"))
    with pytest.raises(BundleFault):
        site.finish(wrong)
    assert isinstance(site.images.build(wrong), NotYet)
    assert isinstance(site.images.build(again(wrong, 2)), NotYet)
    with pytest.raises(BundleFault):
        site.finish(wrong)


def test_a_build_that_takes_too_long_is_told(new_site: NewSite) -> None:
    site = new_site(build_limit=0.2)
    with pytest.raises(BundleFault) as raised:
        site.finish(release(SIX))
    assert raised.value.faults[0].code == "MG226"


@pytest.mark.slow
def test_an_environment_that_is_too_large_is_told_with_its_largest_packages(new_site: NewSite) -> None:
    site = new_site(size_limit=1_000_000)
    with pytest.raises(BundleFault) as raised:
        site.finish(release(SIX))
    assert raised.value.faults[0].code == "MG227"
    assert "cryptography" in raised.value.faults[0].message
    assert not [path for path in site.home.environments.iterdir() if path.is_dir() and len(path.name) == 64]


@pytest.mark.slow
def test_another_patch_than_asked_for_is_a_note_on_the_image(new_site: NewSite, built: tuple[Site, Image]) -> None:
    site = sharing(new_site, built[0])
    minor = ".".join(built[0].images._interpreters.present()[0].text.split(".")[:2])
    image = site.finish(release(asks("six==1.16.0", python=f"{minor}.99"), "r9"))
    assert [(note.code, note.line, note.severity) for note in image.notes] == [("MG212", 3, "warning")]


def test_an_mlflow_model_gets_mlflow_though_its_file_forgets_it(site: Site) -> None:
    forgot = release(SIX)
    assert forgot.bundle is not None
    forgot = replace(forgot, bundle=replace(forgot.bundle, mlflow=True, scoring=None))
    assert isinstance(site.images.build(forgot), NotYet)
    spec = json.loads((site.home.work / "r1-1" / "build" / "spec.json").read_text())
    assert spec["requirements"] == ["six==1.16.0", "mlflow"]


def test_the_hosts_variables_do_not_reach_the_builder(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "x")
    site.images.build(release(SIX))
    assert "MY_SECRET" not in (site.home.work / "r1-1" / "build" / "spec.json").read_text()
    running = site.processes.state("build-r1-1")
    assert running is not None
    environ = Path(f"/proc/{running.pid}/environ").read_text()  # type: ignore[union-attr]
    assert "MY_SECRET" not in environ


def test_uv_is_found_beside_the_interpreter() -> None:
    assert shutil.which(found_uv())
