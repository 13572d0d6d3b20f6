"""The manifest: what a bundle says of itself, with the site's defaults filled in.

Each field carries what it means and what it may hold; reading (`manifest_rules`) and the published schema
(`manifest_schema`) are both driven by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_VERSION = r"[=<>!~]*\s*\d+(\.\d+){0,2}(\.\*)?"
PYTHON = rf"{_VERSION}(\s*,\s*{_VERSION})*"


def about(default: Any, doc: str, **rules: Any) -> Any:
    """A field with its meaning and its rules: `choices`, `pattern` (told as `form`), `least`, `above`, `below`."""
    return field(default=default, metadata={"doc": doc, **rules})


@dataclass(frozen=True)
class DataSpec:
    """Verification data."""

    reference: str | None = about(
        None, "Path in the bundle, name:version of a registered data set, or path in the container verification-data (csv, parquet)."
    )
    target: str | None = about(None, "The label column.")
    task: str = about("custom", "What kind of model it is.", choices=("regression", "classification", "custom"))


@dataclass(frozen=True)
class Kpi:
    """One metric with its limit. `min` and `max` are enforced; the other keys of the language are known and refused until they are."""

    metric: str = field(metadata={"doc": "The metric's name."})
    min: float | None = about(None, "The metric must be at least this.")
    max: float | None = about(None, "The metric must be at most this.")
    mode: str = about("enforce", "report: shown, not enforced.", choices=("enforce", "report"))
    confidence: float | None = about(None, "Holds only if the whole interval at this level holds.", above=0, below=1)
    gain_over_champion: float | None = about(None, "The gain over the champion must be above this, on the same rows.")
    slice: str | None = about(None, "A column: the limit is for its worst slice.")
    gap_over: str | None = about(None, "A column: the limit is for the largest difference between its slices.")
    min_rows: int | None = about(None, "Slices with fewer rows are left out.", least=1)


@dataclass(frozen=True)
class Compute:
    """Where the model is served: laptop's `local`, or what stands in for `aci`, `aks`, `cluster` there."""

    target: str = about("local", "Where the model is served.", choices=("local", "aci", "aks", "cluster"))
    cpu: float = about(1, "Processor cores.", above=0)
    memory_gb: float = about(2, "Memory in GB.", above=0)
    instance_type: str | None = about(None, "Name of an instance type of the cluster.")


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. All keys may be left out; missing ones come from the site's defaults and from the bundle's files."""

    name: str = field(metadata={"doc": "The model's name; else the archive's or folder's name."})
    submitter: str | None = about(None, "E-mail address that gets the verdict.")
    model: str | None = about(None, "Path of the model, a file or a folder in the bundle.")
    scoring: str | None = about(None, "Path of the scoring file, with init and run.")
    environment: str | None = about(None, "Path of the environment file: conda or requirements.")
    python: str | None = about(
        None, "Python version, over the environment file's.", pattern=PYTHON, form='a version such as "3.11", "3.11.*" or ">=3.11,<3.14"'
    )
    request: str = about(
        "auto",
        "Shape of a request: auto, data, input_data, records, rows, row or key:<name>.",
        pattern=r"auto|data|input_data|records|rows|row|key:.+",
        form="auto, data, input_data, records, rows, row or key:<name>",
    )
    script: str = about("auto", "online: run gets a body. batch: run gets a list of paths.", choices=("auto", "online", "batch"))
    data: DataSpec = about(DataSpec(), "The data that the model is held against.")
    kpis: tuple[Kpi, ...] = about((), "What the model is held against.")
    tolerance: float = about(1.0e-6, "Batched, single-row and re-ordered answers must agree to this.", least=0)
    cost_matrix: Mapping[str, Any] = field(default_factory=dict, metadata={"doc": "Cost of each error type, classification."})
    profile: bool = about(False, "Measure how latency grows with load.")
    compute: Compute = about(Compute(), "Where the model is served, and with what.")
    promotion: Mapping[str, Any] = field(
        default_factory=dict,
        metadata={"doc": "Environments to go through, and approvers among the site's.", "keys": ("environments", "approvers", "shadow")},
    )


@dataclass(frozen=True)
class Limits:
    """What a drop may hold, counted on what is really read."""

    archive: int = 2 << 30  # bytes
    unpacked: int = 4 << 30  # bytes
    files: int = 10_000
    ratio: int = 100  # bytes unpacked for each byte of archive
    depth: int = 20  # parts of a path


@dataclass(frozen=True)
class SiteDefaults:
    """What a site fills in where a manifest is silent, and what no manifest may loosen (`kpis`, `mail_domains`, `limits`)."""

    submitter: str | None = None
    mail_domains: tuple[str, ...] = ()  # domains of submitters; none: any
    data: DataSpec = DataSpec()
    kpis: tuple[Kpi, ...] = ()
    compute: Compute = Compute()
    request: str = "auto"
    script: str = "auto"
    tolerance: float = 1.0e-6
    limits: Limits = Limits()
