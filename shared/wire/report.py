"""The report: one HTML file that holds everything a person needs to believe the verdict, offline and on paper."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from datetime import tzinfo
from types import SimpleNamespace
from typing import Any

from shared.domain.release import Release, Stage
from shared.wire.layout import render, trusted
from shared.wire.rows import Row, bundle_rows, metric_rows, release_rows
from shared.wire.svg import safe_svg, svg_description
from shared.wire.text import both_times, clean, clean_block, last_lines, plural
from shared.wire.words import DEFAULT_URL

LOGS = ("logs/build.log", "logs/serve.log", "logs/smoke.log", "logs/score.log")
PLOTS = 12
_OPERATIONS = ("latency_", "throughput_", "error_rate", "peak_memory", "start_seconds")


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
        smoke=smoke_rows(evidence.get("smoke.json")),
        digests=_digests(release),
        lock=_lock(evidence.get("lock.txt")),
        logs=logs(evidence),
        attempt=release.attempt,
        state=both_times(release.updated_at, zone),
    ).encode("utf-8", "replace")


def plots(evidence: Mapping[str, bytes]) -> list[Row]:
    """Every plot that is safe to show, by name: `drawn told adapts` (its colours follow the page's)."""
    names = sorted(name for name in evidence if name.startswith("plots/") and name.endswith(".svg"))[:PLOTS]
    found = [(safe_svg(evidence[name], f"plot{place}"), svg_description(evidence[name])) for place, name in enumerate(names)]
    return [{"drawn": trusted(markup), "told": clean(told), "adapts": "currentColor" in markup} for markup, told in found if markup]


def logs(evidence: Mapping[str, bytes]) -> list[Row]:
    """The last 60 lines of each log that says anything."""
    names = [*LOGS, *(name for name in sorted(evidence) if name.startswith("logs/") and name not in LOGS)]
    texts = [(name, last_lines(evidence[name])) for name in names[:10] if name in evidence]
    return [
        {"name": name.removeprefix("logs/"), "lines": plural(text.count("\n") + 1, "line"), "text": text} for name, text in texts if text
    ]


def smoke_rows(content: bytes | None) -> Row | None:
    """What the smoke test tried: `request attempts question answer`. Rows of data are told by their shape, never by their values."""
    found = _loaded(content)
    if not isinstance(found, dict):
        return None
    tried = found.get("attempts")
    attempts = [one for one in tried if isinstance(one, dict)][:40] if isinstance(tried, list) else []
    return {
        "request": clean(found["request"], 60) if found.get("request") else "",
        "attempts": [
            {key: clean("" if one.get(key) is None else one[key], 300) for key in ("request", "rows", "code", "reason")}
            | {"ok": one.get("ok") is True}
            for one in attempts
        ],
        "question": outline(found.get("question")),
        "answer": _answer(found.get("answer")),
    }


def _loaded(content: bytes | str | None) -> Any:
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None


def _answer(value: Any) -> str:
    """An answer as it came: predictions, no rows of data."""
    return "" if value is None else clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 240)


def outline(value: Any) -> str:
    """`{"data": [3 rows of 10 numbers]}`: the shape of a body (JSON, or text that holds JSON, maybe cut), without its values."""
    if isinstance(value, str):
        inner = _loaded(value)
        if inner is None and value.lstrip()[:1] in ("{", "["):
            return _masked(value)
        value = inner if inner is not None else value
    return "" if value is None else clean(_shape(value), 500)


_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"(?P<colon>\s*:)?|"(?:[^"\\]|\\.)*$|[-+]?\d[\w.+-]*|\b(?:true|false|null|NaN|Infinity)\b')


def _masked(text: str) -> str:
    """JSON that was cut short, every value as a dot; keys and brackets stay: `{"data":[[·…],[·…],…`."""
    dots = _VALUE.sub(lambda found: found.group() if found["colon"] else "·", text)
    return clean(re.sub(r"·(?:,\s*·)+", "·…", dots).replace("……", "…"), 160)


def _shape(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f'"{clean(key, 40)}": {_shape(entry)}' for key, entry in list(value.items())[:12]) + "}"
    if isinstance(value, list):
        return f"[{_list(value)}]"
    return {str: "text", bool: "true or false", type(None): "null"}.get(type(value), "number")


def _list(values: list[Any]) -> str:
    if values and all(isinstance(entry, list) for entry in values):
        return f"{plural(len(values), 'row')} of {_list(values[0])}"
    kinds = sorted({_shape(entry) for entry in values[:50]})
    words = {"number": "number", "text": "text", "true or false": "truth value", "null": "null"}
    if len(kinds) == 1 and kinds[0] in words:
        return plural(len(values), words[kinds[0]])
    return f"{plural(len(values), 'entry', 'entries')}" + (f", each {kinds[0]}" if len(kinds) == 1 else "")


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
