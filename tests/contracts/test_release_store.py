from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain import effects as e
from shared.domain import facts as f
from shared.domain.bundle import Drop
from shared.domain.errors import Conflict, NotFound
from shared.domain.faults import Fault
from shared.domain.release import Endpoint, HistoryLine, Image, KpiResult, Release, Scores, Stage, Verdict
from shared.domain.saved import Saved
from tests.world import bundle

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def release(ident="r1", stage=Stage.BUILDING, name="diabetes", at=NOW):
    return Release(ident, Drop(f"http://x/model-drop/{ident}.zip", "1", name), name, stage, at, at, at)


def rich():
    return replace(
        release(),
        bundle=bundle(),
        image=Image("environments/1", "sha256:1", (Fault("MG210", "another patch", "none", "conda.yml", 3, "warning"),)),
        endpoint=Endpoint("http://127.0.0.1:1/score", 0.5),
        scores=Scores({"r2": 0.5}, {"mine": 1.0}, 10, 1),
        kpis=(KpiResult("r2", "min", 0.4, 0.5, True),),
        verdict=Verdict.PASSED,
        history=(HistoryLine(NOW, Stage.VALIDATING, "BundleUploaded", "x"),),
    )


def test_what_was_saved_is_loaded_as_it_was(release_store):
    task = e.Task("r1/1/0", e.SendMail("receipt"), NOW, 2, 1)
    saved = Saved(rich(), 1, (task,), ("run:x",), (f.RunEnded("x", succeeded=False),))
    release_store.save(saved, expected=0)
    assert release_store.load("r1") == saved


def test_an_unknown_release_is_none(release_store):
    assert release_store.load("r9") is None


@pytest.mark.parametrize("expected", [0, 2])
def test_another_revision_is_a_conflict_that_changes_nothing(release_store, expected):
    first = Saved(release(), 1)
    release_store.save(first, expected=0)
    with pytest.raises(Conflict):
        release_store.save(Saved(release(stage=Stage.PASSED), 3, keys=("new",)), expected=expected)
    assert release_store.load("r1") == first
    assert release_store.by_key("new") == ()


def test_of_many_writers_at_once_one_wins_each_revision(release_store):
    release_store.save(Saved(release(), 1), expected=0)
    won = []

    def write(number):
        try:
            release_store.save(Saved(replace(release(), name=f"n{number}"), 2), expected=1)
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [release_store.load("r1").release.name] == [f"n{number}" for number in won]


def test_a_key_finds_every_release_that_holds_it_the_oldest_first(release_store):
    for ident in ("r2", "r1"):
        release_store.save(Saved(release(ident), 1, keys=("image:x",)), expected=0)
    release_store.save(Saved(release("r2"), 2, keys=("image:x",)), expected=1)
    assert release_store.by_key("image:x") == ("r2", "r1")
    assert release_store.by_key("image:y") == ()


def test_open_are_those_not_ended_or_with_tasks_left(release_store):
    task = e.Task("r3/1/0", e.TakeDown(), NOW)
    for saved in (Saved(release("r1"), 1), Saved(release("r2", Stage.PASSED), 1), Saved(release("r3", Stage.PASSED), 1, (task,))):
        release_store.save(saved, expected=0)
    assert sorted(saved.release.id for saved in release_store.open()) == ["r1", "r3"]


def test_pages_are_newest_first_and_go_on_where_they_ended(release_store):
    for number in range(5):
        release_store.save(Saved(release(f"r{number}", at=NOW + timedelta(seconds=number // 2)), 1), expected=0)
    seen, after = [], None
    while True:
        page = release_store.page(name=None, stage=None, limit=2, after=after)
        seen += [one.id for one in page.releases]
        if (after := page.next) is None:
            break
    assert seen == ["r4", "r3", "r2", "r1", "r0"]


def test_a_page_can_be_of_one_name_and_stage(release_store):
    for number, (name, stage) in enumerate([("a", Stage.PASSED), ("b", Stage.PASSED), ("a", Stage.FAILED)]):
        release_store.save(Saved(release(f"r{number}", stage, name), 1), expected=0)
    page = release_store.page(name="a", stage="passed", limit=10, after=None)
    assert [one.id for one in page.releases] == ["r0"]


@pytest.mark.parametrize("cursor", ["nonsense", "%%%", "ä"])
def test_a_cursor_that_is_none_of_ours_is_not_found(release_store, cursor):
    with pytest.raises(NotFound):
        release_store.page(name=None, stage=None, limit=1, after=cursor)


def test_versions_count_from_one_for_each_name(release_store):
    assert [release_store.next_version(name) for name in ("a", "a", "b", "a")] == [1, 2, 1, 3]


def test_the_file_holds_what_was_saved_when_it_is_opened_again(home, database):
    from shared.adapters.local.sqlite_releases import SqliteDatabase, SqliteReleaseStore

    SqliteReleaseStore(database).save(Saved(rich(), 1), expected=0)
    other = SqliteDatabase(home.state)
    assert SqliteReleaseStore(other).load("r1").release == rich()
    other.close()
