from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.faults import Fault
from shared.domain.release import Decision, HistoryLine, Image, Scores, Stage
from shared.wire.views import not_exercised, release_view, verdict_json
from tests.wire import samples as s

ALL = {**{name: release for name, (release, _) in s.MAILS.items()}, "running": s.RUNNING}
FIXED = "id name version stage verdict decision submitter reasons faults kpis metrics history links same_as created_at updated_at"


@pytest.mark.parametrize("name", ALL)
def test_every_release_has_the_fixed_keys(name):
    assert set(release_view(ALL[name])) >= set(FIXED.split())


@pytest.mark.parametrize("name", ALL)
def test_verdict_json_is_the_release_object(name):
    assert json.loads(verdict_json(ALL[name], "http://h")) == release_view(ALL[name], "http://h")


def test_shapes_are_the_published_ones():
    view = release_view(s.FAILED)
    assert set(view["kpis"][0]) >= {"metric", "rule", "limit", "value", "interval", "champion", "slice", "rows", "mode", "holds", "reason"}
    assert set(view["history"][0]) == {"at", "stage", "fact", "reason"}
    assert set(release_view(s.INVALID)["faults"][0]) == {"code", "severity", "file", "line", "message", "fix"}
    assert set(view["links"]) >= {"report", "logs", "events", "endpoint"}


def test_times_are_utc_with_z():
    view = release_view(s.PASSED)
    times = [view["created_at"], view["updated_at"], *(line["at"] for line in view["history"])]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", at) for at in times)


def test_the_verdict_is_null_until_known():
    assert release_view(s.RUNNING)["verdict"] is None
    assert release_view(s.RUNNING)["links"]["report"] is None


def test_a_decision_stands_beside_the_verdict():
    decided = replace(s.INCONCLUSIVE, stage=Stage.PASSED, decision=Decision("pass", "lee@example.com", "good enough", s.START))
    view = release_view(decided)
    assert view["verdict"] == "inconclusive"
    assert view["decision"] == {"outcome": "pass", "by": "lee@example.com", "reason": "good enough", "at": "2026-11-20T14:02:11Z"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_null(value):
    odd = replace(s.PASSED, scores=Scores({"r2": value}, {"x": value}, 1, 0), kpis=(replace(s.PASSED.kpis[0], value=value),))
    view = json.loads(verdict_json(odd))
    assert view["metrics"] == release_view(odd)["metrics"] == {"r2": None}
    assert view["kpis"][0]["value"] is None


def test_hostile_text_is_valid_json():
    odd = replace(s.INVALID, name=s.HOSTILE, faults=(Fault(s.HOSTILE, s.HOSTILE, s.HOSTILE, s.HOSTILE, 1),))
    assert json.loads(verdict_json(odd))["name"].startswith("x\r\nBcc")


def test_links_start_with_the_base_url():
    links = release_view(s.PASSED, "https://gate.example.com/")["links"]
    assert links["report"] == "https://gate.example.com/api/releases/rk4w7zq2m5h6t3xa/report"


# --- stages ------------------------------------------------------------------------------------------------------------


def states(release):
    return {row["stage"]: row["state"] for row in release_view(release)["stages"]}


def test_a_running_release_shows_where_it_is():
    assert states(s.RUNNING) == {
        "validating": "done", "registering": "done", "building": "done", "deploying": "done", "smoke_testing": "done",
        "scoring": "now", "evaluating": "todo",
    }  # fmt: skip


def test_a_stage_took_from_its_first_line_to_the_next_stages():
    seconds = {row["stage"]: row["seconds"] for row in release_view(s.PASSED)["stages"]}
    assert seconds["building"] == pytest.approx(1.68)
    assert seconds["evaluating"] == pytest.approx(0.25)


def test_where_it_stopped_is_marked():
    assert states(s.ERROR)["building"] == "stopped"
    assert states(s.ERROR)["deploying"] == "todo"


def test_a_cluster_release_skips_the_endpoint():
    history = tuple(line for line in s.PASSED.history if line.stage not in (Stage.DEPLOYING, Stage.SMOKE_TESTING))
    assert states(replace(s.PASSED, history=history))["smoke_testing"] == "skipped"


def test_a_retry_shows_the_present_attempt_only():
    again = s.START + timedelta(hours=1)
    retried = replace(
        s.ERROR,
        stage=Stage.BUILDING,
        stopped_at=None,
        attempt=2,
        history=(*s.ERROR.history, HistoryLine(again, Stage.BUILDING, "RetryAsked")),
    )
    shown = {row["stage"]: row for row in release_view(retried)["stages"]}
    assert shown["building"] == {"stage": "building", "state": "now", "started_at": "2026-11-20T15:02:11Z", "seconds": None}
    assert shown["registering"]["state"] == "done"


def test_a_retry_from_an_earlier_stage_forgets_the_later_ones():
    again = HistoryLine(s.START + timedelta(hours=1), Stage.BUILDING, "RetryAsked")
    retried = replace(s.CANCELLED, stage=Stage.BUILDING, stopped_at=None, attempt=2, history=(*s.CANCELLED.history, again))
    assert states(retried)["scoring"] == "todo"


def test_only_folders_are_collected():
    assert "collecting" in states(s.EXPIRED)
    assert "collecting" not in states(s.PASSED)


# --- what was not exercised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["Image", "Container", "Endpoint", "Network", "Identity"])
def test_the_laptop_says_what_azure_would_add(word):
    assert any(line.startswith(word) for line in not_exercised(s.PASSED))


def test_a_cluster_speaks_of_nodes_not_of_an_endpoint():
    lines = not_exercised(replace(s.PASSED, bundle=s.bundle(compute=replace(s.bundle().manifest.compute, target="cluster"))))
    assert any(line.startswith("Cluster") for line in lines)
    assert not any(line.startswith("Endpoint") for line in lines)


def test_an_image_of_azure_leaves_nothing_out():
    assert not_exercised(replace(s.PASSED, image=Image("mgacr.azurecr.io/diabetes:7d1f", "sha256:7d1f"))) == []


def test_nothing_is_said_before_anything_was_built():
    assert not_exercised(s.RECEIVED) == []
