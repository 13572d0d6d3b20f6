"""What one tools process is asked to do, read from its SPEC.json and from the arguments of its commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

PATHS = ("data", "out", "work", "bundle", "serving", "serve_out")


@dataclass(frozen=True)
class ChildRules:
    """How children that run the bundle's code are started: `launch` parent-pid `rlimits` program … is the command line."""

    launch: tuple[str, ...] = ()
    rlimits: str = "-"
    env: Mapping[str, str] = field(default_factory=dict)  # all of it; empty: a plain one
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Spec:
    """All that the jobs know. Paths are absolute; those of files in the bundle are relative to it."""

    data: Path
    out: Path  # the release's evidence folder
    work: Path  # scratch
    target: str | None = None  # label column
    task: str = "custom"  # regression | classification | custom
    request: str = "auto"  # what the manifest says
    shape: str | None = None  # what the smoke test found
    endpoint: str | None = None  # None: the model is loaded in process
    server_pid: int | None = None
    serve_out: Path | None = None  # where the serving process leaves run_errors.jsonl and reported.json
    start_seconds: float | None = None
    bundle: Path | None = None
    scoring: str | None = None
    metrics: str | None = None  # the submitter's metrics.py
    preprocess: str | None = None
    serving: Path | None = None  # folder of score_batch.py and user_code.py
    python: str | None = None  # the bundle environment's interpreter
    in_process: dict[str, Any] | None = None  # serving's spec for score_batch.py
    user_code: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # serving's specs for user_code.py: preprocess, metrics
    child: ChildRules = ChildRules()
    batch_rows: int | None = None  # None: chosen by size
    concurrency: int = 2
    request_seconds: float = 60.0
    score_seconds: float = 7200.0
    init_seconds: float = 240.0
    attempt: int = 1
    digest: str | None = None  # the bundle's
    run: str | None = None

    def updated(self, arguments: dict[str, Any]) -> Spec:
        """The same spec with what a command added, e.g. the endpoint that came up since."""
        return replace(self, **_typed(arguments))

    @property
    def stamp(self) -> dict[str, Any]:
        """What marks a result as this attempt's and no other's."""
        return {"attempt": self.attempt, "bundle": self.digest, "run": self.run}


def read_spec(path: Path) -> Spec:
    """The spec of a file; an unknown key is refused by name."""
    return Spec(**_typed(json.loads(path.read_text(encoding="utf-8"))))


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    known = {one.name for one in fields(Spec)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown keys in the spec: {', '.join(unknown)}")
    typed = {key: Path(value) if key in PATHS and value is not None else value for key, value in values.items()}
    if "child" in typed:
        typed["child"] = ChildRules(**typed["child"])
    return typed
