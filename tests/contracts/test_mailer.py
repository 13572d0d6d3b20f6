"""What every mailer promises. The suite asks an outbox (however it is kept) what was delivered."""

from __future__ import annotations

import email
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.local.file_mailer import FileMailer
from shared.adapters.local.smtp_mailer import SmtpMailer
from shared.adapters.memory import MemoryMailer
from shared.ports import Attachment, Mail
from tests.wire.smtp_server import SmtpServer

AT = datetime(2026, 11, 20, 14, 2, 17, tzinfo=UTC)


class Postbox:
    """An SMTP server's inside: keeps what comes."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd names it
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture(params=["memory", "file", "smtp"])
def post(request, home):
    """(mailer, subjects delivered so far)."""
    if request.param == "memory":
        mailer = MemoryMailer()
        yield mailer, lambda: [mail.subject for mail in mailer.sent.values()]
    elif request.param == "file":
        yield FileMailer(home.outbox), lambda: [message["Subject"] for message in outbox(home)]
    else:
        box = Postbox()
        server = SmtpServer(box)
        server.start()
        try:
            yield SmtpMailer(f"smtp://127.0.0.1:{server.port}", home), lambda: [message["Subject"] for message in box.mails]
        finally:
            server.stop()


def outbox(home):
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in sorted(home.outbox.glob("*.eml"))]


def mail(subject="[PASSED] diabetes 3", **more):
    return Mail(str(uuid.uuid4()), ("ana@example.com",), subject, "text\n", "<p>html</p>", AT, **more)


def test_a_mail_is_delivered(post):
    mailer, delivered = post
    assert mailer.send(mail("[PASSED] diabetes 3 · r2 0.46")) is None
    assert delivered() == ["[PASSED] diabetes 3 · r2 0.46"]


def test_the_same_mail_is_delivered_once(post):
    mailer, delivered = post
    one = mail()
    mailer.send(one)
    mailer.send(one)
    assert len(delivered()) == 1


def test_the_same_mail_composed_again_later_is_not_delivered_again(post):
    mailer, delivered = post
    one = mail()
    mailer.send(one)
    mailer.send(replace(one, at=AT + timedelta(minutes=3), subject="[PASSED] another word"))
    assert delivered() == [one.subject]


def test_different_mails_are_all_delivered(post):
    mailer, delivered = post
    for number in range(3):
        mailer.send(mail(f"mail {number}"))
    assert sorted(delivered()) == ["mail 0", "mail 1", "mail 2"]


def test_the_same_mail_sent_by_many_at_once_is_delivered_once(post):
    mailer, delivered = post
    one = mail()
    together = threading.Barrier(8)
    threads = [
        threading.Thread(target=lambda n=n: (together.wait(), mailer.send(replace(one, at=AT + timedelta(seconds=n))))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(delivered()) == 1


# --- what lies in the outbox -------------------------------------------------------------------------------------------


def test_names_in_the_outbox_sort_by_time(home):
    mailer = FileMailer(home.outbox)
    late, early = mail("late"), replace(mail("early"), at=AT - timedelta(hours=1))
    mailer.send(late)
    mailer.send(early)
    assert [message["Subject"] for message in outbox(home)] == ["early", "late"]


def test_a_hostile_subject_cannot_choose_where_the_file_lies(home):
    FileMailer(home.outbox).send(mail("../../etc/\x00passwd · x"))
    assert [file.parent for file in home.root.rglob("*.eml")] == [home.outbox]


def test_a_hostile_operation_id_is_refused(home):
    with pytest.raises(ValueError, match="no operation id"):
        FileMailer(home.outbox).send(replace(mail(), operation_id="../../x"))


def test_message_id_and_date_come_from_the_mail(home):
    one = mail()
    FileMailer(home.outbox).send(one)
    message = outbox(home)[0]
    assert message["Message-ID"] == f"<{one.operation_id}@modelgate>"
    assert message["Date"].datetime == AT


def test_a_reader_finds_text_html_and_attachment(home):
    FileMailer(home.outbox).send(mail(attachments=(Attachment("report.html", "text/html", b"<h1>\xc3\xa4</h1>"),)))
    message = outbox(home)[0]
    assert message.get_body(("plain",)).get_content().splitlines() == ["text"]
    assert message.get_body(("html",)).get_content().strip() == "<p>html</p>"
    assert [(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()] == [("report.html", "text/html")]
    assert next(message.iter_attachments()).get_payload(decode=True) == b"<h1>\xc3\xa4</h1>"


@pytest.mark.parametrize("field", ["subject", "From", "Reply-To", "X-Modelgate-Release", "to"])
def test_no_value_can_add_a_header(home, field):
    evil = "x\r\nBcc: victim@example.com\r\n\r\n<script>"
    hostile = mail(headers={field: evil}) if field[0].isupper() else replace(mail(), **{field: (evil,) if field == "to" else evil})
    FileMailer(home.outbox).send(hostile)
    message = outbox(home)[0]
    assert message["Bcc"] is None
    assert message.get_body(("plain",)).get_content().splitlines() == ["text"]


def test_a_mail_to_nobody_is_kept_in_the_outbox(home):
    FileMailer(home.outbox).send(replace(mail(), to=()))
    assert outbox(home)[0]["To"] == "undisclosed-recipients:;"
