"""A release as rows to lay out: what mails, reports and pages show, cleaned and worded. Plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from typing import Any

from shared.domain.faults import Fault
from shared.domain.release import ENDED, WAY, KpiResult, Release, Stage
from shared.wire.text import both_times, byte_size, clean, duration, number, pair, plural
from shared.wire.views import not_exercised, stages
from shared.wire.words import (
    DEFAULT_URL,
    faults_in_order,
    headline,
    kpi_mark,
    kpi_name,
    kpi_reach,
    kpi_rule,
    label,
    next_step,
    not_checked,
    place,
    summary,
    title,
    tone,
)

Row = dict[str, Any]
SHOWN_FAULTS = 40


def release_rows(release: Release, zone: tzinfo | None = None, base_url: str = DEFAULT_URL) -> Row:
    """Everything a template may show of a release."""
    sentence, commands = next_step(release, base_url)
    return {
        "id": clean(release.id, 40),
        "title": title(release),
        "tone": tone(release.stage),
        "label": label(release.stage),
        "headline": headline(release),
        "summary": summary(release),
        "reasons": reason_lines(release),
        "ended": release.ended,
        "running": release.stage in WAY,
        "facts": facts(release, zone),
        "kpis": [kpi_row(kpi) for kpi in release.kpis],
        "faults": fault_rows(release),
        "more_faults": max(len(release.faults) - SHOWN_FAULTS, 0),
        "stages": stage_rows(release),
        "next": {"sentence": sentence, "commands": commands},
        "not_checked": not_checked(release),
        "not_exercised": not_exercised(release),
        "page": f"{base_url.rstrip('/')}/releases/{release.id}",
        "report": f"{base_url.rstrip('/')}/api/releases/{release.id}/report",
    }


def reason_lines(release: Release) -> list[str]:
    """Reasons that neither the faults nor the KPIs say already."""
    if release.faults or release.kpis or release.stage in (Stage.CANCELLED, Stage.DUPLICATE):
        return []
    return [clean(reason) for reason in release.reasons[:10]]


def kpi_row(kpi: KpiResult) -> Row:
    """`name value rule mark tone reach interval reason`; `tone` is pass fail close or quiet."""
    quiet = kpi.mode != "enforce"
    notes = [clean(kpi.reason)] if kpi.reason and (kpi.value is None or kpi.holds is None) else []
    notes += (
        [f"95 % interval {number(kpi.interval[0])} to {number(kpi.interval[1])}"] if kpi.interval and "interval" not in kpi.reason else []
    )
    notes += [f"champion {number(kpi.champion)}"] if kpi.champion is not None else []
    notes += [plural(kpi.rows, "row")] if kpi.rows is not None and kpi.slice else []
    notes += ["reported by the submitter's code, not measured by the gate"] if kpi.reported else []
    return {
        "name": kpi_name(kpi),
        "value": pair(kpi.value, kpi.limit)[0],
        "rule": kpi_rule(kpi),
        "limit": pair(kpi.value, kpi.limit)[1],
        "mark": kpi_mark(kpi),
        "tone": "quiet" if quiet else {True: "pass", False: "fail", None: "close"}[kpi.holds],
        "reach": None if kpi.value is None else kpi_reach(kpi),
        "notes": notes,
    }


def fault_rows(release: Release) -> list[Row]:
    """Worst first: `code severity message detail place fix`; `detail` is what follows the message's first line, at most 25 lines."""
    return [fault_row(fault) for fault in faults_in_order(release.faults)[:SHOWN_FAULTS]]


def fault_row(fault: Fault) -> Row:
    """One fault of `faults_in_order`."""
    first, _, rest = fault.message.partition("\n")
    detail = "\n".join(rest.split("\n")[-25:]).strip("\n")
    return {
        "code": fault.code,
        "severity": fault.severity,
        "message": clean(first, 700),
        "detail": detail,
        "place": place(fault),
        "fix": fault.fix,
    }


def stage_rows(release: Release) -> list[Row]:
    """`name state took part`: `part` is the stage's share of all time spent, 0 … 100."""
    rows = stages(release)
    whole = sum(row["seconds"] or 0 for row in rows) or 1
    return [
        {
            "name": label(row["stage"]),
            "state": row["state"],
            "took": duration(row["seconds"]) if row["seconds"] is not None else "",
            "part": round((row["seconds"] or 0) / whole * 100, 1),
        }
        for row in rows
    ]


def facts(release: Release, zone: tzinfo | None) -> list[tuple[str, str]]:
    """The few things everybody asks first."""
    found = [
        ("Submitter", clean(release.submitter or "not known", 120)),
        ("Received", both_times(release.created_at, zone)),
        (
            "Finished" if release.stage in ENDED else "Last change",
            both_times(release.history[-1].at if release.history else release.updated_at, zone),
        ),
        ("Took", duration(took(release))),
    ]
    if release.stage not in ENDED:
        found.pop()
    if release.scores:
        failed = f", {release.scores.failed_rows} failed" if release.scores.failed_rows else ""
        found.append(("Scored", plural(release.scores.rows, "row") + failed))
    if release.bundle:
        found.append(("Target", f"{release.bundle.manifest.compute.target}, {release.bundle.style}"))
    if release.attempt > 1:
        found.append(("Attempt", str(release.attempt)))
    if release.same_as:
        found.append(("Same as", clean(release.same_as, 40)))
    return found


def took(release: Release) -> timedelta:
    """From the drop to the answer, or to the last news."""
    answer = next((line.at for line in release.history if line.stage in ENDED or line.stage == Stage.AWAITING_DECISION), release.updated_at)
    return answer - release.created_at


def bundle_rows(release: Release) -> list[tuple[str, str]]:
    """What was received, and what is missing in it."""
    bundle = release.bundle
    if bundle is None:
        return []
    spec, data = bundle.environment, bundle.manifest.data
    source = bundle.data or data.reference
    python = f"Python {clean(spec.python, 40)}" if spec.python else "any Python"
    limits = [
        f"{clean(kpi.metric, 40)} {sign} {pair(limit, limit)[1]}"
        for kpi in bundle.manifest.kpis
        for sign, limit in (("≥", kpi.min), ("≤", kpi.max))
        if limit is not None
    ]
    return [
        ("Bundle", f"{plural(bundle.files, 'file')}, {byte_size(bundle.size)}"),
        ("Model", clean(bundle.model, 160)),
        ("Scoring", clean(bundle.scoring or "the MLflow model serves itself", 160)),
        ("Environment", f"{clean(spec.file, 160)} ({python}, {plural(len(spec.requirements), 'package')})"),
        (
            "Verification data",
            clean(source, 160) + (f", label {clean(data.target, 60)}" if data.target else "") if source else "none named",
        ),
        ("KPIs", " · ".join(limits[:20]) or "none: without a KPI nothing passes"),
    ]


def metric_rows(values: Mapping[str, float], known: Mapping[str, Any]) -> list[Row]:
    """`name value unit meaning`, in the published order, then the rest by name."""
    order = {name: place for place, name in enumerate(known)}
    names = sorted(values, key=lambda name: (order.get(name, len(order)), name))
    return [
        {
            "name": clean(name, 80),
            "value": number(values[name]),
            "unit": _unit(getattr(known.get(name), "unit", None)),
            "meaning": clean(getattr(known.get(name), "meaning", "") or "", 200),
        }
        for name in names[:200]
    ]


def _unit(unit: str | None) -> str:
    """A share has none, and the label's own is not known."""
    return "" if unit is None or unit == "1" or unit.startswith("target") else clean(unit, 20)
