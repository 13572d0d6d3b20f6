"""`/inbox`: every mail that the laptop would have sent, as its reader would see it.

What a mail brings is shown as a stranger's: its HTML stands in a sandboxed frame without scripts, its attachments are only
ever downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

from starlette.responses import Response

_PATH = re.compile(r"/inbox(?:/(?P<name>[^/]+)(?:/(?P<part>raw|\d+))?)?/?", re.IGNORECASE)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
FRAME = "allow-popups allow-popups-to-escape-sandbox"  # no scripts, no forms, no origin; links open outside
DOWNLOAD = HEADERS | {"Content-Security-Policy": "sandbox; default-src 'none'"}
STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24;background:#fff}
a{color:#0b57d0}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d0d7de}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f8fa;padding:1rem}iframe{width:100%;height:70vh;border:1px solid #d0d7de}
dt{font-weight:600}dd{margin:0 0 .4rem}.none{color:#57606a}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}a{color:#79b8ff}pre{background:#161b22}iframe{background:#fff}}"""


def is_inbox(raw_path: str) -> bool:
    """Whether a path is one of this room."""
    return _PATH.fullmatch(raw_path) is not None


def answer(outbox: Path, method: str, raw_path: str) -> Response:
    """The list of mails, one mail, its source (`raw`) or its n-th attachment."""
    found = _PATH.fullmatch(raw_path)
    if method not in ("GET", "HEAD") or found is None:
        return _page("Not allowed", "<p>The inbox can only be read.</p>", 405, {"Allow": "GET, HEAD"})
    if found["name"] is None:
        return _page("Inbox", _list(outbox))
    file = _file(outbox, unquote(found["name"]))
    if file is None:
        return _page("No such mail", '<p>This mail is not in the outbox. <a href="/inbox">All mails</a></p>', 404)
    content = file.read_bytes()
    if found["part"] == "raw":
        return Response(content, media_type="text/plain; charset=utf-8", headers=DOWNLOAD)
    mail = _parsed(content)
    if found["part"] is not None:
        return _attachment(mail, int(found["part"]))
    return _page(str(mail["subject"] or "Without subject"), _mail(file.name, mail))


def _file(outbox: Path, name: str) -> Path | None:
    """Only names that are really listed there: no path can lead out."""
    return next((file for file in _files(outbox) if file.name == name), None)


def _files(outbox: Path) -> Iterator[Path]:
    found = [file for file in outbox.glob("*.eml") if file.is_file() and not file.is_symlink() and not file.name.startswith(".")]
    yield from sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)


def _parsed(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - what policy.default makes
    return mail


def _list(outbox: Path) -> str:
    rows = []
    for file in _files(outbox):
        mail = _parsed(file.read_bytes())
        link = f'<a href="/inbox/{quote(file.name, safe="")}">{_header(mail, "subject") or "Without subject"}</a>'
        rows.append(f"<tr><td>{_header(mail, 'date')}</td><td>{_header(mail, 'to')}</td><td>{link}</td></tr>")
    if not rows:
        return '<p class="none">No mail yet. Copy a bundle into model-drop, or run <code>modelgate demo</code>.</p>'
    return f"<table><thead><tr><th>Sent</th><th>To</th><th>Subject</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _mail(name: str, mail: EmailMessage) -> str:
    base = f"/inbox/{quote(name, safe='')}"
    lines = "".join(f"<dt>{label}</dt><dd>{_header(mail, label)}</dd>" for label in ("From", "To", "Reply-To", "Date") if mail[label])
    html, plain = mail.get_body(("html",)), mail.get_body(("plain",))
    frame = (
        f'<iframe title="HTML part" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{_framed(html)}"></iframe>'
        if html
        else ""
    )
    text = f"<h2>Plain text</h2><pre>{escape(_content(plain))}</pre>" if plain else ""
    links = [f'<li><a href="{base}/{n}" download>{escape(_name(part, n))}</a></li>' for n, part in enumerate(mail.iter_attachments())]
    attached = f"<h2>Attachments</h2><ul>{''.join(links)}</ul>" if links else ""
    return f'<p><a href="/inbox">All mails</a> · <a href="{base}/raw">Source</a></p><dl>{lines}</dl>{attached}{frame}{text}'


def _framed(part: MIMEPart) -> str:
    """An HTML part for srcdoc; its links open in a new window."""
    return escape('<base target="_blank">' + _content(part), quote=True)


def _attachment(mail: EmailMessage, number: int) -> Response:
    part = dict(enumerate(mail.iter_attachments())).get(number)
    if part is None:
        return _page("No such attachment", '<p>This mail has no such attachment. <a href="/inbox">All mails</a></p>', 404)
    content = part.get_payload(decode=True)
    shown = f"attachment; filename*=UTF-8''{quote(_name(part, number), safe='')}"
    body = content if isinstance(content, bytes) else bytes(part)
    return Response(body, media_type="application/octet-stream", headers=DOWNLOAD | {"Content-Disposition": shown})


def _name(part: MIMEPart, number: int) -> str:
    return Path(part.get_filename() or f"attachment-{number}").name


def _content(part: MIMEPart) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a character set that nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _header(mail: EmailMessage, name: str) -> str:
    return escape(str(mail[name] or ""))


def _page(title: str, body: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
    document = f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>'
    return Response(document, status, HEADERS | (headers or {}), "text/html")
