"""Replies: our values and errors as HTTP. Only this file knows which error is which status."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import azure.functions as func

from shared.domain import errors

log = logging.getLogger("modelgate.doors")
Answer = Callable[..., func.HttpResponse]


class BadRequest(errors.ModelgateError):
    """The request does not say what it should."""

    def __init__(self, message: str, fix: str = "", status: int = 400, code: str = "bad_request") -> None:
        super().__init__(message)
        self.fix, self.status, self.code = fix, status, code


STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.NotFound, 404, "not_found"),
    (errors.NoSuchStep, 409, "no_such_step"),
    (errors.Conflict, 409, "conflict"),
    (errors.Temporary, 503, "try_again"),
    (errors.Permanent, 500, "needs_an_operator"),
)


def answered(door: Answer) -> Answer:
    """The door with every error turned into its reply: a sentence, never a traceback."""

    @functools.wraps(door)
    def answering(*args: Any, **kwargs: Any) -> func.HttpResponse:
        try:
            return door(*args, **kwargs)
        except BadRequest as error:
            return problem(error.status, error.code, str(error), error.fix)
        except errors.ModelgateError as error:
            status, code = next(((status, code) for kind, status, code in STATUS if isinstance(error, kind)), (500, "error"))
            return problem(status, code, str(error))
        except Exception:
            log.exception("%s failed in a way nobody foresaw", door.__name__)
            return problem(500, "internal", "This did not work, and it is our fault.", "The log of the functions names the cause.")

    return answering


def as_json(body: object, status: int = 200) -> func.HttpResponse:
    """`body` as JSON."""
    import msgspec  # noqa: PLC0415 - import time of the app

    return func.HttpResponse(msgspec.json.encode(body), status_code=status, mimetype="application/json", headers=SAFE)


def as_html(body: str | bytes, status: int = 200) -> func.HttpResponse:
    """A page. What may run in it stands in the page itself; that nobody may frame it can only be said in a header."""
    headers = SAFE | {"Content-Security-Policy": "frame-ancestors 'none'"}
    return func.HttpResponse(body, status_code=status, mimetype="text/html", charset="utf-8", headers=headers)


def as_text(body: str) -> func.HttpResponse:
    """Plain text."""
    return func.HttpResponse(body, mimetype="text/plain", charset="utf-8", headers=SAFE)


def problem(status: int, code: str, message: str, fix: str = "") -> func.HttpResponse:
    """The one shape of errors."""
    return as_json({"error": {"code": code, "message": message, "fix": fix}}, status)


SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
