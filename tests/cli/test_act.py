"""`cancel`, `decide`, `retry`, `deadletters`."""

from __future__ import annotations


def test_cancel_posts_to_the_release(stand, ask):
    release = stand.add()
    assert ask("cancel", "latest").code == 0
    assert (stand.asked[-1].method, stand.asked[-1].path) == ("POST", f"/api/releases/{release['id']}/cancel")


def test_decide_sends_outcome_reason_and_person(stand, ask):
    release = stand.add(stage="awaiting_decision", verdict="inconclusive")
    assert ask("decide", release["id"], "pass", "--reason", "close enough", "--as", "lee@example.com").code == 0
    assert stand.asked[-1].path == f"/api/releases/{release['id']}/decide"
    assert stand.asked[-1].value == {"outcome": "pass", "reason": "close enough", "as": "lee@example.com"}


def test_retry_names_the_stage_only_when_asked(stand, ask):
    release = stand.add(stage="error", verdict="error")
    ask("retry", release["id"])
    ask("retry", release["id"], "--from", "building")
    assert [asked.value for asked in stand.asked] == [{}, {"from": "building"}]


def test_what_a_stage_does_not_allow_is_told_in_the_servers_words(stand, ask):
    release = stand.add()
    path = f"/api/releases/{release['id']}/retry"
    stand.answers["POST", path] = (409, {"error": {"code": "no_such_step", "message": "It is still building.", "fix": "Wait."}})
    ran = ask("retry", release["id"], "--json")
    assert (ran.code, ran.err) == (5, "It is still building.\nWait.\n")
    assert ran.value == {"error": {"code": "no_such_step", "message": "It is still building.", "fix": "Wait."}}


def test_dead_letters_are_listed_with_their_reason(stand, ask):
    stand.deadletters = [{"key": "ra/3/0", "release_id": "ra", "effect": "SendMail", "reason": "no route", "at": "2025-03-01T12:00:00Z"}]
    out = ask("deadletters").out
    assert "ra/3/0  SendMail" in out
    assert "no route" in out


def test_no_dead_letter_is_said(ask):
    assert ask("deadletters").out == "No task was given up.\n"


def test_requeue_names_the_task_in_the_path(ask):
    assert ask("deadletters", "requeue", "ra/3/0", "--json").value == {"key": "ra/3/0", "verb": "requeue"}
