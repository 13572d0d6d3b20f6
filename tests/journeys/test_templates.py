"""Each template is released and passes, its spoilt twin is released and fails, and its train.py makes what lies beside it."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.samples.expected import told
from tests.samples.spoil import spoil

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "model_templates"
MEGABYTE = 1_000_000
Released = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class Template:
    """The figures that its model reaches on the rows held out, to four digits."""

    figures: dict[str, float] = field(default_factory=dict)


KNOWN = {
    "sklearn_diabetes": Template({"r2": 0.5600, "rmse": 51.312}),
    "xgboost_diabetes": Template({"r2": 0.5862, "rmse": 49.759}),
    "mlflow_diabetes": Template({"r2": 0.5620, "rmse": 51.198}),
    "sklearn_mnist": Template({"accuracy": 0.9600, "f1_macro": 0.9596}),
    "onnx_mnist": Template({"accuracy": 0.9380, "f1_macro": 0.9379}),
}
templates = pytest.mark.parametrize("name", sorted(KNOWN))


def kpis(folder: Path) -> dict[str, float]:
    """`min r2`, `max rmse`, … as the manifest has them."""
    manifest = yaml.safe_load((folder / "manifest.yml").read_text(encoding="utf-8"))
    return {f"{rule} {kpi['metric']}": kpi[rule] for kpi in manifest["kpis"] for rule in ("min", "max") if rule in kpi}


def test_every_template_is_tested() -> None:
    assert sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()) == sorted(KNOWN)


@templates
def test_a_template_is_small_enough_to_copy_without_thinking(name: str) -> None:
    assert sum(path.stat().st_size for path in (TEMPLATES / name).rglob("*") if path.is_file()) < MEGABYTE


@templates
def test_a_template_imports_nothing_of_ours(name: str) -> None:
    ours = re.compile(r"^\s*(?:from|import) (?:shared|serving|jobs|laptop|cli|function_app|tests)\b", re.MULTILINE)
    assert [path.name for path in (TEMPLATES / name).rglob("*.py") if ours.search(path.read_text(encoding="utf-8"))] == []


@templates
def test_what_a_template_serves_with_it_was_trained_with(name: str) -> None:
    folder = TEMPLATES / name
    served = re.findall(r"- ([\w-]+==[\w.]+)", next(folder.rglob("conda.y*ml")).read_text(encoding="utf-8"))
    trained = re.findall(r'"([\w-]+==[\w.]+)"', (folder / "train.py").read_text(encoding="utf-8").split("# ///")[1])
    written_by_another = {"onnxruntime==1.31.1"}  # reads what skl2onnx wrote
    assert served
    assert set(served) - written_by_another <= set(trained)


@pytest.mark.slow
@templates
def test_a_template_passes_its_own_gate(name: str, released: Released) -> None:
    release = released(TEMPLATES / name)
    assert release["verdict"] == "passed", told(release)
    assert {metric: release["metrics"][metric] for metric in KNOWN[name].figures} == pytest.approx(KNOWN[name].figures, rel=1e-4)


@pytest.mark.slow
@templates
def test_a_spoilt_template_fails_on_every_kpi(name: str, released: Released, tmp_path: Path) -> None:
    release = released(spoil(TEMPLATES / name, tmp_path / f"spoilt_{name}"))
    assert release["verdict"] == "failed", told(release)
    assert release["faults"] == [] or all(fault["severity"] != "error" for fault in release["faults"]), told(release)
    assert [kpi["holds"] for kpi in release["kpis"]] == [False, False], told(release)


# Training again


@pytest.fixture(scope="module", params=sorted(KNOWN))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of a template in which nothing but train.py was kept and train.py was run; with what it printed."""
    folder = tmp_path_factory.mktemp("trained") / request.param
    folder.mkdir()
    shutil.copy(TEMPLATES / request.param / "train.py", folder)
    uv = shutil.which("uv", path=str(ROOT / ".venv" / "bin")) or shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv")
    ran = subprocess.run([uv, "run", "--quiet", "train.py"], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return folder, ran.stdout


@pytest.mark.slow
def test_the_limits_of_a_template_are_those_of_its_own_cross_validation(trained: tuple[Path, str]) -> None:
    folder, printed = trained
    limits = {
        f"{rule} {metric}": float(limit) for metric, rule, limit in re.findall(r"cross-validation (\w+) .*-> +(min|max): ([\d.]+)", printed)
    }
    # other processors add in another order, which the small network feels in the third digit
    assert kpis(TEMPLATES / folder.name) == pytest.approx(limits, rel=5e-3)


@pytest.mark.slow
def test_training_again_holds_the_same_rows_out(trained: tuple[Path, str]) -> None:
    folder, _ = trained
    (held_out,) = folder.glob("holdout.*")
    assert held_out.read_bytes() == (TEMPLATES / folder.name / held_out.name).read_bytes()


@pytest.mark.slow
def test_training_again_gives_a_model_of_the_same_size_and_figures(trained: tuple[Path, str]) -> None:
    folder, printed = trained
    figures = KNOWN[folder.name].figures
    metric = next(iter(figures))
    found = re.search(rf"held out: {metric} ([\d.]+)", printed)
    assert found
    assert math.isclose(float(found[1]), figures[metric], abs_tol=0.01), printed
    model = yaml.safe_load((TEMPLATES / folder.name / "manifest.yml").read_text(encoding="utf-8"))["model"]
    written = list((folder / model).rglob("model.*")) if (folder / model).is_dir() else [folder / model]
    assert [path.stat().st_size for path in written] == pytest.approx(
        [(TEMPLATES / folder.name / path.relative_to(folder)).stat().st_size for path in written], rel=0.01
    )
