"""One bundle for each fault: what is told, where, and how to mend it."""

from __future__ import annotations

import os
import pickle

import pytest

from shared.domain.faults import CATALOGUE
from shared.domain.manifest import DataSpec, Kpi, Limits, SiteDefaults

PICKLE = pickle.dumps({"a": 1})
KPI = "  - {metric: r2, min: 0.4}\n"


def test_every_code_of_a_report_is_in_the_catalogue(look):
    found = look({"score.py": "def init(:", "model.pkl": b"", "manifest.yml": "a: 1\nkpis: 3\n", "holdout.csv": ""})
    assert found.bundle is None
    assert {fault.code for fault in found.faults} <= set(CATALOGUE)
    assert all(fault.message and fault.fix for fault in found.faults)


def test_all_faults_come_in_one_report_errors_first(look):
    faults = look({"score.py": "def init(:", "model.pkl": b"", "manifest.yml": "name: a b\n"}).faults
    assert {"MG122", "MG150", "MG160", "MG190"} <= {fault.code for fault in faults}
    severities = [fault.severity for fault in faults]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_the_same_bundle_gives_the_same_report(look):
    broken = {"score.py": "import pandas, lightgbm\n", "manifest.yml": "x: 1\ny: 2\n"}
    assert look(broken).faults == look(broken).faults


# files


def test_an_empty_folder_holds_no_file(fault):
    assert fault("MG113", only={}).severity == "error"


def test_a_bundle_without_a_model_says_which_endings_are_known(fault):
    assert ".pkl" in fault("MG120", {"model.pkl": None}).fix


def test_a_dvc_pointer_is_no_model(fault):
    assert "dvc pull" in fault("MG120", {"model.pkl": None, "model.pkl.dvc": "outs:\n"}).fix


def test_two_models_are_a_question_with_the_line_that_answers_it(fault, good):
    script = good["score.py"].replace('"model.pkl"', "name")
    found = fault("MG121", {"score.py": script, "a.pkl": PICKLE})
    assert "a.pkl, model.pkl" in found.message
    assert "model: a.pkl" in found.fix


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"])
def test_a_model_of_no_bytes_or_a_pointer_is_hollow(fault, content):
    assert fault("MG122", {"model.pkl": content}).file == "model.pkl"


def test_a_saved_web_page_is_no_model(fault):
    assert fault("MG131", {"model.pkl": b"<!DOCTYPE html><html>Sign in</html>"}).severity == "error"


def test_no_scoring_file(fault):
    assert "init() and run(data)" in fault("MG123", {"score.py": None}).fix


def test_two_scoring_files_are_a_question_with_the_line_that_answers_it(fault, good):
    found = fault("MG124", {"score.py": None, "a.py": good["score.py"], "b.py": good["score.py"]})
    assert "a.py, b.py" in found.message
    assert "scoring: a.py" in found.fix


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("scoring: score.p", "score.py"),
        ("model: Model.pkl", "model.pkl"),
        ("environment: env/conda.yml", "conda.yml"),
        ("model: diabetes/model.pkl", "model.pkl"),
    ],
)
def test_a_wrong_pointer_is_told_with_its_line_and_what_was_meant(fault, good, line, word):
    found = fault("MG125", {"manifest.yml": good["manifest.yml"] + line + "\n"})
    assert (found.file, found.line) == ("manifest.yml", 5)
    assert word in found.fix


def test_a_pointer_out_of_the_bundle_is_not_followed(fault, good):
    assert fault("MG125", {"manifest.yml": good["manifest.yml"] + "model: ../model.pkl\n"})


def test_no_environment_file(fault):
    assert "conda.yml" in fault("MG126", {"conda.yml": None}).fix


def test_two_environment_files_that_disagree_are_a_question(fault, good):
    more = {"conda.yml": None, "env.yml": good["conda.yml"], "environment.yml": good["conda.yml"].replace("1.7.2", "1.6.1")}
    assert "environment: env.yml" in fault("MG127", more).fix


def test_two_environment_files_that_agree_are_none(codes, good):
    assert codes({"conda.yml": None, "env.yml": good["conda.yml"], "environment.yml": good["conda.yml"]}) == ["MG132"]


def test_a_manifest_far_too_large_is_not_read(fault):
    assert fault("MG128", {"manifest.yml": "#" * (2 << 20)}).file == "manifest.yml"


def test_a_scoring_file_far_too_large_is_not_read(fault):
    assert fault("MG128", {"score.py": "#" * (2 << 20)}).file == "score.py"


