"""`check`."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tarfile

import pytest

from cli.archive import zip_folder
from cli.init import TEMPLATES


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(TEMPLATES / "sklearn_diabetes", tmp_path / "diabetes")


@pytest.fixture
def broken(bundle):
    (bundle / "score.py").write_text("def init():\n    pass\n\ndef run(body)\n    return []\n")
    return bundle


def test_a_good_bundle_is_accepted_and_what_was_not_checked_is_said(run, bundle):
    ran = run("check", bundle)
    assert ran.code == 0
    assert "would be accepted as diabetes" in ran.out
    assert "Not checked here" in ran.out


def test_a_broken_one_ends_with_1_and_tells_code_file_line_and_fix(run, broken):
    ran = run("check", broken, "--json")
    assert ran.code == 1
    assert ran.value["ok"] is False
    fault = next(fault for fault in ran.value["faults"] if fault["severity"] == "error")
    assert (fault["file"], fault["line"]) == ("score.py", 4)
    assert set(fault) == {"code", "severity", "file", "line", "message", "fix"}
    assert fault["fix"]


def test_people_see_the_same_fault_with_its_place(run, broken):
    fault = run("check", broken, "--json").value["faults"][0]
    out = run("check", broken).out
    assert f"{fault['code']}  score.py:4" in out
    assert "would be invalid" in out


def test_folder_zip_tar_and_manifest_give_the_same_report(run, broken, tmp_path):
    with (tmp_path / "diabetes.zip").open("wb") as file:
        zip_folder(broken, file)
    with tarfile.open(tmp_path / "diabetes.tar.gz", "w:gz") as tar:
        tar.add(broken, ".")
    reports = [
        run("check", each, "--json") for each in (broken, broken / "manifest.yml", tmp_path / "diabetes.zip", tmp_path / "diabetes.tar.gz")
    ]
    assert [ran.code for ran in reports] == [1] * 4
    assert all(ran.value == reports[0].value for ran in reports)


def test_an_override_is_checked_too(run, bundle):
    ran = run("check", bundle, "--set", "nonsense=1", "--json")
    assert ran.code == 1
    assert any("nonsense" in fault["message"] for fault in ran.value["faults"])


def test_nothing_there_is_a_wrong_command_line_and_no_verdict(run, tmp_path):
    assert run("check", tmp_path / "none").code == 5


def test_a_setting_that_makes_no_sense_is_named(run, bundle, monkeypatch):
    monkeypatch.setenv("MODELGATE_KPIS", "{")
    ran = run("check", bundle)
    assert ran.code == 5
    assert "MODELGATE_KPIS" in ran.err


def test_the_folder_where_one_stands_has_a_name(run, bundle, monkeypatch):
    (bundle / "manifest.yml").write_text((bundle / "manifest.yml").read_text().replace("name: diabetes\n", ""))
    monkeypatch.chdir(bundle)
    assert "would be accepted as diabetes" in run("check", ".").out


def test_it_takes_less_than_a_second_of_work(bundle):
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    took = []
    for _ in range(3):
        before = spent()
        subprocess.run([sys.executable, "-m", "cli.main", "check", bundle], capture_output=True, check=True)
        took.append(spent() - before)
    assert min(took) < 1.0  # of a processor: other tests may run beside this one
