from __future__ import annotations

import json
from dataclasses import replace

import azure.functions as func
import jsonschema
import pytest

from function_app import on_http as doors
from function_app import pages
from function_app.openapi import ROUTES, SCHEMAS, document
from shared.domain.release import Stage, Verdict
from shared.domain.saved import Saved
from shared.ports import DeadLetter
from tests.contracts.test_bundle_store import archive
from tests.contracts.test_release_store import NOW, release, rich

pytestmark = pytest.mark.usefixtures("parts")
ID = "raaaaaaaaaaaaaaa"


def ask(door, method="GET", body=b"", query="", headers=None, **route):
    params = dict(part.split("=", 1) for part in query.split("&") if part)
    url = f"http://127.0.0.1:7071/x?{query}"
    return door(func.HttpRequest(method=method, url=url, headers=headers or {}, params=params, route_params=route, body=body))


def told(answer):
    return json.loads(answer.get_body())


def there(parts, stage=Stage.BUILDING, **more):
    parts.ports.releases.save(Saved(replace(release(ID, stage), **more), 1), expected=0)


def test_health_answers():
    assert told(ask(doors.health)) == {"status": "ok"}


def test_an_archive_in_the_body_starts_a_release():
    answer = ask(doors.new_release, "POST", archive(), "name=diabetes.zip", {"x-modelgate-submitter": "ana@example.com"})
    assert answer.status_code == 202
    assert set(told(answer)["links"]) >= {"report", "logs", "events"}
    assert told(ask(doors.release, id=told(answer)["id"]))["submitter"] == "ana@example.com"


def test_the_same_archive_posted_twice_is_two_drops():
    first, second = (told(ask(doors.new_release, "POST", archive(), "name=diabetes.zip"))["id"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"hello", {}, 400),
        (b"", {}, 400),
        (b'{"url": "https://elsewhere.example/x.zip"}', {"content-type": "application/json"}, 400),
        (b'{"url": "http://laptop.localhost/model-drop/../state.db"}', {"content-type": "application/json"}, 400),
        (b'{"url": "http://laptop.localhost/model-drop/absent.zip"}', {"content-type": "application/json"}, 400),
        (b"{", {"content-type": "application/json"}, 400),
        (b"PK", {"x-modelgate-submitter": "a@b\r\nBcc: x@y"}, 400),
    ],
)
def test_what_cannot_be_a_drop_is_refused_with_a_sentence(body, headers, status):
    answer = ask(doors.new_release, "POST", body, headers=headers)
    assert answer.status_code == status
    assert told(answer)["error"]["message"]


def test_a_body_over_100_mb_is_sent_to_uploads():
    answer = ask(doors.new_release, "POST", b"PK" + bytes(100_000_001))
    assert answer.status_code == 413
    assert "/api/uploads" in told(answer)["error"]["fix"]


def test_an_upload_slot_names_where_to_put_and_what_to_post():
    answer = told(ask(doors.new_upload, "POST", query="name=big.zip"))
    assert answer["upload_url"].startswith("http://127.0.0.1:7071/storage/model-drop/")
    assert answer["drop_url"].startswith("http://laptop.localhost/model-drop/")


def test_a_release_has_the_published_shape(parts):
    parts.ports.releases.save(Saved(replace(rich(), id=ID), 1), expected=0)
    body = told(ask(doors.release, id=ID))
    jsonschema.validate(
        body, {**SCHEMAS["Release"], "required": list(SCHEMAS["Release"]["properties"]), "components": {"schemas": SCHEMAS}}
    )
    assert body["created_at"].endswith("Z")


def test_releases_are_listed_in_pages(parts):
    for number in range(3):
        parts.ports.releases.save(Saved(release(f"r{number}"), 1), expected=0)
    first = told(ask(doors.releases, query="limit=2"))
    second = told(ask(doors.releases, query=f"limit=2&after={first['next']}"))
    assert [one["id"] for one in first["releases"] + second["releases"]] == ["r2", "r1", "r0"]
    assert second["next"] is None


