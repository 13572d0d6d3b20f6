"""Models that a job loads itself, through the real serving/score_batch.py; the tools environment stands in for a bundle's."""

from __future__ import annotations

import json

import pytest

from tests.jobs.asking import CODE

SCORE = """
import json, os

def init():
    global factor
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.json")) as file:
        factor = json.load(file)["factor"]

def run(raw):
    return [factor * row[0] for row in json.loads(raw)["data"]]
"""
BATCH = """
import pandas as pd

def init():
    pass

def run(mini_batch):
    frame = pd.concat([pd.read_csv(path) for path in mini_batch])
    return pd.DataFrame({"x": frame["x"], "prediction": 3.0 * frame["x"]})
"""
ONE_A_FILE = """
import pandas as pd

def init():
    pass

def run(mini_batch):
    return [3.0 * pd.read_csv(path)["x"].iloc[0] for path in mini_batch]
"""


@pytest.fixture
def loaded(job, tools):
    """Score x with y = 3 x in process; answers what metrics.json says."""

    def score(script, *, style="online", rows=30, files=(), **more):
        bundle = job.folder / "bundle"
        job.data(script, "bundle/score.py")
        for name, content in dict(files).items():
            job.data(content, f"bundle/{name}")
        job.data('{"factor": 3.0}', "bundle/model.json")
        data = job.data("x,y\n" + "".join(f"{n},{3 * n}\n" for n in range(rows)))
        base = {
            "bundle": str(bundle),
            "model": "model.json",
            "scoring": "score.py",
            "mlflow": False,
            "v1_imports": False,
            "name": "m",
            "version": 1,
        }

        def place(name):
            return base | {
                "hidden": [],
                "sandbox": str(job.folder / name / "sandbox"),
                "out": str(job.folder / name / "out"),
                "style": style,
            }

        spec = job.spec(
            data,
            in_process=place("model"),
            user_code={call: place(call) for call in ("preprocess", "metrics")},
            python=str(tools),
            serving=str(CODE / "serving"),
            bundle=str(bundle),
            scoring="score.py",
            **more,
        )
        told = job.do(spec, "score")["score"]
        return told, json.loads((job.out / "metrics.json").read_text())

    return score


def test_a_model_is_loaded_and_scored_without_an_endpoint(loaded):
    _, found = loaded(SCORE)
    assert (found["request"], found["failed_rows"], found["metrics"]["r2"]) == ("data", 0, pytest.approx(1.0))


def test_start_and_memory_are_those_of_the_loading_process(loaded):
    _, found = loaded(SCORE)
    assert found["metrics"]["start_seconds"] > 0
    assert found["metrics"]["peak_memory_mb"] > 30


def test_the_model_is_loaded_once(loaded, job):
    """Finding the shape and scoring are one load."""
    counting = SCORE.replace("global factor\n", f"global factor\n    open({str(job.folder / 'inits')!r}, 'a').write('x')\n")
    loaded(counting)
    assert (job.folder / "inits").read_text() == "x"


def test_the_shape_that_was_found_is_told_in_smoke_json(loaded, job):
    loaded(SCORE.replace('["data"]', '["input_data"]["data"]'))
    assert json.loads((job.out / "smoke.json").read_text())["request"] == "input_data"


def test_bodies_larger_than_a_pipe_get_through(loaded):
    _, found = loaded(SCORE, rows=60_000, batch_rows=30_000)
    assert (found["rows"], found["failed_rows"]) == (60_000, 0)


def test_rows_that_fail_are_found_in_process_too(loaded):
    picky = SCORE.replace("    return", "    assert [7] not in json.loads(raw)['data']\n    return")
    _, found = loaded(picky)
    assert [one["row"] for one in found["failed_samples"]] == [7]


def test_a_constant_answer_is_refused_in_process_too(loaded):
    told, _ = loaded("import json\ndef init(): pass\ndef run(raw): return [1.0] * len(json.loads(raw)['data'])\n")
    assert told["faults"][0]["code"] == "MG405"


def test_what_run_raises_is_told(loaded):
    told, _ = loaded("def init(): pass\ndef run(raw): raise RuntimeError('broken inside')\n")
    assert (told["faults"][0]["code"], "broken inside" in told["faults"][0]["message"]) == ("MG401", True)


def test_a_failing_init_says_where_serving_told_why(loaded, job):
    told, found = loaded("def init(): raise RuntimeError('no licence')\ndef run(raw): return raw\n")
    assert (told["faults"][0]["code"], found["fault_folder"]) == ("MG520", str(job.folder / "model" / "out"))
    assert "no licence" in told["faults"][0]["message"]


def test_a_process_that_dies_is_told_with_its_signal(loaded):
    told, _ = loaded("import os, signal\ndef init(): pass\ndef run(raw): os.kill(os.getpid(), signal.SIGSEGV)\n")
    assert (told["faults"][0]["code"], "signal 11" in told["faults"][0]["message"]) == ("MG521", True)


def test_a_process_that_never_answers_is_ended(loaded):
    told, _ = loaded("import threading\ndef init(): pass\ndef run(raw): threading.Event().wait()\n", request_seconds=0.5, init_seconds=2.0)
    assert "took too long" in told["faults"][0]["message"]


