"""modelgate over HTTP, by the standard library."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPException
from typing import IO, Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from cli import DEFAULT_URL
from cli.exits import CommandError, Refused, Unreachable

PATIENCE = 30.0  # seconds until an answer begins
UPLOAD_PATIENCE = 300.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


NONE: Mapping[str, str] = {}
Query = Sequence[tuple[str, Any]]


class Answer(NamedTuple):
    """A 2xx answer: body and content type without its parameters."""

    body: bytes
    content_type: str


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: the key would go where it leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def opener_for(url: str) -> OpenerDirector:
    """Opens `url`; a loopback address is never asked of a proxy."""
    proxies = [ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    return build_opener(*proxies, _StayHere)


class Client:
    """A running modelgate at `url`. Raises Unreachable when nothing answers, Refused when the answer is an error."""

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CommandError(f"{url!r} is no address of a modelgate.", f"Give --url like {DEFAULT_URL}")
        self.url, self._key = url.rstrip("/") + "/", key

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at `path`; query values that are None are left out."""
        return self._json(self.fetch(path, **query), path)

    def post(self, path: str, value: Mapping[str, Any] = NONE, headers: Mapping[str, str] = NONE, query: Query = ()) -> Any:
        """Post `value` as JSON; the JSON answer."""
        typed = {**headers, "Content-Type": "application/json"}
        return self._json(self._send(self._request("POST", _with(path, query), json.dumps({**value}).encode(), typed)), path)

    def post_file(self, path: str, file: IO[bytes], size: int, headers: Mapping[str, str], query: Query) -> Any:
        """Post `size` bytes of `file` without holding them; the JSON answer."""
        request = self._request("POST", _with(path, query), file, {**headers, "Content-Length": str(size)})
        return self._json(self._send(request, timeout=UPLOAD_PATIENCE), path)

    def put_file(self, url: str, file: IO[bytes], size: int) -> None:
        """Put `file` at a write URL that the server gave (absolute, or relative to ours). Our key is not for it."""
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream", "x-ms-blob-type": "BlockBlob"}
        self._send(Request(urljoin(self.url, url), data=file, headers=headers, method="PUT"), timeout=UPLOAD_PATIENCE)  # noqa: S310 - checked in _send

    def fetch(self, path: str, **query: Any) -> Answer:
        """Whatever lies at `path`."""
        return self._send(self._request("GET", _with(path, [(name, value) for name, value in query.items() if value is not None])))

    def _request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = NONE) -> Request:
        key = {"x-functions-key": self._key} if self._key else {}
        return Request(self.url + path, data=body, headers={**headers, **key}, method=method)  # noqa: S310 - http(s) only, see __init__

    def _send(self, request: Request, timeout: float = PATIENCE) -> Answer:
        if request.type not in ("http", "https"):
            raise CommandError(f"The server named {request.full_url!r}, which is no web address.")
        with _spoken(self.url, request), opener_for(request.full_url).open(request, timeout=timeout) as reply:
            return Answer(reply.read(), reply.headers.get_content_type())

    def _json(self, answer: Answer, path: str) -> Any:
        try:
            return json.loads(answer.body or b"null")
        except ValueError:
            raise Unreachable(f"{self.url}{path} answers, but not as a modelgate does.", "Is --url right?") from None


def _with(path: str, query: Query) -> str:
    return f"{path}?{urlencode(query)}" if query else path


@contextmanager
def _spoken(url: str, request: Request) -> Iterator[None]:
    """Turn what urllib raises into sentences."""
    try:
        yield
    except HTTPError as error:
        with error:
            raise _refusal(error.code, error.headers, error.read(1_000_000), request) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise Unreachable(f"Nothing answers at {url} ({text}).", "Start it with `modelgate up`, or name another with --url.") from None


def _refusal(status: int, headers: Message, body: bytes, request: Request) -> Refused:
    try:
        error = json.loads(body)["error"]
        return Refused(status, str(error["message"]), str(error.get("fix") or ""), str(error.get("code") or "refused"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refused(status, *_plain_refusal(status, headers, request))


def _plain_refusal(status: int, headers: Message, request: Request) -> tuple[str, str]:
    if status in (301, 302, 303, 307, 308):
        return f"{request.full_url} is somewhere else now.", f"Use --url with {headers.get('Location', 'the new address')}"
    if status in (401, 403):
        return f"The server does not let you: HTTP {status}.", "Put the function key into MODELGATE_KEY."
    return f"The server answered HTTP {status} to {request.get_method()} {urlsplit(request.full_url).path}.", ""


def client_for(args: Namespace) -> Client:
    """The client of a command line: `--url`, else MODELGATE_URL, else the laptop; key from MODELGATE_KEY."""
    return Client(args.url or os.environ.get("MODELGATE_URL") or DEFAULT_URL, os.environ.get("MODELGATE_KEY", ""))
