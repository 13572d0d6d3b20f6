"""The report: one HTML file that holds everything a person needs to believe the verdict, offline and on paper."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from datetime import tzinfo
from types import SimpleNamespace
from typing import Any

from shared.domain.release import Release, Stage
from shared.wire.layout import render, trusted
from shared.wire.rows import Row, bundle_rows, metric_rows, release_rows
from shared.wire.svg import safe_svg
from shared.wire.text import both_times, clean, clean_block, last_lines, plural
from shared.wire.words import DEFAULT_URL

LOGS = ("logs/build.log", "logs/serve.log", "logs/smoke.log", "logs/score.log")
PLOTS = 12
_OPERATIONS = ("latency_", "throughput_", "error_rate", "peak_memory", "start_seconds")
_LONG = 24  # entries of a list in an answer that are shown


def render_report(release: Release, evidence: Mapping[str, bytes], *, zone: tzinfo | None = None, base_url: str = DEFAULT_URL) -> bytes:
    """The report as UTF-8 HTML. `evidence` is asked for the release's files by name; what is missing is left out."""
    scores = release.scores
    return render(
        "report.html",
        r=release_rows(release, zone, base_url),
        stopped=release.stage in (Stage.INVALID, Stage.ERROR, Stage.EXPIRED),
        plots=plots(evidence),
        metrics=_groups(scores.metrics if scores else {}),
        reported=metric_rows(scores.reported, {}) if scores else [],
        request=clean(release.request, 60) if release.request else None,
        smoke=smoke_lines(evidence.get("smoke.json")),
        digests=_digests(release),
        lock=_lock(evidence.get("lock.txt")),
        logs=logs(evidence),
        attempt=release.attempt,
        state=both_times(release.updated_at, zone),
    ).encode("utf-8", "replace")


class EvidenceFiles(Mapping[str, bytes]):
    """A release's evidence as a mapping that reads a file only when it is asked for; `port` is the Evidence port."""

    def __init__(self, port: Any, release_id: str) -> None:
        self._port, self._id = port, release_id
        self._names = frozenset(port.names(release_id))

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        content: bytes = self._port.get(self._id, name)
        return content

    def __iter__(self) -> Any:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)


def plots(evidence: Mapping[str, bytes]) -> list[Any]:
    """Every plot that is safe to show, by name."""
    names = sorted(name for name in evidence if name.startswith("plots/") and name.endswith(".svg"))[:PLOTS]
    drawn = [safe_svg(evidence[name], f"plot{place}") for place, name in enumerate(names)]
    return [trusted(markup) for markup in drawn if markup]


def logs(evidence: Mapping[str, bytes]) -> list[Row]:
    """The last 60 lines of each log that says anything."""
    texts = [(name, last_lines(evidence[name])) for name in LOGS if name in evidence]
    return [
        {"name": name.removeprefix("logs/"), "lines": plural(text.count("\n") + 1, "line"), "text": text} for name, text in texts if text
    ]


def smoke_lines(content: bytes | None) -> str:
    """What the smoke test saw: one line a value, lists cut, anything that holds feature rows told by its shape only."""
    try:
        found = json.loads(content) if content else None
    except ValueError:
        return ""
    if not found:
        return ""
    return clean_block(_compact(_shortened(found)), 20_000)


def _compact(value: Any, indent: str = "") -> str:
    """JSON that keeps on one line what fits there."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= 88 - len(indent) or not isinstance(value, Mapping | list):
        return line
    deeper = indent + "  "
    if isinstance(value, Mapping):
        entries = [f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_compact(entry, deeper)}" for key, entry in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _compact(entry, deeper) for entry in value) + f"\n{indent}]"


_ROWS = ("body", "payload", "sent", "row", "features", "data", "input", "input_data", "inputs", "sample", "samples_in", "request_body")


def _shortened(value: Any, depth: int = 0) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): _shape(entry) if str(key).lower() in _ROWS else _shortened(entry, depth + 1)
            for key, entry in list(value.items())[:60]
        }
    if isinstance(value, list):
        return [_shortened(entry, depth + 1) for entry in value[:_LONG]] + ([f"… {len(value) - _LONG} more"] if len(value) > _LONG else [])
    return clean(value, 300) if isinstance(value, str) else value


def _shape(value: Any) -> Any:
    """Rows without their values: keys, counts and kinds only."""
    if isinstance(value, Mapping):
        return {clean(key, 60): _shape(entry) for key, entry in list(value.items())[:20]}
    if isinstance(value, list):
        return f"[{len(value)} of {_shape(value[0])}]" if value else "[]"
    return {str: "text", bool: "true or false", type(None): "null"}.get(type(value), "number")


def _groups(metrics: Mapping[str, float]) -> list[Row]:
    known = _known()
    operations = {name: value for name, value in metrics.items() if name.startswith(_OPERATIONS)}
    quality = {name: value for name, value in metrics.items() if name not in operations}
    groups = [("On the verification data", quality), ("In operation", operations)]
    return [{"name": name, "rows": metric_rows(values, known)} for name, values in groups if values]


def _known() -> Mapping[str, Any]:
    """The published table of metrics."""
    try:
        found: Mapping[str, Any] = importlib.import_module("shared.domain.metrics").METRICS
    except ImportError:
        return {}
    return found


def _digests(release: Release) -> list[tuple[str, Any]]:
    rows = [(name, value, False) for name, value in bundle_rows(release)]
    digests = [
        ("Bundle SHA-256", release.bundle and release.bundle.digest),
        ("Data SHA-256", release.data_digest),
        ("Image", release.image and release.image.reference),
        ("Image digest", release.image and release.image.digest),
        ("Scoring run", release.run),
        ("Drop", release.drop.url),
        ("eTag of the drop", release.drop.etag),
        ("Uploaded by", release.drop.uploader),
    ]
    rows += [(name, clean(value, 300), True) for name, value in digests if value]
    return [(name, SimpleNamespace(text=value, mono=mono)) for name, value, mono in rows]


def _lock(content: bytes | None) -> Row | None:
    text = clean_block(content.decode("utf-8", "replace"), 200_000).strip() if content else ""
    packages = [line for line in text.split("\n") if line and not line.startswith((" ", "#", "--"))]
    return {"text": text, "lines": len(packages)} if text else None
