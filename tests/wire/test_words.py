from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.release import Decision, Stage, Verdict
from shared.wire.words import headline, kpi_mark, kpi_reach, kpi_sentence, main_kpi, next_step, not_checked, summary, tone
from tests.wire import samples as s


def judged(rule, limit, value, holds=True, **more):
    return s.kpi("r2", rule, limit, value, holds, **more)


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_a_headline_a_tone_and_a_next_step(stage):
    release = replace(s.PASSED, stage=stage)
    assert headline(release).startswith("diabetes 3 ")
    assert tone(stage)
    assert next_step(release)[1]
    summary(release)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("passed", "diabetes 3 passed"),
        ("failed", "diabetes 4 works, but misses 3 of 4 KPIs"),
        ("inconclusive", "diabetes 5 is too close to call"),
        ("invalid", "diabetes has 3 faults to mend"),
        ("error", "diabetes 3 could not be judged: the fault is ours"),
    ],
)
def test_the_headline_is_the_answer(name, said):
    assert headline(s.MAILS[name][0]) == said


def test_what_is_only_shown_does_not_count():
    shown = s.kpi("peak_memory_mb", "max", 100.0, 212.0, False, mode="report")
    release = replace(s.FAILED, kpis=(shown, *s.FAILED.kpis))
    assert headline(release) == "diabetes 4 works, but misses 3 of 4 KPIs"
    assert main_kpi(release).metric == "r2"
    assert kpi_mark(shown) == "shown only"


def test_two_kpis_are_both():
    assert summary(replace(s.PASSED, kpis=s.PASSED.kpis[:2])).startswith("Both KPIs hold. ")


def test_a_persons_decision_is_told_as_one():
    decided = replace(s.INCONCLUSIVE, stage=Stage.PASSED, decision=Decision("pass", "lee@example.com", "good enough", s.START))
    assert headline(decided) == "diabetes 5 passed by a person's decision"
    assert summary(decided) == "lee@example.com decided: good enough"


@pytest.mark.parametrize(
    ("kpi", "said"),
    [
        (judged("min", 0.4, 0.3087, False), "r2 is 0.31, 0.09 below its limit of 0.40"),
        (judged("max", 60, 63.21, False), "r2 is 63.2, 3.2 above its limit of 60.0"),
        (judged("min", 0.4, 0.4), "r2 is 0.40, exactly its limit"),
        (judged("min", 0.4, None, False), "r2 has no value"),
        (judged("min", 0.4, 0.3, False, slice="sex=1"), "r2 (sex=1) is 0.30, 0.10 below its limit of 0.40"),
        (judged("gain", 0.0, 0.01), "r2 is 0.01 (limit 0.00)"),
    ],
)
def test_a_kpi_is_said_in_one_sentence(kpi, said):
    assert kpi_sentence(kpi) == said


@pytest.mark.parametrize(
    ("kpi", "side"),
    [
        (judged("min", 0.4, 0.5), 1),
        (judged("min", 0.4, 0.3), -1),
        (judged("max", 60, 50), 1),
        (judged("max", 60, 70), -1),
        (judged("min", 0.4, 0.4000001), 1),
        (judged("min", 0.4, 0.4), 0),
        (judged("min", 0.0, -1e9), -1),
    ],
)
def test_what_holds_stands_right_of_its_limit(kpi, side):
    reach = kpi_reach(kpi)
    assert -100 <= reach <= 100
    assert (reach > 0) - (reach < 0) == side


def test_an_undecided_release_that_expired_is_not_told_as_a_fault_of_its_files():
    expired = replace(s.INCONCLUSIVE, stage=Stage.EXPIRED, stopped_at=Stage.EVALUATING, verdict=Verdict.INCONCLUSIVE)
    assert "nobody decided" in summary(expired)
    assert not_checked(expired) == []


def test_a_folder_that_joined_another_says_where_its_answer_comes_from():
    joined = replace(s.DUPLICATE, bundle=None, verdict=None)
    assert "belong to release rk4w7zq2m5h6t3xa" in summary(joined)


def test_the_stage_where_an_invalid_bundle_stopped_was_checked():
    assert not_checked(replace(s.INVALID, stopped_at=Stage.SCORING)) == ["No KPI was judged."]


def test_a_batch_bundle_has_no_endpoint_that_could_be_unchecked():
    batch = replace(s.ERROR, bundle=replace(s.bundle(), style="batch"))
    assert not any("request" in line for line in not_checked(batch))
