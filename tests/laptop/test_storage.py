from __future__ import annotations

import http.client
import json
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.local.addresses import etag_of
from shared.adapters.local.home import Home
from shared.adapters.local.upload_urls import KEY_FILE, UploadRefused, check_upload, upload_url

SOON = timedelta(minutes=15)


def path_for(site, home, name="a b.zip", after=SOON) -> str:
    base = f"http://127.0.0.1:{site.port}"
    return upload_url(home, base, name, datetime.now(UTC) + after).removeprefix(base)


def test_a_put_to_a_write_url_makes_the_drop(site, home):
    status, headers, _ = site.ask("PUT", path_for(site, home), b"PK" * 100_000)
    assert status == 201
    assert (home.drops / "a b.zip").read_bytes() == b"PK" * 100_000
    assert headers["etag"] == f'"{etag_of(home.drops / "a b.zip")}"'


def test_a_write_url_is_used_once(site, home):
    path = path_for(site, home)
    assert site.ask("PUT", path, b"one")[0] == 201
    assert site.ask("PUT", path, b"two")[0] == 409
    assert (home.drops / "a b.zip").read_bytes() == b"one"


def test_of_two_at_once_one_wins(site, home):
    path, found = path_for(site, home), []
    threads = [threading.Thread(target=lambda n=n: found.append(site.ask("PUT", path, bytes([n]) * 3_000_000)[0])) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [201, 409]
    assert len(set((home.drops / "a b.zip").read_bytes())) == 1


def test_an_expired_url_is_refused(site, home):
    status, _, body = site.ask("PUT", path_for(site, home, after=-timedelta(seconds=1)), b"x")
    assert status == 403
    assert "expired" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.replace("a%20b", "c"),
        lambda path: path.replace("se=2", "se=3"),
        lambda path: path.replace("sp=c", "sp=rwd"),
        lambda path: path[:-2] + ("00" if path[-2:] != "00" else "11"),
        lambda path: path.partition("?")[0],
        lambda path: path.replace("a%20b.zip", "..%2Fstate.db"),
    ],
)
def test_a_changed_url_is_refused_and_nothing_is_written(site, home, change):
    assert site.ask("PUT", change(path_for(site, home)), b"x")[0] == 403
    assert list(home.drops.iterdir()) == []


def test_a_signature_for_a_path_outside_writes_nothing(site, home):
    assert site.ask("PUT", path_for(site, home, name="../state.db"), b"x")[0] == 403
    assert not home.state.exists()


def test_only_put_is_answered(site, home):
    status, headers, _ = site.ask("GET", path_for(site, home))
    assert (status, headers["allow"]) == (405, "PUT")


def test_an_upload_that_breaks_off_leaves_nothing(site, home):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.putrequest("PUT", path_for(site, home))
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"half")
    connection.close()
    assert site.ask("PUT", path_for(site, home, name="other.zip"), b"x")[0] == 201
    assert [path.name for path in home.drops.iterdir()] == ["other.zip"]


def test_the_key_is_its_owners_alone_and_stays(home):
    first = upload_url(home, "http://x", "a", datetime.now(UTC) + SOON)
    assert stat.S_IMODE((home.root / KEY_FILE).stat().st_mode) == 0o600
    assert upload_url(Home(home.root), "http://x", "a", datetime.now(UTC) + SOON)[:40] == first[:40]
    assert [path.name for path in home.root.iterdir() if path.name.startswith(".")] == []


def test_the_key_of_another_home_does_not_fit(home, tmp_path):
    other = Home(tmp_path / "other")
    url = upload_url(other, "http://x", "a", datetime.now(UTC) + SOON)
    query = dict(pair.split("=") for pair in url.partition("?")[2].split("&"))
    with pytest.raises(UploadRefused):
        check_upload(home, "a", query, datetime.now(UTC))
