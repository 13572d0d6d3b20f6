"""How releases, KPIs and faults look to a person. Everything that came from a server goes through `safe`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.safe import safe, safe_line
from cli.times import local, seconds_between, span

Json = Mapping[str, Any]

# A rejection is a normal outcome: it is not red like a crash.
STYLES = {
    "passed": "green",
    "failed": "yellow",
    "inconclusive": "cyan",
    "awaiting_decision": "cyan",
    "invalid": "magenta",
    "error": "red",
    "expired": "red",
    "cancelled": "dim",
    "duplicate": "dim",
}
SEVERITIES = {"error": ("✗", "red"), "warning": ("!", "yellow"), "info": ("·", "dim")}
LONGEST = 100  # characters of a reason in a table
_WORST_FIRST = tuple(SEVERITIES)
_SIGNS = {"min": "≥", "max": "≤"}
_OPERATIONS = {
    "latency_p50_ms": "answer, median (ms)",
    "latency_p95_ms": "answer, 95 % (ms)",
    "throughput_rows_s": "rows a second",
    "start_seconds": "start (s)",
    "peak_memory_mb": "peak memory (MB)",
}


def title(release: Json) -> Text:
    """`PASSED  diabetes 3  r…`, with the stage while there is no verdict."""
    word = outcome(release)
    name = " ".join(safe_line(part) for part in (release.get("name"), release.get("version")) if part is not None)
    style = STYLES.get(word, "blue")
    return Text.assemble((safe_line(word).replace("_", " ").upper(), f"bold {style}"), f"  {name}  ", (safe_line(release.get("id")), "dim"))


def outcome(release: Json) -> str:
    """One word: the verdict once there is one, else the stage. A person's decision shows in the stage."""
    stage = str(release.get("stage") or "")
    return str(release.get("verdict") or stage) if stage not in ("passed", "failed") else stage


def show_release(console: Console, release: Json, *, steps: bool = True) -> None:
    """Everything that a person wants to know of a release at its end; `steps`: and what to do now."""
    console.print(title(release))
    for sentence in _sentences(release):
        console.print(Text(safe(sentence)), style="dim" if sentence.startswith("(") else None)
    if release.get("kpis"):
        console.print(kpi_table(release["kpis"]))
    figures = operations(release.get("metrics") or {})
    if figures:
        console.print(Text(figures, style="dim"))
    show_faults(console, release.get("faults") or [])
    for line in next_steps(release) if steps else ():
        console.print(Text(safe(line)))


def _sentences(release: Json) -> list[str]:
    shown = {str(kpi.get("reason")) for kpi in release.get("kpis") or []} | {
        str(fault.get("message")) for fault in release.get("faults") or []
    }
    said = [str(reason) for reason in release.get("reasons") or [] if str(reason) not in shown]
    decision = release.get("decision")
    if isinstance(decision, Mapping):
        said.append(f"Decided by {decision.get('by')}: {decision.get('outcome')}, because: {decision.get('reason')}")
    if release.get("same_as"):
        said.append(f"The same bundle with the same manifest and data was judged before, as {release['same_as']}.")
    return said


def kpi_line(kpis: Iterable[Json]) -> str:
    """`r2 0.46 (≥ 0.40) ✓ · rmse 55 (≤ 60) ✓` on one line."""
    return " · ".join(f"{safe_line(kpi.get('metric'))} {number(kpi.get('value'))} ({limit_of(kpi)}) {_mark(kpi)[0]}" for kpi in kpis)


def kpi_table(kpis: Iterable[Json]) -> Table:
    """Metric, value, limit, interval, champion, and whether it holds."""
    return _table(("", "KPI", "value", "limit", "95 % interval", "champion", ""), [_kpi_row(kpi) for kpi in kpis])


def _kpi_row(kpi: Json) -> list[str | Text]:
    metric = " ".join(safe_line(part) for part in (kpi.get("metric"), kpi.get("slice")) if part)
    ends = kpi.get("interval")
    interval = f"{number(ends[0])} … {number(ends[1])}" if ends else ""
    champion = number(kpi["champion"]) if kpi.get("champion") is not None else ""
    reason = safe_line(kpi.get("reason") or ("shown only" if kpi.get("mode") == "report" else ""))
    return [Text(*_mark(kpi)), metric, number(kpi.get("value")), limit_of(kpi), interval, champion, Text(reason, "dim")]


def _mark(kpi: Json) -> tuple[str, str]:
    if kpi.get("mode") == "report":
        return "·", "dim"
    return {True: ("✓", "green"), False: ("✗", "yellow")}.get(kpi.get("holds"), ("?", "cyan"))  # type: ignore[arg-type]


