"""Requests: what a caller says, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import azure.functions as func

from function_app.replies import BadRequest
from shared.domain.drops import is_archive
from shared.wiring import ports

MOST_BYTES = 100_000_000
MAIL = re.compile(r"[^@\s<>\"',;:]{1,64}@[^@\s<>\"',;:]{1,189}")
_MAGIC = ((b"PK", ".zip"), (b"\x1f\x8b", ".tar.gz"))


def fields_of(req: func.HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; none is an empty one."""
    body = req.get_body()
    try:
        fields = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadRequest("the body must be a JSON object")
    return fields


def submission_of(req: func.HttpRequest) -> dict[str, str]:
    """What the submitter says beside the bundle: name, submitter, force, set.N, and who is signed in."""
    query = parse_qs(urlsplit(req.url).query) or {key: [value] for key, value in req.params.items()}
    said = {"name": (query.get("name") or ["bundle.zip"])[-1][:200]}
    said |= {f"set.{number:03}": override for number, override in enumerate(query.get("set", ()))}
    submitter = req.headers.get("x-modelgate-submitter") or (query.get("submitter") or [""])[-1]
    if submitter and not MAIL.fullmatch(submitter):
        raise BadRequest(f"{submitter[:100]!r} is no mail address", "Send one address in x-modelgate-submitter.")
    signed_in = req.headers.get("x-ms-client-principal-name", "")
    force = (query.get("force") or [""])[-1].lower() in {"1", "true", "yes"}
    optional = {"submitter": submitter, "uploader": signed_in, "force": "true" if force else ""}
    return said | {key: value for key, value in optional.items() if value}


def archive_of(req: func.HttpRequest, said: Mapping[str, str]) -> tuple[str, bytes]:
    """(file name, bytes) of the archive in the body."""
    body = req.get_body()
    if len(body) > MOST_BYTES:
        too_large(len(body))
    ending = next((ending for magic, ending in _MAGIC if body.startswith(magic)), None)
    if ending is None:
        raise BadRequest("the body is no archive", "Send a .zip or .tar.gz as the body, or JSON {url} with content type application/json.")
    return (said["name"] if is_archive(said["name"]) else said["name"] + ending), body


def too_large(size: int) -> None:
    """Refuse a body and say where it can go."""
    fix = "POST /api/uploads gives a URL that takes archives of any size allowed; then POST its drop_url here."
    raise BadRequest(f"the body has {size:,} bytes; this door takes {MOST_BYTES:,}", fix, 413, "too_large")


def limit_of(req: func.HttpRequest) -> int:
    """Releases a page."""
    text = req.params.get("limit") or "50"
    if not text.isdigit() or not 1 <= int(text) <= 200:  # noqa: PLR2004 - said in the message
        raise BadRequest(f"limit is {text[:20]!r}", "A number from 1 to 200.")
    return int(text)


def asked(req: func.HttpRequest, name: str, allowed: tuple[str, ...]) -> str | None:
    """A query parameter that is one of a few words."""
    value = req.params.get(name) or None
    if value is not None and value not in allowed:
        raise BadRequest(f"{name} is {value[:40]!r}", f"One of {', '.join(allowed)}.")
    return value


def person_of(req: func.HttpRequest, fields: Mapping[str, Any], *, needed: bool) -> str:
    """Who asks: the signed-in principal; on the laptop also `as`. A key alone is nobody: 403 when a person is `needed`."""
    name = req.headers.get("x-ms-client-principal-name") or str(fields.get("as") or req.params.get("as") or "")
    if not name and not needed:
        return "operator"
    deciders = ports().policy.deciders
    if not MAIL.fullmatch(name) or (needed and deciders and name.lower() not in deciders):
        raise BadRequest("a decision is a known person's", "Say who you are with `--as you@example.com`.", 403, "who_are_you")
    return name