def test_a_scoring_file_in_another_encoding_is_told_with_its_line(fault):
    assert fault("MG129", {"score.py": b"x = 1\n# gr\xfc\xdfe\n"}).line == 2


def test_a_metrics_file_without_metrics_is_not_used(fault):
    assert fault("MG130", {"metrics.py": "def r2(): pass\n"}).severity == "warning"


@pytest.mark.parametrize("name", ["manifets.yml", "config/manifest.yml"])
def test_a_manifest_that_nobody_would_read_is_told(fault, good, name):
    assert fault("MG133", {"manifest.yml": None, name: good["manifest.yml"]}).file == name


def test_two_manifests(fault, good):
    assert fault("MG134", {"manifest.yaml": good["manifest.yml"]}).severity == "error"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links on this system")
def test_a_link_in_a_folder_is_refused(look, tmp_path):
    look()
    (tmp_path / "diabetes" / "secret.txt").symlink_to("/etc/passwd")
    found = look()
    assert [(fault.code, fault.file) for fault in found.faults] == [("MG109", "secret.txt")]


def test_a_pipe_in_a_folder_is_refused_without_being_opened(look, tmp_path):
    look()
    os.mkfifo(tmp_path / "diabetes" / "model.fifo")
    assert [fault.code for fault in look().faults] == ["MG109"]


def test_names_that_differ_only_in_case_collide(codes):
    assert codes({"Readme.md": "a", "README.md": "b"}) == ["MG110"]


def test_a_folder_keeps_the_limits_of_an_archive(codes):
    many = {f"notes/{n}.md": "x" for n in range(20)}
    assert "MG105" in codes(many, site=SiteDefaults(limits=Limits(files=10)))
    assert "MG104" in codes(site=SiteDefaults(limits=Limits(unpacked=100)))
    assert "MG107" in codes({"/".join("abcdefgh") + "/x.md": "x"}, site=SiteDefaults(limits=Limits(depth=5)))


# the scoring file


def test_a_syntax_error_has_its_line(fault, good):
    found = fault("MG160", {"score.py": good["score.py"] + "\ndef broken(:\n"})
    assert (found.file, found.line) == ("score.py", 16)


def test_syntax_of_a_newer_python_is_only_a_warning(fault, good):
    found = fault("MG160", {"score.py": good["score.py"] + "\ntype = 1 +\n", "conda.yml": good["conda.yml"].replace("3.11", "3.99")})
    assert found.severity == "warning"


@pytest.mark.parametrize("missing", ["init", "run"])
def test_init_and_run_must_be_there(fault, good, missing):
    found = fault("MG161", {"score.py": good["score.py"].replace(f"def {missing}(", f"def {missing}_model(")})
    assert f"{missing}_model" in found.fix


@pytest.mark.parametrize(
    "head",
    [
        "def run():",
        "def run(*args):",
        "def run(**data):",
        "def run(data, /):",
        "def run(request_headers):",
        "async def run(data):",
        "def run(data, threshold):",
    ],
)
def test_a_run_that_the_server_refuses_is_told_with_its_line(fault, good, head):
    assert fault("MG162", {"score.py": good["score.py"].replace("def run(data):", head)}).line == 13


def test_an_init_with_arguments_is_refused(fault, good):
    assert "init needs path" in fault("MG162", {"score.py": good["score.py"].replace("def init():", "def init(path):")}).message


def test_a_missing_package_is_told_with_the_line_to_add(fault, good):
    found = fault("MG163", {"score.py": "import yaml\n" + good["score.py"]})
    assert (found.severity, found.file, found.line) == ("error", "score.py", 1)
    assert "`- pyyaml` under `- pip:` in conda.yml" in found.fix


@pytest.mark.parametrize(
    ("statement", "package"),
    [
        ("import sklearn", "scikit-learn"), ("from PIL import Image", "pillow"), ("import cv2", "opencv-python-headless"),
        ("import xgboost as xgb", "xgboost"), ("from azure.storage.blob import BlobClient", "azure-storage-blob"),
        ("from google.cloud import storage", "google-cloud-storage"), ("from azureml.ai.monitoring import C", "azureml-ai-monitoring"),
    ],
)  # fmt: skip
def test_imports_are_told_by_the_name_of_their_package(fault, good, statement, package):
    conda = good["conda.yml"].replace("scikit-learn==1.7.2", "joblib")
    script = statement + "\ndef init(): pass\ndef run(data): return [1]\n"
    assert f"`- {package}`" in fault("MG163", {"score.py": script, "conda.yml": conda}).fix


