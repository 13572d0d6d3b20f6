"""Every sample bundle goes its way: the habits of real bundles end with their verdict, the bad ones with the reason that is theirs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.samples import make_bundles
from tests.samples.expected import BAND, EXPECTED, FAILED, INVALID, PASSED, RENT, told

Released = Callable[[Path], dict[str, Any]]
HABITS = sorted(name for name, expected in EXPECTED.items() if expected.verdict == PASSED)
TOO_WEAK = sorted(name for name, expected in EXPECTED.items() if expected.verdict == FAILED)
UNUSABLE = sorted(name for name, expected in EXPECTED.items() if expected.verdict == INVALID)


def ready(name: str, folder: Path) -> Path:
    """A copy of the sample bundle. The patch that is gone is one of the Python that surely is here: the one these tests run on."""
    copy = Path(shutil.copytree(make_bundles.BUNDLES / name, folder / name))
    if name == "python_patch_gone":
        conda = copy / "conda.yml"
        here = f"{sys.version_info.major}.{sys.version_info.minor}.99"
        conda.write_text(conda.read_text(encoding="utf-8").replace("3.11.99", here), encoding="utf-8")
    return copy


def test_every_sample_bundle_has_an_expected_end() -> None:
    assert sorted(EXPECTED) == make_bundles.names()


def test_every_sample_bundle_is_listed() -> None:
    listed = (make_bundles.BUNDLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in EXPECTED if not name.startswith("bad_") and name not in listed] == []


def test_bundles_that_must_not_pass_are_named_so() -> None:
    assert [name for name in EXPECTED if name.startswith("bad_") == (EXPECTED[name].verdict == PASSED)] == []


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_bundle_is_what_its_maker_writes(name: str) -> None:
    folder = make_bundles.BUNDLES / name
    made = make_bundles.made_files(name)
    assert {path: (folder / path).read_bytes() for path in made} == made


def test_the_expected_figures_are_those_of_the_good_model() -> None:
    assert make_bundles.held_out_r2() == pytest.approx(RENT["r2"], abs=1e-6)
    assert make_bundles.held_out_accuracy() == BAND["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("name", HABITS)
def test_a_bundle_with_a_habit_of_real_ones_passes(name: str, released: Released, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    release = released(ready(name, tmp_path))
    assert release["verdict"] == PASSED, told(release)
    assert {metric: release["metrics"][metric] for metric in expected.figures} == pytest.approx(expected.figures, abs=1e-5)
    assert set(expected.notes) <= {fault["code"] for fault in release["faults"]}, told(release)
    assert expected.request in (None, release.get("request")), told(release)
    assert set(expected.reported) <= set(release.get("reported") or {}), told(release)


@pytest.mark.slow
@pytest.mark.parametrize("name", TOO_WEAK)
def test_a_bundle_that_is_not_good_enough_fails_on_that_kpi_alone(name: str, released: Released, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    release = released(ready(name, tmp_path))
    assert release["verdict"] == FAILED, told(release)
    (kpi,) = [kpi for kpi in release["kpis"] if not kpi["holds"]]
    assert kpi["metric"] == expected.kpi, told(release)
    assert expected.says in kpi["reason"].lower(), told(release)
    assert set(expected.notes) <= {fault["code"] for fault in release["faults"]}, told(release)


@pytest.mark.slow
@pytest.mark.parametrize("name", UNUSABLE)
def test_a_bundle_that_cannot_be_used_ends_with_the_fault_that_is_its_own(name: str, released: Released, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    release = released(ready(name, tmp_path))
    assert release["verdict"] == INVALID, told(release)
    errors = [fault for fault in release["faults"] if fault["severity"] == "error"]
    (first, *_) = [fault for fault in errors if fault["code"].startswith(expected.code)] or [None]
    assert first is not None, told(release)
    assert expected.says.lower() in f"{first['message']} {first['fix']} {first.get('file')}".lower(), told(release)
    assert first["fix"], told(release)
