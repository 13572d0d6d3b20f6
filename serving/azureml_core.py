"""Stands in for `azureml.core` (SDK v1) where it is not installed and a left-over import remains.

Importing works, `Model.get_model_path` finds the model that lies in the sandbox, `Run.get_context` gives a run that keeps figures;
whatever needs a workspace raises and says what to use instead.
"""

import os
import types

MODELS = "azureml-models"


class NeedsWorkspace(RuntimeError):
    """Use of SDK v1 that needs a workspace."""


class ModelNotFoundException(Exception):
    """No such model under `azureml-models`."""


def needs_workspace(what):
    """Refuse, and say what to do."""
    raise NeedsWorkspace(
        f"{what} needs an Azure ML v1 workspace, which a scoring script cannot reach. Load the model from "
        'os.environ["AZUREML_MODEL_DIR"] and remove the azureml.core import.'
    )


def get_model_path(model_name, version=None, _workspace=None):
    """The model's file or folder: by name (and version) under `azureml-models`, or the only model there, whatever its name here is.

    A release has one model only, and its name in the manifest is seldom the one that an old script asks for.
    """
    root = os.path.dirname(os.path.dirname(os.environ["AZUREML_MODEL_DIR"]))
    named = os.path.join(root, str(model_name))
    folder = named if os.path.isdir(named) else os.path.join(root, _only(root, model_name))
    versions = sorted(filter(str.isdigit, os.listdir(folder)), key=int)
    if version is not None and folder == named and str(version) not in versions:
        raise ModelNotFoundException(f"Model {model_name} has no version {version} here; there is {', '.join(versions)}")
    chosen = str(version) if str(version) in versions else versions[-1]
    return _single(os.path.join(folder, chosen))


def _only(root, model_name):
    names = os.listdir(root) if os.path.isdir(root) else []
    if len(names) != 1:
        raise ModelNotFoundException(f"Model {model_name} is not under {MODELS}; there is: {', '.join(names) or 'nothing'}")
    return names[0]


def _single(folder):
    """What lies in the version's folder, when it is one thing; else the folder."""
    entries = os.listdir(folder)
    return os.path.join(folder, entries[0]) if len(entries) == 1 else folder


class _Refuses(type):
    """A class of SDK v1: it can be imported and named, not used."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return needs_workspace(f"{cls.__name__}.{name}")

    def __call__(cls, *_args, **_kwargs):
        return needs_workspace(cls.__name__)


class Model(metaclass=_Refuses):
    """Only `get_model_path` works without a workspace."""

    get_model_path = staticmethod(get_model_path)


def run_class(run):
    """`Run`, whose context is `run`."""
    return _Refuses("Run", (), {"get_context": staticmethod(lambda *_args, **_kwargs: run)})


def module(name, run):
    """The stand-in for the module `name`, e.g. `azureml.core.model`."""
    made = types.ModuleType(name, __doc__)
    made.__path__ = []  # everything below it is a stand-in too
    known = {"Model": Model, "Run": run_class(run), "VERSION": "0", "ModelNotFoundException": ModelNotFoundException}
    if name.startswith("azureml.core"):
        vars(made).update(known)
        made.__getattr__ = _refusing_class
    return made


def _refusing_class(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Refuses(name, (), {})
