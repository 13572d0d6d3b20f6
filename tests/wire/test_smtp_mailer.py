"""The SMTP mailer against a real server that refuses, asks for a password, or is not there."""

from __future__ import annotations

import socket
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiosmtpd.smtp import AuthResult

from shared.adapters.local.home import Home
from shared.adapters.local.smtp_mailer import SmtpMailer, read_server
from shared.domain.errors import Permanent, Temporary
from shared.ports import Mail
from tests.wire.smtp_server import SmtpServer

MAIL = Mail(str(uuid.uuid4()), ("ana@example.com",), "[PASSED] diabetes 3", "text\n", "<p>x</p>", datetime(2026, 11, 20, tzinfo=UTC))


class Answers:
    """A handler that says what it is told to, and counts what it took."""

    def __init__(self, rcpt="250 OK", data="250 OK"):
        self.rcpt, self.data, self.taken = rcpt, data, []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd names it
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd names it
        if self.data.startswith("250"):
            self.taken.append((envelope.rcpt_tos, session.authenticated))
        return self.data


@pytest.fixture
def serve():
    running = []

    def start(handler, **options):
        server = SmtpServer(handler, **options)
        server.start()
        running.append(server)
        return server.port

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.make()
    return home


@pytest.mark.parametrize("answers", [{"rcpt": "450 later"}, {"data": "451 later"}, {"data": "421 closing"}])
def test_a_4xx_may_work_later(serve, home, answers):
    handler = Answers(**answers)
    mailer = SmtpMailer(f"smtp://127.0.0.1:{serve(handler)}", home)
    with pytest.raises(Temporary):
        mailer.send(MAIL)
    handler.rcpt = handler.data = "250 OK"
    mailer.send(MAIL)
    assert len(handler.taken) == 1


@pytest.mark.parametrize("answers", [{"rcpt": "550 no such user"}, {"data": "554 refused"}])
def test_a_5xx_is_for_an_operator(serve, home, answers):
    with pytest.raises(Permanent, match=next(iter(answers.values()))[4:]):
        SmtpMailer(f"smtp://127.0.0.1:{serve(Answers(**answers))}", home).send(MAIL)


def test_a_server_that_is_not_there_may_come_back(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with pytest.raises(Temporary):
            SmtpMailer(f"smtp://127.0.0.1:{taken.getsockname()[1]}", home).send(MAIL)


def test_a_server_that_never_answers_is_given_up(home):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Temporary):
            SmtpMailer(f"smtp://127.0.0.1:{silent.getsockname()[1]}", home, seconds=0.2).send(MAIL)


def test_a_mail_that_could_not_be_sent_lies_in_the_outbox_all_the_same(serve, home):
    with pytest.raises(Permanent):
        SmtpMailer(f"smtp://127.0.0.1:{serve(Answers(data='554 no'))}", home).send(MAIL)
    assert len(list(home.outbox.glob("*.eml"))) == 1


def test_the_ledger_outlives_the_process(serve, home):
    handler = Answers()
    port = serve(handler)
    for _ in range(2):
        SmtpMailer(f"smtp://127.0.0.1:{port}", home).send(MAIL)
    assert len(handler.taken) == 1


def test_an_outbox_copy_without_a_ledger_line_is_sent(serve, home):
    handler = Answers(data="451 later")
    port = serve(handler)
    with pytest.raises(Temporary):
        SmtpMailer(f"smtp://127.0.0.1:{port}", home).send(MAIL)
    handler.data = "250 OK"
    SmtpMailer(f"smtp://127.0.0.1:{port}", home).send(MAIL)
    assert len(handler.taken) == 1


def test_a_mail_to_nobody_bothers_no_server(home):
    assert SmtpMailer("smtp://127.0.0.1:1", home).send(replace(MAIL, to=())) is None


def asks_for(password):
    def authenticate(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data.password == password, handled=False)

    return {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # on the loopback
def test_user_and_password_are_sent_decoded(serve, home):
    handler = Answers()
    port = serve(handler, **asks_for(b"p@ss/word"))
    SmtpMailer(f"smtp://ana:p%40ss%2Fword@127.0.0.1:{port}", home).send(MAIL)
    assert handler.taken == [(["ana@example.com"], True)]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_wrong_password_is_for_an_operator_and_is_not_shown(serve, home):
    port = serve(Answers(), **asks_for(b"right"))
    with pytest.raises(Permanent) as refused:
        SmtpMailer(f"smtp://ana:hush-hush@127.0.0.1:{port}", home).send(MAIL)
    assert "hush-hush" not in str(refused.value)


def test_starttls_is_insisted_on_where_the_url_says_so(serve, home):
    handler = Answers()
    with pytest.raises(Permanent):
        SmtpMailer(f"smtp+starttls://127.0.0.1:{serve(handler)}", home).send(MAIL)
    assert handler.taken == []


@pytest.mark.parametrize("url", ["http://x", "smtp://", "mail.example.com:25", "smtp://u:secret@h:port"])
def test_a_url_that_is_none_is_refused_without_showing_its_password(url):
    with pytest.raises(ValueError, match="SMTP URL") as refused:
        read_server(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("url", "port"), [("smtp://h", 25), ("smtp+starttls://h", 587), ("smtps://h", 465), ("smtps://h:2465", 2465)])
def test_each_scheme_has_its_port(url, port):
    assert read_server(url).port == port


def test_a_server_never_shows_its_password():
    assert "hush" not in repr(read_server("smtp://ana:hush@mail.example.com"))
