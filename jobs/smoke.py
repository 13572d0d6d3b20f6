"""The smoke test: whether the model gives one usable prediction a row, and in which shape it wants to be asked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from jobs.answers import shown
from jobs.faults import Fault, fault, refusal
from jobs.files import json_lines, write_json
from jobs.finder import Attempt, Finder, Found
from jobs.over_http import Ask, Endpoint
from jobs.requests import keys_in
from jobs.sample import Sample
from jobs.spec import Spec

FIXES = {
    "MG401": "Call run() with such a body on your machine. Set request in manifest.yml if your script wants another shape.",
    "MG402": "Return one prediction for each row of the request, in the same order.",
    "MG403": "Return a finite number or a label for each row; look for missing values and for features that are not scaled as in training.",
    "MG404": "Mend its cause, and let run() raise errors instead of returning them. Set request in manifest.yml if it wants another shape.",
    "MG405": "Make run() use the rows that it is given.",
    "MG406": "Return a list (predictions.tolist()), or a dict with one list.",
    "MG407": "Make run() answer sooner; load the model in init(), not in run().",
    "MG408": "Return a number for each row with task: regression, or set task: classification.",
    "MG411": "Let run() return its predictions.",
}
WHAT = {
    "MG401": "The model failed to answer",
    "MG402": "The number of predictions is not the number of rows",
    "MG403": "A prediction is missing or not finite",
    "MG404": "The answer is an error told as if all were well",
    "MG405": "The answer is the same whatever the input",
    "MG406": "The answer cannot be read as predictions",
    "MG407": "The model did not answer in time",
    "MG408": "A prediction is not a number",
    "MG411": "The answer is empty",
}


def find_shape(spec: Spec, sample: Sample, ask: Ask) -> Found:
    """The shape in which the model wants to be asked. Raises JobFault when there is none."""
    finder = Finder(sample, ask, spec.task, Reasons(spec.serve_out).newest)
    try:
        found = finder.find(spec.request, _keys(spec))
    except ValueError as error:
        raise refusal("MG410", str(error), "Set request in manifest.yml to one of these, or leave it out.", file="manifest.yml") from None
    return found


def smoke(spec: Spec, sample: Sample) -> dict[str, Any]:
    """Try the endpoint; what was found goes to `smoke.json`. Returns the answer to the command."""
    began = time.monotonic()
    if spec.endpoint is None:
        raise ValueError("smoke needs an endpoint")
    found = find_shape(spec, sample, Endpoint(spec.endpoint, spec.request_seconds).ask)
    faults = [] if found.request else [the_fault(spec, found)]
    write_json(
        spec.out / "smoke.json",
        {**report(found), **spec.stamp, "ok": not faults, "faults": faults, "seconds": round(time.monotonic() - began, 3)},
    )
    return {"ok": not faults, "faults": faults, "request": found.request}


def report(found: Found) -> dict[str, Any]:
    """What people read of the search: the shape, every attempt with its reason, one question with its answer."""
    last = found.attempts[-1] if found.request else found.nearest
    attempts = [
        {"request": one.request, "rows": one.rows, "ok": one.code is None, "code": one.code, "reason": one.reason} for one in found.attempts
    ]
    return {"request": found.request, "notes": found.notes, "attempts": attempts, "question": last.question, "answer": last.answer}


def the_fault(spec: Spec, found: Found) -> Fault:
    """What was wrong with the attempt that came nearest."""
    best = found.nearest
    code = best.code or "MG401"
    return fault(code, f"{WHAT[code]}: {best.reason} ({_asked(best, found)})", FIXES[code], file=spec.scoring)


def _asked(best: Attempt, found: Found) -> str:
    shapes = list(dict.fromkeys(one.request for one in found.attempts))
    rows = "1 row" if best.rows == 1 else f"{best.rows} rows"
    also = f"; {len(shapes) - 1} other shapes were tried, see smoke.json" if len(shapes) > 1 else ""
    return f"request {best.request!r}, {rows}{also}"


def _keys(spec: Spec) -> list[str]:
    if spec.bundle is None or spec.scoring is None:
        return []
    try:
        return keys_in((spec.bundle / spec.scoring).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []


class Reasons:
    """Why the server answered with HTTP 500, as it notes it in `run_errors.jsonl`; the body never says."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / "run_errors.jsonl" if folder else None
        self._seen = len(list(json_lines(self._file))) if self._file else 0

    def newest(self) -> str | None:
        """The last reason that was noted since the last question, as one line."""
        noted = list(json_lines(self._file)) if self._file else []
        new, self._seen = noted[self._seen :], len(noted)
        return _one_line(new[-1]) if new else None


def _one_line(noted: Any) -> str:
    """`ValueError: what it said (score.py:12)`."""
    if not isinstance(noted, dict):
        return shown(noted)
    where = f" ({noted['file']}:{noted['line']})" if noted.get("file") and noted.get("line") else ""
    return shown(f"{noted.get('type', 'Error')}: {noted.get('message', '')}") + where