def limit_of(kpi: Json) -> str:
    """`≥ 0.4`; a rule that this version does not know is shown by its name."""
    rule = str(kpi.get("rule"))
    return f"{_SIGNS.get(rule, safe_line(rule))} {number(kpi.get('limit'))}"


def number(value: object) -> str:
    """Four figures that count; a dash for what is missing."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "-" if value is None else safe_line(value)
    if not math.isfinite(value) or isinstance(value, int) or abs(value) >= 10_000:  # noqa: PLR2004 - as people write it
        return f"{value:.0f}" if math.isfinite(value) else str(value)
    return f"{value:.4g}"


def operations(metrics: Json) -> str:
    """The figures of serving on one line; the whole table is in the report."""
    return " · ".join(f"{label} {number(metrics[name])}" for name, label in _OPERATIONS.items() if metrics.get(name) is not None)


def show_faults(console: Console, faults: Iterable[Json]) -> None:
    """Worst first: code, file:line, what is wrong; the fix below it."""
    for fault in sorted(faults, key=lambda fault: _rank(fault.get("severity"))):
        mark, style = SEVERITIES.get(str(fault.get("severity")), SEVERITIES["error"])
        where = safe_line(fault.get("file") or "") + (f":{fault['line']}" if fault.get("line") else "")
        head = Text.assemble((f"{mark} {safe_line(fault.get('code'))}", style), ("  " + where if where else "", "bold"))
        console.print(head)
        console.print(Text(_indented(safe(fault.get("message") or ""))))
        if fault.get("fix"):
            console.print(Text(_indented("→ " + safe(fault["fix"])), style="green"))


def _rank(severity: object) -> int:
    return _WORST_FIRST.index(str(severity)) if severity in _WORST_FIRST else 0


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def next_steps(release: Json) -> list[str]:
    """What to do now, as commands to copy."""
    ident = safe_line(release.get("id"))
    if release.get("stage") == "duplicate":
        return [
            f"Report:  modelgate report {safe_line(release.get('same_as') or ident)}",
            "Judge it again:  modelgate submit BUNDLE --force",
        ]
    return {
        "passed": [f"Report:  modelgate report {ident}"],
        "failed": ["The model works, but it is not good enough yet. Change it and submit it again.", f"Report:  modelgate report {ident}"],
        "inconclusive": [f"A person decides:  modelgate decide {ident} pass|fail --reason '…' --as EMAIL"],
        "invalid": ["Mend the bundle, look with `modelgate check BUNDLE`, and submit it again."],
        "error": [f"The platform is at fault, not your bundle.  modelgate logs {ident}", f"Again:  modelgate retry {ident}"],
        "cancelled": [f"Should it be judged after all:  modelgate retry {ident}"],
    }.get(outcome(release), [f"Follow it:  modelgate status {ident} --watch"] if not release.get("verdict") else [])


def first_line(text: object) -> str:
    """The first line, cut to what fits beside other columns; the whole stands elsewhere."""
    line = safe_line(str(text or "").strip().partition("\n")[0])
    return line if len(line) <= LONGEST else line[: LONGEST - 2] + " …"


def size(bytes_: float) -> str:
    """`940 bytes`, `39 kB`, `12 MB`."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes_ >= of:
            return f"{bytes_ / of:.3g} {unit}"
    return f"{bytes_:.0f} bytes"


def releases_table(releases: Iterable[Json]) -> Table:
    """A line a release: id, name, version, how it stands, since when, who."""
    return _table(("id", "name", "version", "stage", "verdict", "age", "submitter"), [_release_row(release) for release in releases])


def _release_row(release: Json) -> list[str | Text]:
    stage, verdict = str(release.get("stage")), str(release.get("verdict") or "")
    ident, name, version = (safe_line(release[key]) if release.get(key) is not None else "" for key in ("id", "name", "version"))
    standing = Text(safe_line(stage).replace("_", " "), STYLES.get(stage, "blue"))
    age = span(seconds_between(release.get("created_at")))
    return [ident, name, version, standing, safe_line(verdict) if verdict != stage else "", age, safe_line(release.get("submitter") or "")]


def history_table(release: Json) -> Table:
    """What happened, when, and why."""
    return _table(("", "", "", ""), [_history_row(line) for line in release.get("history") or []])


def _history_row(line: Json) -> list[str | Text]:
    stage = safe_line(line.get("stage")).replace("_", " ")
    return [local(line.get("at")), stage, Text(safe_line(line.get("fact") or ""), "dim"), first_line(line.get("reason"))]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> Table:
    """Columns in which nothing stands are left out."""
    kept = [index for index in range(len(headers)) if any(str(row[index]) for row in rows)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=any(headers))
    for index in kept:
        table.add_column(headers[index], overflow="fold", no_wrap=index != kept[-1])  # only the last one may be long
    for row in rows:
        table.add_row(*(row[index] for index in kept))
    return table
