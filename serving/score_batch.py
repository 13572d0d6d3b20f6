"""Score without an endpoint, in this process: `python score_batch.py SPEC.json`.

SPEC: as for `serve.py`, and {"style": "online"|"batch", "requests": file with one request body a line (online), "mini_batches":
[[csv paths], …] (batch), "answers": file, "measures": file}. `requests` and `answers` are opened in this order after init() and may be
pipes: each line is answered before the next is read. `answers` gets {"answer": …} or {"error": text} a line, a DataFrame as
{"columns", "rows"}. `measures`: {"start_seconds", "seconds": [one a request], "peak_memory_mb"}. Exit code 3: the code could not be
loaded or init() failed (`<out>/fault.json`).
"""

import json
import os
import resource
import sys
import time
import traceback

from modelgate_serving import answers, loader, preparing

LONGEST_ERROR = 2000


def main():
    """Load, init, then every request, each answer written before the next is asked for."""
    began = time.perf_counter()
    spec = preparing.read()
    batch_output(spec)
    preparing.prepare(spec)
    user = start(spec)
    start_seconds = time.perf_counter() - began
    seconds = []
    asked = requests(spec)
    with open(spec["answers"], "w") as out:
        for request in asked:
            before = time.perf_counter()
            line = ask(user.run, request, spec)
            seconds.append(time.perf_counter() - before)
            out.write(line + "\n")
            out.flush()
    measured = {"start_seconds": start_seconds, "seconds": seconds, "peak_memory_mb": peak_memory_mb()}
    write_whole(spec["measures"], json.dumps(measured))


def start(spec):
    """The user's functions, after init(). What fails is told, and ends this process."""
    during = "load"
    try:
        user = loader.load(spec)
        during = "init"
        user.init()
    except BaseException as error:  # noqa: BLE001 - the code is the user's: it may raise anything
        preparing.reporter.failed(during, error)
        traceback.print_exc()
        sys.exit(3)
    return user


def requests(spec):
    """Mini-batches as they stand; online bodies line by line, so that a large file is never held whole."""
    if spec["style"] == "batch":
        return iter(spec["mini_batches"])
    return (line.rstrip("\n") for line in open(spec["requests"]))


def ask(run, request, spec):
    """One line of `answers`."""
    try:
        if spec["style"] == "batch":
            return json.dumps({"answer": answers.of_mini_batch(run, request, os.environ["AZUREML_BI_OUTPUT_PATH"])})
        return json.dumps({"answer": answers.of_request(run, request)})
    except BaseException as error:  # noqa: BLE001 - the same
        preparing.reporter.run_failed(error)
        return json.dumps({"error": traceback.format_exc()[-LONGEST_ERROR:]})


def batch_output(spec):
    """The folder that batch scripts write to."""
    folder = os.path.join(spec["out"], "batch-output")
    os.makedirs(folder, exist_ok=True)
    os.environ["AZUREML_BI_OUTPUT_PATH"] = folder


def peak_memory_mb():
    """Most RAM that this process ever held. macOS counts bytes, Linux kilobytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def write_whole(path, text):
    """Whole or not at all."""
    with open(path + ".part", "w") as file:
        file.write(text)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
