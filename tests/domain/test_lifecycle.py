from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import UTC, datetime
from itertools import product

import pytest

from shared.domain import facts as f
from shared.domain.bundle import Drop
from shared.domain.errors import NoSuchStep
from shared.domain.lifecycle import ANY, ON_THE_WAY, START, STOPPED, TABLE, decide, is_early
from shared.domain.release import ENDED, WAY, Endpoint, Image, KpiResult, Release, Scores, Stage, Verdict
from tests.world import bundle

NOW = datetime(2026, 1, 2, tzinfo=UTC)
VALUES = {
    "drop": Drop("http://x/model-drop/a.zip", "1", "a"),
    "bundle": bundle(),
    "faults": (),
    "image": Image("environments/1", "sha256:1"),
    "endpoint": Endpoint("http://127.0.0.1:1/score"),
    "scores": Scores({"r2": 0.5}, {}, 10, 0),
    "kpis": (KpiResult("r2", "min", 0.4, 0.5, True),),
    "stage": Stage.BUILDING,
    "version": 1,
    "run": "mg-r1-1",
    "succeeded": True,
    "ours": True,
    "verdict": Verdict.PASSED,
    "into": None,
}


def a(kind):
    needed = [one.name for one in fields(kind) if one.default is MISSING]
    return kind(**{name: VALUES.get(name, "x") for name in needed})


def at(stage, **more):
    base = {"version": 1, "run": "mg-r1-1", "stopped_at": Stage.BUILDING if stage in STOPPED else None, "bundle": bundle()}
    return Release("r1", VALUES["drop"], "a", stage, NOW, NOW, NOW, **(base | more))


@pytest.mark.parametrize(("stage", "kind"), list(product(Stage, f.FACTS.values())))
def test_every_pair_moves_by_a_row_or_is_refused(stage, kind):
    rows = [row for row in TABLE if stage in row.stages and row.on is kind]
    try:
        move = decide(at(stage), a(kind), NOW)
    except NoSuchStep:
        assert not any(row.guard.__name__ == "always" for row in rows)
    else:
        assert rows
        assert len(move.release.history) == 1


@pytest.mark.parametrize("stage", WAY)
def test_every_stage_on_the_way_has_a_beginning_an_end_and_a_way_out(stage):
    assert stage in START
    assert any(row.stages == frozenset({stage}) and row.goto is not stage for row in TABLE)
    assert isinstance(decide(at(stage), f.CancelAsked("ana"), NOW).release.verdict, Verdict)


@pytest.mark.parametrize("stage", sorted(ENDED))
def test_an_ended_release_is_moved_only_by_a_person(stage):
    moving = {row.on for row in TABLE if stage in row.stages and row.stages != ANY}
    assert moving <= {f.RetryAsked}


def test_no_row_is_hidden_behind_an_earlier_one():
    seen = set()
    for row in TABLE:
        for stage in row.stages:
            assert (stage, row.on) not in seen, f"{stage} {row.on.__name__} can never be reached"
            if row.guard.__name__ == "always":
                seen.add((stage, row.on))


@pytest.mark.parametrize(
    ("holds", "stage", "verdict"),
    [(True, Stage.PASSED, Verdict.PASSED), (False, Stage.FAILED, Verdict.FAILED), (None, Stage.AWAITING_DECISION, Verdict.INCONCLUSIVE)],
)
def test_the_gate_decides_where_an_evaluated_release_goes(holds, stage, verdict):
    fact = f.Evaluated(VALUES["scores"], (KpiResult("r2", "min", 0.4, 0.5, holds),))
    release = decide(at(Stage.EVALUATING), fact, NOW).release
    assert (release.stage, release.verdict) == (stage, verdict)


def test_a_decision_changes_the_stage_and_never_the_verdict():
    release = decide(
        at(Stage.AWAITING_DECISION, verdict=Verdict.INCONCLUSIVE), f.Decided("pass", "lee@example.com", "small data"), NOW
    ).release
    assert (release.stage, release.verdict, release.decision.by) == (Stage.PASSED, Verdict.INCONCLUSIVE, "lee@example.com")


@pytest.mark.parametrize(("target", "stage"), [("cluster", Stage.SCORING), ("aci", Stage.DEPLOYING), ("aks", Stage.DEPLOYING)])
def test_a_cluster_release_goes_from_building_to_scoring(target, stage):
    built = f.ImageBuilt(VALUES["image"])
    assert decide(at(Stage.BUILDING, bundle=bundle(target=target)), built, NOW).release.stage is stage


@pytest.mark.parametrize("stage", sorted(ON_THE_WAY))
def test_a_failure_of_ours_is_an_error_and_one_of_the_bundle_is_invalid(stage):
    assert decide(at(stage), f.StageFailed((), ours=True), NOW).release.verdict is Verdict.ERROR
    assert decide(at(stage), f.StageFailed((), ours=False), NOW).release.verdict is Verdict.INVALID


def test_a_retry_begins_a_new_attempt_where_the_release_stopped():
    stopped = decide(at(Stage.DEPLOYING, history=decide(at(Stage.BUILDING), f.ImageBuilt(VALUES["image"]), NOW).release.history),
                     f.StageFailed((), ours=True), NOW).release  # fmt: skip
    again = decide(stopped, f.RetryAsked("op"), NOW).release
    assert (stopped.stopped_at, again.stage, again.attempt, again.verdict) == (Stage.DEPLOYING, Stage.DEPLOYING, 2, None)


def test_a_retry_does_not_skip_ahead_of_where_the_release_stopped():
    with pytest.raises(NoSuchStep):
        decide(at(Stage.ERROR), f.RetryAsked("op", Stage.SCORING), NOW)


def test_a_run_of_another_attempt_says_nothing():
    with pytest.raises(NoSuchStep):
        decide(at(Stage.SCORING), f.RunEnded("mg-r1-7", succeeded=True), NOW)


@pytest.mark.parametrize(
    ("stage", "early"), [(Stage.BUILDING, True), (Stage.SCORING, False), (Stage.EVALUATING, False), (Stage.PASSED, False)]
)
def test_a_fact_is_early_only_before_its_stage(stage, early):
    assert is_early(at(stage), f.RunEnded("mg-r1-1", succeeded=True)) is early


def test_what_became_of_a_mail_is_told_once():
    fact = f.MailReported("Delivered", "ana@example.com")
    once = decide(at(Stage.PASSED), fact, NOW).release
    with pytest.raises(NoSuchStep):
        decide(once, fact, NOW)
