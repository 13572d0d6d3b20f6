"""A mail as MIME. The library builds and folds every header; nothing that came from outside can add one."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from shared.ports import Mail
from shared.wire.text import clean

SENDER = "modelgate <modelgate@localhost>"
NOBODY = "undisclosed-recipients:;"


def mime_message(mail: Mail) -> EmailMessage:
    """The message: text and HTML as alternatives, attachments beside them, `Message-ID` from the operation id, `Date` from `mail.at`."""
    message = EmailMessage(policy=SMTP)
    headers = {clean(name, 60): clean(value, 900) for name, value in mail.headers.items()}
    message["From"] = headers.pop("From", SENDER)
    message["To"] = ", ".join(clean(to, 254) for to in mail.to) or NOBODY
    message["Subject"] = clean(mail.subject, 250)
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = message_id(mail.operation_id)
    for name, value in headers.items():
        message[name] = value
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        main, _, sub = attachment.content_type.partition("/")
        message.add_attachment(attachment.content, maintype=main, subtype=sub or "octet-stream", filename=clean(attachment.name, 120))
    return message


def message_id(operation_id: str) -> str:
    """`<operation id@modelgate>`: a server that gets the same mail twice can tell."""
    return f"<{operation_id}@modelgate>"
