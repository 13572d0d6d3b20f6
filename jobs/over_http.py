"""Questions over HTTP, as a caller of the endpoint asks them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jobs.faults import ServerGone

OK = 200
BUSY = (502, 503, 504)
WAITS = (0.05, 0.2, 0.8)  # seconds before each further try


@dataclass(frozen=True)
class Reply:
    """What came back. `status` 0: no answer at all, `error` says why. `answer` is a body (bytes) or, in process, the value itself."""

    status: int
    answer: Any = None
    seconds: float = 0.0
    error: str | None = None
    late: bool = False  # no answer in time
    closed: bool = False  # the connection was closed without an answer

    @property
    def ok(self) -> bool:
        """Whether there is an answer to read."""
        return self.status == OK and self.error is None


Ask = Callable[[bytes], Reply]


class Endpoint:
    """One scoring URL. Connections are closed after each answer: the server's one worker would keep a second caller waiting for 2 s."""

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port
        self._path = parts.path or "/"
        self._seconds = seconds

    def ask(self, body: bytes) -> Reply:
        """POST `body`; a busy server and a lost connection are tried again a few times. Raises ServerGone when nobody listens."""
        last = self._once(body)
        for wait in WAITS:
            if not _again(last):
                break
            time.sleep(wait)
            last = self._once(body)
        if last.error == "refused":
            raise ServerGone("nothing listens at the endpoint any more")
        return last

    def _once(self, body: bytes) -> Reply:
        start = time.perf_counter()
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json", "Connection": "close"})
            response = connection.getresponse()
            return Reply(response.status, response.read(), time.perf_counter() - start)
        except ConnectionRefusedError:
            return Reply(0, error="refused")
        except TimeoutError:
            return Reply(0, error=f"no answer within {self._seconds:g} s", late=True)
        except (OSError, http.client.HTTPException):
            return Reply(0, error="the server closed the connection without an answer", closed=True)
        finally:
            connection.close()


def _again(reply: Reply) -> bool:
    return reply.status in BUSY or (reply.status == 0 and not reply.late)