def test_a_missing_package_is_only_a_warning_beside_a_package_that_may_bring_it(fault, good):
    conda = good["conda.yml"] + "      - acme-models==1.0\n"
    assert fault("MG163", {"score.py": "import yaml\n" + good["score.py"], "conda.yml": conda}).severity == "warning"


def test_a_missing_package_of_a_helper_is_told_in_the_helper(fault, good):
    found = fault("MG163", {"score.py": "import helper\n" + good["score.py"], "helper.py": "\nimport pandas\n"})
    assert (found.file, found.line) == ("helper.py", 2)


def test_a_helper_that_was_left_out(fault, good):
    found = fault("MG164", {"score.py": "from utils import scale\n" + good["score.py"]})
    assert (found.line, found.severity) == (1, "error")
    assert "utils.py" in found.fix


def test_a_module_missing_in_a_package_of_the_bundle(fault, good):
    files = {"score.py": "from src.features import scale\n" + good["score.py"], "src/feature.py": "x = 1\n"}
    assert "Did you mean feature?" in fault("MG164", files).fix


def test_a_relative_import_in_the_scoring_file_cannot_work(fault, good):
    files = {"score.py": "from .utils import scale\n" + good["score.py"], "utils.py": "scale = 1\n"}
    assert "from utils import" in fault("MG164", files).fix


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("from azureml.core import Workspace\nws = Workspace.from_config()", "AZUREML_MODEL_DIR"),
        ("import azureml.core\nws = azureml.core.Workspace.get('a')", "AZUREML_MODEL_DIR"),
        ("from azureml.core.run import Run\nrun = Run.get_context()\nws = run.experiment.workspace", "AZUREML_MODEL_DIR"),
        ("from azureml.core import Dataset as D\nd = D.get_by_name(1, 'a')", "model folder"),
        ("from azureml.core.webservice import Webservice\nw = Webservice(1, 'a')", "elsewhere"),
        ("from azureml.core.model import Model as M\nm = M(None, 'a')", "AZUREML_MODEL_DIR"),
    ],
)
def test_real_use_of_a_v1_workspace_is_an_error_with_a_hint(fault, good, statement, hint):
    found = fault("MG166", {"score.py": statement + "\n" + good["score.py"]})
    assert found.severity == "error"
    assert hint in found.fix
    assert found.line == statement.count("\n") + 1


def test_v1_below_main_is_never_reached(codes, good):
    script = good["score.py"] + '\nif __name__ == "__main__":\n    from azureml.core import Workspace\n    Workspace.from_config()\n'
    assert codes({"score.py": script}) == []


def test_an_offline_run_context_is_no_workspace(codes, good):
    script = "from azureml.core import Run\nrun = Run.get_context()\nrun.log('a', 1)\n" + good["score.py"]
    assert codes({"score.py": script}) == ["MG165"]


def test_a_model_file_that_is_not_in_the_bundle_is_a_warning_with_the_right_name(fault, good):
    found = fault("MG167", {"score.py": good["score.py"].replace("model.pkl", "modle.pkl")})
    assert (found.severity, found.line) == ("warning", 10)
    assert "Did you mean model.pkl?" in found.fix


def test_online_said_and_batch_written_is_told(fault, good):
    files = {
        "manifest.yml": good["manifest.yml"] + "script: online\n",
        "score.py": good["score.py"].replace("def run(data)", "def run(mini_batch)"),
    }
    assert fault("MG168", files).severity == "warning"


def test_a_scoring_file_of_no_bytes_names_the_one_that_is_meant(fault, good):
    assert "scoring: scoreA.py" in fault("MG169", {"score.py": "", "scoreA.py": good["score.py"]}).fix


# data


def test_no_verification_data_is_an_error(fault, good):
    manifest = good["manifest.yml"].replace("reference: holdout.csv, ", "")
    assert fault("MG190", {"manifest.yml": manifest, "holdout.csv": None}).severity == "error"


def test_data_that_could_be_meant_is_suggested_not_used(look, good):
    manifest = good["manifest.yml"].replace("data: {reference: holdout.csv, target: y, task: regression}\n", "")
    found = look({"manifest.yml": manifest})
    assert found.bundle is None
    suggestion = next(fault for fault in found.faults if fault.code == "MG193")
    assert suggestion.severity == "warning"
    assert "{reference: holdout.csv, target: y}" in suggestion.fix


