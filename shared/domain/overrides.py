"""`--set kpis.0.min=0.5`: single values put over a manifest before it is read."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from shared.domain.faults import Fault
from shared.domain.manifest import Kpi, SiteDefaults
from shared.domain.reading import Place, Source


def override(
    given: Mapping[str, Any], overrides: Sequence[str], site: SiteDefaults, source: Source
) -> tuple[dict[str, Any], Source, tuple[Fault, ...]]:
    """The manifest with every override applied, in order. `kpis.N` counts the manifest's KPIs, else the site's."""
    values = copy.deepcopy(dict(given))
    overridden, texts = dict(source.overridden), dict(source.texts)
    faults = []
    if values.get("kpis") is None and any(each.startswith("kpis.") for each in overrides):
        values["kpis"] = [_written(kpi) for kpi in site.kpis]
    for each in overrides:
        path, _, text = each.partition("=")
        place = tuple(path.strip().split("."))
        done = _put(values, place, _value(text.strip())) if text else None
        if done is None:
            faults.append(Fault("MG153", f"--set {each} cannot be applied", _FIX))
        else:
            overridden[done], texts[done] = each, text.strip()
    return values, replace(source, overridden=overridden, texts=texts), tuple(faults)


_FIX = "Write --set key=value, with dots between the keys and a KPI's number counted from 0: --set kpis.0.min=0.5."


def _written(kpi: Kpi) -> dict[str, Any]:
    return {key: value for key, value in asdict(kpi).items() if value is not None}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> Place | None:
    """Where the value went, or None when the path leads nowhere."""
    at: Any = values
    place: list[str | int] = []
    for step, following in zip(path, (*path[1:], None), strict=True):
        key = _key(at, step)
        if key is None or not step:
            return None
        place.append(key)
        if following is None:
            at[key] = value
        elif at[key] is None:
            at[key] = [] if following == "0" and step == "kpis" else {}
        at = at[key]
    return tuple(place)


def _key(at: Any, step: str) -> str | int | None:
    """The key of this step in a mapping or list; one past a list's end makes it longer."""
    if isinstance(at, dict):
        at.setdefault(step, None)
        return step
    if not isinstance(at, list) or not step.isascii() or not step.isdigit() or int(step[:6]) > len(at):
        return None
    if int(step) == len(at):
        at.append(None)
    return int(step)
