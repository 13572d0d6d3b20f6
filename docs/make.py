"""Writes what the code knows best: the lifecycle in the README, faults, metrics, settings, the manifest's schema, the HTTP interface.

`python -m docs.make` writes; `--check` fails with the names of the files that are no longer true.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from function_app.openapi import document
from shared.domain.faults import CATALOGUE
from shared.domain.lifecycle import ANY, ON_THE_WAY, RUNNING, STOPPED, TABLE, Row
from shared.domain.manifest_schema import json_schema
from shared.domain.metrics import METRICS
from shared.domain.release import ENDED, Stage

ROOT = Path(__file__).resolve().parent.parent
RANGES = {"1": "The bundle as it was dropped", "2": "Its environment", "3": "Serving it", "4": "The smoke test", "5": "Scoring and data",
          "6": "The gate", "9": "The platform"}  # fmt: skip


def main() -> int:
    """Write or check every generated part."""
    stale = [path for path, content in generated() if not path.is_file() or path.read_text() != content]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the code says; run: make docs")  # noqa: T201
        return 1 if stale else 0
    for path, content in generated():
        path.write_text(content)
    if "--no-pictures" not in sys.argv[1:]:
        subprocess.run([sys.executable, "-m", "docs.pictures"], check=True, cwd=ROOT)
    return 0


def generated() -> Iterable[tuple[Path, str]]:
    """(file, content) of each."""
    readme = (ROOT / "README.md").read_text()
    yield ROOT / "README.md", between(between(readme, "lifecycle", lifecycle()), "stages", stage_table())
    yield ROOT / "docs/faults.md", faults()
    yield ROOT / "docs/metrics.md", metrics()
    yield ROOT / "docs/manifest.schema.json", json.dumps(json_schema(), indent=2) + "\n"
    yield ROOT / "docs/openapi.json", json.dumps(document(), indent=2) + "\n"


def between(text: str, name: str, content: str) -> str:
    """`text` with what stands between the marks of `name` replaced."""
    begin, end = f"<!-- {name}: written by make docs -->", f"<!-- end of {name} -->"
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{content}\n{end}", text, flags=re.DOTALL)


def lifecycle() -> str:
    """The table as a drawing: one arrow a pair of stages, and what holds for many stages as one state of that name."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        if len(row.stages) == 1 and isinstance(row.goto, Stage) and row.goto not in row.stages:
            (stage,) = row.stages
            arrows.setdefault((stage.value, row.goto.value), []).append(when(row))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> validating: archive", "    [*] --> collecting: folder"]
    lines += [f"    {start} --> {end}: {' / '.join(words)}" for (start, end), words in arrows.items()]
    wide = [row for row in TABLE if len(row.stages) > 1 and isinstance(row.goto, Stage)]
    lines += [f"    {stages(row).replace(' ', '_')} --> {goal(row)}: {when(row)}" for row in wide]
    lines += [f"    {stage.value} --> [*]" for stage in Stage if stage in ENDED]
    return "\n".join([*lines, "```"])


def stage_table() -> str:
    """Every row of the table, in its order."""
    head = ["| while | on | if | goes to | and asks for |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(head + [f"| {stages(row)} | {row.on.__name__} | {guard(row)} | {goal(row)} | {words(row.asker)} |" for row in TABLE])


def stages(row: Row) -> str:
    """The stages of a row, by the name of their set where it has one."""
    named = {
        ON_THE_WAY: "any stage on the way",
        RUNNING: "any stage without an end",
        STOPPED: "invalid, error, expired, cancelled",
        ANY: "any stage",
    }
    return named.get(row.stages) or ", ".join(sorted(row.stages))


def when(row: Row) -> str:
    """The fact and its condition."""
    return row.on.__name__ + (f" ({guard(row)})" if guard(row) else "")


def guard(row: Row) -> str:
    """The condition in words; none is empty."""
    return "" if row.guard.__name__ == "always" else words(row.guard)


def goal(row: Row) -> str:
    """Where it goes."""
    return row.goto.value if isinstance(row.goto, Stage) else words(row.goto)


def words(function: Callable[..., object]) -> str:
    """A function's name as words."""
    return function.__name__.replace("_", " ")


def faults() -> str:
    """Every fault code."""
    lines = ["# Faults", "", "Every code that a report, a mail or `modelgate check` can carry. A code never changes its meaning.", ""]
    for digit, title in RANGES.items():
        codes = sorted(code for code in CATALOGUE if code[2] == digit)
        if codes:
            lines += [
                f"## {digit}xx: {title}",
                "",
                "| code | meaning |",
                "| --- | --- |",
                *(f"| {code} | {CATALOGUE[code]} |" for code in codes),
                "",
            ]
    return "\n".join(lines)


def metrics() -> str:
    """Every metric that a KPI can name."""
    lines = [
        "# Metrics",
        "",
        "What a KPI can name. Figures that `metrics.py` or `mlflow.log_metric` report can be named too; they are shown as reported",
        "by the submitter.",
        "",
    ]
    lines += ["| metric | task | better | unit | scikit-learn scorer | meaning |", "| --- | --- | --- | --- | --- | --- |"]
    for metric in METRICS.values():
        lines.append(f"| {metric.name} | {metric.task} | {metric.direction} | {metric.unit} | {metric.scorer or ''} | {metric.meaning} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
