"""Sample releases as the gate leaves them, with the evidence that lies beside them. Used by these tests and by docs/pictures.py."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain.bundle import Bundle, Drop, EnvironmentSpec, Requirement
from shared.domain.faults import Fault
from shared.domain.manifest import Compute, DataSpec, Kpi, Manifest
from shared.domain.release import Endpoint, HistoryLine, Image, KpiResult, Release, Scores, Stage, Verdict

START = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)
DIGEST = "9f2c4b7e1d0a5c3f8e6b2a1d4c7f0e9b3a6d5c8f1e2b7a4d9c0f3e6b5a8d1c2f"
KPIS = (Kpi("r2", min=0.40), Kpi("rmse", max=60), Kpi("latency_p95_ms", max=200), Kpi("peak_memory_mb", max=1024, mode="report"))
METRICS = {
    "r2": 0.4557, "rmse": 54.02, "mae": 43.1, "mape": 0.381, "latency_p50_ms": 6.4, "latency_p95_ms": 11.9, "latency_p99_ms": 14.2,
    "throughput_rows_s": 18210.0, "error_rate": 0.0, "peak_memory_mb": 212.0, "start_seconds": 1.42,
}  # fmt: skip
WAY = (
    (Stage.VALIDATING, "BundleUploaded", 0.0),
    (Stage.REGISTERING, "BundleChecked", 0.31),
    (Stage.BUILDING, "ModelRegistered", 0.42),
    (Stage.DEPLOYING, "ImageBuilt", 2.1),
    (Stage.SMOKE_TESTING, "Deployed", 3.9),
    (Stage.SCORING, "SmokePassed", 4.3),
    (Stage.EVALUATING, "RunEnded", 5.8),
)


def history(last: Stage, fact: str, after: float, reason: str = "", way: int = len(WAY)) -> tuple[HistoryLine, ...]:
    """The first `way` stages of the usual way, and where it ended."""
    lines = [HistoryLine(START + timedelta(seconds=seconds), stage, told) for stage, told, seconds in WAY[:way]]
    return (*lines, HistoryLine(START + timedelta(seconds=after), last, fact, reason))


def bundle(**manifest: object) -> Bundle:
    """The diabetes bundle."""
    settings = {
        "submitter": "ana@example.com",
        "data": DataSpec("holdout.csv", "disease_progression", "regression"),
        "kpis": KPIS,
        "compute": Compute("aci", 1, 2),
        **manifest,
    }
    packages = [
        ("scikit-learn", "==1.7.2", 6),
        ("numpy", "==2.3.4", 7),
        ("pandas", "==2.3.3", 8),
        ("azureml-inference-server-http", "", 10),
    ]
    needs = tuple(Requirement(name, name + spec, "conda.yml", line, name + spec) for name, spec, line in packages)
    return Bundle(
        DIGEST, Manifest("diabetes", **settings), 14_208, 6, "model.pkl", "score.py",  # type: ignore[arg-type]
        EnvironmentSpec("conda.yml", "3.11", 4, needs), "online", data="holdout.csv",
    )  # fmt: skip


def kpi(metric: str, rule: str, limit: float, value: float | None, holds: bool | None, **more: object) -> KpiResult:
    """One judged KPI."""
    return KpiResult(metric, rule, limit, value, holds, **more)  # type: ignore[arg-type]


OLD_PICKLE = Fault(
    "MG183",
    "model.pkl was written by scikit-learn 1.7.1; conda.yml asks for 1.7.2",
    "Pin scikit-learn==1.7.1, or train again.",
    "conda.yml",
    6,
    "warning",
)
RECEIVED = Release(
    "rk4w7zq2m5h6t3xa", Drop("http://127.0.0.1:7071/model-drop/diabetes.zip", "0x8de0", "diabetes", "ana@example.com", "ana"), "diabetes",
    Stage.REGISTERING, START, START + timedelta(seconds=0.3), START + timedelta(seconds=0.3), "ana@example.com",
    bundle=bundle(), data_digest="51b8" * 16, history=history(Stage.REGISTERING, "BundleChecked", 0.31, way=1),
    faults=(OLD_PICKLE,),
)  # fmt: skip
PASSED = replace(
    RECEIVED,
    stage=Stage.PASSED,
    version=3,
    image=Image("environments/7d1f9a30c2b4", "sha256:" + "7d1f9a30c2b4" * 5 + "0f1e"),
    endpoint=Endpoint("http://127.0.0.1:41873/score", 1.42),
    request="data",
    run="mg-rk4w7zq2m5h6t3xa-1",
    scores=Scores(METRICS, {"validation_r2": 0.471, "alpha": 0.1}, 89, 0),
    kpis=(
        kpi("r2", "min", 0.40, 0.4557, True),
        kpi("rmse", "max", 60.0, 54.02, True),
        kpi("latency_p95_ms", "max", 200.0, 11.9, True),
        kpi("peak_memory_mb", "max", 1024.0, 212.0, True, mode="report"),
    ),
    verdict=Verdict.PASSED,
    updated_at=START + timedelta(seconds=6.05),
    history=history(Stage.PASSED, "Evaluated", 6.05),
)
FAILED = replace(
    PASSED,
    stage=Stage.FAILED,
    version=4,
    verdict=Verdict.FAILED,
    scores=Scores(METRICS | {"r2": 0.3087, "rmse": 63.21, "mae": 51.9}, {}, 89, 0),
    kpis=(
        kpi("r2", "min", 0.40, 0.3087, False, reason="0.3087 is 0.0913 below the limit 0.4"),
        kpi("rmse", "max", 60.0, 63.21, False, reason="63.21 is 3.21 above the limit 60"),
        kpi("latency_p95_ms", "max", 200.0, 11.9, True),
        kpi("f1_macr", "min", 0.5, None, False, reason="no metric named f1_macr was measured; did you mean f1_macro?"),
    ),
    reasons=("r2 is below its limit",),
    history=history(Stage.FAILED, "Evaluated", 6.05),
    faults=(),
)
INCONCLUSIVE = replace(
    PASSED,
    stage=Stage.AWAITING_DECISION,
    version=5,
    verdict=Verdict.INCONCLUSIVE,
    kpis=(
        kpi("r2", "min", 0.40, 0.4557, True, interval=(0.41, 0.51)),
        kpi("rmse", "max", 55.0, 54.02, None, interval=(50.2, 58.3), reason="the interval 50.2 to 58.3 straddles the limit 55"),
    ),
    history=history(Stage.AWAITING_DECISION, "Evaluated", 6.05),
    faults=(),
)
INVALID = replace(
    RECEIVED,
    stage=Stage.INVALID,
    stopped_at=Stage.VALIDATING,
    verdict=Verdict.INVALID,
    bundle=None,
    data_digest=None,
    updated_at=START + timedelta(seconds=0.4),
    history=history(Stage.INVALID, "BundleChecked", 0.4, "MG161: score.py has no run()", way=1),
    faults=(
        Fault("MG161", "no run() in score.py", "Add `def run(raw_data):` that returns one prediction a row.", "score.py"),
        Fault("MG144", "unknown key `kpi`; did you mean `kpis`?", "Write `kpis:` with a list of {metric, min | max}.", "manifest.yml", 7),
        Fault("MG163", "`import lightgbm`, but conda.yml does not ask for it", "Add `lightgbm` under `- pip:`.", "score.py", 3),
        OLD_PICKLE,
        Fault("MG212", "python=3.6.2 names an exact patch; 3.11 is used", "Write `python=3.11`.", "conda.yml", 4, "warning"),
    ),
)  # fmt: skip
ERROR = replace(
    PASSED,
    stage=Stage.ERROR,
    stopped_at=Stage.BUILDING,
    verdict=Verdict.ERROR,
    image=None,
    endpoint=None,
    scores=None,
    kpis=(),
    request=None,
    updated_at=START + timedelta(minutes=14, seconds=3),
    faults=(
        Fault(
            "MG902",
            "the package index did not answer in 5 tries over 13 min (last: connection timed out)",
            "Nothing to do for the submitter. Operator: see logs/build.log, then retry.",
        ),
    ),
    history=history(Stage.ERROR, "StageFailed", 843, "MG902", way=3),
)  # fmt: skip
EXPIRED = replace(
    RECEIVED,
    drop=Drop("http://127.0.0.1:7071/model-drop/team/diabetes/", "0x8de0", "diabetes"),
    stage=Stage.EXPIRED,
    stopped_at=Stage.COLLECTING,
    verdict=Verdict.ERROR,
    bundle=None,
    faults=(),
    updated_at=START + timedelta(hours=24),
    history=(
        HistoryLine(START, Stage.COLLECTING, "BundleUploaded"),
        HistoryLine(START + timedelta(hours=24), Stage.EXPIRED, "DeadlinePassed"),
    ),
)
CANCELLED = replace(
    PASSED, stage=Stage.CANCELLED, stopped_at=Stage.SCORING, verdict=Verdict.CANCELLED, kpis=(), scores=None,
    reasons=("cancelled by ana@example.com: wrong data",), history=history(Stage.CANCELLED, "CancelAsked", 5, way=6),
)  # fmt: skip
DUPLICATE = replace(
    PASSED, id="rzzzz7zq2m5h6t3x", stage=Stage.DUPLICATE, version=None, same_as=PASSED.id, image=None, endpoint=None,
    history=history(Stage.DUPLICATE, "FoundSame", 0.5, way=2),
)  # fmt: skip
RUNNING = replace(
    PASSED, stage=Stage.SCORING, verdict=None, kpis=(), scores=None, history=history(Stage.SCORING, "SmokePassed", 4.3, way=5)
)
MAILS = {
    "received": (RECEIVED, "receipt"),
    "passed": (PASSED, "verdict"),
    "failed": (FAILED, "verdict"),
    "inconclusive": (INCONCLUSIVE, "verdict"),
    "invalid": (INVALID, "fault"),
    "error": (ERROR, "fault"),
    "expired": (EXPIRED, "fault"),
    "cancelled": (CANCELLED, "cancelled"),
    "duplicate": (DUPLICATE, "duplicate"),
}

HOSTILE = "x\r\nBcc: victim@example.com\x1b[31m<script>alert(1)</script>\u202egnp.\u2066\udcff\x00{{7*7}}\"'"


def _pairs() -> list[tuple[float, float]]:
    chance = random.Random(7)  # noqa: S311
    true = [chance.uniform(40, 310) for _ in range(89)]
    return [(one, 95 + 0.42 * one + chance.gauss(0, 30)) for one in true]


def _svg(title: str, told: str, parts: list[str], across: str, upward: str) -> bytes:
    axes = '<path d="M60 20V330H570" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
    words = f'<text x="315" y="362" text-anchor="middle">{across}</text>'
    words += f'<text x="20" y="175" text-anchor="middle" transform="rotate(-90 20 175)">{upward}</text>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 590 375" width="590" height="375" font-size="14" fill="currentColor">'
    return f"{head}<title>{title}</title><desc>{told}</desc>{axes}{words}{''.join(parts)}</svg>".encode()


def cloud() -> bytes:
    """Predicted against true, as a job might draw it."""
    dots = [
        f'<circle cx="{60 + (x - 20) * 1.65:.1f}" cy="{330 - (y - 20) * 1:.1f}" r="3.4" fill="#2f7fd0" fill-opacity="0.6"/>'
        for x, y in _pairs()
    ]
    ideal = '<path d="M60 330L555 30" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="5 4"/>'
    return _svg("Predicted against true", "89 rows. On the dashed line a prediction is right.", [*dots, ideal], "true", "predicted")


def residuals() -> bytes:
    """A histogram of the errors, as a job might draw it."""
    errors = [x - y for x, y in _pairs()]
    counts = [sum(low <= error < low + 20 for error in errors) for low in range(-160, 160, 20)]
    bars = [
        f'<rect x="{62 + place * 31.5:.1f}" y="{330 - count * 19}" width="29" height="{count * 19}" fill="#2f7fd0" fill-opacity="0.8"/>'
        for place, count in enumerate(counts)
    ]
    return _svg("Residuals", "89 rows. True minus predicted: half of them between -38 and 41.", bars, "true minus predicted", "rows")


def evidence() -> dict[str, bytes]:
    """What lies beside a release that was scored."""
    smoke = {
        "request": "data",
        "attempts": [
            {"request": "records", "rows": 1, "ok": False, "code": "MG401", "reason": "KeyError: 'data' (score.py:14)"},
            *({"request": "data", "rows": rows, "ok": True, "code": None, "reason": None} for rows in (1, 2, 3)),
        ],
        "question": json.dumps({"data": [[0.0381, 0.0507, 0.0617]] * 3}),
        "answer": json.dumps({"predictions": [206.1, 68.07, 176.9]}),
        "ok": True,
        "faults": [],
    }
    lock = "\n".join(
        f"{name}=={version}" for name, version in [("joblib", "1.5.2"), ("numpy", "2.3.4"), ("pandas", "2.3.3"), ("scikit-learn", "1.7.2")]
    )
    build = "\n".join(["Resolved 38 packages in 412ms", "Installed 38 packages in 733ms", *(f" + package-{n}==1.{n}" for n in range(80))])
    return {
        "plots/predicted_against_true.svg": cloud(),
        "plots/residuals.svg": residuals(),
        "smoke.json": json.dumps(smoke).encode(),
        "metrics.json": json.dumps({"metrics": METRICS}).encode(),
        "lock.txt": lock.encode(),
        "logs/build.log": build.encode(),
        "logs/serve.log": b"2026-11-20 14:02:15 I [serve] model loaded\n\x1b[32mready\x1b[0m\n",
        "logs/score.log": b"scored 89 rows in 1 request\n",
        "predictions.parquet": b"PAR1",
    }
