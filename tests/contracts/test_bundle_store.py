"""What the laptop's drop container promises; the checks themselves are tested in tests/inspection."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.local.addresses import BASE, url_of
from shared.adapters.local.folder_bundles import FolderBundleStore
from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.signals import Signals
from shared.adapters.memory import MemoryClock
from shared.domain.bundle import Drop
from shared.domain.errors import Conflict, NotFound
from shared.domain.manifest import SiteDefaults
from shared.wiring import SystemClock

MANIFEST = "submitter: ana@example.com\ndata: {reference: holdout.csv, target: y, task: regression}\nkpis:\n  - {metric: r2, min: 0.1}\n"
FILES = {
    "score.py": "import json\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return [0 for _ in json.loads(data)['data']]\n",
    "conda.yml": "dependencies:\n  - python>=3.11\n  - pip:\n      - azureml-inference-server-http\n",
    "model.json": "{}",
    "manifest.yml": MANIFEST,
    "holdout.csv": "a,y\n1,2\n2,3\n",
}


@pytest.fixture
def store(home):
    return FolderBundleStore(home, SiteDefaults(), Signals(HeapQueue()), SystemClock(), base_url=lambda: "http://127.0.0.1:7071")


def archive(files=FILES):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as out:
        for name, content in files.items():
            out.writestr(name, content)
    return body.getvalue()


def put(home, name, body):
    path = home.drops / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return url_of(home, path)


def test_a_received_archive_is_inspected_and_frozen(store, home):
    drop = store.receive("diabetes.zip", archive(), {"submitter": "ana@example.com"})
    found = store.inspect(drop)
    assert found.bundle is not None, found.faults
    assert (home.bundle(found.bundle.digest) / "score.py").read_text() == FILES["score.py"]
    assert store.metadata(drop.url)["submitter"] == "ana@example.com"


def test_frozen_files_cannot_be_written(store, home):
    found = store.inspect(store.receive("diabetes.zip", archive(), {}))
    assert not (home.bundle(found.bundle.digest) / "score.py").stat().st_mode & 0o222


def test_a_drop_that_changed_since_its_event_is_a_conflict(store):
    drop = store.receive("diabetes.zip", archive(), {})
    with pytest.raises(Conflict):
        store.inspect(Drop(drop.url, "0xother", "diabetes"))


def test_a_drop_that_is_gone_is_not_found(store, home):
    drop = store.receive("diabetes.zip", archive(), {})
    next(home.drops.iterdir()).unlink()
    with pytest.raises(NotFound):
        store.inspect(drop)


def test_a_folder_and_an_archive_of_the_same_files_have_the_same_digest(store, home):
    for name, content in FILES.items():
        put(home, f"team/diabetes/{name}", content)
    url = f"{BASE}team/diabetes/"
    folder = store.inspect(Drop(url, store.listing(url).etag, "diabetes"))
    zipped = store.inspect(store.receive("diabetes.zip", archive(), {}))
    assert folder.bundle.digest == zipped.bundle.digest


def test_a_broken_archive_is_kept_and_told_as_a_fault(store, home):
    found = store.inspect(store.receive("diabetes.zip", archive()[:-30], {}))
    assert found.bundle is None
    assert found.faults[0].code.startswith("MG1")
    assert [path for path in home.bundles.iterdir() if path.is_file()]


def test_nothing_half_taken_in_is_left_behind(store, home):
    store.inspect(store.receive("diabetes.zip", archive({**FILES, "../x": "1"}), {}))
    assert not [path.name for path in home.bundles.iterdir() if path.name.startswith(".")]


def test_the_container_itself_lists_only_loose_files(store, home):
    put(home, "a.zip", b"PK")
    put(home, "team/x.txt", "1")
    put(home, "model.pkl", "1")
    assert [path for path, _ in store.listing(BASE).files] == ["model.pkl"]


def test_hidden_and_linked_files_are_no_part_of_a_folder(store, home):
    put(home, "team/.part", "1")
    put(home, "team/x", "1")
    (home.drops / "team/link").symlink_to("/etc/passwd")
    assert [path for path, _ in store.listing(f"{BASE}team/").files] == ["x"]


def test_uploads_are_those_that_changed_since_and_lie_still(home):
    clock = MemoryClock(datetime.now(UTC) + timedelta(minutes=5))
    store = FolderBundleStore(home, SiteDefaults(), Signals(HeapQueue()), clock, base_url=lambda: "")
    url = put(home, "team/x", "1")
    put(home, "team/y.part", "1")
    assert [found for found, _ in store.uploads(clock.now() - timedelta(minutes=15))] == [url]
    assert list(store.uploads(clock.now() - timedelta(minutes=1))) == []
    clock.pass_(timedelta(minutes=-5))
    assert list(store.uploads(clock.now() - timedelta(minutes=15))) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c.zip", "ü ö.zip", ".."])
def test_a_received_name_never_leads_out_of_the_container(store, home, name):
    store.receive(name, archive(), {})
    (path,) = home.drops.rglob("*")
    assert (path.parent, path.suffix) == (home.drops, ".zip")


def test_verification_data_that_is_not_there_is_told_while_validating(store):
    files = {**FILES, "manifest.yml": MANIFEST.replace("holdout.csv", "sales:3")}
    found = store.inspect(store.receive("diabetes.zip", archive(files), {}))
    assert found.bundle is None
    assert "MG501" in {fault.code for fault in found.faults}


def test_other_verification_data_is_another_question(store, home):
    files = {**FILES, "manifest.yml": MANIFEST.replace("holdout.csv", "sales.csv")}
    digests = []
    for content in ("a,y\n1,2\n", "a,y\n1,3\n"):
        (home.verification / "sales.csv").write_text(content)
        digests.append(store.inspect(store.receive("diabetes.zip", archive(files), {})).data_digest)
    assert len(set(digests)) == 2
