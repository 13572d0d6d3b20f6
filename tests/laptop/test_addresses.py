from __future__ import annotations

import os

import pytest

from shared.adapters.local.addresses import etag_of, path_of, url_of
from shared.adapters.local.home import Home
from shared.domain.errors import NotFound


@pytest.fixture
def home(tmp_path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


@pytest.mark.parametrize("name", ["a.zip", "my model #2 100%.zip", "grüße/ünder/score.py", "a+b&c=d?.zip", "%2e%2e.zip", "a;b.zip"])
def test_a_file_comes_back_from_its_url(home, name):
    path = home.drops / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    url = url_of(home, path)
    assert url.startswith("http://laptop.localhost/model-drop/")
    assert " " not in url
    assert path_of(home, url) == path


def test_a_folders_url_ends_in_a_slash(home):
    (home.drops / "team" / "diabetes").mkdir(parents=True)
    url = url_of(home, home.drops / "team" / "diabetes")
    assert url == "http://laptop.localhost/model-drop/team/diabetes/"
    assert path_of(home, url) == home.drops / "team" / "diabetes"


@pytest.mark.parametrize(
    "url",
    [
        "http://laptop.localhost/model-drop/../state.db",
        "http://laptop.localhost/model-drop/%2e%2e/state.db",
        "http://laptop.localhost/model-drop/a/..%2f..%2fstate.db",
        "http://laptop.localhost/model-drop//etc/passwd",
        "http://laptop.localhost/model-drop/%2Fetc%2Fpasswd",
        "http://laptop.localhost/model-drop/",
        "http://laptop.localhost/model-drop/a%00.zip",
        "http://laptop.localhost/model-drop/..%5Cstate.db",
        "http://laptop.localhost/outbox/a.eml",
        "http://example.com/model-drop/a.zip",
        "file:///model-drop/a.zip",
        "http://laptop.localhost/model-drop/a.zip?x=1",
        "a.zip",
    ],
)
def test_no_url_leads_out_of_the_drop_container(home, url):
    with pytest.raises(NotFound):
        path_of(home, url)


def test_a_link_that_points_outside_is_not_followed(home, tmp_path):
    (tmp_path / "secret").mkdir()
    (home.drops / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound):
        path_of(home, "http://laptop.localhost/model-drop/link/a.txt")


def test_a_path_outside_has_no_url(home):
    with pytest.raises(ValueError, match="subpath"):
        url_of(home, home.root / "state.db")


def test_the_etag_stays_while_the_file_does(home):
    path = home.drops / "a.zip"
    path.write_bytes(b"x")
    assert etag_of(path) == etag_of(path)


@pytest.mark.parametrize("change", ["longer", "later", "replaced"])
def test_the_etag_changes_with_the_file(home, change):
    path = home.drops / "a.zip"
    path.write_bytes(b"x")
    before, found = etag_of(path), path.stat()
    if change == "longer":
        path.write_bytes(b"xy")
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    elif change == "later":
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    else:
        other = home.drops / ".other"
        other.write_bytes(b"y")
        other.replace(path)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert etag_of(path) != before


def test_the_etag_of_a_missing_file_is_not_found(home):
    with pytest.raises(NotFound, match=r"a\.zip"):
        etag_of(home.drops / "a.zip")


def test_an_etag_is_already_normal(home):
    path = home.drops / "a.zip"
    path.write_bytes(b"x")
    assert etag_of(path) == etag_of(path).lower().strip('"')
