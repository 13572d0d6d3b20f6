from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from shared.domain.faults import Fault
from shared.domain.release import Scores
from shared.wire.report import outline, render_report
from tests.wire import samples as s
from tests.wire.test_mail import Tags, hostile


def report(release=s.PASSED, evidence=None):
    return render_report(release, s.evidence() if evidence is None else evidence).decode()


@pytest.mark.parametrize("name", s.MAILS)
def test_the_answer_is_the_first_heading(name):
    release, _ = s.MAILS[name]
    heading = re.search(r"<h1><bdi>(.*?)</bdi>", report(release, {}))[1]
    assert heading.startswith("diabetes")


def test_it_is_one_file_that_loads_nothing():
    tags = Tags(report())
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.seen)
    assert not [value for name, value in tags.attributes if name in ("src", "href") and value]


def test_its_policy_forbids_scripts_and_loading():
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', report())[1]
    assert policy.startswith("default-src &#39;none&#39;")
    assert "script-src" not in policy


def test_no_style_is_inline_so_that_the_policy_can_name_the_sheet_by_its_hash():
    assert "style" not in {name for name, _ in Tags(report()).attributes}


@pytest.mark.parametrize("word", ["0.46", "≥ 0.40", "holds", "latency_p95_ms", "shown only"])
def test_kpis_are_shown(word):
    assert word in report()


def test_a_kpi_that_is_only_shown_has_a_quiet_colour_whatever_its_value():
    shown = replace(s.PASSED.kpis[3], holds=False)
    assert 'class="kpi t-quiet"' in report(replace(s.PASSED, kpis=(shown,)))


def test_metrics_have_their_meaning():
    assert "variance" in report()


def test_the_submitters_own_figures_stand_apart():
    text = report()
    assert text.index("Reported by the submitter") < text.index("validation_r2")


def test_plots_are_drawn_into_the_page():
    assert report().count("<circle") == 89


def test_a_plot_that_is_not_safe_is_left_out():
    assert "alert" not in report(evidence={"plots/x.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'})


def test_the_smoke_test_shows_its_tries_but_no_values_of_the_data():
    text = report()
    assert "KeyError: &#39;data&#39; (score.py:14)" in text
    assert "[3 rows of 3 numbers]" in text
    assert "0.0381" not in text


def test_of_a_log_the_last_sixty_lines_are_shown_without_escapes():
    text = report()
    assert "package-79==1.79" in text
    assert "package-10==1.10" not in text
    assert "\x1b" not in text


def test_secrets_in_a_log_are_not_shown():
    assert "hunter22" not in report(evidence={"logs/build.log": b"Looking in https://ana:hunter22@index.example.com/simple\n"})


@pytest.mark.parametrize("word", [s.DIGEST, "environments/7d1f9a30c2b4", "scikit-learn==1.7.2", "mg-rk4w7zq2m5h6t3xa-1"])
def test_what_is_needed_to_reproduce_it_is_there(word):
    assert word in report()


def test_what_was_not_exercised_is_said():
    assert "no container image was built" in report()


def test_an_invalid_release_leads_with_its_faults():
    text = report(s.INVALID, {})
    assert text.index("What to mend") < text.index("What was not checked") < text.index("Next step")


def test_hostile_text_brings_no_markup():
    evil = s.HOSTILE.encode("utf-8", "replace")
    evidence = {"logs/build.log": evil, "lock.txt": evil, "smoke.json": json.dumps({"request": s.HOSTILE, "answer": s.HOSTILE}).encode()}
    text = report(hostile(), evidence)
    assert "script" not in Tags(text).seen
    assert not set("\x1b\u202e\x00") & set(text)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b'{"attempts": 3}', b'{"attempts": [null, 1, {}]}'])
def test_a_smoke_test_that_cannot_be_read_spoils_nothing(content):
    assert "diabetes 3 passed" in report(evidence={"smoke.json": content})


def test_odd_figures_spoil_nothing():
    odd = replace(s.PASSED, scores=Scores({"r2": float("nan"), "x" * 500: float("inf")}, {"y": -0.0}, 0, 0))
    assert "diabetes 3 passed" in report(odd)


def test_a_traceback_keeps_its_lines():
    text = report(replace(s.INVALID, faults=(Fault("MG301", "init() raised\nTraceback\n  score.py, line 3"),)), {})
    assert "Traceback\n  score.py, line 3</pre>" in text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"data": [[1.5, 2], [3, 4]]}', '{"data": [2 rows of 2 numbers]}'),
        ([1, 2, 3], "[3 numbers]"),
        ('"[1.5]"', "text"),
        ([{"a": 1}, {"a": 2}], '[2 entries, each {"a": number}]'),
        ([1, "x"], "[2 entries]"),
        ("plain words", "text"),
        ('{"data":[[0.5,-1,2e-3],[1,"Ana",null],[7\u2026', '{"data":[[·…],[·…],[·…'),
        ('[{"age":38,"name":"Ana \\"B\\""},{"age":4\u2026', '[{"age":·,"name":·},{"age":·…'),
        ('{"name": "An\u2026', '{"name": ·'),
        (None, ""),
        ([], "[0 entries]"),
    ],
)
def test_a_body_is_told_by_its_shape(body, told):
    assert outline(body) == told
