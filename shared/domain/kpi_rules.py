"""Which KPIs a release is held against: the manifest's, none looser than the site's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, repeat

from shared.domain.manifest import Kpi
from shared.domain.metrics import METRICS
from shared.domain.reading import Place, Reader, did_you_mean

LATER = ("confidence", "gain_over_champion", "slice", "gap_over", "min_rows")


def settle(kpis: Sequence[Kpi], site: Sequence[Kpi], reader: Reader) -> tuple[Kpi, ...]:
    """The KPIs in force: the manifest's in its order, then those of the site's it does not name. Faults go to `reader`."""
    places = reader.places.get(("kpis",), [])
    settled = [_tightened(kpi, site, reader, place) for kpi, place in zip(kpis, places, strict=True)]
    settled += [kpi for kpi in site if not any(_same(kpi, other) for other in kpis)]
    for kpi, place in zip(settled, chain(places, repeat(("kpis",))), strict=False):
        _check(kpi, reader, place)
    unread = any(fault.code == "MG145" and fault.message.startswith("kpis") for fault in reader.faults)
    if not unread and not any(kpi.mode == "enforce" for kpi in settled):
        told = "every KPI is `mode: report`" if settled else "there are no KPIs"
        reader.tell("MG150", ("kpis",), f"{told}: nothing to hold the model against", "Add to manifest.yml: kpis: [{metric: r2, min: 0.4}]")
    return tuple(settled)


def _plain(kpi: Kpi) -> bool:
    return all(getattr(kpi, key) is None for key in LATER)


def _same(kpi: Kpi, other: Kpi) -> bool:
    return kpi.metric == other.metric and _plain(kpi) == _plain(other)


def _tightened(kpi: Kpi, site: Sequence[Kpi], reader: Reader, place: Place) -> Kpi:
    """The KPI with the site's limits where it has none of its own."""
    for theirs in (each for each in site if _same(kpi, each) and each.mode == "enforce"):
        loose = _loosened(kpi, theirs)
        if loose:
            fix = "A manifest or --set may tighten the site's KPIs, not loosen them: take this limit out, or make it stricter."
            reader.tell("MG149", (*place, loose[0]), f"{kpi.metric}: {loose[1]}", fix)
        kpi = replace(kpi, min=theirs.min if kpi.min is None else kpi.min, max=theirs.max if kpi.max is None else kpi.max)
    return kpi


def _loosened(kpi: Kpi, site: Kpi) -> tuple[str, str] | None:
    if kpi.mode != site.mode:
        return "mode", f"the site enforces it, the manifest says mode: {kpi.mode}"
    if kpi.min is not None and site.min is not None and kpi.min < site.min:
        return "min", f"min {kpi.min:g} is looser than the site's {site.min:g}"
    if kpi.max is not None and site.max is not None and kpi.max > site.max:
        return "max", f"max {kpi.max:g} is looser than the site's {site.max:g}"
    return None


def _check(kpi: Kpi, reader: Reader, place: Place) -> None:
    later = [key for key in LATER if getattr(kpi, key) is not None]
    if later:
        fix = "Take the key out; min and max are enforced, the other keys are known but not enforced yet."
        reader.tell("MG148", (*place, later[0]), f"{kpi.metric}: {', '.join(later)} is not enforced yet, so it could not be kept", fix)
    elif kpi.min is None and kpi.max is None:
        reader.tell("MG147", place, f"the KPI {kpi.metric} has no limit", f"Write {{metric: {kpi.metric}, {_side(kpi.metric)}: 0.4}}.")
    elif kpi.min is not None and kpi.max is not None and kpi.min > kpi.max:
        reader.tell(
            "MG146", place, f"{kpi.metric}: min {kpi.min:g} is above max {kpi.max:g}, which nothing can hold", "Exchange min and max."
        )
    _doubt(kpi, reader, place)


def _doubt(kpi: Kpi, reader: Reader, place: Place) -> None:
    """Warnings: the metric may be one that the submitter's own code reports, and the odd side may be meant."""
    metric = METRICS.get(kpi.metric)
    if metric is None:
        word = did_you_mean(kpi.metric, METRICS)
        hint = f"Did you mean {word}?" if word else f"Known: {', '.join(METRICS)}."
        told = f"{kpi.metric} is not a metric that is measured here; the KPI fails unless score.py or metrics.py reports it"
        reader.tell("MG151", (*place, "metric"), told, hint, severity="warning")
    elif (metric.direction, kpi.min is None) in {("higher", True), ("lower", False)} and (kpi.min is None) != (kpi.max is None):
        told = f"{kpi.metric} has only a {'max' if kpi.min is None else 'min'}, but {metric.direction} is better"
        reader.tell("MG152", place, told, f"Did you mean {_side(kpi.metric)}?", severity="warning")


def _side(name: str) -> str:
    metric = METRICS.get(name)
    return "max" if metric and metric.direction == "lower" else "min"