def test_the_target_must_be_a_column(fault, good):
    found = fault("MG191", {"manifest.yml": good["manifest.yml"].replace("target: y", "target: bim")})
    assert (found.file, found.line) == ("manifest.yml", 2)
    assert "Did you mean bmi?" in found.fix


def test_columns_parted_by_semicolons_are_told(fault):
    assert "';'" in fault("MG191", {"holdout.csv": "age;bmi;y\n1;2;3\n"}).fix


def test_a_quoted_header_with_a_byte_order_mark_is_read(codes):
    assert codes({"holdout.csv": '\ufeff"y","body, mass"\n1,2\n'}) == []


def test_metrics_of_labels_need_a_target(fault, good):
    found = fault("MG192", {"manifest.yml": good["manifest.yml"].replace(", target: y", "")})
    assert found.severity == "error"
    assert "age, bmi, y" in found.fix


@pytest.mark.parametrize(("name", "content"), [("holdout.csv", ""), ("holdout.parquet", "not parquet"), ("holdout.xlsx", "x")])
def test_data_that_cannot_be_read(fault, good, name, content):
    manifest = good["manifest.yml"].replace("holdout.csv", name)
    assert fault("MG194", {"manifest.yml": manifest, "holdout.csv": None, name: content})


def test_the_task_is_taken_from_the_kpis(look, good):
    found = look({"manifest.yml": good["manifest.yml"].replace(", task: regression", "")})
    assert found.bundle.manifest.data.task == "regression"
    assert [(fault.code, fault.severity) for fault in found.faults] == [("MG195", "info")]


def test_data_with_nearly_the_name_of_a_file_is_told(fault, good):
    found = fault("MG196", {"manifest.yml": good["manifest.yml"].replace("holdout.csv", "holdouts.csv")})
    assert (found.severity, "holdout.csv" in found.fix) == ("warning", True)


def test_data_in_the_wrong_folder_is_an_error(fault, good):
    found = fault("MG125", {"manifest.yml": good["manifest.yml"].replace("holdout.csv", "data/holdout.csv")})
    assert "Did you mean holdout.csv?" in found.fix


def test_a_sites_data_that_lies_outside_is_not_looked_for_in_the_bundle(codes):
    site = SiteDefaults(data=DataSpec("diabetes.csv", "y", "regression"), kpis=(Kpi("r2", min=0.4),))
    assert codes({"manifest.yml": "submitter: ana@example.com\n", "holdout.csv": None}, site=site) == []


# what people wrote into a bundle comes back in messages


def test_nothing_in_a_report_is_invisible_or_endless(look, good):
    files = {
        "manifest.yml": good["manifest.yml"] + '"a\u202eb\\x1b[2J": 1\n' + f"{'k' * 5000}: 1\n",
        "score.py": good["score.py"] + "\nx = '\u202e' +\n",
    }
    for fault in look(files).faults:
        assert all(part.isprintable() and len(part) <= 1000 for part in (fault.message, fault.fix, fault.file or ""))


# metrics.py and preprocess.py


def test_own_metrics_are_given_frames_so_pandas_must_be_listed(fault):
    found = fault("MG163", {"metrics.py": "def metrics(y_true, y_pred, data):\n    return {}\n"})
    assert (found.file, "`- pandas`" in found.fix) == ("metrics.py", True)


def test_a_missing_import_of_preprocess_is_told_there(fault, good):
    conda = good["conda.yml"] + "      - pandas==2.3.3\n"
    found = fault("MG163", {"conda.yml": conda, "preprocess.py": "import yaml\ndef preprocess(frame):\n    return frame\n"})
    assert (found.file, found.line) == ("preprocess.py", 1)


def test_a_fault_of_a_kpi_has_its_line_also_behind_one_that_cannot_be_read(fault, good):
    manifest = good["manifest.yml"].replace(KPI, "  - {min: 3}\n" + KPI + "  - {metric: rmsee, max: 3}\n")
    assert fault("MG151", {"manifest.yml": manifest}).line == 6


@pytest.mark.parametrize(
    ("line", "severity"),
    [("import mlflow", "warning"), ("from mlflow import log_metric", "warning"), ("from mlflow import start_run", "error")],
)
def test_mlflow_that_only_logs_metrics_need_not_be_listed(fault, good, line, severity):
    assert fault("MG163", {"score.py": f"{line}\n" + good["score.py"]}).severity == severity
