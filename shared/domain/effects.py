"""Effects: what a release asks for. Values; somebody else carries them out. Everything else they need stands in the release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CollectFolder:
    """See whether the folder drop is complete and quiet."""


@dataclass(frozen=True)
class InspectDrop:
    """Freeze the drop's bytes and check them."""


@dataclass(frozen=True)
class ReserveVersion:
    """Look for the same bundle judged before; else take the next version of the model's name."""


@dataclass(frozen=True)
class RegisterModel:
    """Register the bundle under the reserved version."""


@dataclass(frozen=True)
class BuildImage:
    """Build what the bundle's environment file asks for."""


@dataclass(frozen=True)
class Deploy:
    """Serve the model."""


@dataclass(frozen=True)
class SmokeTest:
    """Try the endpoint with a few rows."""


@dataclass(frozen=True)
class Score:
    """Score the verification data under the release's run id."""


@dataclass(frozen=True)
class ExplainRun:
    """Find out why the run failed."""


@dataclass(frozen=True)
class Evaluate:
    """Fetch the metrics and hold them against the gate."""


@dataclass(frozen=True)
class SendMail:
    """Tell the submitter: receipt, verdict, fault, duplicate, cancelled."""

    kind: str


@dataclass(frozen=True)
class TakeDown:
    """Leave nothing running of this release."""


Effect = (
    CollectFolder
    | InspectDrop
    | ReserveVersion
    | RegisterModel
    | BuildImage
    | Deploy
    | SmokeTest
    | Score
    | ExplainRun
    | Evaluate
    | SendMail
    | TakeDown
)
EFFECTS: dict[str, type] = {kind.__name__: kind for kind in Effect.__args__}
LASTING = (SendMail, TakeDown)  # asked for once, wanted whatever stage comes next


@dataclass(frozen=True)
class Task:
    """An effect with a computed key (`release/revision/n`). `attempt` counts deliveries, `failures` those that went wrong in a row."""

    key: str
    effect: Effect
    due_at: datetime
    attempt: int = 0
    failures: int = 0
