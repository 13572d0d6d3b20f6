"""Mails as `.eml` files in the outbox, one file a mail."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

from shared.adapters.local.home import write_whole
from shared.ports import Mail, NotYet
from shared.wire.mime import mime_message

_ID = re.compile(r"[0-9a-f-]{36}")


class FileMailer:
    """Port Mailer over the folder `outbox`. The file's name ends in the operation id, so a mail that is there is never written again.

    `delivered` is told of each mail that is there now, as a mail service reports its deliveries.
    """

    def __init__(self, outbox: Path, delivered: Callable[[Mail], None] | None = None) -> None:
        self._outbox, self._delivered = outbox, delivered
        self._lock = threading.Lock()

    def send(self, mail: Mail) -> NotYet | None:
        """Put the mail into the outbox unless it is there."""
        self.deliver(mail)
        if self._delivered is not None:
            self._delivered(mail)
        return None

    def deliver(self, mail: Mail) -> Path:
        """The mail's file, written if it was not there."""
        if not _ID.fullmatch(mail.operation_id):
            raise ValueError(f"{mail.operation_id!r} is no operation id: a UUID in small letters is needed")
        with self._lock:
            there = self.find(mail.operation_id)
            if there:
                return there
            path = self._outbox / file_name(mail)
            write_whole(path, mime_message(mail).as_bytes())
            return path

    def find(self, operation_id: str) -> Path | None:
        """The file of this mail, if it was written."""
        return next(iter(sorted(self._outbox.glob(f"*-{operation_id}.eml"))), None)


def file_name(mail: Mail) -> str:
    """`20261120T140217Z-passed-diabetes-3-<operation id>.eml`: sorted by time, and readable."""
    words = re.sub(r"[^a-z0-9]+", "-", mail.subject.partition(" · ")[0].lower()).strip("-")[:60]
    return f"{mail.at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{words or 'mail'}-{mail.operation_id}.eml"
