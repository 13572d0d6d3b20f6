"""What a fact teaches: the release with what the fact says written into it, and the fact in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain import facts as f
from shared.domain.faults import Fault
from shared.domain.release import Decision, Release


def learn(release: Release, fact: f.Fact, at: datetime) -> Release:  # noqa: C901, PLR0911, PLR0912 - one flat case a fact
    """The release with what the fact says written into it."""
    match fact:
        case f.FolderClosed():
            return replace(release, drop=fact.drop)
        case f.FolderMerged():
            return replace(release, same_as=fact.into)
        case f.BundleChecked():
            name, submitter = fact.name or release.name, fact.submitter or release.submitter
            return replace(release, bundle=fact.bundle, faults=fact.faults, data_digest=fact.data_digest, name=name, submitter=submitter)
        case f.FoundSame():
            return replace(release, same_as=fact.same_as, verdict=fact.verdict, kpis=fact.kpis, reasons=fact.reasons, scores=fact.scores)
        case f.VersionReserved():
            return replace(release, version=fact.version)
        case f.ImageBuilt():
            return replace(release, image=fact.image, faults=_noted(release, fact.image.notes))
        case f.Deployed():
            return replace(release, endpoint=fact.endpoint)
        case f.SmokePassed():
            return replace(release, request=fact.request, faults=_noted(release, fact.notes))
        case f.Evaluated():
            return replace(release, scores=fact.scores, kpis=fact.kpis, faults=_noted(release, fact.scores.notes))
        case f.StageFailed():
            return replace(release, faults=(*fact.faults, *_noted(release, ())))
        case f.Decided():
            return replace(release, decision=Decision(fact.outcome, fact.by, fact.reason, at))
        case f.RetryAsked():
            warnings = tuple(fault for fault in release.faults if fault.severity != "error")
            return replace(
                release, attempt=release.attempt + 1, verdict=None, reasons=(), stopped_at=None, kpis=(), scores=None, faults=warnings
            )
        case f.TakenDown():
            return replace(release, endpoint=None)
        case _:
            return release


def _noted(release: Release, notes: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return release.faults + tuple(note for note in notes if note not in release.faults)


def reason_of(fact: f.Fact) -> str:  # noqa: PLR0911 - one flat case a fact
    """The fact in a few words, for the history."""
    match fact:
        case f.StageFailed() | f.BundleChecked(bundle=None):
            return "; ".join(f"{fault.code} {fault.message}" for fault in fact.faults if fault.severity == "error")[:500]
        case f.DropGone():
            return fact.reason
        case f.DeadlinePassed():
            return f"still {fact.stage.value} after its deadline"
        case f.CancelAsked() | f.Decided() | f.RetryAsked():
            return " ".join(part for part in (getattr(fact, "outcome", ""), f"by {fact.by}", getattr(fact, "reason", "")) if part)
        case f.MailSent():
            return fact.kind
        case f.MailReported():
            return f"{fact.status}: {fact.recipient}"
        case f.TaskGivenUp():
            return f"{fact.effect}: {fact.reason}"
        case f.FoundSame():
            return f"the same as {fact.same_as}"
        case _:
            return ""


def reasons_of(release: Release, fact: f.Fact) -> tuple[str, ...]:
    """Why this verdict: the KPIs that do not hold, the faults, or the fact itself."""
    if isinstance(fact, f.Evaluated):
        return tuple(kpi.reason for kpi in release.kpis if kpi.holds is not True and kpi.mode == "enforce")
    if isinstance(fact, f.StageFailed | f.BundleChecked):
        return tuple(fault.message for fault in fact.faults if fault.severity == "error")
    return tuple(reason for reason in (reason_of(fact),) if reason)
