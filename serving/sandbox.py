"""The folder that the user's code sees: the bundle without the verification data, and the model where Azure ML puts it.

`<sandbox>/` is the working directory and AML_APP_ROOT: the bundle's files. `<sandbox>/azureml-models/<name>/<version>/` is
AZUREML_MODEL_DIR: a model file lies in it directly, a model folder under its own name. SDK v1 looks for models there, too.
"""

import os
import shutil
import sys

MODELS = "azureml-models"


def lay(spec):
    """Copy the bundle into `spec["sandbox"]`; answers the model's folder. The sandbox must not hold anything yet."""
    root = spec["sandbox"]
    hidden = {os.path.normpath(path) for path in spec.get("hidden", ())}
    _copy_tree(spec["bundle"], root, hidden)
    model_dir = os.path.join(root, MODELS, spec["name"], str(spec["version"]))
    _lay_model(os.path.join(root, os.path.normpath(spec["model"])), model_dir)
    return model_dir


def enter(spec, model_dir):
    """Make the sandbox this process's world: working directory, import path, environment."""
    root = spec["sandbox"]
    os.chdir(root)
    folders = [os.path.dirname(os.path.join(root, spec["scoring"]))] if spec.get("scoring") else []
    for folder in [root, *folders]:
        if folder not in sys.path:
            sys.path.insert(0, folder)
    os.environ["AZUREML_MODEL_DIR"] = model_dir
    os.environ["AML_APP_ROOT"] = root
    # No tracking server: whatever MLflow writes goes to the scratch folder.
    os.environ["MLFLOW_TRACKING_URI"] = "file://" + os.path.join(spec["out"], "mlruns")


def _copy_tree(source, target, hidden, below=""):
    """Plain files and folders only; the frozen bundle holds nothing else. Copies are writable, as scripts expect of their folder."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(source):
        path = os.path.join(below, name)
        if path in hidden:
            continue
        here, there = os.path.join(source, name), os.path.join(target, name)
        if os.path.isdir(here):
            _copy_tree(here, there, hidden, path)
        else:
            shutil.copyfile(here, there)


def _lay_model(model, folder):
    """Second names for the sandbox's own copy (hard links), so that a large model is copied once only."""
    os.makedirs(folder, exist_ok=True)
    place = os.path.join(folder, os.path.basename(model))
    if not os.path.isdir(model):
        return _link(model, place)
    for here, folders, names in os.walk(model):
        folders[:] = [name for name in folders if name != MODELS]  # the bundle itself may be the model: not into what is being laid
        there = os.path.normpath(os.path.join(place, os.path.relpath(here, model)))
        os.makedirs(there, exist_ok=True)
        for name in names:
            _link(os.path.join(here, name), os.path.join(there, name))
    return None


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
