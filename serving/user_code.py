"""Run `preprocess.py` or `metrics.py` of a bundle: `python user_code.py SPEC.json`.

SPEC: as for `serve.py` without a port, and {"call": "preprocess"|"metrics", "module": path in the bundle, "in": folder, "out": file,
"faults": folder, else the one of `out`}. `preprocess(frame) -> frame` reads in/features.csv; the same rows in the same order come
out as csv. `metrics(y_true, y_pred, data) -> dict` reads in/labels.csv (y_true, y_pred) and in/features.csv; numbers by name come
out as JSON. Exit code 3: it failed (`fault.json` says why).
"""
# ruff: noqa: PLC0415 - the environment may have it or not

import inspect
import json
import os
import sys
import traceback

from modelgate_serving import loader, preparing


def main():
    """Lay the sandbox, load the one file, call it, write the result whole."""
    spec = preparing.read()
    result = spec["out"]
    faults = spec.get("faults") or os.path.dirname(result)
    preparing.prepare(dict(spec, out=faults, scoring=spec["module"]))
    try:
        module = loader.load_file(os.path.join(spec["sandbox"], spec["module"]))
        CALLS[spec["call"]](getattr(module, spec["call"]), spec["in"], result + ".part")
    except BaseException as error:  # noqa: BLE001 - the code is the user's: it may raise anything
        preparing.reporter.failed(spec["call"], error)
        traceback.print_exc()
        sys.exit(3)
    os.replace(result + ".part", result)


def preprocess(function, folder, out):
    """Features in, features out: same number of rows, same order (told by the index, if the function kept it)."""
    import pandas as pd

    features = pd.read_csv(os.path.join(folder, "features.csv"))
    answer = function(features.copy())
    if not hasattr(answer, "to_csv"):
        answer = pd.DataFrame(answer)
    if len(answer) != len(features):
        raise ValueError(f"preprocess() was given {len(features)} rows and returned {len(answer)}; it must keep every row")
    if set(answer.index) == set(features.index) and list(answer.index) != list(features.index):
        raise ValueError("preprocess() returned the rows in another order; it must keep their order")
    answer.to_csv(out, index=False)


def metrics(function, folder, out):
    """Labels and predictions in, numbers by name out."""
    import pandas as pd

    labels = pd.read_csv(os.path.join(folder, "labels.csv"))
    given = [labels["y_true"], labels["y_pred"]]
    if len(inspect.signature(function).parameters) > len(given):
        given.append(pd.read_csv(os.path.join(folder, "features.csv")))
    answer = function(*given)
    numbers = {str(name): float(value) for name, value in dict(answer).items()}
    with open(out, "w") as file:
        json.dump(numbers, file)


CALLS = {"preprocess": preprocess, "metrics": metrics}


if __name__ == "__main__":
    main()
