"""The lifecycle: one table, read as sentences.

A release is in a stage. A fact comes. The first row that fits says where it goes and what it asks for; no row means that this step
does not exist (`NoSuchStep`). The drawing and the table in the README are printed from `TABLE`.

What does not stand in the table: a fact that belongs to a stage still ahead is kept by the engine and tried again after each move
(`belongs_to`); a fact that fits no row is recorded and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain import effects as e
from shared.domain import facts as f
from shared.domain.errors import NoSuchStep
from shared.domain.gate import gate_holds
from shared.domain.identity import run_id
from shared.domain.learning import learn, reason_of, reasons_of
from shared.domain.release import ENDED, WAY, HistoryLine, Release, Stage, Verdict

S = Stage
Effects = tuple[e.Effect, ...]


# --- guards: is it so? ------------------------------------------------------------------------------------------------


def always(_release: Release, _fact: f.Fact) -> bool:
    """Whatever else."""
    return True


otherwise = always


def accepted(_release: Release, fact: f.Fact) -> bool:
    """Inspection found nothing that stops the bundle."""
    return isinstance(fact, f.BundleChecked) and fact.bundle is not None


def without_endpoint(release: Release, _fact: f.Fact) -> bool:
    """A job loads the model: compute target `cluster`, or a batch script."""
    return release.bundle is not None and (release.bundle.manifest.compute.target == "cluster" or release.bundle.style == "batch")


def this_version(release: Release, fact: f.Fact) -> bool:
    """The version told of is the one reserved."""
    return isinstance(fact, f.ModelRegistered | f.VersionTaken) and fact.version == release.version


def this_run(release: Release, fact: f.Fact) -> bool:
    """The run told of is this attempt's."""
    return isinstance(fact, f.RunEnded) and fact.run == release.run


def succeeded(release: Release, fact: f.Fact) -> bool:
    """It was our run, and it ended well."""
    return this_run(release, fact) and isinstance(fact, f.RunEnded) and fact.succeeded


def holds(_release: Release, fact: f.Fact) -> bool:
    """Every enforced KPI holds."""
    return isinstance(fact, f.Evaluated) and gate_holds(fact.kpis) is True


def too_close(_release: Release, fact: f.Fact) -> bool:
    """No KPI fails, but one is too close to call."""
    return isinstance(fact, f.Evaluated) and gate_holds(fact.kpis) is None


def ours(_release: Release, fact: f.Fact) -> bool:
    """The platform is to blame, not the bundle."""
    return isinstance(fact, f.StageFailed) and fact.ours


def in_that_stage(release: Release, fact: f.Fact) -> bool:
    """The deadline is that of the stage the release is in."""
    return isinstance(fact, f.DeadlinePassed) and fact.stage == release.stage


def for_good(_release: Release, fact: f.Fact) -> bool:
    """The person said pass."""
    return isinstance(fact, f.Decided) and fact.outcome == "pass"


def merged(_release: Release, fact: f.Fact) -> bool:
    """Another release holds the whole folder."""
    return isinstance(fact, f.FolderMerged) and fact.into is not None


def not_yet_told(release: Release, fact: f.Fact) -> bool:
    """The history does not say it yet."""
    return all((line.fact, line.reason) != (type(fact).__name__, reason_of(fact)) for line in release.history)


def can_start_there(release: Release, fact: f.Fact) -> bool:
    """The stage asked for lies on the way, not beyond where the release stopped."""
    stage = restart_stage(release, fact)
    return release.stopped_at is not None and stage in WAY and WAY.index(stage) <= WAY.index(release.stopped_at)


# --- askers: what is asked for ----------------------------------------------------------------------------------------


def nothing(_release: Release) -> Effects:
    """Nothing."""
    return ()


def collect(_release: Release) -> Effects:
    """See whether the folder is whole."""
    return (e.CollectFolder(),)


def inspect(_release: Release) -> Effects:
    """Freeze and check the bundle."""
    return (e.InspectDrop(),)


def receive(_release: Release) -> Effects:
    """Acknowledge the bundle, and take a version for it."""
    return (e.SendMail("receipt"), e.ReserveVersion())


def reserve(_release: Release) -> Effects:
    """Take a version."""
    return (e.ReserveVersion(),)


def register(_release: Release) -> Effects:
    """Register the model."""
    return (e.RegisterModel(),)


def build(_release: Release) -> Effects:
    """Build the image."""
    return (e.BuildImage(),)


def deploy(_release: Release) -> Effects:
    """Serve the model."""
    return (e.Deploy(),)


def smoke_test(_release: Release) -> Effects:
    """Try the endpoint."""
    return (e.SmokeTest(),)


