from __future__ import annotations

import json
from dataclasses import replace

import pytest

from function_app import on_event_grid as doors
from shared.domain.release import Release, Stage
from shared.domain.saved import Saved
from tests.contracts.test_release_store import release
from tests.world import bundle

EVENT_DOORS = (
    "bundle_uploaded",
    "model_registered",
    "image_pushed",
    "run_completed",
    "run_status_changed",
    "drift_detected",
    "mail_delivery_reported",
)
URL = "https://drops.blob.core.windows.net/model-drop/diabetes.zip"


def waiting(parts, stage, *keys, **more) -> Release:
    one = replace(release("r1", stage), version=3, run="mg-r1-1", bundle=bundle(), **more)
    parts.ports.releases.save(Saved(one, 1, keys=keys), expected=0)
    return one


def now(parts):
    return parts.ports.releases.load("r1").release


def releases(parts):
    return parts.ports.releases.page(name=None, stage=None, limit=10, after=None).releases


def test_an_uploaded_archive_starts_one_release_however_often_it_is_told(parts, recorded):
    for _ in range(3):
        doors.bundle_uploaded(recorded("blob_created"))
    (one,) = releases(parts)
    assert (one.stage, one.name, one.drop.etag) == (Stage.VALIDATING, "diabetes", "0x8d4bcc2e4835cd0")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api", "CreateFile"),
        ("api", "PutBlock"),
        ("url", "https://drops.blob.core.windows.net/other/diabetes.zip"),
        ("url", None),
        ("eTag", None),
    ],
)
def test_a_blob_that_is_no_committed_drop_starts_nothing(parts, recorded, key, value):
    event = json.loads(recorded("blob_created"))
    (event[0] if isinstance(event, list) else event)["data"][key] = value
    doors.bundle_uploaded(json.dumps(event))
    assert releases(parts) == ()


def test_an_etag_with_and_without_quotes_is_the_same_drop(parts, recorded):
    doors.bundle_uploaded(recorded("blob_created"))
    doors.bundle_uploaded(recorded("blob_created").replace('\\"', ""))
    assert len(releases(parts)) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[1]", "null", '"x"', "{}", '{"type": "x", "data": 1}', '[{"eventType": "x"}, {"eventType": "y"}]']
)
@pytest.mark.parametrize("door", EVENT_DOORS)
def test_what_is_no_event_is_dropped_and_the_door_returns(parts, door, text):
    assert getattr(doors, door)(text) is None
    assert releases(parts) == ()


def test_a_registered_model_moves_its_release_even_when_the_version_is_text(parts, recorded):
    waiting(parts, Stage.REGISTERING, "model:diabetes:3")
    doors.model_registered(recorded("model_registered").replace('"ModelVersion": 3', '"ModelVersion": "3"'))
    assert now(parts).stage is Stage.BUILDING


def test_an_image_asks_for_the_build_again(parts, recorded):
    waiting(parts, Stage.BUILDING, "image:modelgate/diabetes:abababababab")
    doors.image_pushed(recorded("image_pushed"))
    saved = parts.ports.releases.load("r1")
    assert [type(task.effect).__name__ for task in saved.tasks] == ["BuildImage"]


def test_a_completed_run_leads_to_the_gate(parts, recorded):
    waiting(parts, Stage.SCORING, "run:mg-r1-1")
    doors.run_completed(recorded("run_completed"))
    assert now(parts).stage is Stage.EVALUATING


def test_a_failed_run_is_explained_keys_in_any_case(parts, recorded):
    waiting(parts, Stage.SCORING, "run:mg-r1-1")
    doors.run_status_changed(recorded("run_status_changed"))
    assert [type(task.effect).__name__ for task in parts.ports.releases.load("r1").tasks] == ["ExplainRun"]


@pytest.mark.parametrize("status", ["Running", "NotStarted", "Queued", ""])
def test_a_run_that_goes_on_says_nothing(parts, recorded, status):
    waiting(parts, Stage.SCORING, "run:mg-r1-1")
    doors.run_status_changed(recorded("run_status_changed").replace('"failed"', json.dumps(status)))
    assert now(parts).stage is Stage.SCORING


def test_a_bounced_mail_stands_in_the_history(parts, recorded):
    waiting(parts, Stage.PASSED, "mail:950850f5-bcdf-4315-b77a-6447cf56fac9")
    doors.mail_delivery_reported(recorded("mail_reported"))
    assert now(parts).history[-1].reason == "Bounced: ana@example.com"


def test_one_event_moves_every_release_that_waits_for_it(parts, recorded):
    for ident in ("r1", "r2"):
        one = replace(release(ident, Stage.BUILDING), bundle=bundle())
        parts.ports.releases.save(Saved(one, 1, keys=("image:modelgate/diabetes:abababababab",)), expected=0)
    doors.image_pushed(recorded("image_pushed"))
    assert [parts.ports.releases.load(ident).revision for ident in ("r1", "r2")] == [2, 2]


def test_the_table_of_functions_is_the_designs(app_functions):
    table = {name: function.kind for name, function in app_functions.items()}
    assert {name for name, kind in table.items() if kind == "eventGridTrigger"} == set(EVENT_DOORS)
    assert {name for name, kind in table.items() if kind == "queueTrigger"} == {"perform_task", "poison_task"}
    assert {name for name, kind in table.items() if kind == "timerTrigger"} == {"sweep"}
