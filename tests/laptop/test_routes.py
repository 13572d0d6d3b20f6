from __future__ import annotations

import pytest

from laptop.routes import BadRoute, compile_route


@pytest.mark.parametrize(
    ("template", "path", "found"),
    [
        ("api/releases", "/api/releases", {}),
        ("api/releases", "/API/Releases/", {}),
        ("", "/", {}),
        ("/", "/", {}),
        ("api/releases/{id}", "/api/releases/rABC", {"id": "rABC"}),
        ("api/releases/{id}/report", "/api/releases/r1/report", {"id": "r1"}),
        ("a/{name}", "/a/my%20model%C3%BC", {"name": "my modelü"}),
        ("a/{name}", "/a/r1%2F2%2f3", {"name": "r1%2F2%2F3"}),
        ("a/{name}", "/a/100%25%32F", {"name": "100%2F"}),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("a/{**rest}", "/a", {}),
        ("a/{id?}", "/a", {}),
        ("a/{id=7}", "/a", {"id": "7"}),
        ("a/{id=7}", "/a/8", {"id": "8"}),
        ("a/{id:int}", "/a/-8", {"id": "-8"}),
        ("a/{id:int:min(3)}", "/a/3", {"id": "3"}),
        ("a/{id:int?}", "/a", {}),
        ("a/{id:length(2,3)}", "/a/abc", {"id": "abc"}),
        ("a/{id:length(2)}", "/a/ab", {"id": "ab"}),
        ("a/{id:range(1,5)}", "/a/5", {"id": "5"}),
        ("a/{id:guid}", "/a/0b0e7d58-5a86-4c2b-9f3e-000000000000", {"id": "0b0e7d58-5a86-4c2b-9f3e-000000000000"}),
        ("a/{id:alpha:maxlength(3)}", "/a/abc", {"id": "abc"}),
        ("a/{id:regex(^r[a-z2-7]+$)}", "/a/rabc", {"id": "rabc"}),
        ("a/{ok:bool}", "/a/True", {"ok": "True"}),
    ],
)
def test_a_path_that_fits_gives_its_parameters(template, path, found):
    assert compile_route(template).match(path) == found


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("api/releases", "/api/release"),
        ("api/releases", "/api/releases/1"),
        ("api/releases/{id}", "/api/releases"),
        ("api/releases/{id}", "/api/releases/1/2"),
        ("a/{id:int}", "/a/1.5"),
        ("a/{id:int}", "/a/99999999999"),
        ("a/{id:int:min(3)}", "/a/2"),
        ("a/{id:length(2)}", "/a/abc"),
        ("a/{id:range(1,5)}", "/a/6"),
        ("a/{id:guid}", "/a/12"),
        ("a/{id:alpha}", "/a/a1"),
        ("a/{id:regex(^r[a-z2-7]+$)}", "/a/r1"),
        ("", "/a"),
    ],
)
def test_a_path_that_does_not_fit_is_no_match(template, path):
    assert compile_route(template).match(path) is None


@pytest.mark.parametrize("template", ["a/{id", "a/id}", "a/{}", "a/{id:nonsense}", "a/{id:min(x)}", "a/x{id}", "{*rest}/a", "{id?}/a"])
def test_a_template_that_the_host_would_not_take_is_refused(template):
    with pytest.raises(BadRoute):
        compile_route(template)


def test_the_more_particular_route_comes_first():
    templates = ["a/{*rest}", "a/{id}", "a/{id:int}", "a/b"]
    assert sorted(templates, key=lambda text: compile_route(text).rank) == ["a/b", "a/{id:int}", "a/{id}", "a/{*rest}"]
