"""The tools environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.domain.errors import Permanent
from shared.ports import NotYet
from tests.environments.conftest import CODE, Site

LOCK = CODE / "jobs" / "requirements.txt"


def test_the_tools_lock_names_no_index() -> None:
    lines = LOCK.read_text().splitlines()
    assert lines
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_the_tools_lock_pins_every_package_that_jobs_ask_for() -> None:
    asked = [line for line in (CODE / "jobs" / "requirements.in").read_text().splitlines() if line and not line.startswith("#")]
    pinned = {line.split("==")[0] for line in LOCK.read_text().splitlines()}
    assert [name for name in asked if name not in pinned] == []


@pytest.mark.slow
def test_the_tools_environment_is_made_once_and_imports_what_jobs_need(site: Site) -> None:
    python = site.images.ensure_tools()
    assert isinstance(python, Path)
    subprocess.run([python, "-I", "-c", "import numpy, pandas, psutil, pyarrow.parquet, sklearn.metrics, scipy.stats"], check=True)
    assert site.images.tools_python() == python


def test_tools_that_cannot_be_made_are_the_platforms_fault_and_tried_again(new_site: object, tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "jobs").mkdir(parents=True)
    (code / "jobs" / "requirements.txt").write_text("no-such-package-of-anybody==1.0\n")
    site: Site = new_site(code=code)  # type: ignore[operator]
    assert isinstance(site.images.tools_python(), NotYet)
    with pytest.raises(Permanent, match="no-such-package-of-anybody"):
        site.images.ensure_tools()
    assert isinstance(site.images.tools_python(), NotYet)
