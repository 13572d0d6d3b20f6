from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.release import Stage
from tests.world import World

FILES = ("team/diabetes/model.pkl", "team/diabetes/score.py", "team/diabetes/conda.yml")


@pytest.fixture
def world():
    return World()


def only(world):
    (ident,) = world.store.saved
    return world.release(ident)


def test_a_whole_folder_starts_when_it_has_been_quiet(world):
    for path in FILES:
        world.drop(path, etag=path)
    started = world.clock.now()
    world.run()
    release = only(world)
    assert release.stage is Stage.PASSED
    assert release.created_at + timedelta(seconds=30) <= release.history[1].at
    assert release.history[1].at <= started + timedelta(seconds=32)


def test_a_ready_mark_starts_the_folder_at_once(world):
    for path in (*FILES, "team/diabetes/_READY"):
        world.drop(path, etag=path)
    began = world.clock.now()
    world.run()
    assert only(world).history[1].at - began < timedelta(seconds=2)


def test_half_an_upload_never_starts(world):
    for path in FILES[:2]:
        world.drop(path, etag=path)
    world.run(hours=3)
    assert only(world).stage is Stage.COLLECTING


def test_half_an_upload_expires_after_a_day(world):
    world.drop(FILES[0])
    world.clock.pass_(timedelta(hours=25))
    world.sweep()
    assert only(world).stage is Stage.EXPIRED


def test_a_late_event_of_a_file_of_a_closed_folder_starts_nothing(world):
    for path in FILES:
        world.drop(path, etag=path)
    world.run()
    world.tell(FILES[1], etag=FILES[1])
    world.run()
    assert only(world).stage is Stage.PASSED


def test_a_file_that_changes_later_starts_the_next_release_of_the_folder(world):
    for path in FILES:
        world.drop(path, etag=path)
    world.run()
    world.drop(FILES[0], etag="new")
    world.run()
    assert len(world.store.saved) == 2


def test_a_file_in_an_inner_folder_that_came_first_joins_the_whole(world):
    world.drop("diabetes/src/score.py", etag="s")
    for path in ("diabetes/model.pkl", "diabetes/conda.yml"):
        world.drop(path, etag=path)
    world.run()
    ends = sorted(world.release(ident).stage for ident in world.store.saved)
    assert ends == [Stage.DUPLICATE, Stage.PASSED]


def test_loose_files_in_the_container_itself_are_one_drop(world):
    for path in ("model.pkl", "score.py", "conda.yml"):
        world.drop(path, etag=path)
    world.run()
    assert only(world).stage is Stage.PASSED
