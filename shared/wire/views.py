"""A release as JSON: the one shape that HTTP, the command line and `verdict.json` show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from shared.domain.faults import Fault
from shared.domain.release import WAY, HistoryLine, KpiResult, Release, Stage
from shared.ports import DeadLetter
from shared.wire.text import rfc3339, sound
from shared.wire.words import DEFAULT_URL, has_endpoint

View = dict[str, Any]


def release_view(release: Release, base_url: str = DEFAULT_URL) -> View:
    """The release object of the HTTP interface: JSON values only, times RFC 3339 UTC, what is no finite number is null."""
    view = {
        "id": release.id,
        "name": release.name,
        "version": release.version,
        "stage": str(release.stage),
        "verdict": release.verdict and str(release.verdict),
        "decision": release.decision and asdict(release.decision),
        "submitter": release.submitter,
        "uploader": release.drop.uploader,
        "reasons": list(release.reasons),
        "faults": [fault_view(fault) for fault in release.faults],
        "kpis": [kpi_view(kpi) for kpi in release.kpis],
        "metrics": dict(release.scores.metrics) if release.scores else {},
        "reported": dict(release.scores.reported) if release.scores else {},
        "rows": release.scores and {"scored": release.scores.rows, "failed": release.scores.failed_rows},
        "history": [_history_view(line) for line in release.history],
        "stages": stages(release),
        "links": _links(release, base_url.rstrip("/")),
        "same_as": release.same_as,
        "target": release.bundle and release.bundle.manifest.compute.target,
        "request": release.request,
        "attempt": release.attempt,
        "awaiting": None if release.ended else _awaiting(release.stage),
        "stopped_at": release.stopped_at and str(release.stopped_at),
        "digests": _digests(release),
        "not_exercised": not_exercised(release),
        "created_at": release.created_at,
        "updated_at": release.updated_at,
    }
    whole: View = _json(view)
    return whole


def verdict_json(release: Release, base_url: str = DEFAULT_URL) -> bytes:
    """The release object as a file, indented; ends in a line end."""
    import msgspec  # noqa: PLC0415 - kept out of `modelgate --help`

    return msgspec.json.format(msgspec.json.encode(release_view(release, base_url)), indent=2) + b"\n"


def fault_view(fault: Fault) -> View:
    """`code severity file line message fix`; also what `check --json` prints."""
    view: View = _json({key: getattr(fault, key) for key in ("code", "severity", "file", "line", "message", "fix")})
    return view


def kpi_view(kpi: KpiResult) -> View:
    """`metric rule limit value interval champion slice rows mode holds reason reported`."""
    view: View = _json({**asdict(kpi), "interval": list(kpi.interval) if kpi.interval else None})
    return view


def stages(release: Release) -> list[View]:
    """The way of the present attempt, stage by stage: `stage`, `state` (done now stopped todo skipped), `started_at`, `seconds`."""
    segments = _segments(release.history)
    reached = max((WAY.index(stage) for stage in segments if stage in WAY), default=-1)
    return [_stage_view(release, stage, segments.get(stage), reached=WAY.index(stage) <= reached) for stage in _way(release)]


def _way(release: Release) -> list[Stage]:
    return [stage for stage in WAY if stage != Stage.COLLECTING or release.drop.is_folder]


def _stage_view(release: Release, stage: Stage, segment: tuple[datetime, datetime | None] | None, *, reached: bool) -> View:
    if segment is None:
        state = "skipped" if reached or release.stage in (Stage.PASSED, Stage.FAILED, Stage.AWAITING_DECISION, Stage.DUPLICATE) else "todo"
        return {"stage": str(stage), "state": state, "started_at": None, "seconds": None}
    start, end = segment
    seconds = round((end - start).total_seconds(), 3) if end else None
    state = "now" if release.stage == stage else "stopped" if release.stopped_at == stage else "done"
    return {"stage": str(stage), "state": state, "started_at": start, "seconds": seconds}


def _segments(history: tuple[HistoryLine, ...]) -> dict[Stage, tuple[datetime, datetime | None]]:
    """When each stage was last entered and left. A retry passes a stage again: the last time counts, and later stages start anew."""
    found: dict[Stage, tuple[datetime, datetime | None]] = {}
    stage: Stage | None = None
    for line in history:
        if line.stage == stage:
            continue
        if stage is not None and stage in found:
            found[stage] = (found[stage][0], line.at)
        if line.stage in WAY:
            found = {kept: span for kept, span in found.items() if kept in WAY and WAY.index(kept) < WAY.index(line.stage)}
        found[line.stage] = (line.at, None)
        stage = line.stage
    return found


def not_exercised(release: Release) -> list[str]:
    """What a target in Azure has and the laptop lacks, one sentence each; empty where the release ran in Azure or nothing was built."""
    if release.bundle is None or release.image is None or not release.image.reference.startswith("environments/"):
        return []
    compute = release.bundle.manifest.compute
    place = {"aci": "container group", "aks": "Kubernetes online endpoint", "cluster": "cluster job"}.get(compute.target, "container")
    return [
        "Image: no container image was built; the model ran on the locked packages and this machine's own system libraries.",
        f"Container: no {place} was started; {compute.cpu:g} CPU and {compute.memory_gb:g} GB were limits of a process.",
        "Cluster: no nodes were allocated; a job of this machine loaded the model, without queue, disks or start-up of a node."
        if not has_endpoint(release)
        else "Endpoint: requests went to a port of this machine; start-up, scaling and restarts of a real endpoint were not tried.",
        "Network: no TLS, ingress, virtual network or request limit of Azure lay between; latencies will be longer there.",
        "Identity: no managed identity, role or endpoint key was used to reach data, registry or model.",
    ]


def _history_view(line: HistoryLine) -> View:
    return {"at": line.at, "stage": str(line.stage), "fact": line.fact, "reason": line.reason}


def _links(release: Release, base: str) -> View:
    here = f"{base}/api/releases/{release.id}"
    judged = release.verdict is not None
    return {
        "self": here,
        "page": f"{base}/releases/{release.id}",
        "report": f"{here}/report" if judged else None,
        "logs": f"{here}/logs",
        "events": f"{here}/events",
        "endpoint": release.endpoint.url if release.endpoint else None,
    }


def _digests(release: Release) -> View:
    return {
        "drop": release.drop.etag,
        "bundle": release.bundle and release.bundle.digest,
        "data": release.data_digest,
        "image": release.image and release.image.digest,
    }


def _awaiting(stage: Stage) -> str:
    return {Stage.COLLECTING: "the rest of the folder, or _READY", Stage.AWAITING_DECISION: "a person's decision"}.get(stage, str(stage))


def _json(value: Any) -> Any:
    """`value` as JSON has it: no NaN, no lone surrogates, times as text."""
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {sound(str(key)): _json(entry) for key, entry in value.items()}
    return [_json(entry) for entry in value] if isinstance(value, list | tuple) else value


def dead_letter_view(letter: DeadLetter) -> View:
    """A dead letter as the operator sees it."""
    view: View = _json(asdict(letter))
    return view
