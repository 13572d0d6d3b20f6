"""Which Python a bundle gets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shared.adapters.local.interpreters import Asked, Interpreter, Interpreters, choose, running
from shared.domain.errors import BundleFault

US = running()
OLD = Interpreter(Path("/py36"), (3, 6, 15))
P38 = Interpreter(Path("/py38"), (3, 8, 18))
P39 = Interpreter(Path("/py39"), (3, 9, 2))
P39_NEW = Interpreter(Path("/py39b"), (3, 9, 18))
PRESENT = (US, P39_NEW, P39, P38, OLD)


def asked(python: str | None) -> Asked:
    return Asked(python, "conda.yml", 4)


@pytest.mark.parametrize(
    ("python", "taken"),
    [
        (None, US),
        ("3", US),
        (">=3.8", US),
        (f"{sys.version_info[0]}.{sys.version_info[1]}", US),
        ("3.8", P38),
        ("3.8.*", P38),
        ("==3.8", P38),
        ("3.8.18", P38),
        ("3.9", P39_NEW),
        ("3.9.2", P39),
        (">=3.8,<3.10", P39_NEW),
        ("~=3.8.0", P38),
    ],
)
def test_the_python_that_was_asked_for_is_taken(python: str | None, taken: Interpreter) -> None:
    assert choose(asked(python), PRESENT) == (taken, ())


def test_a_patch_that_is_not_there_is_the_same_minor_with_a_warning() -> None:
    taken, (note,) = choose(asked("3.9.7"), PRESENT)
    assert taken == P39_NEW
    assert (note.code, note.severity, note.file, note.line) == ("MG212", "warning", "conda.yml", 4)
    assert "3.9.7" in note.message
    assert "3.9.18" in note.message


@pytest.mark.parametrize(
    ("python", "code", "near"),
    [("3.10", "MG211", "3.11"), (">=3.99", "MG211", US.text.rsplit(".", 1)[0]), ("3.6.2", "MG213", "3.8"), ("2.7", "MG213", "3.8")],
)
def test_a_minor_that_is_not_there_lists_those_present_and_the_line_that_overrides(python: str, code: str, near: str) -> None:
    with pytest.raises(BundleFault) as raised:
        choose(asked(python), (Interpreter(Path("/us"), (3, 11, 1)), US, P38, OLD))
    (fault,) = raised.value.faults
    assert (fault.code, fault.file, fault.line) == (code, "conda.yml", 4)
    assert "present are 3.8, " in fault.message
    assert "3.6," not in fault.message
    assert f'python: "{near}"' in fault.fix
    assert "manifest.yml" in fault.fix


def test_what_is_no_version_is_told() -> None:
    with pytest.raises(BundleFault) as raised:
        choose(asked("three"), PRESENT)
    assert raised.value.faults[0].code == "MG210"


def test_the_interpreter_that_runs_us_is_found(tmp_path: Path) -> None:
    assert US in Interpreters(tmp_path / "cache.json").present()


def test_one_on_the_search_path_is_found_and_asked_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    python = place / "python3.9"
    python.write_bytes(Path("/bin/sh").resolve().read_bytes())  # a program, but no Python
    python.chmod(0o755)
    (place / "python3").write_text("#!/bin/sh\nexit 3\n")  # a shim
    (place / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    cache = tmp_path / "cache.json"
    first = Interpreters(cache).present()
    assert python not in {each.path for each in first}
    assert str(python) in cache.read_text()
    assert str(place / "python3") + '"' not in cache.read_text()
    written = cache.stat().st_mtime_ns
    assert Interpreters(cache).present() == first
    assert cache.stat().st_mtime_ns == written


def test_a_cache_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache.json"
    cache.write_text("{broken")
    assert US in Interpreters(cache).present()
    assert cache.read_text().startswith("{\n")
