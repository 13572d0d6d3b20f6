"""The names and layouts that people use: each is a bundle that must be understood."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pytest

from shared.domain.manifest import DataSpec, Kpi, SiteDefaults
from shared.inspection.inspect import inspect_path

PICKLE = pickle.dumps({"a": 1})
MLMODEL = "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.4\n"


def opens(*parts: str) -> str:
    """A scoring file that opens this path below AZUREML_MODEL_DIR."""
    spelt = ", ".join(repr(part) for part in parts)
    return f"import os\n\ndef init():\n    open(os.path.join(os.environ['AZUREML_MODEL_DIR'], {spelt}))\n\ndef run(data):\n    return [1]\n"


def test_a_good_bundle_is_accepted_without_a_word(look):
    found = look()
    assert found.faults == ()
    assert (found.bundle.model, found.bundle.scoring, found.bundle.data) == ("model.pkl", "score.py", "holdout.csv")
    assert (found.bundle.style, found.bundle.mlflow, found.bundle.v1_imports) == ("online", False, False)


def test_the_digest_of_the_data_is_that_of_the_file(look, good):
    assert look().data_digest == hashlib.sha256(good["holdout.csv"].encode()).hexdigest()


@pytest.mark.parametrize("name", ["scoring.py", "score-something.py", "batch_driver.py", "main.py", "src/score.py", "entry/my_scoring.py"])
def test_the_scoring_file_may_have_another_name(look, good, name):
    assert look({"score.py": None, name: good["score.py"]}).bundle.scoring == name


def test_score_py_goes_before_others_with_init_and_run(look, good):
    assert look({"scoreA.py": good["score.py"], "scoreB.py": good["score.py"]}).bundle.scoring == "score.py"


def test_several_scoring_files_are_chosen_by_the_manifest(look, good):
    more = {"score.py": None, "scoreA.py": good["score.py"], "scoreB.py": good["score.py"]}
    assert look({**more, "manifest.yml": good["manifest.yml"] + "scoring: scoreB.py\n"}).bundle.scoring == "scoreB.py"


@pytest.mark.parametrize(
    "name",
    [
        "conda.yaml", "env.yml", "environment.yml", "myenv.yml", "inf_env.yml", "inference_deps.yml", "conda_dependencies.yml",
        "conda_dependencies_scoring.yml", "inference-conda.yml", "environment/conda.yml", "env/env.yml", "config/conda_dependencies.yml",
        "conad.yml",
    ],
)  # fmt: skip
def test_the_environment_file_may_have_another_name(look, good, name):
    assert look({"conda.yml": None, name: good["conda.yml"]}).bundle.environment.file == name


def test_requirements_are_enough(look):
    found = look({"conda.yml": None, "requirements.txt": "scikit-learn==1.7.2\n"})
    assert found.bundle.environment.file == "requirements.txt"


def test_an_aml_environment_asset_is_no_environment_file(look):
    asset = "$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json\nname: env\nimage: x\nconda_file: conda.yml\n"
    assert look({"score-env.yaml": asset}).bundle.environment.file == "conda.yml"


def test_the_scoring_environment_goes_before_the_one_for_training(look, good):
    found = look({"conda.yml": None, "conda_train.yml": good["conda.yml"] + "# t\n", "conda_scoring.yml": good["conda.yml"]})
    assert found.bundle.environment.file == "conda_scoring.yml"
    assert [fault.code for fault in found.faults] == ["MG132"]


@pytest.mark.parametrize("ending", ["pkl", "sav", "joblib", "h5", "onnx", "pt", "pth", "lgb", "keras", "ubj", "cbm", "bin", "json"])
def test_models_have_many_endings(look, ending):
    content = PICKLE if ending in {"pkl", "sav", "joblib"} else b"model"
    found = look({"model.pkl": None, f"my_model.{ending}": content, "score.py": opens(f"my_model.{ending}")})
    assert found.bundle.model == f"my_model.{ending}"


def test_a_model_without_ending_is_what_is_left(look):
    assert look({"model.pkl": None, "net": b"model", "score.py": opens("net")}).bundle.model == "net"


def test_json_beside_a_model_is_not_a_second_model(look):
    assert look({"columns.json": "[]", "README.md": "x", "sample_request.json": "{}"}).bundle.model == "model.pkl"


@pytest.mark.parametrize(
    ("spelt", "model"),
    [
        (("model.pkl",), "model/model.pkl"),
        (("model", "model.pkl"), "model"),
        (("model/model.pkl",), "model"),
        (("*", "*.pkl"), "model"),
        (("*.pkl",), "model/model.pkl"),
    ],
)
def test_a_model_in_a_folder_lies_where_the_scoring_file_opens_it(look, spelt, model):
    assert look({"model.pkl": None, "model/model.pkl": PICKLE, "score.py": opens(*spelt)}).bundle.model == model


def test_a_folder_in_a_variable_is_followed(look):
    script = "import os\nNAME = 'model.pkl'\ndef init():\n    folder = os.path.join(os.environ['AZUREML_MODEL_DIR'], 'model')\n"
    script += "    open(os.path.join(folder, NAME))\ndef run(data):\n    return [1]\n"
    assert look({"model.pkl": None, "model/model.pkl": PICKLE, "score.py": script}).bundle.model == "model"


def test_a_path_written_with_slashes_or_an_f_string_is_followed(look):
    for spelt in ("Path(os.environ['AZUREML_MODEL_DIR']) / 'models' / 'a.pkl'", "f\"{os.environ['AZUREML_MODEL_DIR']}/models/a.pkl\""):
        script = f"import os\nfrom pathlib import Path\ndef init():\n    open({spelt})\ndef run(data):\n    return [1]\n"
        assert look({"model.pkl": None, "models/a.pkl": PICKLE, "score.py": script}).bundle.model == "models"


def test_a_model_folder_stays_a_folder_when_the_scoring_file_does_not_say(look):
    script = "import os, glob\ndef init():\n    os.environ['AZUREML_MODEL_DIR']\ndef run(data):\n    return [1]\n"
    assert look({"model.pkl": None, "model/model.pkl": PICKLE, "score.py": script}).bundle.model == "model"


def test_two_models_in_one_folder_are_the_folder(look):
    files = {"model.pkl": None, "artefacts/scaler.pkl": PICKLE, "artefacts/model.pkl": PICKLE}
    assert look({**files, "score.py": opens("artefacts", "model.pkl")}).bundle.model == "artefacts"


def test_of_two_models_the_one_that_is_opened_is_taken_and_told(look):
    found = look({"old.pkl": PICKLE})
    assert found.bundle.model == "model.pkl"
    assert [fault.code for fault in found.faults] == ["MG132"]


def test_a_saved_model_is_its_folder(look):
    files = {"model.pkl": None, "net/saved_model.pb": b"x", "net/variables/variables.index": b"x", "score.py": opens("net")}
    assert look(files).bundle.model == "net"


def test_a_state_dict_comes_with_its_class_in_a_helper(look):
    script = "import os\nfrom net import Net\ndef init():\n    open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'net.pth'))\n"
    files = {"model.pkl": None, "net.pth": b"x", "net.py": "class Net: pass\n", "score.py": script + "def run(data):\n    return [1]\n"}
    found = look(files)
    assert (found.bundle.model, found.faults) == ("net.pth", ())


MLFLOW = {"score.py": None, "conda.yml": None, "model.pkl": None}
FLOW = {
    "model/MLmodel": MLMODEL,
    "model/model.pkl": PICKLE,
    "model/conda.yaml": "dependencies:\n- python=3.11.4\n- pip:\n  - mlflow==3.1\n",
}


def test_an_mlflow_folder_needs_no_scoring_file(look):
    found = look({**MLFLOW, **FLOW})
    assert (found.bundle.model, found.bundle.mlflow, found.bundle.scoring) == ("model", True, None)
    assert found.bundle.environment.file == "model/conda.yaml"


def test_an_mlflow_folder_dropped_by_itself_is_the_root(look):
    found = look({**MLFLOW, **{path.removeprefix("model/"): content for path, content in FLOW.items()}})
    assert (found.bundle.model, found.bundle.mlflow) == (".", True)


def test_the_scoring_environment_goes_before_mlflows_own(look):
    found = look({**FLOW, "model.pkl": None, "score.py": opens("model")})
    assert (found.bundle.model, found.bundle.mlflow, found.bundle.scoring) == ("model", True, "score.py")
    assert found.bundle.environment.file == "conda.yml"


@pytest.mark.parametrize("head", ["def run(mini_batch):", "def run(mini_batch, extra=None):"])
def test_run_of_a_mini_batch_is_batch(look, good, head):
    assert look({"score.py": good["score.py"].replace("def run(data):", head)}).bundle.style == "batch"


def test_the_manifest_says_batch_where_the_parameter_does_not(look, good):
    assert look({"manifest.yml": good["manifest.yml"] + "script: batch\n"}).bundle.style == "batch"


def test_own_metrics_and_preprocess_are_found(look, good):
    metrics, preprocess = "def metrics(y_true, y_pred, data):\n    return {}\n", "def preprocess(frame):\n    return frame\n"
    found = look({"metrics.py": metrics, "preprocess.py": preprocess, "conda.yml": good["conda.yml"] + "      - pandas==2.3.3\n"})
    assert (found.bundle.metrics, found.bundle.preprocess) == ("metrics.py", "preprocess.py")


def test_a_helper_called_preprocess_is_only_a_helper(look, good):
    script = good["score.py"].replace("import joblib", "import joblib\nimport preprocess")
    found = look({"score.py": script, "preprocess.py": "def scale(frame):\n    return frame\n"})
    assert (found.bundle.preprocess, found.faults) == (None, ())


def test_a_left_over_v1_import_is_a_warning_and_served(look, good):
    script = "from azureml.core.model import Model\n" + good["score.py"].replace(
        'os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.pkl")', 'Model.get_model_path("diabetes")'
    )
    found = look({"score.py": script})
    assert found.bundle.v1_imports
    assert [(fault.code, fault.severity, fault.line) for fault in found.faults] == [("MG165", "warning", 1)]


def test_what_comes_with_the_server_is_no_missing_import(look, good):
    names = "from azureml.contrib.services.aml_request import rawhttp\nimport inference_schema.schema_decorators\nimport flask\n"
    assert look({"score.py": names + good["score.py"]}).faults == ()


def test_an_import_that_may_fail_is_no_missing_import(look, good):
    assert look({"score.py": "try:\n    import lightgbm\nexcept ImportError:\n    lightgbm = None\n" + good["score.py"]}).faults == ()


def test_request_headers_and_schema_decorators_are_accepted(look, good):
    for head in ("def run(data, request_headers):", "@input_schema('a', 1)\n@input_schema('b', 2)\ndef run(a, b):"):
        script = "from inference_schema.schema_decorators import input_schema\n" + good["score.py"].replace("def run(data):", head)
        assert look({"score.py": script}).faults == ()


def test_init_and_run_may_come_from_a_module_of_the_bundle(look, good):
    found = look({"score.py": "from src.serving import init, run\n", "src/serving.py": good["score.py"], "src/__init__.py": ""})
    assert found.faults == ()


def test_a_dropped_folder_is_given_the_archives_name(look):
    assert look().bundle.manifest.name == "diabetes"


def test_junk_is_left_out_of_the_bundle(look):
    clean = look().bundle
    junk = look(
        {".DS_Store": "x", "__MACOSX/._score.py": "x", "._model.pkl": "x", "__pycache__/score.pyc": "x", "_READY": "", ".git/HEAD": "x"}
    )
    assert junk.bundle.digest == clean.digest


def test_a_notebook_is_named_with_the_cell_that_writes_the_scoring_file(fault):
    cells = [{"source": "1 + 1"}, {"source": ["%%writefile score.py\n", "def init(): pass\n"]}]
    found = fault("MG123", {"score.py": None, "train.ipynb": json.dumps({"cells": cells})})
    assert "train.ipynb writes score.py in its cell 2" in found.fix


def test_the_manifests_python_goes_before_the_environment_files(look, good):
    assert look({"manifest.yml": good["manifest.yml"] + "python: 3.10\n"}).bundle.environment.python == "3.10"


def test_data_that_lies_outside_is_taken_at_its_word(look, good):
    for reference in ("diabetes-holdout:3", "sets/2024/holdout.parquet"):
        manifest = good["manifest.yml"].replace("holdout.csv", reference)
        found = look({"manifest.yml": manifest, "holdout.csv": None})
        assert (found.bundle.data, found.bundle.manifest.data.reference, found.data_digest) == (None, reference, None)


def test_the_only_held_back_file_is_taken_when_a_target_is_named(look, good):
    found = look({"manifest.yml": good["manifest.yml"].replace("reference: holdout.csv, ", "")})
    assert found.bundle.data == "holdout.csv"
    assert [(fault.code, fault.severity) for fault in found.faults] == [("MG193", "info")]


def test_a_site_can_say_everything_that_a_manifest_can(look):
    site = SiteDefaults(submitter="ops@example.com", data=DataSpec("holdout.csv", "y", "regression"), kpis=(Kpi("r2", min=0.4),))
    found = look({"manifest.yml": None}, site=site)
    assert found.faults == ()
    assert (found.bundle.manifest.submitter, found.bundle.manifest.kpis) == ("ops@example.com", site.kpis)


def test_a_pointer_to_the_mlmodel_file_means_its_folder(look, good):
    manifest = good["manifest.yml"] + "model: model/MLmodel\n"
    found = look({**MLFLOW, **FLOW, "old.pkl": PICKLE, "manifest.yml": manifest})
    assert (found.bundle.model, found.bundle.mlflow) == ("model", True)


def test_a_model_saved_inside_another_mlflow_folder_is_part_of_it(look):
    assert (
        look({**MLFLOW, **FLOW, "model/artifacts/base/MLmodel": MLMODEL, "model/artifacts/base/model.pkl": PICKLE}).bundle.model == "model"
    )


def test_a_module_in_the_code_of_an_mlflow_folder_is_there(look):
    pickled = b"\x80\x04\x8c\x07scaling\x94\x8c\x06Scaler\x94\x93."
    assert look({**MLFLOW, **FLOW, "model/model.pkl": pickled, "model/code/scaling.py": "class Scaler: pass\n"}).faults == ()


@pytest.mark.parametrize("name", ["diabetes.zip", "diabetes.tar.gz", "diabetes.tgz"])
def test_an_archive_is_understood_like_its_folder(look, tmp_path, name):
    folder = look().bundle
    base = tmp_path / name.split(".")[0]
    form = "zip" if name.endswith("zip") else "gztar"
    packed = shutil.make_archive(str(tmp_path / "packed"), form, tmp_path, base.name)
    target = tmp_path / name
    Path(packed).rename(target)
    found = inspect_path(target, site=SiteDefaults())
    assert (found.faults, found.bundle) == ((), folder)


@pytest.mark.parametrize(
    ("statement", "package"),
    [
        ("from google.cloud import storage", "google-cloud-storage"),
        ("from azure.storage.blob import BlobClient", "azure-storage-blob"),
        ("import sklearn_extra", "sklearn-extra"),
        ("import yaml", "PyYAML"),
        ("import xgboost", "xgboost-cpu"),
    ],
)
def test_an_import_is_there_when_its_package_is_listed(look, good, statement, package):
    conda = good["conda.yml"] + f"      - {package}\n"
    assert [
        fault.code
        for fault in look({"score.py": f"{statement}\n{good['score.py']}", "conda.yml": conda}).faults
        if fault.code[:4] == "MG16"
    ] == []


def test_a_compiled_module_of_the_bundle_is_there(look, good):
    assert look({"score.py": "import fast\n" + good["score.py"], "fast.cpython-311-x86_64-linux-gnu.so": b"x"}).faults == ()
