"""`submit`, and the archive that it sends."""

from __future__ import annotations

import io
import os
import zipfile
from argparse import Namespace

import pytest

from cli.archive import archive_of
from cli.client import Client
from cli.submit import send


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "my-model"
    (folder / "data").mkdir(parents=True)
    (folder / "score.py").write_text("def init(): ...\n")
    (folder / "data" / "holdout.csv").write_text("a,b\n1,2\n")
    return folder


def sent(stand):
    return zipfile.ZipFile(io.BytesIO(stand.asked[0].body))


def test_a_folder_is_sent_as_a_zip_of_its_files(stand, ask, bundle):
    ran = ask("submit", bundle)
    assert ran.code == 0
    assert stand.asked[0].path == "/api/releases"
    assert stand.asked[0].headers["content-type"] == "application/zip"
    assert stand.asked[0].query == {"name": ["my-model.zip"]}
    assert sent(stand).namelist() == ["data/holdout.csv", "score.py"]
    assert "modelgate status raaaaaaaaaaaaaan --watch" in ran.out


def test_the_same_files_make_the_same_bytes_whenever_they_were_written(stand, ask, bundle):
    ask("submit", bundle)
    (bundle / "score.py").chmod(0o755)
    os.utime(bundle / "score.py", (0, 0))
    ask("submit", bundle)
    assert stand.asked[0].body == stand.asked[1].body


def test_what_machines_leave_behind_is_not_sent(stand, ask, bundle):
    for name in ("__pycache__/score.cpython-311.pyc", ".git/config", ".DS_Store", "data/.ipynb_checkpoints/x.py", "_READY"):
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text("x")
    ask("submit", bundle)
    assert sent(stand).namelist() == ["data/holdout.csv", "score.py"]


def test_a_link_is_sent_as_a_link_and_not_as_what_it_points_to(stand, ask, bundle, tmp_path):
    (tmp_path / "secret").write_text("do not send")
    (bundle / "link").symlink_to(tmp_path / "secret")
    (bundle / "folder").symlink_to(tmp_path)
    ask("submit", bundle)
    archive = sent(stand)
    assert archive.read("link") == str(tmp_path / "secret").encode()
    assert (archive.getinfo("folder").external_attr >> 28) == 0o12
    assert b"do not send" not in stand.asked[0].body


def test_an_archive_is_sent_as_it_is(stand, ask, tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8bbytes")
    ask("submit", tmp_path / "x.tar.gz")
    assert (stand.asked[0].body, stand.asked[0].headers["content-type"]) == (b"\x1f\x8bbytes", "application/gzip")
    assert stand.asked[0].query == {"name": ["x.tar.gz"]}


def test_force_overrides_and_submitter_go_along(stand, ask, bundle):
    ask("submit", bundle, "--force", "--set", "kpis.0.min=0.5", "--set", "name=a&b", "--as", "ana@example.com")
    assert stand.asked[0].query == {"name": ["my-model.zip"], "force": ["true"], "set": ["kpis.0.min=0.5", "name=a&b"]}
    assert stand.asked[0].headers["x-modelgate-submitter"] == "ana@example.com"


def test_an_override_that_is_none_is_refused_before_anything_is_sent(stand, ask, bundle):
    ran = ask("submit", bundle, "--set", "kpis")
    assert (ran.code, stand.asked) == (5, [])


def test_what_is_too_large_for_a_body_goes_by_a_write_url(stand, bundle):
    args = Namespace(force=True, set=[], submitter="ana@example.com")
    with archive_of(bundle) as archive:
        send(Client(stand.url, "secret"), archive, args, limit=archive.size - 1)
    slot, put, post = stand.asked
    assert (slot.path, slot.query) == ("/api/uploads", {"name": ["my-model.zip"], "force": ["true"]})
    assert slot.headers["x-modelgate-submitter"] == "ana@example.com"
    assert (put.method, put.path, put.headers["x-ms-blob-type"]) == ("PUT", "/storage/model-drop/x.zip", "BlockBlob")
    assert zipfile.ZipFile(io.BytesIO(put.body)).namelist() == ["data/holdout.csv", "score.py"]
    assert "x-functions-key" not in put.headers
    assert post.value == {"url": "https://laptop.invalid/model-drop/x.zip"}


def test_a_manifest_stands_for_its_folder(stand, ask, bundle):
    (bundle / "manifest.yml").write_text("name: x\n")
    ask("submit", bundle / "manifest.yml")
    assert stand.asked[0].query["name"] == ["my-model.zip"]


@pytest.mark.parametrize("name", ["none", "score.py"])
def test_what_is_no_bundle_is_refused_with_what_is_one(ask, bundle, name):
    ran = ask("submit", bundle / name)
    assert ran.code == 5
    assert "folder" in ran.err


def test_watching_waits_for_the_verdict_of_what_was_sent(stand, ask, bundle):
    stand.ends = {"stage": "failed", "verdict": "failed", "kpis": [stand.kpi | {"holds": False}]}
    ran = ask("submit", bundle, "--watch", "--json")
    assert (ran.code, ran.value["verdict"]) == (2, "failed")


def test_without_watching_the_document_is_id_and_links(ask, bundle):
    assert set(ask("submit", bundle, "--json").value) == {"id", "links"}


def test_a_file_that_cannot_be_read_is_a_sentence(ask, bundle):
    os.mkfifo(bundle / "pipe")
    ran = ask("submit", bundle)
    assert ran.code == 5
    assert "neither a file nor a folder" in ran.err
