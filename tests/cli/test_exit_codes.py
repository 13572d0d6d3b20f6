"""How commands end."""

from __future__ import annotations

import signal
import socket

import pytest

ENDS = [
    ("passed", "passed", 0),
    ("invalid", "invalid", 1),
    ("failed", "failed", 2),
    ("awaiting_decision", "inconclusive", 3),
    ("error", "error", 4),
    ("expired", "error", 4),
    ("cancelled", "cancelled", 4),
    ("passed", "inconclusive", 0),  # a person decided
    ("failed", "inconclusive", 2),
]


@pytest.mark.parametrize(("stage", "verdict", "code"), ENDS)
def test_watching_ends_with_the_code_of_the_verdict(stand, ask, stage, verdict, code):
    stand.ends = {"stage": stage, "verdict": verdict}
    release = stand.add(stage="evaluating")
    assert ask("status", release["id"], "--watch").code == code


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 2), ("invalid", 1), ("inconclusive", 3)])
def test_a_duplicate_ends_with_the_verdict_that_it_repeats(stand, ask, verdict, code):
    release = stand.add(stage="duplicate", verdict=verdict)
    assert ask("status", release["id"], "--watch").code == code


def test_a_duplicate_without_a_verdict_of_its_own_ends_with_that_of_the_first(stand, ask):
    first = stand.add("f", stage="failed", verdict="failed")
    release = stand.add("d", stage="duplicate", same_as=first["id"])
    assert ask("status", release["id"], "--watch").code == 2


def test_looking_without_watching_is_no_verdict(stand, ask):
    release = stand.add(stage="failed", verdict="failed")
    assert ask("status", release["id"]).code == 0


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["status", "--nonsense"],
        ["decide", "latest", "perhaps", "--reason", "x", "--as", "a@example.com"],
        ["decide", "latest", "pass"],
        ["list", "--limit", "0"],
        ["list", "--limit", "many"],
        ["up", "--port", "x"],
        ["logs"],
        ["submit"],
        ["deadletters", "requeue"],
        ["status", "--url", "file:///etc/passwd"],
        ["status", "--url", "nonsense"],
    ],
)
def test_a_wrong_command_line_ends_with_5_and_a_sentence(run, argv):
    ran = run(*argv)
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.strip()
    assert "Traceback" not in ran.err


def test_a_wrong_command_line_under_json_is_one_document(run):
    ran = run("list", "--limit", "0", "--json")
    assert ran.code == 5
    assert ran.value["error"]["code"] == "usage"


def test_nobody_there_ends_with_5_and_says_what_to_do(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        ran = run("list", "--url", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert ran.code == 5
    assert "modelgate up" in ran.err


@pytest.mark.parametrize(("status", "code"), [(400, 5), (403, 5), (404, 5), (409, 5), (500, 4), (503, 4)])
def test_a_refusal_is_the_callers_an_error_the_servers(stand, ask, status, code):
    stand.answers["GET", "/api/releases"] = (status, {"error": {"code": "x", "message": "What happened.", "fix": "What to do."}})
    ran = ask("list")
    assert ran.code == code
    assert ran.err == "What happened.\nWhat to do.\n"


def test_an_error_without_our_shape_is_still_a_sentence(stand, ask):
    stand.answers["GET", "/api/releases"] = (502, b"<html>Bad Gateway</html>")
    ran = ask("list")
    assert (ran.code, ran.err) == (4, "The server answered HTTP 502 to GET /api/releases.\n")


def test_a_stranger_at_the_address_is_told(stand, ask):
    stand.answers["GET", "/api/releases"] = (200, b"hello")
    ran = ask("list")
    assert ran.code == 5
    assert "not as a modelgate does" in ran.err


def test_ctrl_c_ends_with_130_and_without_a_traceback(stand, start):
    release = stand.add()
    stand.move = lambda _: None  # it never ends
    process = start("status", release["id"], "--watch", "--url", stand.url)
    assert "diabetes" in process.stdout.readline()  # it watches
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "")


def test_a_reader_that_went_away_is_no_error_to_speak_of(stand, start):
    stand.releases = {str(n): stand.add(stage="passed") | {"id": f"r{n}"} for n in range(150)}
    process = start("list", "--all", "--url", stand.url)
    process.stdout.close()
    assert process.wait(20) == 141
    assert process.stderr.read() == ""


def test_our_own_mistake_is_a_sentence_and_a_file(stand, ask):
    stand.answers["GET", "/api/releases"] = (200, {"releases": "nonsense", "next": None})
    ran = ask("list")
    assert ran.code == 4
    assert "Traceback" not in ran.err
    with open(ran.err.split("Where it happened: ")[1].strip(), encoding="utf-8") as told:  # noqa: PTH123
        assert "Traceback" in told.read()
