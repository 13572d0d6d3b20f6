"""Environment files: which file is one, and what a whole file asks for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import BinaryIO

import pytest

from shared.domain.bundle import EnvironmentSpec
from shared.domain.faults import Fault
from shared.inspection.environment import find_environment, read_environment

CONDA = "name: e\ndependencies:\n  - python=3.11\n  - scikit-learn=1.7.2\n"
ASSET = "$schema: https://example.com/environment.schema.json\nname: sk\nbuild:\n  path: docker\n"

WHOLE = """\
# for scoring
name: project
channels:
  - conda-forge
dependencies:
  - python=3.6.2

  - py-xgboost=1.7  # as trained
  - pip:
    - azureml-defaults
    - joblib==1.2
  - numpy"""  # no newline at the end

EXPORTED = """\
name: e
channels:
  - defaults
dependencies:
  - _libgcc_mutex=0.1=main
  - blas=1.0=mkl
  - ca-certificates=2022.3.29=h06a4308_0
  - ld_impl_linux-64=2.35.1=h7274673_9
  - libffi=3.3=he6710b0_2
  - numpy=1.21.2=py38h20f2e39_0
  - openssl=1.1.1n=h7f8727e_0
  - python=3.8.12=h12debd9_0
  - zlib=1.2.11=h7f8727e_4
  - pip:
    - joblib==1.1.0
