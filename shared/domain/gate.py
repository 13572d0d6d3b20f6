"""The gate: metrics against limits.

A KPI holds, does not hold, or cannot be judged. It fails closed: a metric that is missing, misspelt or not a finite number
is a KPI that does not hold, with that reason.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping

from shared.domain.manifest import Kpi
from shared.domain.release import KpiResult, Scores


def judge(kpis: Iterable[Kpi], scores: Scores) -> tuple[KpiResult, ...]:
    """Every limit of every KPI as one result, in the order of the manifest."""
    return tuple(_judge(kpi, rule, limit, scores) for kpi in kpis for rule, limit in _limits(kpi))


def gate_holds(results: Iterable[KpiResult]) -> bool | None:
    """True: all enforced KPIs hold (there is at least one). False: one does not. None: none fails, but one is too close to call."""
    enforced = [result.holds for result in results if result.mode == "enforce"]
    if not enforced or False in enforced:
        return False
    return None if None in enforced else True


def _limits(kpi: Kpi) -> list[tuple[str, float]]:
    return [(rule, limit) for rule, limit in (("min", kpi.min), ("max", kpi.max)) if limit is not None]


def _judge(kpi: Kpi, rule: str, limit: float, scores: Scores) -> KpiResult:
    ours = kpi.metric in scores.metrics
    value = scores.metrics.get(kpi.metric) if ours else scores.reported.get(kpi.metric)
    if value is None:
        return KpiResult(kpi.metric, rule, limit, None, False, _missing(kpi.metric, {**scores.reported, **scores.metrics}), kpi.mode)
    if not math.isfinite(value):
        reason = f"{kpi.metric} is {value}, not a number that can be held against a limit"
        return KpiResult(kpi.metric, rule, limit, None, False, reason, kpi.mode, reported=not ours)
    holds = value >= limit if rule == "min" else value <= limit
    reason = "" if holds else _missed(rule, limit, value)
    return KpiResult(kpi.metric, rule, limit, value, holds, reason, kpi.mode, rows=scores.rows, reported=not ours)


def _missed(rule: str, limit: float, value: float) -> str:
    return f"{value:.4g} is {abs(value - limit):.4g} {'below' if rule == 'min' else 'above'} the limit {limit:g}"


def _missing(metric: str, known: Mapping[str, float]) -> str:
    close = difflib.get_close_matches(metric, known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"
    return f"no metric named {metric} was measured{hint}"
