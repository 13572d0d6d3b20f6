"""What a release's state is called and said to mean, one way in mails, reports and pages."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from shared.domain.faults import Fault
from shared.domain.release import WAY, KpiResult, Release, Stage, Verdict
from shared.wire.text import clean, clean_block, pair, plural

DEFAULT_URL = "http://127.0.0.1:7071"
_WORST_FIRST = {"error": 0, "warning": 1, "info": 2}

# What a stage does to the release, as a person would say it: while it runs, and when it was not reached.
STAGES: dict[Stage, tuple[str, str]] = {
    Stage.COLLECTING: ("is waiting for the rest of its files", "Its files were not all there."),
    Stage.VALIDATING: ("is being checked", "The bundle's files were not checked."),
    Stage.REGISTERING: ("is being registered", "No version was registered."),
    Stage.BUILDING: ("is having its environment built", "The environment was not built, so packages may still fail to resolve or install."),
    Stage.DEPLOYING: ("is being served", "The scoring code was not run, so init() and the loading of the model may still fail."),
    Stage.SMOKE_TESTING: ("is being tried with a few rows", "No request was sent, so the shape of the answers is unknown."),
    Stage.SCORING: ("is being scored on the verification data", "The verification data was not scored."),
    Stage.EVALUATING: ("is being held against its KPIs", "No KPI was judged."),
}


def tone(stage: Stage | str) -> str:
    """The colour a stage is shown in: pass fail close invalid error quiet run."""
    tones = {
        Stage.PASSED: "pass",
        Stage.FAILED: "fail",
        Stage.AWAITING_DECISION: "close",
        Stage.INVALID: "invalid",
        Stage.ERROR: "error",
        Stage.EXPIRED: "error",
        Stage.CANCELLED: "quiet",
        Stage.DUPLICATE: "quiet",
    }
    return tones.get(Stage(stage), "run")


def label(stage: Stage | str) -> str:
    """`smoke testing`, `inconclusive`, … for a badge."""
    return "inconclusive" if stage == Stage.AWAITING_DECISION else str(stage).replace("_", " ")


def title(release: Release) -> str:
    """`diabetes 3`, or the name alone while it has no version."""
    name = clean(release.name, 80) or "(no name)"
    return name if release.version is None else f"{name} {release.version}"


def headline(release: Release) -> str:
    """One sentence that answers: what became of it."""
    stage, name = release.stage, title(release)
    if stage == Stage.DUPLICATE:
        return f"{name} was judged before"
    if stage == Stage.FAILED:
        return _failed_headline(release)
    if stage == Stage.INVALID:
        return f"{name} has {plural(max(len(errors(release)), 1), 'fault')} to mend"
    ends = {
        Stage.PASSED: "passed by a person's decision" if release.decision else "passed",
        Stage.AWAITING_DECISION: "is too close to call",
        Stage.ERROR: "could not be judged: the fault is ours",
        Stage.EXPIRED: "waited too long",
        Stage.CANCELLED: "was cancelled",
    }
    return f"{name} {ends[stage] if stage in ends else STAGES[stage][0]}"


def _failed_headline(release: Release) -> str:
    if release.decision:
        return f"{title(release)} was turned down by a person's decision"
    missed, enforced = len(missed_kpis(release)), len(enforced_kpis(release))
    return (
        f"{title(release)} works, but misses {missed} of {plural(enforced, 'KPI')}"
        if enforced
        else f"{title(release)} works, but has no KPI to hold"
    )


def summary(release: Release) -> str:
    """One or two sentences under the headline: by how much, where, whose fault, what now."""
    said = {
        Stage.PASSED: _passed,
        Stage.FAILED: _failed,
        Stage.AWAITING_DECISION: lambda _: (
            "No KPI fails, but not every one can be told apart from its limit. A person decides; until then nothing moves."
        ),
        Stage.INVALID: _invalid,
        Stage.ERROR: _error,
        Stage.EXPIRED: _expired,
        Stage.CANCELLED: _cancelled,
        Stage.DUPLICATE: _duplicate,
    }
    return said[release.stage](release) if release.stage in said else ""


def _passed(release: Release) -> str:
    if release.decision:
        return _decided(release)
    count = len(enforced_kpis(release))
    first = main_kpi(release)
    held = {1: "Its KPI holds", 2: "Both KPIs hold"}.get(count, f"All {count} KPIs hold")
    return f"{held}. {kpi_sentence(first)}." if first else f"{held}."


def _failed(release: Release) -> str:
    if release.decision:
        return _decided(release)
    missed = missed_kpis(release)
    if not missed:
        return "A release with no enforced KPI never passes. Add one under `kpis` in manifest.yml."
    return f"Your model works, but {'; '.join(kpi_sentence(kpi) for kpi in missed[:3])}{'; …' if len(missed) > 3 else ''}."  # noqa: PLR2004 - the table has all


def _decided(release: Release) -> str:
    decision = release.decision
    return f"{clean(decision.by)} decided: {clean(decision.reason)}" if decision else ""


def _invalid(release: Release) -> str:
    found = f" while {label(release.stopped_at)}" if release.stopped_at else ""
    return f"The bundle cannot be used as it is. This was found{found}; nothing was charged, and nothing of it is live."


def _error(release: Release) -> str:
    where = f" while {label(release.stopped_at)}" if release.stopped_at else ""
    return f"Something of ours broke{where}. This says nothing about your model, and you need not change anything. Your bundle is kept."


def _expired(release: Release) -> str:
    if release.verdict == Verdict.INCONCLUSIVE:
        return "Its KPIs are too close to call, and nobody decided in the time allowed. The report stays."
    if release.stopped_at == Stage.COLLECTING:
        return "The folder never became whole: a model, a scoring and an environment file, or an empty _READY file to close it."
    where = f" in {label(release.stopped_at)}" if release.stopped_at else ""
    return f"It spent longer{where} than is allowed there, so it was stopped. This says nothing about your model."


def _cancelled(release: Release) -> str:
    return clean(release.reasons[-1]) if release.reasons else "Somebody asked for no verdict any more."


def _duplicate(release: Release) -> str:
    if release.bundle is None:
        return f"Its files belong to release {clean(release.same_as or '?')}, which holds the whole folder. The answer comes from there."
    verdict = f"; its verdict was: {release.verdict}" if release.verdict else "; it has no verdict yet"
    return f"The same bundle, manifest and data are release {clean(release.same_as or '?')}{verdict}. Nothing was run again."


def enforced_kpis(release: Release) -> list[KpiResult]:
    """The KPIs that decide."""
    return [kpi for kpi in release.kpis if kpi.mode == "enforce"]


def missed_kpis(release: Release) -> list[KpiResult]:
    """The enforced ones that do not hold."""
    return [kpi for kpi in enforced_kpis(release) if kpi.holds is False]


def main_kpi(release: Release) -> KpiResult | None:
    """The KPI that tells the verdict best: the first that failed, else the first that is too close, else the first."""
    enforced = enforced_kpis(release)
    return next((kpi for holds in (False, None, True) for kpi in enforced if kpi.holds is holds), None)


def kpi_sentence(kpi: KpiResult) -> str:
    """`r2 is 0.31, 0.09 below its limit of 0.40`."""
    name = kpi_name(kpi)
    if kpi.value is None:
        return f"{name} has no value"
    shown, limit = pair(kpi.value, kpi.limit)
    if kpi.rule not in ("min", "max"):
        return f"{name} is {shown} (limit {limit})"
    if kpi.value == kpi.limit:
        return f"{name} is {shown}, exactly its limit"
    side = "above" if kpi.value > kpi.limit else "below"
    return f"{name} is {shown}, {_gap(shown, limit)} {side} its limit of {limit}"


def _gap(shown: str, limit: str) -> str:
    """The difference of the two numbers as they are shown, with their decimals."""
    decimals = len(shown.partition(".")[2])
    return f"{abs(float(shown.replace(',', '')) - float(limit.replace(',', ''))):.{decimals}f}"


def kpi_name(kpi: KpiResult) -> str:
    """The metric, with the slice it was measured on."""
    return clean(kpi.metric, 60) + (f" ({clean(kpi.slice, 40)})" if kpi.slice else "")


def kpi_mark(kpi: KpiResult) -> str:
    """`holds`, `misses`, `too close`, or `shown only` for a KPI that does not decide."""
    if kpi.mode != "enforce":
        return "shown only"
    return {True: "holds", False: "misses", None: "too close"}[kpi.holds]


def kpi_rule(kpi: KpiResult) -> str:
    """`≥ 0.40`, `≤ 60.0`."""
    limit = pair(kpi.value, kpi.limit)[1]
    return f"{ {'min': '≥', 'max': '≤'}.get(kpi.rule, clean(kpi.rule, 30)) } {limit}"


def kpi_reach(kpi: KpiResult) -> int:
    """Where the value stands, -100 … 100: 0 is the limit, to the right of it holds. The scale is half the limit, or wider if needed."""
    if kpi.value is None or kpi.value == kpi.limit:
        return 0
    ahead = (kpi.value - kpi.limit) * (-1 if kpi.rule == "max" else 1)
    part = ahead / max(abs(kpi.limit) * 0.5, abs(ahead) * 1.1, 1e-12)
    return round(part * 100) or (1 if part > 0 else -1)


def errors(release: Release) -> list[Fault]:
    """The faults that stopped it."""
    return [fault for fault in release.faults if fault.severity == "error"]


def faults_in_order(faults: Sequence[Fault]) -> list[Fault]:
    """Worst first, else in the order they were found; each safe to show. A message of several lines (a traceback) keeps them."""
    ordered = sorted(faults, key=lambda fault: _WORST_FIRST.get(fault.severity, 3))
    return [
        replace(
            fault,
            code=clean(fault.code, 12),
            message=clean_block(fault.message, 4000).strip(),
            fix=clean(fault.fix, 500),
            file=clean(fault.file, 160) if fault.file else None,
        )
        for fault in ordered
    ]


def place(fault: Fault) -> str:
    """`conda.yml:7`, `score.py`, or nothing."""
    return f"{fault.file}:{fault.line}" if fault.file and fault.line else fault.file or ""


def not_checked(release: Release) -> list[str]:
    """What nobody knows because the release stopped before: one sentence a stage."""
    at = release.stopped_at
    if at is None or at not in WAY or release.kpis or release.stage not in (Stage.INVALID, Stage.ERROR, Stage.EXPIRED, Stage.CANCELLED):
        return []
    rest = WAY[WAY.index(at) + 1 :] if release.stage == Stage.INVALID else WAY[WAY.index(at) :]
    return [STAGES[stage][1] for stage in rest if has_endpoint(release) or stage not in (Stage.DEPLOYING, Stage.SMOKE_TESTING)]


def has_endpoint(release: Release) -> bool:
    """Whether its way leads over an endpoint; else a job loads the model."""
    return release.bundle is None or (release.bundle.manifest.compute.target != "cluster" and release.bundle.style != "batch")


def next_step(release: Release, base_url: str = DEFAULT_URL) -> tuple[str, list[str]]:
    """What to do now: a sentence, and the commands to copy."""
    url = "" if base_url.rstrip("/") == DEFAULT_URL else f" --url {shlex.quote(base_url)}"
    bundle, id_ = shlex.quote(clean(release.name, 80) or "my-model"), shlex.quote(clean(release.id, 40))
    again = [f"modelgate check {bundle}", f"modelgate submit {bundle} --watch{url}"]
    report, retry = f"modelgate report {id_}{url}", f"modelgate retry {id_}{url}"
    steps: dict[Stage, tuple[str, list[str]]] = {
        Stage.PASSED: ("Nothing to do. To read all of it again:", [report]),
        Stage.FAILED: ("Improve the model, see whether the bundle still checks, and send it again:", again),
        Stage.AWAITING_DECISION: (
            "Read the report, then decide, with a reason:",
            [report, f'modelgate decide {id_} pass --reason "…" --as you@example.com{url}'],
        ),
        Stage.INVALID: ("Mend the list from the top, check on your own machine, and send it again:", again),
        Stage.ERROR: ("Wait for us, or have the stage tried again:", [retry]),
        Stage.EXPIRED: ("To close a folder, put an empty _READY file into it; or have it tried again:", [retry]),
        Stage.CANCELLED: ("Should it be judged after all:", [retry]),
        Stage.DUPLICATE: (
            "Read the earlier report, or have it judged again all the same:",
            [
                f"modelgate report {shlex.quote(clean(release.same_as or release.id, 40))}{url}",
                f"modelgate submit {bundle} --force --watch{url}",
            ],
        ),
    }
    return steps.get(release.stage, ("The verdict comes by mail. To look on meanwhile:", [f"modelgate status {id_} --watch{url}"]))
