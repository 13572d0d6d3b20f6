"""Whose fault a failed build is, where the real thing cannot be had in a test; and the lines of log that are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.adapters.local.build_environment import boot, is_finished, lock_hash
from shared.adapters.local.build_log import Failure, did_you_mean, explain, lines_that_matter
from shared.domain.bundle import Requirement
from shared.domain.errors import BundleFault, Permanent, Temporary

SIX = Requirement("six", "six==1.16.0", "conda.yml", 7, "six=1.16.0")


def failure(text: str, step: str = "install") -> Failure:
    return Failure(step, text, (SIX,), "conda.yml", "3.11.7", 60, 10)


@pytest.mark.parametrize(
    "text",
    [
        "error: Request failed after 3 retries in 9.0s\n  cause: Failed to fetch: https://example.com\n  cause: tcp connect error",
        "error: Failed to download `six==1.16.0`\n  cause: HTTP status server error (503 Service Unavailable)",
        "error: Failed to fetch: https://example.com\n  cause: operation timed out",
        "error: Failed to fetch: https://example.com\n  cause: dns error: failed to lookup address information",
        "error: No solution found\n\nhint: Packages were unavailable because the network was disabled.",
    ],
)
def test_trouble_with_the_network_passes(text: str) -> None:
    assert isinstance(explain(failure(text)), Temporary)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("install", "error: Failed to install\n  cause: failed to copy file\n  cause: No space left on device (os error 28)"),
        ("disk", "[Errno 28] No space left on device"),
        ("resolve", "error: Failed to fetch: https://example.com\n  cause: HTTP status client error (401 Unauthorized) for url"),
        ("resolve", "error: Failed to fetch\n  cause: invalid peer certificate: UnknownIssuer"),
        ("platform", "[Errno 2] No such file or directory: 'uv'"),
    ],
)
def test_trouble_with_this_machine_is_the_operators(step: str, text: str) -> None:
    assert isinstance(explain(failure(text, step)), Permanent)


def test_a_package_whose_own_build_speaks_of_the_network_is_still_the_bundles() -> None:
    text = "error: Failed to build `six==1.16.0`\n  cause: The build backend returned an error\n\n"
    text += "   [stderr]\n   urllib: operation timed out, Failed to fetch model\n"
    told = explain(failure(text))
    assert isinstance(told, BundleFault)
    assert [(fault.code, fault.line) for fault in told.faults] == [("MG224", 7)]


def test_a_failure_of_no_known_kind_is_told_with_its_log() -> None:
    told = explain(failure("error: something new\n"))
    assert isinstance(told, BundleFault)
    assert told.faults[0].code == "MG229"
    assert "something new" in told.faults[0].message


def test_a_package_that_another_one_needs_is_told_as_such() -> None:
    told = explain(failure("error: Failed to build `obscure==0.1`\n  cause: The build backend returned an error"))
    assert isinstance(told, BundleFault)
    assert told.faults[0].line is None
    assert "needed by another package" in told.faults[0].message


def test_ten_lines_hold_the_beginning_and_the_end() -> None:
    text = "Resolved 3 packages\nerror: Failed\n" + "".join(f"  line {n}\n     ^^^^\n\n" for n in range(40)) + "hint: buy a new one\n"
    told = lines_that_matter(text)
    assert (len(told), told[0], told[1], told[2], told[-1]) == (10, "error: Failed", "  line 0", "…", "  line 39")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("pandsa", "pandas"),
        ("scikit_lern", "scikit-learn"),
        ("cv2", "opencv-python-headless"),
        ("skimage", "scikit-image"),
        ("lightbgm", "lightgbm"),
        ("my-own-helpers", None),
    ],
)
def test_a_nearly_right_name_is_guessed(given: str, meant: str | None) -> None:
    assert did_you_mean(given) == meant


def test_remarks_and_order_do_not_change_a_locks_hash() -> None:
    assert lock_hash("a==1  # via b\nb==2\n", "3.11.7") == lock_hash("b==2\na==1\n", "3.11.7")


@pytest.mark.parametrize(("one", "other"), [(("a==1", "3.11.7"), ("a==2", "3.11.7")), (("a==1", "3.11.7"), ("a==1", "3.11.8"))])
def test_another_pin_or_another_python_is_another_environment(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert lock_hash(*one) != lock_hash(*other)


def test_an_environment_that_a_power_cut_may_have_torn_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "finished.json").write_text(json.dumps({"boot": boot()}))
    assert is_finished(tmp_path)
    (tmp_path / "finished.json").write_text(json.dumps({"boot": "before the machine was started anew"}))
    assert not is_finished(tmp_path)
    (tmp_path / "synced").touch()
    assert is_finished(tmp_path)
