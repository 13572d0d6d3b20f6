"""A release: one bundle's way through the gate, as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.bundle import Bundle, Drop
from shared.domain.faults import Fault


class Stage(StrEnum):
    """What a release waits for, or how it ended."""

    COLLECTING = "collecting"
    VALIDATING = "validating"
    REGISTERING = "registering"
    BUILDING = "building"
    DEPLOYING = "deploying"
    SMOKE_TESTING = "smoke_testing"
    SCORING = "scoring"
    EVALUATING = "evaluating"
    AWAITING_DECISION = "awaiting_decision"
    PASSED = "passed"
    FAILED = "failed"
    INVALID = "invalid"
    ERROR = "error"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"


WAY = tuple(Stage)[:8]  # the stages passed in this order; `cluster` goes from building to scoring
ENDED = frozenset(tuple(Stage)[9:])


class Verdict(StrEnum):
    """The automatic answer; a person's is a decision."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    ERROR = "error"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class HistoryLine:
    """At `at` the release came to `stage` (or stayed there) because of `fact`."""

    at: datetime
    stage: Stage
    fact: str
    reason: str = ""


@dataclass(frozen=True)
class KpiResult:
    """One KPI as judged. `holds` None: shown only, or too close to call (then `reason` says so)."""

    metric: str
    rule: str  # min | max
    limit: float
    value: float | None
    holds: bool | None
    reason: str = ""
    mode: str = "enforce"
    rows: int | None = None
    interval: tuple[float, float] | None = None
    champion: float | None = None
    slice: str | None = None
    reported: bool = False  # a figure that the submitter's own code reported


@dataclass(frozen=True)
class Decision:
    """What a person decided about an inconclusive release."""

    outcome: str  # pass | fail
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Image:
    """Where a model runs: on the laptop an environment, `environments/<hash>`. `notes` are warnings to show."""

    reference: str
    digest: str
    notes: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """A served model: `url` takes scoring requests; `start_seconds` from start to first answer."""

    url: str
    start_seconds: float | None = None


@dataclass(frozen=True)
class Scores:
    """What scoring found: `metrics` ours, `reported` the submitter's own; both by name."""

    metrics: Mapping[str, float]
    reported: Mapping[str, float]
    rows: int
    failed_rows: int
    notes: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Release:
    """Everything known of one release. `attempt` counts retries; keys of tasks, jobs and mails carry it."""

    id: str
    drop: Drop
    name: str
    stage: Stage
    created_at: datetime
    updated_at: datetime
    stage_since: datetime
    submitter: str | None = None
    attempt: int = 1
    bundle: Bundle | None = None
    data_digest: str | None = None
    version: int | None = None
    image: Image | None = None
    endpoint: Endpoint | None = None
    request: str | None = None  # the request shape that the smoke test found
    run: str | None = None  # id of the scoring run
    scores: Scores | None = None
    kpis: tuple[KpiResult, ...] = ()
    verdict: Verdict | None = None
    decision: Decision | None = None
    faults: tuple[Fault, ...] = ()
    reasons: tuple[str, ...] = ()
    stopped_at: Stage | None = None  # where it ended without a gate's answer; `retry` starts there
    same_as: str | None = None
    history: tuple[HistoryLine, ...] = field(default=())

    @property
    def ended(self) -> bool:
        """Nothing more will happen by itself."""
        return self.stage in ENDED
