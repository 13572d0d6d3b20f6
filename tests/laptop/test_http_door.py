from __future__ import annotations

import json
import threading

import pytest

from laptop.host_json import HostJson, HttpRules
from tests.laptop.small_app import served, small_app


def error(body: bytes) -> dict[str, str]:
    document = json.loads(body)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "fix"}
    return document["error"]


def test_a_function_gets_the_request_as_the_worker_would_give_it(site):
    status, headers, body = site.ask("POST", "/api/things/7?a=1&b=x%20y&a=2&empty=", b"hello", X_Mixed_Case="yes")
    told = json.loads(body)
    assert (status, headers["content-type"], headers["x-kind"]) == (201, "application/json", "thing")
    assert (told["id"], told["method"], told["body"]) == ("7", "POST", "hello")
    assert told["params"] == {"a": "1,2", "b": "x y"}
    assert told["url"] == f"http://127.0.0.1:{site.port}/api/things/7?a=1&b=x%20y&a=2&empty="
    assert told["headers"]["x-mixed-case"] == "yes"


def test_text_is_answered_as_text(site):
    status, headers, body = site.ask("GET", "/api/things/latest")
    assert (status, body) == (200, b"latest by GET")
    assert headers["content-type"].startswith("text/plain")


def test_every_cookie_and_every_byte_comes_through(site):
    _, headers, body = site.ask("GET", "/api/cookies")
    assert body == b"\x00\xff"
    assert headers["set-cookie"] == "a=1; HttpOnly; Path=/, b=2; SameSite=Lax"
    assert headers["content-type"] == "application/octet-stream"


def test_an_encoded_slash_stays_encoded_in_a_parameter(site):
    assert site.ask("POST", "/api/letters/r1%2F2%2F0/requeue")[2] == b"r1%2F2%2F0"


def test_an_unknown_path_is_told_as_json(site):
    status, _, body = site.ask("GET", "/api/unknown")
    assert (status, error(body)["code"]) == (404, "not_found")


def test_a_wrong_method_names_the_right_ones(site):
    status, headers, body = site.ask("DELETE", "/api/things/7")
    assert (status, headers["allow"], error(body)["code"]) == (405, "GET, POST", "method_not_allowed")


def test_a_failing_function_tells_nothing_of_its_cause(site):
    status, _, body = site.ask("GET", "/api/broken")
    assert (status, error(body)["code"]) == (500, "internal")
    assert b"secret" not in body


def test_a_function_that_returns_nothing_fails_as_it_does_in_azure(site):
    assert site.ask("GET", "/api/nothing")[0] == 500


def test_a_body_that_is_too_large_is_sent_to_the_uploads(site):
    status, _, body = site.ask("POST", "/api/things/7", b"x" * ((100 << 20) + 1))
    assert status == 413
    assert "/api/uploads" in error(body)["fix"]


def test_a_large_body_within_the_limit_is_taken(site):
    assert site.ask("POST", "/api/things/7", b"x" * (4 << 20))[0] == 201


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7071", "", "10.0.0.1"])
def test_another_name_for_this_machine_is_refused(site, host):
    status, _, body = site.ask("GET", "/api/things/latest", Host=host)
    assert (status, error(body)["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7071", "[::1]:7071", "LOCALHOST:80"])
def test_the_names_of_this_machine_are_taken(site, host):
    assert site.ask("GET", "/api/things/latest", Host=host)[0] == 200


def test_a_page_of_another_site_cannot_change_anything(site):
    status, _, body = site.ask("POST", "/api/things/7", b"", Origin="https://evil.example")
    assert (status, error(body)["code"]) == (403, "foreign_origin")


def test_our_own_page_can(site):
    assert site.ask("POST", "/api/things/7", b"", Origin=f"http://127.0.0.1:{site.port}")[0] == 201


def test_the_prefix_of_host_json_stands_before_every_route(home, notes):
    with served(small_app(notes), home, HostJson(http=HttpRules(prefix="v2"))) as site:
        assert site.ask("GET", "/v2/api/things/latest")[0] == 200
        assert site.ask("GET", "/api/things/latest")[0] == 404


def test_more_requests_than_host_json_allows_are_sent_away(home, notes):
    rules = HostJson(http=HttpRules(prefix="", max_concurrent=1, max_outstanding=1))
    with served(small_app(notes), home, rules) as site:
        thread = threading.Thread(target=site.ask, args=("GET", "/api/slow"))
        thread.start()
        notes.wait_for(1)
        status, headers, _ = site.ask("GET", "/api/things/latest")
        thread.join(20)
        assert (status, headers["retry-after"]) == (429, "1")
        assert site.ask("GET", "/api/things/latest")[0] == 200


def test_requests_that_may_wait_wait(home, notes):
    with served(small_app(notes), home, HostJson(http=HttpRules(prefix="", max_concurrent=1))) as site:
        thread = threading.Thread(target=site.ask, args=("GET", "/api/slow"))
        thread.start()
        notes.wait_for(1)
        assert site.ask("GET", "/api/things/latest")[0] == 200
        thread.join(20)


def test_a_function_that_runs_too_long_is_not_waited_for(home, notes):
    with served(small_app(notes), home, HostJson(http=HttpRules(prefix=""), timeout=0.2)) as site:
        status, _, body = site.ask("GET", "/api/slow")
    assert (status, error(body)["code"]) == (504, "timed_out")
    assert notes.seen == ["slow slow"]
