"""Facts: what happened. Values; told by events, by tasks and by people, possibly twice, late, or early."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.bundle import Bundle, Drop
from shared.domain.faults import Fault
from shared.domain.release import Endpoint, Image, KpiResult, Scores, Stage, Verdict


@dataclass(frozen=True)
class ReadyMarked:
    """An empty `_READY` landed in the folder drop."""


@dataclass(frozen=True)
class FolderClosed:
    """The folder drop is complete; `drop` carries its eTag as it closed."""

    drop: Drop


@dataclass(frozen=True)
class FolderMerged:
    """The folder turned out to be a part of a larger folder drop, release `into`; or it is gone (`into` None)."""

    into: str | None


@dataclass(frozen=True)
class BundleChecked:
    """Inspection is done. `bundle` None: refused, and `faults` say why."""

    bundle: Bundle | None
    faults: tuple[Fault, ...]
    data_digest: str | None = None
    name: str | None = None
    submitter: str | None = None


@dataclass(frozen=True)
class DropGone:
    """The dropped bytes were replaced or removed before they were frozen; a replacement has a release of its own."""

    reason: str


@dataclass(frozen=True)
class FoundSame:
    """Release `same_as` is the same bundle, manifest and data; what was said of it then is said again."""

    same_as: str
    verdict: Verdict | None
    kpis: tuple[KpiResult, ...] = ()
    reasons: tuple[str, ...] = ()
    scores: Scores | None = None


@dataclass(frozen=True)
class VersionReserved:
    """This version is ours to register."""

    version: int


@dataclass(frozen=True)
class VersionTaken:
    """Somebody else registered this version first."""

    version: int


@dataclass(frozen=True)
class ModelRegistered:
    """The registry holds the bundle as `version`."""

    version: int


@dataclass(frozen=True)
class ImagePushed:
    """The registry of images has something new for this release; the builder knows whether it is whole."""


@dataclass(frozen=True)
class ImageBuilt:
    """The image is there."""

    image: Image


@dataclass(frozen=True)
class Deployed:
    """The endpoint answers."""

    endpoint: Endpoint


@dataclass(frozen=True)
class SmokePassed:
    """The endpoint gave usable answers to requests of shape `request`."""

    request: str
    notes: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class RunEnded:
    """The scoring run ended."""

    run: str
    succeeded: bool


@dataclass(frozen=True)
class Evaluated:
    """The metrics are in and every KPI is judged."""

    scores: Scores
    kpis: tuple[KpiResult, ...]


@dataclass(frozen=True)
class StageFailed:
    """The stage's work cannot be done: the bundle is to blame, or (`ours`) the platform."""

    faults: tuple[Fault, ...]
    ours: bool


@dataclass(frozen=True)
class DeadlinePassed:
    """The release has been in `stage` for longer than its deadline."""

    stage: Stage


@dataclass(frozen=True)
class CancelAsked:
    """A person wants no verdict any more."""

    by: str
    reason: str = ""


@dataclass(frozen=True)
class Decided:
    """A known person decided an inconclusive release."""

    outcome: str  # pass | fail
    by: str
    reason: str


@dataclass(frozen=True)
class RetryAsked:
    """A person wants the stage tried again (None: the one where it stopped)."""

    by: str
    stage: Stage | None = None


@dataclass(frozen=True)
class MailSent:
    """A mail is in the outbox."""

    kind: str


@dataclass(frozen=True)
class MailReported:
    """The mail service told what became of a mail."""

    status: str
    recipient: str


@dataclass(frozen=True)
class TakenDown:
    """Nothing of the release runs any more."""


@dataclass(frozen=True)
class TaskGivenUp:
    """A task that no stage waits for failed for good; it lies with the dead letters."""

    effect: str
    reason: str


Fact = (
    ReadyMarked
    | FolderClosed
    | FolderMerged
    | BundleChecked
    | DropGone
    | FoundSame
    | VersionReserved
    | VersionTaken
    | ModelRegistered
    | ImagePushed
    | ImageBuilt
    | Deployed
    | SmokePassed
    | RunEnded
    | Evaluated
    | StageFailed
    | DeadlinePassed
    | CancelAsked
    | Decided
    | RetryAsked
    | MailSent
    | MailReported
    | TakenDown
    | TaskGivenUp
)
FACTS: dict[str, type] = {kind.__name__: kind for kind in Fact.__args__}
