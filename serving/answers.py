"""Call `run()` as the server or a batch deployment does, and turn what it returns into JSON."""
# ruff: noqa: PLC0415 - only what the answer needs is imported

import csv
import inspect
import json
import os
import sys

from . import loader

FIRST_ERROR = 400  # of HTTP's status codes


def of_request(run, body):
    """The answer to one request body (text), by the server's rules: a decorated run() gets its parameters, any other the text."""
    arguments = _arguments(run, body)
    if loader.takes_headers(run):
        arguments["request_headers"] = {"Content-Type": "application/json"}
    return plain(run(**arguments))


def _arguments(run, body):
    names = [name for name in inspect.signature(run).parameters if name != "request_headers"]
    if _wants_raw_request():
        from flask import Request  # what the server hands over
        from werkzeug.test import EnvironBuilder

        environ = EnvironBuilder(method="POST", data=body, content_type="application/json").get_environ()
        return {names[0]: Request(environ)}
    if not _decorated(run):
        return {names[0]: body}
    parsed = json.loads(body)
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}
    missing = [name for name in names if name not in parsed and defaults[name] is inspect.Parameter.empty]
    if missing:
        raise ValueError(f"A value is not provided for the {missing[0]!r} parameter.")
    return {name: parsed.get(name, defaults[name]) for name in names}


def _wants_raw_request():
    """`@rawhttp` leaves its mark in the server's module, if that was imported at all."""
    module = sys.modules.get("azureml_inference_server_http.api.aml_request")
    return bool(getattr(module, "_rawHttpRequested", False))


def _decorated(run):
    try:
        from inference_schema.schema_util import is_schema_decorated
    except ImportError:
        return False
    return is_schema_decorated(run)


def of_mini_batch(run, paths, folder):
    """The rows that one mini-batch gave: what run() returns, or what it wrote to `folder`."""
    before = _stamps(folder)
    answer = run(list(paths))
    written = sorted(path for path, stamp in _stamps(folder).items() if before.get(path) != stamp)
    if answer is None or (written and _empty(answer)):
        return _rows_of_files(written)
    return plain(answer)


def _empty(answer):
    return hasattr(answer, "__len__") and len(answer) == 0


def _stamps(folder):
    found = {}
    for here, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(here, name)
            state = os.stat(path)
            found[path] = (state.st_mtime_ns, state.st_size)
    return found


def _rows_of_files(paths):
    """Rows of all files written, one below the other, under the first one's columns."""
    columns, rows = None, []
    for path in paths:
        found = plain(_frame_of(path)) if path.endswith(".parquet") else _csv(path)
        columns = columns or found["columns"]
        rows.extend(found["rows"])
    return {"columns": columns or [], "rows": rows}


def _frame_of(path):
    import pandas as pd

    return pd.read_parquet(path)


def _csv(path):
    with open(path, newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    if lines and not all(_is_number(cell) for cell in lines[0]):
        return {"columns": lines[0], "rows": [[_value(cell) for cell in line] for line in lines[1:]]}
    return {"columns": [str(n) for n in range(len(lines[0]) if lines else 0)], "rows": [[_value(cell) for cell in line] for line in lines]}


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _value(text):
    return float(text) if _is_number(text) else text


def plain(answer):
    """JSON values of an answer: frames as {"columns", "rows"}, series and arrays as lists, a response as its body."""
    if hasattr(answer, "get_data") and hasattr(answer, "status_code"):
        return _response(answer)
    if hasattr(answer, "columns") and hasattr(answer, "to_numpy"):
        return {"columns": [str(name) for name in answer.columns], "rows": plain(answer.to_numpy().tolist())}
    if isinstance(answer, dict):
        return {str(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [plain(value) for value in answer]
    return _single(answer)


def _single(answer):
    if answer is None or isinstance(answer, (str, int, float, bool)):
        return answer
    if hasattr(answer, "tolist"):  # an array, a series, or a number of numpy's
        return plain(answer.tolist())
    if hasattr(answer, "isoformat"):
        return answer.isoformat()
    raise TypeError(f"run() returned a {type(answer).__name__}, which cannot be sent as JSON")


def _response(response):
    body = response.get_data(as_text=True)
    if response.status_code >= FIRST_ERROR:
        raise RuntimeError(f"run() answered with status {response.status_code}: {body[:500]}")
    try:
        return json.loads(body)
    except ValueError:
        return body
