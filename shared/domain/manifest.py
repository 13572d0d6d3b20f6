"""The manifest: what a bundle says of itself, with the site's defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DataSpec:
    """Verification data: `reference` is a path in the bundle, `name:version`, or a path in `verification-data`."""

    reference: str | None = None
    target: str | None = None
    task: str = "custom"  # regression | classification | custom


@dataclass(frozen=True)
class Kpi:
    """One metric with its limit. `min`/`max` today; the other keys of the language keep their place here."""

    metric: str
    min: float | None = None
    max: float | None = None
    mode: str = "enforce"  # enforce | report
    confidence: float | None = None
    gain_over_champion: float | None = None
    slice: str | None = None
    gap_over: str | None = None
    min_rows: int | None = None


@dataclass(frozen=True)
class Compute:
    """Where the model is served: laptop's `local`, or what stands in for `aci`, `aks`, `cluster` there."""

    target: str = "local"
    cpu: float = 1
    memory_gb: float = 2
    instance_type: str | None = None


@dataclass(frozen=True)
class Manifest:
    """All keys filled: from `manifest.yml`, `--set`, the site defaults, and what the bundle's files show."""

    name: str
    submitter: str | None = None
    model: str | None = None
    scoring: str | None = None
    environment: str | None = None
    python: str | None = None
    request: str = "auto"  # auto | data | input_data | records | rows | row | key:<name>
    script: str = "auto"  # auto | online | batch
    data: DataSpec = DataSpec()
    kpis: tuple[Kpi, ...] = ()
    tolerance: float = 1.0e-6
    cost_matrix: Mapping[str, Any] = field(default_factory=dict)
    profile: bool = False
    compute: Compute = Compute()
    promotion: Mapping[str, Any] = field(default_factory=dict)
