"""Mails to an SMTP server, with a copy of each in the outbox and a ledger of what the server took."""

from __future__ import annotations

import smtplib
import ssl
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from shared.adapters.local.file_mailer import FileMailer
from shared.adapters.local.home import Home, write_whole
from shared.domain.errors import Permanent, Temporary
from shared.ports import Mail, NotYet
from shared.wire.mime import mime_message
from shared.wire.text import clean

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Server:
    """Where mails go: `smtp://` (TLS if the server offers it), `smtp+starttls://` (TLS or nothing), `smtps://`."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    def __repr__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"  # never the password


def read_server(url: str) -> Server:
    """The server of `smtp://user:password@host:port`. Raises ValueError, without showing the password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("the SMTP URL cannot be read: its port or host is malformed") from error
    if parts.scheme not in _PORTS or not host:
        raise ValueError(f"the SMTP URL must look like smtp://user:password@host:port, with one of the schemes {', '.join(_PORTS)}")
    user, password = (unquote(part) if part is not None else None for part in (parts.username, parts.password))
    return Server(parts.scheme, host, port or _PORTS[parts.scheme], user, password)


class SmtpMailer:
    """Port Mailer over SMTP. A crash between the server's yes and the ledger sends once more, under the same Message-ID."""

    def __init__(self, url: str, home: Home, *, seconds: float = 20.0, tls: ssl.SSLContext | None = None) -> None:
        self._server = read_server(url)
        self._outbox = FileMailer(home.outbox)
        self._ledger = home.outbox / ".sent"
        self._seconds = seconds
        self._tls = tls or ssl.create_default_context()
        self._lock = threading.Lock()
        self._going: set[str] = set()  # two threads never send the same mail; different mails do not wait for each other

    def send(self, mail: Mail) -> NotYet | None:
        """Send unless the ledger has it. Temporary when the server cannot be reached or says 4xx, Permanent when it says 5xx."""
        with self._lock:
            if mail.operation_id in self._going:
                return NotYet(timedelta(seconds=1))
            self._going.add(mail.operation_id)
        try:
            self._send_once(mail)
        finally:
            with self._lock:
                self._going.discard(mail.operation_id)
        return None

    def _send_once(self, mail: Mail) -> None:
        self._outbox.deliver(mail)
        line = self._ledger / mail.operation_id
        if mail.to and not line.exists():
            self._hand_over(mail)
            write_whole(line, f"{mail.at.isoformat()} {', '.join(mail.to)}\n".encode())

    def _hand_over(self, mail: Mail) -> None:
        try:
            with self._connection() as smtp:
                self._secure(smtp)
                smtp.send_message(mime_message(mail), from_addr=_sender(mail), to_addrs=list(mail.to))
        except (smtplib.SMTPException, OSError) as error:
            raise self._translated(error) from error

    def _connection(self) -> AbstractContextManager[smtplib.SMTP]:
        if self._server.scheme == "smtps":
            return smtplib.SMTP_SSL(self._server.host, self._server.port, timeout=self._seconds, context=self._tls)
        return smtplib.SMTP(self._server.host, self._server.port, timeout=self._seconds)

    def _secure(self, smtp: smtplib.SMTP) -> None:
        server = self._server
        smtp.ehlo_or_helo_if_needed()
        safe = server.scheme == "smtps"
        if not safe and (server.scheme == "smtp+starttls" or smtp.has_extn("starttls")):
            smtp.starttls(context=self._tls)
            safe = True
        if server.user is None:
            return
        if not safe and server.host not in _LOOPBACK:
            raise Permanent(f"{server!r} offers no TLS, so the password of MODELGATE_SMTP was not sent; use smtps:// or another server")
        smtp.login(server.user, server.password or "")

    def _translated(self, error: Exception) -> Temporary | Permanent:
        code, said = _answer(error)
        lasting = isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError) or code >= 500  # noqa: PLR2004 - SMTP's own border
        told = f"{self._server!r}: {type(error).__name__}" + (f" {code} {clean(said, 120)}" if code else "")
        return Permanent(f"the mail server refused the mail ({told})") if lasting else Temporary(f"the mail could not be sent now ({told})")


def _answer(error: Exception) -> tuple[int, str]:
    """The server's code and words; 0 where there was none. Of several refused recipients the mildest counts: it may work later."""
    said: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = min(error.recipients.values(), default=(0, b""))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:
        return 0, ""
    return code, said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _sender(mail: Mail) -> str:
    return parseaddr(mail.headers.get("From", ""))[1] or "modelgate@localhost"