def score(_release: Release) -> Effects:
    """Score the verification data."""
    return (e.Score(),)


def explain(_release: Release) -> Effects:
    """Find out why the run failed."""
    return (e.ExplainRun(),)


def evaluate(_release: Release) -> Effects:
    """Hold the metrics against the gate."""
    return (e.Evaluate(),)


def tell_verdict(_release: Release) -> Effects:
    """Mail the verdict, clean up."""
    return (e.SendMail("verdict"), e.TakeDown())


def tell_fault(_release: Release) -> Effects:
    """Mail what is wrong, clean up."""
    return (e.SendMail("fault"), e.TakeDown())


def tell_duplicate(_release: Release) -> Effects:
    """Mail the verdict that stands."""
    return (e.SendMail("duplicate"),)


def tell_cancelled(_release: Release) -> Effects:
    """Mail that it was cancelled, clean up."""
    return (e.SendMail("cancelled"), e.TakeDown())


START = {
    S.COLLECTING: collect,
    S.VALIDATING: inspect,
    S.REGISTERING: reserve,
    S.BUILDING: build,
    S.DEPLOYING: deploy,
    S.SMOKE_TESTING: smoke_test,
    S.SCORING: score,
    S.EVALUATING: evaluate,
}


def start_stage(release: Release) -> Effects:
    """Begin the stage that it goes to."""
    return START[release.stage](release)


# --- where to, when the fact says it ------------------------------------------------------------------------------------


def restart_stage(release: Release, fact: f.Fact) -> Stage:
    """The stage asked for, or the one where it stopped."""
    asked = fact.stage if isinstance(fact, f.RetryAsked) else None
    return asked or release.stopped_at or S.VALIDATING


def same_stage(release: Release, _fact: f.Fact) -> Stage:
    """Where it is."""
    return release.stage


# --- the table ----------------------------------------------------------------------------------------------------------

Guard = Callable[[Release, f.Fact], bool]
Goal = Stage | Callable[[Release, f.Fact], Stage]


@dataclass(frozen=True)
class Row:
    """While a release is in one of `stages`, on a fact of kind `on`, if `guard`: go to `goto` and ask for `asker`."""

    stages: frozenset[Stage]
    on: type
    guard: Guard
    goto: Goal
    asker: Callable[[Release], Effects]

    def fits(self, release: Release, fact: f.Fact) -> bool:
        """Whether this row speaks of this release and fact."""
        return release.stage in self.stages and isinstance(fact, self.on) and self.guard(release, fact)

    def goal(self, release: Release, fact: f.Fact) -> Stage:
        """The stage that the release goes to."""
        return self.goto if isinstance(self.goto, Stage) else self.goto(release, fact)


def row(stages: Stage | frozenset[Stage], on: type, guard: Guard, goto: Goal, asker: Callable[[Release], Effects]) -> Row:
    """One row; a single stage may stand for the set of it."""
    return Row(frozenset({stages}) if isinstance(stages, Stage) else stages, on, guard, goto, asker)


ON_THE_WAY = frozenset(WAY)
RUNNING = ON_THE_WAY | {S.AWAITING_DECISION}
STOPPED = frozenset({S.INVALID, S.ERROR, S.EXPIRED, S.CANCELLED})
ANY = frozenset(Stage)

