from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from laptop.drop_folder import DropFolder, has_zip_end
from shared.adapters.local.addresses import etag_of, path_of
from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.signals import Signals


@pytest.fixture
def signals() -> Signals:
    return Signals(HeapQueue())


@pytest.fixture
def folder(home, signals) -> DropFolder:
    return DropFolder(home, signals)


def told(signals: Signals, timeout: float = 0) -> list[dict[str, object]]:
    found = []
    while event := signals.next_event(timeout):
        found.append(event)
    return found


def names(signals: Signals) -> list[str]:
    return [event["subject"].partition("/blobs/")[2] for event in told(signals)]


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("score.py", "x" * 1000)
        archive.comment = b"a comment"
    return path


def test_a_whole_zip_is_told_at_the_second_look(home, folder, signals):
    path = zipped(home.drops / "my model.zip")
    assert folder.look() == 0
    assert folder.look() == 1
    (event,) = told(signals)
    data = event["data"]
    assert event["subject"] == "/blobServices/default/containers/model-drop/blobs/my model.zip"
    assert (data["api"], data["blobType"], data["contentType"]) == ("PutBlob", "BlockBlob", "application/zip")
    assert data["contentLength"] == path.stat().st_size
    assert data["eTag"] == etag_of(path)
    assert data["url"] == "http://laptop.localhost/model-drop/my%20model.zip"
    assert path_of(home, data["url"]) == path


def test_what_was_told_is_not_told_again(home, folder, signals):
    zipped(home.drops / "a.zip")
    for _ in range(5):
        folder.look()
    assert names(signals) == ["a.zip"]


def test_a_file_written_over_is_told_again_with_a_later_sequencer(home, folder, signals):
    path = home.drops / "a.txt"
    for text in ("one", "more"):
        path.write_text(text)
        folder.look()
        folder.look()
    first, second = told(signals)
    assert first["data"]["eTag"] != second["data"]["eTag"]
    assert first["data"]["sequencer"] < second["data"]["sequencer"]


def test_a_file_that_went_and_came_back_is_told_again(home, folder, signals):
    path = home.drops / "a.txt"
    path.write_text("one")
    folder.look()
    folder.look()
    path.rename(home.work / "a.txt")
    folder.look()
    (home.work / "a.txt").rename(path)
    folder.look()
    folder.look()
    assert names(signals) == ["a.txt", "a.txt"]


def test_half_a_zip_is_not_told(home, folder, signals):
    whole = zipped(home.work / "a.zip").read_bytes()
    (home.drops / "a.zip").write_bytes(whole[:-5])
    for _ in range(5):
        folder.look()
    assert names(signals) == []
    with (home.drops / "a.zip").open("ab") as file:
        file.write(whole[-5:])
    folder.look()
    folder.look()
    assert names(signals) == ["a.zip"]


def test_a_zip_that_never_gets_its_end_is_told_once_it_is_quiet(home, folder, signals):
    path = home.drops / "a.zip"
    path.write_bytes(b"PK\x03\x04 broken off")
    folder.look()
    folder.look()
    assert names(signals) == []
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - 3_000_000_000))
    folder.look()
    folder.look()
    assert names(signals) == ["a.zip"]


def test_a_tar_is_told_once_it_is_quiet(home, folder, signals):
    path = home.drops / "a.tar.gz"
    path.write_bytes(b"\x1f\x8b")
    folder.look()
    folder.look()
    assert names(signals) == []
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - 1_500_000_000))
    folder.look()
    folder.look()
    assert names(signals) == ["a.tar.gz"]


def test_a_growing_file_is_not_told(home, folder, signals):
    path = home.drops / "model.pkl"
    with path.open("wb", buffering=0) as file:
        for _ in range(5):
            file.write(b"x")
            folder.look()
    assert names(signals) == []
    folder.look()
    assert names(signals) == ["model.pkl"]


@pytest.mark.parametrize("name", ["a.zip.part", "a.zip~", ".a.zip", ".hidden/a.zip", "a.zip.crdownload", "a.PART"])
def test_unfinished_and_hidden_names_are_not_told(home, folder, signals, name):
    (home.drops / name).parent.mkdir(exist_ok=True)
    zipped(home.drops / name)
    folder.look()
    folder.look()
    assert names(signals) == []


def test_a_link_is_not_followed(home, folder, signals, tmp_path):
    zipped(tmp_path / "a.zip")
    (home.drops / "a.zip").symlink_to(tmp_path / "a.zip")
    (home.drops / "b").symlink_to(tmp_path)
    folder.look()
    folder.look()
    assert names(signals) == []


def test_files_in_folders_are_told_and_ready_comes_last(home, folder, signals):
    inside = home.drops / "team" / "diabetes"
    inside.mkdir(parents=True)
    for name in ("_READY", "score.py", "conda.yml"):
        (inside / name).write_text(name)
    folder.look()
    folder.look()
    found = names(signals)
    assert found[-1] == "team/diabetes/_READY"
    assert sorted(found) == ["team/diabetes/_READY", "team/diabetes/conda.yml", "team/diabetes/score.py"]


def test_ready_waits_for_files_of_its_folder_that_still_grow(home, folder, signals):
    inside = home.drops / "diabetes"
    inside.mkdir()
    (inside / "_READY").touch()
    with (inside / "model.pkl").open("wb", buffering=0) as file:
        for _ in range(3):
            file.write(b"x")
            folder.look()
    assert names(signals) == []
    folder.look()
    assert names(signals) == ["diabetes/model.pkl", "diabetes/_READY"]


def test_ready_does_not_wait_for_other_folders(home, folder, signals):
    for name in ("one", "two"):
        (home.drops / name).mkdir()
    (home.drops / "one" / "_READY").touch()
    with (home.drops / "two" / "model.pkl").open("wb", buffering=0) as file:
        for _ in range(3):
            file.write(b"x")
            folder.look()
    assert names(signals) == ["one/_READY"]


def test_after_a_start_everything_is_told_again(home, folder, signals):
    zipped(home.drops / "a.zip")
    folder.look()
    folder.look()
    told(signals)
    again = DropFolder(home, signals)
    again.look()
    again.look()
    assert names(signals) == ["a.zip"]


def test_a_container_that_is_gone_is_no_error(home, folder):
    home.drops.rmdir()
    assert folder.look() == 0


def test_a_drop_is_told_within_a_second_while_watching(home, folder, signals):
    folder.start()
    try:
        zipped(home.drops / "a.zip")
        start = time.monotonic()
        assert signals.next_event(10) is not None
        assert time.monotonic() - start < 1.0
    finally:
        folder.close()


@pytest.mark.parametrize("tail", [b"", b"PK\x05\x06", b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06" + b"\0" * 18 + b"more"])
def test_what_is_no_end_of_a_zip_is_not_taken_for_one(tmp_path, tail):
    (tmp_path / "a").write_bytes(b"x" * 100 + tail)
    assert not has_zip_end(tmp_path / "a")


def test_an_empty_zip_has_an_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w"):
        pass
    assert has_zip_end(tmp_path / "a")
