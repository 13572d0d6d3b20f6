"""`up` and `demo`: the laptop started by the command line."""

from __future__ import annotations

import json
import signal
import socket
from email import policy
from email.parser import BytesParser

import pytest
import yaml

from cli.child import running_laptop
from cli.client import Client
from cli.demo import drop
from cli.init import TEMPLATES


def test_a_drop_is_the_template_closed_by_ready_and_still_says_what_it_said(tmp_path):
    folder = tmp_path / "model-drop" / drop(tmp_path, TEMPLATES / "sklearn_diabetes")
    before = yaml.safe_load((TEMPLATES / "sklearn_diabetes" / "manifest.yml").read_text())
    assert yaml.safe_load((folder / "manifest.yml").read_text()) == before
    assert (folder / "_READY").read_bytes() == b""
    assert (folder / "model.pkl").read_bytes() == (TEMPLATES / "sklearn_diabetes" / "model.pkl").read_bytes()


def test_two_drops_of_one_template_are_two_bundles(tmp_path):
    one, two = (tmp_path / "model-drop" / drop(tmp_path, TEMPLATES / "sklearn_diabetes") for _ in range(2))
    assert one != two
    assert "# dropped by `modelgate demo` at 2" in (one / "manifest.yml").read_text()


def test_a_port_that_is_taken_is_a_sentence(run, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = run("up", "--home", tmp_path, "--port", port)
    assert ran.code == 5
    assert f"Port {port} is taken" in ran.err


def test_chaos_that_is_none_is_a_sentence(run, tmp_path):
    ran = run("up", "--home", tmp_path, "--port", "0", "--chaos", "nonsense")
    assert ran.code == 5
    assert "nonsense" in ran.err


def test_a_home_that_nobody_holds_has_no_laptop(tmp_path):
    (tmp_path / "laptop.lock").write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:1"}))  # left by one that was killed
    assert running_laptop(tmp_path) is None


def test_up_answers_tells_where_it_is_and_stops_in_order(start, tmp_path):
    process = start("up", "--home", tmp_path, "--port", "0", "--json")
    told = json.loads("".join(process.stdout.readline() for _ in range(4)))
    assert Client(told["url"]).get("api/health")["status"] == "ok"
    assert running_laptop(tmp_path).url.rstrip("/") == told["url"]
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert running_laptop(tmp_path) is None


@pytest.mark.slow
def test_the_demo_ends_with_mail_and_report_and_runs_anew_the_second_time(start, tmp_path):
    told = []
    for _ in range(2):
        out, err = start("demo", "--home", tmp_path, "--json").communicate(timeout=300)
        told.append(json.loads(out))
        assert "Dropped sklearn_diabetes" in err
    assert [each["release"]["verdict"] for each in told] == ["passed", "passed"], [each["release"]["faults"] for each in told]
    assert [each["release"]["version"] for each in told] == [1, 2]
    with open(told[1]["mail"], "rb") as file:  # noqa: PTH123
        assert BytesParser(policy=policy.default).parse(file)["subject"].startswith("[PASSED] diabetes 2")
    with open(told[1]["report"], encoding="utf-8") as file:  # noqa: PTH123
        assert "diabetes" in file.read()
    assert running_laptop(tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_ended_leaves_no_laptop(start, tmp_path, end):
    process = start("demo", "--home", tmp_path)
    while "Dropped" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(end)
    assert process.wait(60) == 130
    assert running_laptop(tmp_path) is None
