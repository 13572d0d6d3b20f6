"""`--watch`."""

from __future__ import annotations

import os
import pty
import select
import threading
import time

import pytest

from cli.client import Client
from cli.exits import Refused, Unreachable
from cli.watch import follow, steps


class Notes:
    """A view that only remembers."""

    def __init__(self):
        self.stages, self.notes = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, release):
        self.stages.append(release["stage"])

    def note(self, sentence):
        self.notes.append(sentence)


def test_every_stage_is_shown_until_the_verdict(stand):
    view, release = Notes(), stand.add()
    assert follow(Client(stand.url), release["id"], view, pause=lambda _: None)["verdict"] == "passed"
    assert view.stages == [*stand.way, "passed"]


def test_questions_come_slower_while_nothing_changes(stand):
    release, pauses = stand.add(), []
    moves = iter([False] * 12 + [True] * 20)
    move = stand.move
    stand.move = lambda release: move(release) if next(moves) else None
    follow(Client(stand.url), release["id"], Notes(), pause=pauses.append)
    assert pauses[0] == 0.3
    assert max(pauses) == 2.0
    assert pauses[-1] == 0.3  # it moves again: soon


def test_a_restart_of_the_server_is_outlived_and_told(server, stand):
    release, view = stand.add(), Notes()
    gaps = iter([None, server.stop, None, server.start])

    def pause(_):
        act = next(gaps, None)
        if act:
            act()

    assert follow(Client(stand.url), release["id"], view, pause=pause)["stage"] == "passed"
    assert [note.split()[2:4] for note in view.notes] == [["does", "not"], ["answers", "again."]]


def test_a_server_that_stays_away_is_given_up(server, stand):
    release = stand.add()
    server.stop()
    try:
        with pytest.raises(Unreachable):
            follow(Client(stand.url), release["id"], Notes(), pause=lambda _: None, patience=0.0)
    finally:
        server.start()


def test_a_release_that_is_not_there_is_not_waited_for(stand):
    with pytest.raises(Refused):
        follow(Client(stand.url), "rnone", Notes(), pause=lambda _: None)


def test_time_is_counted_by_stage_and_lines_that_stay_belong_to_it(stand):
    release = stand.add(stage="building", history=[line(0, "validating"), line(1.5, "building"), line(4, "building"), line(9, "deploying")])
    release |= {"stage": "deploying", "verdict": "error", "updated_at": line(10, "")["at"]}
    assert [(step.stage, step.seconds) for step in steps(release)] == [("validating", 1.5), ("building", 7.5), ("deploying", 1.0)]


def line(seconds: float, stage: str):
    return {"at": f"2025-03-01T12:00:{seconds:06.3f}Z", "stage": stage, "fact": "", "reason": ""}


def test_without_a_terminal_each_stage_is_a_line(stand, ask):
    release = stand.add()
    lines = ask("status", release["id"], "--watch").out.splitlines()
    assert lines[:4] == [f"diabetes  {release['id']}", "  validating", "  registering  (after 2.5 s)", "  building  (after 2.5 s)"]


def test_with_json_the_release_is_alone_on_stdout_and_progress_on_stderr(stand, ask):
    release = stand.add()
    ran = ask("status", release["id"], "--watch", "--json")
    assert ran.value["verdict"] == "passed"
    assert "smoke testing" in ran.err


def test_on_a_terminal_the_stages_are_drawn_and_the_verdict_stays(stand, start):
    release = stand.add()
    ours, theirs = pty.openpty()
    env = dict(os.environ) | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = start("status", release["id"], "--watch", "--url", stand.url, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    seen = read_all(ours)
    assert process.wait(20) == 0
    assert "waits" not in seen
    for words in ("validating", "its server and its init()", "PASSED", "r2"):
        assert words in seen
    assert seen.rstrip().endswith(release["id"])


def read_all(handle: int) -> str:
    """Everything that a terminal got until its program ended (bounded)."""
    seen, give_up = b"", time.monotonic() + 30
    while time.monotonic() < give_up:
        ready, _, _ = select.select([handle], [], [], 1)
        try:
            block = os.read(handle, 65536) if ready else b""
        except OSError:  # the other end is closed
            break
        seen += block
    os.close(handle)
    return seen.decode()


def test_a_slow_answer_does_not_stop_the_watch(stand, ask):
    release, first = stand.add(stage="evaluating"), threading.Event()
    answer = stand.answer

    def slow(asked):
        if not first.is_set():
            first.set()
            time.sleep(0.5)  # what is tested
        return answer(asked)

    stand.answer = slow
    assert ask("status", release["id"], "--watch").code == 0