def test_memory_is_limited(loaded):
    hungry = "import threading\ndef init():\n    held = bytearray(400 << 20)\n    threading.Event().wait()\ndef run(raw): return raw\n"
    told, _ = loaded(hungry, child={"memory_bytes": 200 << 20})
    assert "200 MB of memory" in told["faults"][0]["message"]


def test_nothing_is_inherited(loaded, job):
    """This process, and so the tools process, has many more variables."""
    loaded(SCORE.replace("global factor", f"global factor\n    json.dump(list(os.environ), open({str(job.folder / 'seen')!r}, 'w'))"))
    allowed = {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "MODELGATE_PROCESS", "AZUREML_MODEL_DIR", "AML_APP_ROOT"}
    ours = {"AZUREML_BI_OUTPUT_PATH", "MLFLOW_TRACKING_URI"}
    assert set(json.loads((job.folder / "seen").read_text())) - allowed - ours == set()


def test_a_batch_script_gets_files_and_answers_rows(loaded):
    _, found = loaded(BATCH, style="batch", batch_rows=12)
    assert (found["rows"], found["failed_rows"], found["metrics"]["r2"]) == (30, 0, pytest.approx(1.0))


def test_a_batch_script_with_one_answer_a_file_gets_a_file_a_row(loaded):
    _, found = loaded(ONE_A_FILE, style="batch")
    assert (found["request"], found["rows"], found["metrics"]["r2"]) == ("batch: one answer a file", 30, 1.0)


def test_a_batch_script_with_too_few_answers_is_refused(loaded):
    told, _ = loaded(BATCH.replace('frame["x"]})', 'frame["x"]}).iloc[1:]'), style="batch")
    assert told["faults"][0]["code"] == "MG402"


def test_what_a_batch_script_raises_is_told(loaded):
    told, _ = loaded("def init(): pass\ndef run(mini_batch): raise RuntimeError('broken inside')\n", style="batch")
    assert (told["faults"][0]["code"], "broken inside" in told["faults"][0]["message"]) == ("MG401", True)


def test_figures_that_the_script_logs_are_reported(loaded):
    script = "import mlflow\n" + SCORE.replace("def run(raw):", "def run(raw):\n    mlflow.log_metric('seen', 4.5)")
    _, found = loaded(script)
    assert found["reported"] == {"seen": 4.5}


def test_metrics_py_sees_labels_predictions_and_features(loaded):
    own = "def metrics(y, p, data): return {'off': float((y - p).abs().max()), 'x': float(data['x'].sum()), 'n': len(y)}\n"
    _, found = loaded(SCORE, files={"metrics.py": own}, metrics="metrics.py")
    assert found["reported"] == {"off": pytest.approx(0, abs=1e-9), "x": 435.0, "n": 30.0}


def test_metrics_py_runs_after_the_predictions_stand(loaded, job):
    path = str(job.out / "predictions.parquet")
    own = f"import os\ndef metrics(y, p, data): return {{'there': float(os.path.exists({path!r}))}}\n"
    _, found = loaded(SCORE, files={"metrics.py": own}, metrics="metrics.py")
    assert found["reported"] == {"there": 1.0}


def test_a_metrics_py_that_fails_is_a_note(loaded):
    _, found = loaded(SCORE, files={"metrics.py": "def metrics(y_true, y_pred, data): raise KeyError('age')\n"}, metrics="metrics.py")
    assert (found["ok"], [note["code"] for note in found["notes"]]) == (True, ["MG513"])


def test_preprocess_py_makes_the_features_that_are_sent(loaded):
    own = "def preprocess(frame):\n    return frame.assign(x=frame['x'] * 2)\n"
    _, found = loaded(SCORE.replace("factor * row", "0.5 * factor * row"), files={"preprocess.py": own}, preprocess="preprocess.py")
    assert found["metrics"]["r2"] == pytest.approx(1.0)


def test_preprocess_py_never_sees_the_labels(loaded):
    own = "def preprocess(frame):\n    assert list(frame.columns) == ['x']\n    return frame\n"
    told, _ = loaded(SCORE, files={"preprocess.py": own}, preprocess="preprocess.py")
    assert told["ok"]


@pytest.mark.parametrize("own", ["def preprocess(frame): return frame[1:]\n", "def preprocess(frame): raise KeyError('age')\n"])
def test_a_preprocess_py_that_fails_or_drops_rows_is_a_fault(loaded, own):
    told, _ = loaded(SCORE, files={"preprocess.py": own}, preprocess="preprocess.py")
    assert told["faults"][0]["code"] == "MG512"


def test_rows_are_counted_here_too_whatever_the_bundles_side_says(job, tools):
    """The count is taken outside the process that ran the submitter's code."""
    job.data("import json, sys\nopen(json.load(open(sys.argv[1]))['out'], 'w').write('x\\n1\\n')\n", "serving/user_code.py")
    serving = str(job.folder / "serving")
    spec = job.spec(job.line(), preprocess="preprocess.py", bundle=str(job.folder), serving=serving, python=str(tools))
    told = job.do(spec, "score")["score"]
    assert "gave 1 rows for 40" in told["faults"][0]["message"]
