"""`doctor`."""

from __future__ import annotations

import pytest

from cli.doctor import disk_check


def test_each_thing_is_a_line_with_its_state(stand, run, tmp_path):
    ran = run("doctor", "--home", tmp_path, "--url", stand.url, "--json")
    found = {check["name"]: check["state"] for check in ran.value["checks"]}
    assert found.keys() >= {"Python", "uv", "Pythons for bundles", "disk", "home", "package registry", "tools environment", "server"}
    assert (found["Python"], found["uv"], found["home"], found["server"]) == ("ok", "ok", "ok", "ok")


def test_what_is_missing_comes_with_a_remedy_and_the_right_exit_code(stand, run, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:secret@127.0.0.1:1/simple")
    ran = run("doctor", "--home", tmp_path, "--url", stand.url)
    assert ran.code == 4
    assert "fail package registry" in ran.out
    assert "PIP_INDEX_URL" in ran.out
    assert "secret" not in ran.out


def test_a_port_that_somebody_else_has_is_told(stand, run, tmp_path):
    stand.answers["GET", "/api/health"] = (500, b"")
    checks = {check["name"]: check for check in run("doctor", "--home", tmp_path, "--url", stand.url, "--json").value["checks"]}
    assert checks["server"]["state"] == "warn"
    assert "taken by something else" in checks["port"]["found"]


@pytest.mark.parametrize(("free", "state"), [(0.5, "fail"), (3, "warn"), (50, "ok")])
def test_little_room_is_told_before_it_is_none(tmp_path, free, state):
    assert disk_check(free, tmp_path).state == state


def test_looking_changes_nothing(stand, run, tmp_path):
    run("doctor", "--home", tmp_path / "home", "--url", stand.url)
    assert list(tmp_path.iterdir()) == []
