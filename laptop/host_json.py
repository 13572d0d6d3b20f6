"""host.json and the app settings that the Functions host reads: what the laptop's host obeys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HTTP_CUT = 230.0  # seconds: the platform's load balancer cuts replies there, whatever functionTimeout says
DEFAULT_TIMEOUT = 1800.0  # Flex
LEVELS = {"trace": 5, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 100}
_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d+))?")


class BadHostJson(Exception):
    """host.json cannot be obeyed."""


@dataclass(frozen=True)
class HttpRules:
    """`extensions.http`. None: no limit."""

    prefix: str = "api"
    max_concurrent: int | None = None
    max_outstanding: int | None = None


@dataclass(frozen=True)
class QueueRules:
    """`extensions.queues`. `visibility` in seconds, None when host.json does not say it.

    `maxPollingInterval` is read and not needed: the laptop's queue tells of a message the moment it is visible.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    max_polling: float = 60.0
    visibility: float | None = None

    @property
    def at_once(self) -> int:
        """Messages worked on at the same time: the host takes the next batch when `new_batch_threshold` are left of the last."""
        return self.batch_size + self.new_batch_threshold


@dataclass(frozen=True)
class HostJson:
    """Everything that the laptop's host obeys. `timeout` in seconds, None: none."""

    http: HttpRules = HttpRules()
    queues: QueueRules = QueueRules()
    timeout: float | None = DEFAULT_TIMEOUT
    levels: Mapping[str, int] = field(default_factory=lambda: {"default": 20})

    @property
    def http_timeout(self) -> float:
        """Seconds after which a caller gets no more answer."""
        return min(self.timeout or HTTP_CUT, HTTP_CUT)

    def level(self, category: str) -> int:
        """The log level of a category such as `Function.sweep.User`: the longest name that is its beginning decides."""
        parts = category.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((self.levels[name] for name in names if name in self.levels), self.levels.get("default", 20))


def read_host_json(path: Path) -> HostJson:
    """host.json at `path`. Raises BadHostJson with a sentence when it is not there or says what cannot be obeyed."""
    try:
        return host_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BadHostJson(f"There is no {path}; the Functions host needs one beside function_app.py.") from None
    except ValueError as error:
        raise BadHostJson(f"{path} is not JSON: {error}.") from None


def host_json(document: Mapping[str, Any]) -> HostJson:
    """What a host.json document says. Raises BadHostJson."""
    if document.get("version") != "2.0":
        raise BadHostJson('host.json must say "version": "2.0".')
    extensions = document.get("extensions", {})
    logging = document.get("logging", {}).get("logLevel", {})
    return HostJson(
        http=_http(extensions.get("http", {})),
        queues=_queues(extensions.get("queues", {})),
        timeout=_timeout(document.get("functionTimeout")),
        levels={"default": 20} | {name: _level(name, level) for name, level in logging.items()},
    )


def seconds(text: str, key: str) -> float:
    """Seconds of a .NET time span, `[d.]hh:mm:ss[.fff]`."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadHostJson(f"{key} in host.json is {text!r}; it must look like 00:00:02.")
    days, hours, minutes, secs, fraction = found.groups()
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(secs) + float(f"0.{fraction or 0}")


def is_disabled(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the app setting `AzureWebJobs.<name>.Disabled` switches a function off (`__` stands for `.` where a shell allows no dot)."""
    keys = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs__{name}__Disabled")
    return any(environment.get(key, "").lower() in ("1", "true") for key in keys)


def _http(section: Mapping[str, Any]) -> HttpRules:
    return HttpRules(
        prefix=str(section.get("routePrefix", "api")).strip("/"),
        max_concurrent=_limit(section.get("maxConcurrentRequests", -1)),
        max_outstanding=_limit(section.get("maxOutstandingRequests", -1)),
    )


def _queues(section: Mapping[str, Any]) -> QueueRules:
    if section.get("messageEncoding", "base64") != "none":
        raise BadHostJson('extensions.queues.messageEncoding in host.json must be "none": tasks are sent as plain text.')
    batch = int(section.get("batchSize", 16))
    if not 1 <= batch <= 32:  # noqa: PLR2004 - what Azure's queue service allows
        raise BadHostJson(f"extensions.queues.batchSize in host.json is {batch}; it must be from 1 to 32.")
    visibility = section.get("visibilityTimeout")
    return QueueRules(
        batch_size=batch,
        new_batch_threshold=int(section.get("newBatchThreshold", batch // 2)),
        max_dequeue_count=int(section.get("maxDequeueCount", 5)),
        max_polling=seconds(section.get("maxPollingInterval", "00:01:00"), "maxPollingInterval"),
        visibility=None if visibility is None else seconds(visibility, "visibilityTimeout"),
    )


def _timeout(text: str | None) -> float | None:
    if text is None:
        return DEFAULT_TIMEOUT
    return None if text == "-1" else seconds(text, "functionTimeout")


def _limit(number: int) -> int | None:
    return number if number >= 0 else None


def _level(name: str, level: str) -> int:
    if str(level).lower() not in LEVELS:
        raise BadHostJson(f"logging.logLevel.{name} in host.json is {level!r}; known are {', '.join(LEVELS)}.")
    return LEVELS[level.lower()]
