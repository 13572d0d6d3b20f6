"""Load the user's scoring code: a file with `init` and `run`, or an MLflow model folder that needs none."""
# ruff: noqa: PLC0415 - the environment may have it or not

import importlib.util
import inspect
import json
import os
import sys


class Loaded:
    """The two functions, as the user wrote them."""

    def __init__(self, init, run):
        self.init = init
        self.run = run


def load(spec):
    """`init` and `run` of the bundle. Raises what the user's file raises when it is imported."""
    if not spec.get("scoring"):
        return _mlflow(os.path.join(os.environ["AZUREML_MODEL_DIR"], os.path.basename(os.path.normpath(spec["model"]))))
    module = load_file(os.path.join(spec["sandbox"], spec["scoring"]))
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise AttributeError(f"{spec['scoring']} has no function {name}()")  # noqa: TRY004 - what using it would raise
    return Loaded(module.init, module.run)


def load_file(path):
    """Import one file, whatever it is called. It gets its own name where that is free, so that pickles and helpers meet the same module."""
    stem = os.path.splitext(os.path.basename(path))[0]
    name = stem if stem.isidentifier() and stem not in sys.modules else "user_script"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def takes_headers(run):
    """Whether `run` asks for the request's headers, as the server offers them."""
    return "request_headers" in inspect.signature(run).parameters


def _mlflow(folder):
    """Functions for an MLflow model folder."""
    held = {}

    def init():
        import mlflow.pyfunc

        held["model"] = mlflow.pyfunc.load_model(folder)

    def run(data):
        frame = _frame(json.loads(data), held["model"])
        return _plain(held["model"].predict(_widened(frame, held["model"])))

    return Loaded(init, run)


def _frame(body, model):
    """A DataFrame from any of the shapes that MLflow and Azure ML know: {"input_data"|"dataframe_split"|"inputs"|"data"|… : …} or bare."""
    import pandas as pd

    while isinstance(body, str):
        body = json.loads(body)
    for key in ("input_data", "dataframe_split", "dataframe_records", "inputs", "instances", "data"):
        if isinstance(body, dict) and key in body and "columns" not in body:
            body = body[key]
    if isinstance(body, dict) and "data" in body:
        return pd.DataFrame(body["data"], columns=body.get("columns"))
    if isinstance(body, dict):
        return pd.DataFrame({key: value if isinstance(value, list) else [value] for key, value in body.items()})
    frame = pd.DataFrame(body)
    names = _names(model)
    if names and list(frame.columns) == list(range(len(names))):
        frame.columns = names
    return frame


def _widened(frame, model):
    """Whole numbers as the model's signature wants them: JSON does not tell 1 from 1.0, and MLflow refuses integers for doubles."""
    schema = model.metadata.get_input_schema()
    wanted = dict(zip(_names(model), schema.input_types())) if schema is not None and _names(model) else {}
    for name, kind in wanted.items():
        if name in frame.columns and frame[name].dtype.kind in "iu" and str(kind).rpartition(".")[2] in ("double", "float"):
            frame[name] = frame[name].astype("float64" if str(kind).endswith("double") else "float32")
    return frame


def _names(model):
    """Column names of the model's signature, if it has any."""
    schema = model.metadata.get_input_schema()
    names = schema.input_names() if schema is not None else []
    return [name for name in names if isinstance(name, str)]


def _plain(answer):
    """Lists and numbers for JSON: arrays and frames as lists, a frame with several columns as records."""
    if hasattr(answer, "to_dict") and hasattr(answer, "columns"):
        return answer.iloc[:, 0].tolist() if answer.shape[1] == 1 else json.loads(answer.to_json(orient="records"))
    return answer.tolist() if hasattr(answer, "tolist") else answer