# fmt: off
TABLE = (
    # while               on                  if                goes to              and asks for
    row(S.COLLECTING,     f.ReadyMarked,      always,           S.COLLECTING,        collect),
    row(S.COLLECTING,     f.FolderClosed,     always,           S.VALIDATING,        inspect),
    row(S.COLLECTING,     f.FolderMerged,     merged,           S.DUPLICATE,         nothing),
    row(S.COLLECTING,     f.FolderMerged,     otherwise,        S.CANCELLED,         nothing),
    row(S.VALIDATING,     f.BundleChecked,    accepted,         S.REGISTERING,       receive),
    row(S.VALIDATING,     f.BundleChecked,    otherwise,        S.INVALID,           tell_fault),
    row(S.VALIDATING,     f.DropGone,         always,           S.CANCELLED,         nothing),
    row(S.REGISTERING,    f.FoundSame,        always,           S.DUPLICATE,         tell_duplicate),
    row(S.REGISTERING,    f.VersionReserved,  always,           S.REGISTERING,       register),
    row(S.REGISTERING,    f.VersionTaken,     this_version,     S.REGISTERING,       reserve),
    row(S.REGISTERING,    f.ModelRegistered,  this_version,     S.BUILDING,          build),
    row(S.BUILDING,       f.ImagePushed,      always,           S.BUILDING,          build),
    row(S.BUILDING,       f.ImageBuilt,       without_endpoint, S.SCORING,           score),
    row(S.BUILDING,       f.ImageBuilt,       otherwise,        S.DEPLOYING,         deploy),
    row(S.DEPLOYING,      f.Deployed,         always,           S.SMOKE_TESTING,     smoke_test),
    row(S.SMOKE_TESTING,  f.SmokePassed,      always,           S.SCORING,           score),
    row(S.SCORING,        f.RunEnded,         succeeded,        S.EVALUATING,        evaluate),
    row(S.SCORING,        f.RunEnded,         this_run,         S.SCORING,           explain),
    row(S.EVALUATING,     f.Evaluated,        holds,            S.PASSED,            tell_verdict),
    row(S.EVALUATING,     f.Evaluated,        too_close,        S.AWAITING_DECISION, tell_verdict),
    row(S.EVALUATING,     f.Evaluated,        otherwise,        S.FAILED,            tell_verdict),
    row(S.AWAITING_DECISION, f.Decided,       for_good,         S.PASSED,            nothing),
    row(S.AWAITING_DECISION, f.Decided,       otherwise,        S.FAILED,            nothing),
    row(ON_THE_WAY,       f.StageFailed,      ours,             S.ERROR,             tell_fault),
    row(ON_THE_WAY,       f.StageFailed,      otherwise,        S.INVALID,           tell_fault),
    row(RUNNING,          f.DeadlinePassed,   in_that_stage,    S.EXPIRED,           tell_fault),
    row(RUNNING,          f.CancelAsked,      always,           S.CANCELLED,         tell_cancelled),
    row(STOPPED,          f.RetryAsked,       can_start_there,  restart_stage,       start_stage),
    row(ANY,              f.MailSent,         always,           same_stage,          nothing),
    row(ANY,              f.MailReported,     not_yet_told,     same_stage,          nothing),
    row(ANY,              f.TakenDown,        always,           same_stage,          nothing),
    row(ANY,              f.TaskGivenUp,      always,           same_stage,          nothing),
)
# fmt: on


@dataclass(frozen=True)
class Move:
    """The release after a fact, and what it asks for now."""

    release: Release
    effects: Effects


def decide(release: Release, fact: f.Fact, at: datetime) -> Move:
    """The move that `fact` makes at `at` (aware, UTC). Raises NoSuchStep where the table has no row."""
    for line in TABLE:
        if line.fits(release, fact):
            moved = arrive(learn(release, fact, at), fact, line.goal(release, fact), at)
            return Move(moved, line.asker(moved))
    raise NoSuchStep(f"{release.id}: there is no step for {type(fact).__name__} while it is {release.stage.value}")


_BELONGS = {line.on: line.stages for line in reversed(TABLE) if len(line.stages) == 1}


def is_early(release: Release, fact: f.Fact) -> bool:
    """Whether the fact belongs to a stage that still lies ahead of the release."""
    stages = _BELONGS.get(type(fact), frozenset())
    ahead = WAY[WAY.index(release.stage) + 1 :] if release.stage in WAY else ()
    return any(stage in ahead for stage in stages)


# --- arriving ------------------------------------------------------------------------------------------------

_VERDICTS = {
    S.PASSED: Verdict.PASSED,
    S.FAILED: Verdict.FAILED,
    S.AWAITING_DECISION: Verdict.INCONCLUSIVE,
    S.INVALID: Verdict.INVALID,
    S.ERROR: Verdict.ERROR,
    S.EXPIRED: Verdict.ERROR,
    S.CANCELLED: Verdict.CANCELLED,
}


def arrive(release: Release, fact: f.Fact, stage: Stage, at: datetime) -> Release:
    """The release in `stage`: clock, history, verdict (given once, kept whatever a person decides)."""
    moved = stage is not release.stage
    line = HistoryLine(at, stage, type(fact).__name__, reason_of(fact))
    release = replace(
        release, stage=stage, updated_at=at, history=(*release.history, line), stage_since=at if moved else release.stage_since
    )
    if stage in STOPPED and moved:
        release = replace(release, stopped_at=release.stopped_at or _left(release))
    if release.verdict is None and stage in _VERDICTS:
        release = replace(release, verdict=_VERDICTS[stage], reasons=release.reasons or reasons_of(release, fact))
    return _with_run(release) if stage is S.SCORING else release


def _left(release: Release) -> Stage | None:
    return next((line.stage for line in reversed(release.history[:-1]) if line.stage in ON_THE_WAY), None)


def _with_run(release: Release) -> Release:
    return replace(release, run=run_id(release))


assert not ENDED & RUNNING  # noqa: S101 - the table's own arithmetic, checked once at import
