"""Figures that the user's code logs with MLflow or an Azure ML run: collected into `<out>/reported.json`, sent nowhere.

Where MLflow is installed its logging functions are replaced as soon as the user imports it; where it is not, a module of that name
with these functions alone stands in.
"""

import contextlib
import json
import os
import types

MOST_NAMES = 500


class Reported:
    """The latest value of each figure."""

    def __init__(self, out):
        self._file = os.path.join(out, "reported.json")
        self._values = {}

    def log_metric(self, key, value=None, *_args, **_kwargs):
        """Keep the latest value; what is no number raises, as MLflow does."""
        self.log_metrics({key: value})

    def log_metrics(self, metrics, *_args, **_kwargs):
        """Keep the latest value of each and write all down, whole or not at all."""
        for key, value in dict(metrics).items():
            if len(self._values) < MOST_NAMES or key in self._values:
                self._values[str(key)] = float(value)
        with open(self._file + ".part", "w") as file:
            json.dump(self._values, file)
        os.replace(self._file + ".part", self._file)


class Run:
    """What `start_run`, `active_run` and `Run.get_context` give: figures are kept, everything else is taken and forgotten."""

    def __init__(self, reported):
        self._reported = reported
        self.id = "modelgate"
        self.info = types.SimpleNamespace(run_id="modelgate", experiment_id="0", run_name="modelgate")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return False

    def log(self, name, value=None, *_args, **_kwargs):
        """The run of the old SDK logs figures by this name."""
        with contextlib.suppress(TypeError, ValueError):  # it also took texts
            self._reported.log_metric(name, value)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return _forget


def _forget(*_args, **_kwargs):
    return None


FORGOTTEN = (
    *("log_param", "log_params", "log_text", "log_dict", "log_figure", "log_image", "log_artifact", "log_artifacts", "log_table"),
    *("log_input", "set_tag", "set_tags", "delete_tag", "set_tracking_uri", "set_registry_uri", "set_experiment"),
    *("create_experiment", "end_run", "autolog"),
)


def functions(reported):
    """The names of MLflow that would talk to a tracking server, and what they do here."""

    def a_run(*_args, **_kwargs):
        return Run(reported)

    found = dict.fromkeys(FORGOTTEN, _forget)
    found.update(log_metric=reported.log_metric, log_metrics=reported.log_metrics, start_run=a_run, active_run=a_run)
    return found


def stand_in(reported):
    """A module `mlflow` for environments without it."""
    module = types.ModuleType("mlflow", "MLflow is not in this environment: figures are collected, the rest is missing.")
    vars(module).update(functions(reported))

    def missing(name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise ModuleNotFoundError(f"mlflow.{name} needs MLflow, which is not in this environment", name="mlflow")

    module.__getattr__ = missing
    return module