@pytest.mark.parametrize(("query", "status"), [("limit=0", 400), ("limit=x", 400), ("stage=nowhere", 400), ("after=zzz", 404)])
def test_a_listing_that_makes_no_sense_is_refused(query, status):
    assert ask(doors.releases, query=query).status_code == status


@pytest.mark.parametrize("door", ["release", "release_report", "release_logs", "release_events", "release_cancellation", "release_retry"])
def test_a_release_that_is_not_there_is_404(door):
    answer = ask(getattr(doors, door), id="../../etc")
    assert (answer.status_code, told(answer)["error"]["code"]) == (404, "not_found")


def test_a_report_before_the_verdict_is_409(parts):
    there(parts)
    assert ask(doors.release_report, id=ID).status_code == 409


def test_a_report_after_the_verdict_is_there_even_if_its_file_is_not_yet(parts):
    there(parts, Stage.PASSED, verdict=Verdict.PASSED)
    answer = ask(doors.release_report, id=ID)
    assert answer.mimetype == "text/html"
    assert b"passed" in answer.get_body()


def test_cancelling_ends_a_release_and_doing_it_twice_is_409(parts):
    there(parts)
    assert told(ask(doors.release_cancellation, "POST", id=ID))["verdict"] == "cancelled"
    assert ask(doors.release_cancellation, "POST", id=ID).status_code == 409


def test_a_decision_needs_a_person(parts):
    there(parts, Stage.AWAITING_DECISION)
    body = {"outcome": "pass", "reason": "enough for a pilot"}
    assert ask(doors.release_decision, "POST", json.dumps(body).encode(), id=ID).status_code == 403
    decided = told(ask(doors.release_decision, "POST", json.dumps(body | {"as": "lee@example.com"}).encode(), id=ID))
    assert (decided["stage"], decided["decision"]["by"]) == ("passed", "lee@example.com")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"outcome": "maybe", "reason": "x"}', b'{"outcome": "pass"}', b"x"])
def test_a_decision_without_outcome_or_reason_is_refused(parts, body):
    there(parts, Stage.AWAITING_DECISION)
    assert ask(doors.release_decision, "POST", body, id=ID).status_code == 400


def test_a_retry_goes_back_to_a_stage_on_the_way(parts):
    there(parts, Stage.ERROR, stopped_at=Stage.DEPLOYING)
    assert told(ask(doors.release_retry, "POST", b'{"from": "building"}', id=ID))["stage"] == "building"


def test_logs_name_each_stage(parts):
    there(parts)
    parts.ports.evidence.put(ID, "logs/build.log", b"Resolved 12 packages")
    text = ask(doors.release_logs, id=ID).get_body().decode()
    assert "== logs/build.log ==\nResolved 12 packages" in text


def test_dead_letters_are_listed_and_only_our_own_keys_are_requeued(parts):
    parts.ports.dead_letters.put(DeadLetter(f"{ID}/2/0", ID, "BuildImage", "no quota", NOW))
    assert told(ask(doors.dead_letters))["deadletters"][0]["reason"] == "no quota"
    assert ask(doors.dead_letter_requeue, "POST", key="../x/requeue").status_code == 404


def test_pages_escape_what_bundles_say(parts):
    there(parts, name="<script>alert(1)</script>")
    for answer in (ask(pages.dashboard), ask(pages.release_page, id=ID)):
        assert b"<script>alert(1)" not in answer.get_body()
        assert b"alert(1)" in answer.get_body()


def test_openapi_tells_every_route_that_is_there(app_functions):
    routes = set()
    for name, function in app_functions.items():
        trigger = function.trigger.get_dict_repr()
        if trigger["type"] == "httpTrigger" and trigger["route"].startswith("api/"):
            path = "/" + trigger["route"].replace("{*key}", "{key}/requeue")
            routes |= {(path, method.value.lower(), name) for method in trigger["methods"]}
    assert routes == {(path, method, name) for path, method, name, *_ in ROUTES}


def test_openapi_refers_only_to_what_it_defines():
    text = json.dumps(document())
    assert {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]} <= set(SCHEMAS)
