"""What every keeper of evidence promises."""

from __future__ import annotations

import pytest

from shared.adapters.local.folder_evidence import FolderEvidence
from shared.adapters.memory import MemoryEvidence
from shared.domain.errors import NotFound

ID = "rk4w7zq2m5h6t3xa"


@pytest.fixture(params=["memory", "local"])
def evidence(request, home):
    return MemoryEvidence() if request.param == "memory" else FolderEvidence(home)


def test_what_was_put_is_there(evidence):
    evidence.put(ID, "logs/build.log", b"built\n")
    assert evidence.get(ID, "logs/build.log") == b"built\n"


def test_a_second_put_replaces(evidence):
    evidence.put(ID, "verdict.json", b"1")
    evidence.put(ID, "verdict.json", b"2")
    assert evidence.get(ID, "verdict.json") == b"2"


def test_names_are_sorted_and_of_this_release_only(evidence):
    for name in ("report.html", "plots/residuals.svg", "logs/build.log"):
        evidence.put(ID, name, b"x")
    evidence.put("rother", "report.html", b"y")
    assert tuple(evidence.names(ID)) == ("logs/build.log", "plots/residuals.svg", "report.html")


def test_what_is_not_there_is_not_found(evidence):
    with pytest.raises(NotFound):
        evidence.get(ID, "report.html")


def test_a_release_without_evidence_has_no_names(evidence):
    assert tuple(evidence.names("rnobody")) == ()


# --- the folder alone --------------------------------------------------------------------------------------------------

HOSTILE = ["../verdict.json", "logs/../../x", "/etc/passwd", "", ".", "logs/", "a\\b", "a\x00b", "x/./y", ".hidden", "n" * 200, "a\nb"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_not_found(home, name):
    (home.releases / "verdict.json").write_text("not yours")
    with pytest.raises(NotFound):
        FolderEvidence(home).get(ID, name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_never_written(home, name):
    before = sorted(home.root.rglob("*"))
    with pytest.raises(ValueError, match="no file of that name"):
        FolderEvidence(home).put(ID, name, b"x")
    assert sorted(home.root.rglob("*")) == before


@pytest.mark.parametrize("release_id", ["..", "../..", "", "a/b", "/etc"])
def test_a_release_id_that_leads_elsewhere_is_not_found(home, release_id):
    with pytest.raises(NotFound):
        FolderEvidence(home).get(release_id, "report.html")


def test_a_link_out_of_the_folder_is_not_followed(home, tmp_path):
    (tmp_path / "secret").write_text("hush")
    (home.release(ID) / "report.html").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound):
        FolderEvidence(home).get(ID, "report.html")
    assert FolderEvidence(home).names(ID) == ()


def test_half_written_files_are_not_named(home):
    (home.release(ID) / ".abc.part").write_bytes(b"half")
    assert FolderEvidence(home).names(ID) == ()


def test_looking_makes_no_folder(home):
    evidence = FolderEvidence(home)
    assert evidence.local_path(ID) is None
    assert evidence.names(ID) == ()
    assert list(home.releases.iterdir()) == []


def test_a_release_with_evidence_has_a_place(home):
    evidence = FolderEvidence(home)
    evidence.put(ID, "report.html", b"x")
    assert evidence.local_path(ID) == home.releases / ID