prefix: /opt/conda/envs/e
"""


class Files:
    """A tree in memory."""

    def __init__(self, **content: str | bytes) -> None:
        self.content = {path: text if isinstance(text, bytes) else text.encode() for path, text in content.items()}

    @property
    def files(self) -> Mapping[str, int]:
        return {path: len(content) for path, content in self.content.items()}

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.content[path])


def tree(content: Mapping[str, str | bytes]) -> Files:
    return Files(**content)


def read(text: str | bytes, path: str = "conda.yml", **more: str) -> tuple[EnvironmentSpec | None, list[Fault]]:
    spec, faults = read_environment(tree({path: text, **more}), path)
    return spec, list(faults)


def lines(spec: EnvironmentSpec | None) -> list[tuple[str, int]]:
    assert spec is not None
    return [(each.spec, each.line) for each in spec.requirements]


@pytest.mark.parametrize(
    "path",
    [
        "conda.yml",
        "conda.yaml",
        "env.yml",
        "environment.yml",
        "environment.yaml",
        "myenv.yml",
        "inf_env.yml",
        "inference_deps.yml",
        "conda_dependencies.yml",
        "conda_dependencies_scoring.yml",
        "inference-conda.yml",
        "enviroment.yml",
        "cnda.yml",
        "environment/conda.yaml",
        "config/deep/env.yml",
    ],
)
def test_an_environment_is_found_by_its_content_under_any_name(path: str) -> None:
    assert find_environment(tree({path: CONDA, "manifest.yml": "name: a\n", "score.py": ""})) == [path]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"sklearn-env.yaml": ASSET}, []),
        ({"sklearn-env.yaml": ASSET, "conda.yml": CONDA}, ["conda.yml"]),
        ({"env-asset.yml": "name: a\nimage: base\nconda_file: conda.yml\n", "conda.yml": CONDA}, ["conda.yml"]),
        ({"requirements.txt": "six\n"}, ["requirements.txt"]),
        ({"requirments.txt": "six\n"}, ["requirments.txt"]),
        ({"requirements-scoring.txt": "six\n"}, ["requirements-scoring.txt"]),
        ({"notes.txt": "six\n"}, []),
        ({"requirements.txt": "six\n", "conda.yml": CONDA}, ["conda.yml"]),
        (
            {"conda_dependencies.yml": CONDA, "conda_dependencies_scoring.yml": CONDA},
            ["conda_dependencies_scoring.yml", "conda_dependencies.yml"],
        ),
        ({"env-train.yml": CONDA, "env/conda.yml": CONDA}, ["env/conda.yml", "env-train.yml"]),
        ({"sub/conda.yml": CONDA, "conda.yml": CONDA}, ["conda.yml", "sub/conda.yml"]),
        ({"model/MLmodel": "", "model/conda.yaml": CONDA, "model/requirements.txt": "six", "env.yml": CONDA}, ["env.yml"]),
        ({"model/MLmodel": "", "model/conda.yaml": CONDA, "model/python_env.yaml": "python: 3.8\n"}, ["model/conda.yaml"]),
        ({"MLmodel": "", "requirements.txt": "six", "python_env.yaml": "dependencies:\n- -r requirements.txt\n"}, ["requirements.txt"]),
        ({"conda.yml": "name: [broken\n"}, ["conda.yml"]),
        ({"data.yml": "name: [broken\n"}, []),
        ({"conda.yml": ""}, ["conda.yml"]),
        ({".github/env.yml": CONDA}, []),
        ({"deployment.yml": "name: a\nmodel: b\n"}, []),
    ],
)
def test_the_candidates_are_the_environment_files_best_first(content: dict[str, str], found: list[str]) -> None:
    assert find_environment(tree(content)) == found


def test_a_whole_conda_file_is_read_with_the_line_of_each_package() -> None:
    text = WHOLE
    spec, faults = read(text)
    assert spec is not None
    assert (spec.file, spec.python, spec.python_line) == ("conda.yml", "3.6.2", 6)
    assert lines(spec) == [("xgboost==1.7.*", 8), ("azureml-inference-server-http", 10), ("joblib==1.2", 11), ("numpy", 12)]
    assert spec.requirements[0].written == "py-xgboost=1.7"
    assert {fault.severity for fault in faults} == {"info"}


@pytest.mark.parametrize(
    ("dependencies", "specs"),
    [
        ("  - pip:\n", []),
        ("  - pip:\n  - six\n", ["six"]),
        ("  - pip: []\n", []),
        ("  - pip: six\n", ["six"]),
        ("  - pip:\n    - six\n  - pip:\n    - attrs\n", ["six", "attrs"]),
        ("  - pip:\n    - six\n  - attrs\n", ["six", "attrs"]),
        ("  - attrs\n  - pip\n  - pip:\n    - six\n", ["attrs", "six"]),
        ("", []),
        ("  - six=1.16.0", ["six==1.16.0"]),
        ('  - "six >=1.15,<2"\n', ["six>=1.15,<2"]),
    ],
)
def test_every_shape_of_sections_is_read(dependencies: str, specs: list[str]) -> None:
    spec, faults = read(f"channels: [defaults]\ndependencies:\n{dependencies}")
    assert [each for each, _ in lines(spec)] == specs
    assert faults == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("name: a\ndependencies:\n  - six\n bad: [\n", "MG200", 4),
        ("name: a\ndependencies:\n\t- six\n", "MG200", 3),
        ("", "MG201", 1),
        ("- six\n", "MG201", 1),
        ("name: a\ndependancies:\n  - six\n", "MG201", 1),
        ("dependencies: six\n", "MG201", 1),
        ("dependencies:\n  - six\n  - conda:\n    - attrs\n", "MG201", 3),
        ("dependencies:\n  - six\npip:\n  - attrs\n", "MG201", 3),
        ("dependencies:\n  - six\ndependencies:\n  - attrs\n", "MG201", 3),
        ("dependencies:\n  - [six]\n", "MG201", 2),
        ("dependencies:\n  - pip:\n    - {a: b}\n", "MG201", 3),
        ("dependencies:\n  - six\n  - nodejs\n", "MG205", 3),
        ("dependencies:\n  - six\n  - pip:\n    - -r other.txt\n", "MG207", 4),
        ("dependencies:\n  - six\n  - pip:\n    - --index-url https://index.example.com\n", "MG203", 4),
        (b"dependencies:\n  - caf\xe9\n", "MG129", None),
        ("dependencies: " + "[" * 3000, "MG200", None),
    ],
)
def test_what_is_wrong_with_a_conda_file_is_told_with_its_line(text: str | bytes, code: str, line: int | None) -> None:
    _, faults = read(text)
    assert (faults[0].code, faults[0].file) == (code, "conda.yml")
    assert line is None or faults[0].line == line


def test_a_misspelt_key_is_told_by_name() -> None:
    _, (fault,) = read("name: a\ndependancies:\n  - six\n")
    assert "`dependancies:`" in fault.fix


def test_an_included_file_is_read_with_its_own_lines() -> None:
    spec, faults = read(
        "dependencies:\n  - pip:\n    - -r ../requirements.txt\n",
        "env/conda.yml",
        **{"requirements.txt": "# a\nsix==1.16.0\n-r requirements.txt\n"},
    )
    assert spec is not None
    assert [(each.spec, each.file, each.line) for each in spec.requirements] == [("six==1.16.0", "requirements.txt", 2)]
    assert faults == []


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("numpy=1.21.0", "numpy==1.24.0", True),
        ("numpy=1.21", "numpy==1.24.0", True),
        ("numpy=1.24", "numpy==1.24.0", False),
        ("numpy>=1.20", "numpy==1.24.0", False),
        ("numpy", "numpy==1.24.0", False),
        ("numpy==1.24.0", "numpy==1.24.0", False),
        ("numpy>=1.25", "numpy==1.24.0", True),
    ],
)
def test_two_pins_that_cannot_both_hold_are_told_with_both_lines(first: str, second: str, told: bool) -> None:
    _, faults = read(f"dependencies:\n  - {first}\n  - six\n  - pip:\n    - {second}\n")
    assert [(fault.code, fault.line) for fault in faults] == ([("MG206", 5)] if told else [])
    assert not told or "line 2" in faults[0].message


def test_the_same_package_twice_is_asked_for_once() -> None:
    spec, _ = read("dependencies:\n  - numpy\n  - six\n  - pip:\n    - numpy==1.24.0\n    - six\n")
    assert [each for each, _ in lines(spec)] == ["six", "numpy==1.24.0"]


def test_requirements_go_on_after_a_backslash() -> None:
    spec, _ = read("six==1.16.0 \\\n    --hash=sha256:00\nattrs\n", "requirements.txt")
    assert lines(spec) == [("six==1.16.0", 1), ("attrs", 3)]


def test_requirements_from_powershell_are_read() -> None:
    spec, faults = read("six==1.16.0\r\n".encode("utf-16"), "requirements.txt")
    assert (lines(spec), faults) == ([("six==1.16.0", 1)], [])


def test_the_python_of_an_mlflow_folder_comes_from_beside_its_requirements() -> None:
    spec, _ = read("six\n", "m/requirements.txt", **{"m/python_env.yaml": "# env\npython: 3.8.16\nbuild_dependencies:\n- pip==23\n"})
    assert spec is not None
    assert (spec.python, spec.python_file, spec.python_line) == ("3.8.16", "m/python_env.yaml", 2)


def test_a_file_exported_by_conda_is_read_without_an_error() -> None:
    text = EXPORTED
    spec, faults = read(text)
    assert spec is not None
    assert ([each.spec for each in spec.requirements], spec.python) == (["numpy==1.21.2", "joblib==1.1.0"], "3.8.12")
    assert {fault.severity for fault in faults} <= {"info"}
