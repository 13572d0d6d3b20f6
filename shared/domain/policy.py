"""What a site may choose about time and patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo

from shared.domain.release import Stage

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DEADLINES: Mapping[Stage, timedelta] = {
    Stage.COLLECTING: 24 * HOUR,
    Stage.VALIDATING: 10 * MINUTE,
    Stage.REGISTERING: 10 * MINUTE,
    Stage.BUILDING: 45 * MINUTE,
    Stage.DEPLOYING: 30 * MINUTE,
    Stage.SMOKE_TESTING: 10 * MINUTE,
    Stage.SCORING: 120 * MINUTE,
    Stage.EVALUATING: 10 * MINUTE,
    Stage.AWAITING_DECISION: 7 * 24 * HOUR,
}


@dataclass(frozen=True)
class Policy:
    """Defaults are the design's. `tries`: failures in a row before a task is given up; the wait doubles from `backoff` to `backoff_cap`."""

    deadlines: Mapping[Stage, timedelta] = field(default_factory=lambda: DEADLINES)
    quiet_period: timedelta = timedelta(seconds=30)
    endpoint_ttl: timedelta = timedelta(0)
    tries: int = 6
    backoff: timedelta = timedelta(seconds=1)
    backoff_cap: timedelta = timedelta(minutes=5)
    go_on_for: timedelta = timedelta(seconds=20)  # how long one delivery may go on with the next tasks of its release
    sender: str = "modelgate@localhost"
    base_url: str = "http://127.0.0.1:7071"
    zone: tzinfo | None = None  # the local time told beside UTC; None: UTC alone
    deciders: tuple[str, ...] = ()  # who may decide; empty: anybody who gives a name
