from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.release import Stage
from shared.ports import Page
from shared.wire.pages import CSP, ago, dashboard, decide_page, error_page, release_page
from tests.wire import samples as s
from tests.wire.test_mail import Tags, hostile

ALL = tuple(release for release, _ in s.MAILS.values())


def test_the_dashboard_lists_every_release_with_a_link():
    html = dashboard(Page((s.PASSED, replace(s.FAILED, id="rother")), None))
    assert [value for name, value in Tags(html).attributes if name == "href"] == ["/", "/releases/rk4w7zq2m5h6t3xa", "/releases/rother"]


def test_the_dashboard_keeps_its_filter_and_leads_on():
    html = dashboard(Page((s.PASSED,), "next&one"), name='dia"betes', stage="passed")
    assert 'value="dia&#34;betes"' in html
    assert '<option value="passed" selected>' in html
    assert 'href="/?name=dia%22betes&amp;stage=passed&amp;after=next%26one"' in html


def test_an_empty_dashboard_says_how_to_begin():
    assert "modelgate init sklearn_diabetes my-model" in dashboard(Page((), None))


def test_an_empty_filter_leads_back():
    assert "No release fits this filter." in dashboard(Page((), None), stage="passed")


def test_dead_letters_are_counted_where_there_are_any():
    assert "2 tasks given up" in dashboard(Page((), None), dead_letters=2)
    assert "given up" not in dashboard(Page((), None))


@pytest.mark.parametrize(("release", "running"), [(s.RUNNING, True), (s.PASSED, False), (s.INCONCLUSIVE, False)])
def test_a_page_renews_itself_only_while_something_runs(release, running):
    assert ("data-running" in re.search(r"<main[^>]*>", release_page(release))[0]) is running


def test_the_one_script_is_the_one_that_the_policy_names():
    html = release_page(s.RUNNING)
    assert len(re.findall("<script", html)) == 1
    assert "script-src 'sha256-" in CSP
    assert "unsafe" not in CSP


@pytest.mark.parametrize("release", ALL, ids=lambda release: str(release.stage))
def test_every_release_has_a_page(release):
    assert release_page(release).count("<h1>") == 1


def test_the_decide_page_posts_reason_and_token_and_decides_nothing():
    html = decide_page(s.INCONCLUSIVE, "tok", "secret-csrf")
    tags = Tags(html)
    assert ("method", "post") in tags.attributes
    assert ("action", "/decide/tok") in tags.attributes
    assert ("value", "secret-csrf") in tags.attributes
    assert [value for name, value in tags.attributes if name == "value"][-2:] == ["pass", "fail"]


def test_a_refused_form_comes_back_with_its_reason():
    html = decide_page(s.INCONCLUSIVE, "tok", "csrf", problem="Give a reason.", reason="I <think> so")
    assert "Give a reason." in html
    assert "I &lt;think&gt; so</textarea>" in html


def test_an_error_page_says_what_and_what_to_do():
    html = error_page(404, "There is no release r1", "See `modelgate list`.")
    assert "There is no release r1" in html
    assert "<code>modelgate list</code>" in html


@pytest.mark.parametrize(
    "html",
    [
        lambda release: dashboard(Page((release,), None), name=s.HOSTILE),
        release_page,
        lambda release: decide_page(release, "tok", "csrf", problem=s.HOSTILE, reason=s.HOSTILE),
        lambda _: error_page(400, s.HOSTILE, s.HOSTILE),
    ],
)
@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.INVALID, Stage.DUPLICATE])
def test_hostile_text_brings_no_markup(html, stage):
    page = html(replace(hostile(), stage=stage))
    assert page.count("<script") == page.count("<script>(() =>")
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(2, "just now"), (45, "45 s ago"), (125, "2 min ago"), (7300, "2 h ago"), (100_000, "20 Nov 2026 14:02 UTC")],
)
def test_ages_read_as_people_say_them(seconds, told):
    assert ago(s.START, s.START + timedelta(seconds=seconds)) == told
