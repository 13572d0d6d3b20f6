from __future__ import annotations

import os
from email.message import EmailMessage

import pytest

REPORT = b"<script>alert(1)</script>"


@pytest.fixture
def mail(home) -> str:
    """A mail in the outbox; its name."""
    message = EmailMessage()
    message["From"], message["To"] = "modelgate@localhost", "Ana <ana@example.com>"
    message["Subject"] = "[PASSED] diabetes 3 · r2 0.46 <b>"
    message.set_content("It passed: r2 0.46 > 0.40 <script>x</script>")
    message.add_alternative('<p onclick="alert(1)">It <b>passed</b>. <a href="https://example.com/">More</a></p>', subtype="html")
    message.add_attachment(REPORT, maintype="text", subtype="html", filename="../report ü.html")
    (home.outbox / "2026-a b.eml").write_bytes(bytes(message))
    return "2026-a%20b.eml"


def test_an_empty_outbox_says_what_to_do(site):
    status, headers, body = site.ask("GET", "/inbox")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"model-drop" in body


def test_the_list_shows_the_newest_mail_first_with_its_subject_as_text(site, home, mail):
    (home.outbox / "older.eml").write_bytes(b"Subject: older\nTo: x@example.com\n\nhello")
    os.utime(home.outbox / "older.eml", (1, 1))
    body = site.ask("GET", "/inbox")[2].decode()
    assert "[PASSED] diabetes 3 · r2 0.46 &lt;b&gt;" in body
    assert f'href="/inbox/{mail}"' in body
    assert body.index("PASSED") < body.index("older")


def test_the_html_of_a_mail_stands_in_a_frame_without_scripts(site, mail):
    _, headers, body = site.ask("GET", f"/inbox/{mail}")
    page = body.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "<p onclick" not in page
    assert "&lt;p onclick=&quot;alert(1)&quot;&gt;" in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]


def test_the_plain_text_of_a_mail_is_shown_as_text(site, mail):
    assert b"r2 0.46 &gt; 0.40 &lt;script&gt;" in site.ask("GET", f"/inbox/{mail}")[2]


def test_an_attachment_is_only_ever_downloaded(site, mail):
    status, headers, body = site.ask("GET", f"/inbox/{mail}/0")
    assert (status, body) == (200, REPORT)
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''report%20%C3%BC.html"
    assert headers["x-content-type-options"] == "nosniff"


def test_the_source_of_a_mail_is_plain_text(site, mail, home):
    _, headers, body = site.ask("GET", f"/inbox/{mail}/raw")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert body == (home.outbox / "2026-a b.eml").read_bytes()


@pytest.mark.parametrize("name", ["none.eml", "..%2Fstate.db", "..", "%2e%2e%2fsecret.eml", "2026-a%20b.eml/7"])
def test_what_is_not_there_is_not_found(site, home, mail, name):  # noqa: ARG001
    (home.root / "secret.eml").write_bytes(b"Subject: secret\n\n")
    status, _, body = site.ask("GET", f"/inbox/{name}")
    assert status == 404
    assert b"secret" not in body.replace(name.encode(), b"")


def test_the_inbox_can_only_be_read(site):
    assert site.ask("POST", "/inbox", b"")[0] == 405


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: text/plain; charset=klingon\n\n\xe9",
        b"Subject: =?x?q?=FF?=\n\nx",
        b"Content-Type: multipart/mixed; boundary=x\n\n--y",
    ],
)
def test_a_strange_mail_breaks_nothing(site, home, content):
    (home.outbox / "odd.eml").write_bytes(content)
    assert site.ask("GET", "/inbox")[0] == 200
    assert site.ask("GET", "/inbox/odd.eml")[0] == 200
