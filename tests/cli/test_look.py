"""`status`, `list`, `logs`, `report`."""

from __future__ import annotations

import json


def test_status_shows_the_release_its_kpis_and_what_to_do(stand, ask):
    release = stand.add(stage="failed", verdict="failed", version=3, kpis=[stand.kpi | {"value": 0.31, "holds": False, "reason": "below"}])
    ran = ask("status", release["id"])
    assert "FAILED  diabetes 3" in ran.out
    assert "r2" in ran.out
    assert "≥ 0.4" in ran.out
    assert f"modelgate report {release['id']}" in ran.out


def test_status_shows_faults_worst_first_with_place_and_fix(stand, ask):
    warning = stand.fault | {"code": "MG166", "severity": "warning"}
    release = stand.add(stage="invalid", verdict="invalid", faults=[warning, stand.fault])
    out = ask("status", release["id"]).out
    assert out.index("MG141") < out.index("MG166")
    assert "manifest.yml:3" in out
    assert "→ Write `kpis`." in out


def test_status_without_an_id_is_the_newest(stand, ask):
    stand.add("a")
    newest = stand.add("b")
    assert ask("status", "--json").value["id"] == newest["id"]


def test_an_id_may_be_shortened_while_it_is_unique(stand, ask):
    stand.add("a", id="rabc222222222222")
    wanted = stand.add("b", id="rabd222222222222")
    assert ask("status", "rabd", "--json").value["id"] == wanted["id"]


def test_a_beginning_of_two_ids_is_refused_and_both_are_named(stand, ask):
    stand.add("a", id="rabc222222222222")
    stand.add("b", id="rabd222222222222")
    ran = ask("status", "rab")
    assert ran.code == 5
    assert "rabd222222222222, rabc222222222222" in ran.err


def test_a_beginning_is_looked_for_on_every_page(stand, ask):
    first = stand.add("a", id="rzzz222222222222")
    for n in range(150):
        stand.add("x", id=f"raaa22222222{n:04}")
    assert ask("status", "rzz", "--json").value["id"] == first["id"]


def test_an_unknown_id_is_said_to_be_unknown(ask):
    assert ask("status", "rx").err.startswith("There is no release 'rx'.")


def test_latest_of_none_is_said(ask):
    ran = ask("status")
    assert (ran.code, "There is no release 'latest'" in ran.err) == (5, True)


def test_list_shows_the_newest_first(stand, ask):
    stand.add("a", name="first")
    stand.add("b", name="second")
    out = ask("list").out
    assert out.index("second") < out.index("first")


def test_list_asks_for_name_and_stage(stand, ask):
    stand.add("a", name="other", stage="failed")
    stand.add("b", stage="failed")
    stand.add("c", stage="passed")
    found = ask("list", "--name", "diabetes", "--stage", "failed", "--json").value["releases"]
    assert [each["id"][-1] for each in found] == ["b"]


def test_list_stops_at_its_limit_and_says_that_there_are_more(stand, ask):
    for n in range(5):
        stand.add("x", id=f"r{n}")
    ran = ask("list", "--limit", "3")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["id", "r4", "r3", "r2", "There"]


def test_list_all_turns_every_page(stand, ask):
    for n in range(230):
        stand.add("x", id=f"r{n}")
    value = ask("list", "--all", "--json").value
    assert (len(value["releases"]), value["next"]) == (230, None)


def test_an_empty_list_says_so(ask):
    assert ask("list").out == "No release yet.\n"


def test_logs_are_shown_under_their_names(stand, ask):
    release = stand.add()
    stand.logs = {"logs/build.log": "resolving", "logs/serve.log": "listening"}
    assert ask("logs", release["id"]).out == "== logs/build.log ==\nresolving\n\n== logs/serve.log ==\nlistening\n\n"


def test_followed_logs_show_each_line_once_until_the_end(stand, ask):
    release = stand.add(stage="scoring")
    lines = iter(["one\n", "one\ntwo\n", "one\ntwo\nthree\n"])
    answer = stand._part

    def growing(*args):
        stand.logs = {"logs/score.log": next(lines)}
        return answer(*args)

    stand._part = growing
    out = ask("logs", release["id"], "-f").out
    assert [line for line in out.splitlines() if line and not line.startswith("==")] == ["one", "two", "three"]


def test_logs_as_json_are_a_text_by_name(stand, ask):
    release = stand.add()
    stand.logs = {"history": "h", "logs/build.log": "b"}
    assert ask("logs", release["id"], "--json").value == {"id": release["id"], "logs": {"history": "h", "logs/build.log": "b"}}


def test_the_report_is_written_where_it_is_asked_for(stand, ask, tmp_path):
    release = stand.add(stage="passed", verdict="passed")
    ran = ask("report", "latest", "--out", tmp_path / "r.html")
    assert (ran.code, (tmp_path / "r.html").read_bytes()[:15]) == (0, b"<!doctype html>")
    assert release["id"] not in ran.err


def test_the_report_goes_through_a_pipe(stand, start):
    stand.add(stage="passed", verdict="passed")
    out, err = start("report", "latest", "--url", stand.url).communicate(timeout=20)
    assert (out[:15], err) == ("<!doctype html>", "")


def test_there_is_no_report_before_the_verdict(stand, ask):
    stand.add()
    ran = ask("report", "latest")
    assert (ran.code, ran.err) == (5, "There is no report before the verdict.\n")


def test_a_report_that_cannot_be_written_is_a_sentence(stand, ask, tmp_path):
    stand.add(stage="passed", verdict="passed")
    ran = ask("report", "latest", "--out", tmp_path / "none" / "r.html")
    assert ran.code == 5
    assert "no such file or directory" in ran.err


def test_a_hostile_name_cannot_speak_to_the_terminal(stand, ask):
    stand.add(name="\x1b]0;owned\x07ev\u202eil\u2066", submitter="\x1b[2J", reasons=["a\x9b31mb"], stage="failed", verdict="failed")
    said = "".join(ask(*argv).out for argv in (["list"], ["status"], ["status", "--watch"]))
    assert "evil" not in said
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"} & set(said)
    assert "\\x1b]0;owned" in said


def test_brackets_of_a_server_are_not_markup(stand, ask):
    stand.add(name="[red]x[/red]", stage="passed", verdict="passed")
    assert "[red]x[/red]" in ask("status").out


def test_the_key_goes_into_its_header_and_nowhere_else(stand, ask, monkeypatch):
    monkeypatch.setenv("MODELGATE_KEY", "secret-key")
    ran = ask("list")
    assert stand.asked[0].headers["x-functions-key"] == "secret-key"
    assert "secret" not in ran.out + ran.err


def test_the_key_does_not_follow_a_redirect(stand, ask, monkeypatch):
    monkeypatch.setenv("MODELGATE_KEY", "secret-key")
    stand.answers["GET", "/api/releases"] = (302, b"")
    ran = ask("list")
    assert ran.code == 5
    assert "http://127.0.0.1:1/elsewhere" in ran.err


def test_the_address_may_come_from_the_environment(stand, run, monkeypatch):
    monkeypatch.setenv("MODELGATE_URL", stand.url)
    assert run("list").out == "No release yet.\n"


def test_a_proxy_is_not_asked_for_this_machine(ask, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask("list").code == 0


def test_an_option_may_stand_before_or_after_the_command(stand, run):
    stand.add()
    before, after = run("--json", "--url", stand.url, "list"), run("list", "--json", "--url", stand.url)
    assert json.loads(before.out) == json.loads(after.out)
