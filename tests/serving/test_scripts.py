"""The scripts that run bundle code without an endpoint, started as the jobs adapter starts them."""

import json
import os
import subprocess
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.slow

ONLINE = """
import json

def init():
    pass

def run(data):
    value = json.loads(data)
    if value == "bad":
        raise ValueError("no such row")
    return [2 * number for number in value]
"""


@pytest.fixture
def call(laptop, tmp_path):
    """Run one of the scripts on a bundle of `files`; answers its exit code and where its files are."""

    def start(script, files, spec, **known):
        release = laptop.release(files, **known)
        folder = tmp_path / "call"
        given = laptop.serving.in_process_spec(release, folder)
        given |= {"answers": str(folder / "answers.jsonl"), "measures": str(folder / "measures.json")} | spec
        folder.mkdir()
        (folder / "spec.json").write_text(json.dumps(given))
        command = [laptop.serving.python(release), laptop.code / "serving" / script, folder / "spec.json"]
        child = subprocess.run(command, env=laptop.serving.environment(release, folder), capture_output=True, text=True, check=False)
        return SimpleNamespace(code=child.returncode, stderr=child.stderr, folder=folder, release=release, out=folder / "out")

    return start


@pytest.fixture
def score(call, tmp_path):
    def start(text, bodies, **known):
        requests = tmp_path / "requests.jsonl"
        requests.write_text("".join(body + "\n" for body in bodies))
        done = call("score_batch.py", {"score.py": text}, {"requests": str(requests)}, **known)
        done.answers = lines(done.folder / "answers.jsonl")
        return done

    return start


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def script(run, head="import pandas as pd, numpy as np, os"):
    return f"{head}\n\ndef init():\n    pass\n\ndef run(data):\n    {run}\n"


def test_each_request_gets_its_answer_in_order(score):
    assert score(ONLINE, ["[1]", "[2, 3]"]).answers == [{"answer": [2]}, {"answer": [4, 6]}]


def test_a_request_that_raises_does_not_end_the_others(score):
    first, second = score(ONLINE, ['"bad"', "[1]"]).answers
    assert "ValueError: no such row" in first["error"]
    assert second == {"answer": [2]}


@pytest.mark.parametrize(
    ("returned", "answer"),
    [
        ("np.array([1.5, 2.5])", [1.5, 2.5]),
        ("pd.Series([1, 2])", [1, 2]),
        ("pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})", {"columns": ["a", "b"], "rows": [[1, "x"], [2, "y"]]}),
        ("{'result': [np.float64(1)]}", {"result": [1.0]}),
        ("'[1, 2]'", "[1, 2]"),
        ("None", None),
    ],
)
def test_what_run_returns_becomes_json(score, returned, answer):
    assert score(script(f"return {returned}"), ["[]"]).answers == [{"answer": answer}]


def test_an_answer_that_is_no_json_is_an_error_as_on_the_server(score):
    (answer,) = score(script("return object()"), ["[]"]).answers
    assert "cannot be sent as JSON" in answer["error"]


def test_a_run_with_a_schema_gets_its_parameters_here_too(score):
    text = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

def init(): pass

@input_schema("rows", StandardPythonParameterType([1]))
def run(rows, factor=10):
    return [factor * row for row in rows]
"""
    assert score(text, ['{"rows": [1, 2]}', '{"data": [1]}']).answers[0] == {"answer": [10, 20]}


def test_a_raw_request_reaches_the_script_here_too(score):
    head = "from azureml.contrib.services.aml_request import rawhttp\nfrom azureml.contrib.services.aml_response import AMLResponse"
    text = f"{head}\ndef init(): pass\n@rawhttp\ndef run(request): return AMLResponse(len(request.get_data()), 200, json_str=True)\n"
    assert score(text, ["[1, 2]"]).answers == [{"answer": 6}]


def test_an_init_that_raises_ends_it_and_is_told_as_by_the_server(score, laptop):
    done = score("def init():\n    raise KeyError('w')\ndef run(data): pass\n", ["[]"])
    fault = laptop.serving.fault_of(done.release, done.out)
    assert (done.code, fault.code, fault.line, done.answers) == (3, "MG301", 2, [])


def test_time_and_memory_are_measured(score):
    measured = json.loads((score(ONLINE, ["[1]", "[2]"]).folder / "measures.json").read_text())
    assert len(measured["seconds"]) == 2
    assert measured["start_seconds"] > 0
    assert measured["peak_memory_mb"] > 5


def test_figures_logged_without_an_endpoint_are_collected(score):
    done = score(script("mlflow.log_metric('a', 3); return 1", head="import mlflow"), ["[]"])
    assert json.loads((done.out / "reported.json").read_text()) == {"a": 3.0}


def test_requests_may_come_through_a_pipe_one_after_the_other(laptop, tmp_path):
    release = laptop.release({"score.py": ONLINE})
    asks, answers = tmp_path / "asks", tmp_path / "answers"
    os.mkfifo(asks)
    os.mkfifo(answers)
    spec = laptop.serving.in_process_spec(release, tmp_path / "x") | {
        "requests": str(asks),
        "answers": str(answers),
        "measures": str(tmp_path / "m"),
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    child = subprocess.Popen([laptop.serving.python(release), laptop.code / "serving" / "score_batch.py", tmp_path / "spec.json"])
    with asks.open("w", buffering=1) as out, answers.open() as back:
        for n in (1, 2, 3):
            out.write(f"[{n}]\n")
            assert json.loads(back.readline()) == {"answer": [2 * n]}
    assert child.wait(20) == 0


BATCHES = [["a.csv", "b.csv"], ["c.csv"]]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("return [os.path.basename(path) for path in data]", ["a.csv", "b.csv"]),
        ("return pd.DataFrame({'n': [len(data)]})", {"columns": ["n"], "rows": [[2]]}),
        (
            "pd.DataFrame({'n': [len(data)]}).to_csv(os.environ['AZUREML_BI_OUTPUT_PATH'] + '/out.csv', index=False)",
            {"columns": ["n"], "rows": [[2]]},
        ),
        (
            "open(os.environ['AZUREML_BI_OUTPUT_PATH'] + '/out.csv', 'a').write('1,2\\n'); return []",
            {"columns": ["0", "1"], "rows": [[1, 2]]},
        ),
    ],
)
def test_a_batch_script_gets_paths_and_gives_rows(call, text, first):
    done = call("score_batch.py", {"score.py": script(text)}, {"mini_batches": BATCHES}, style="batch")
    assert lines(done.folder / "answers.jsonl")[0] == {"answer": first}
    assert len(lines(done.folder / "answers.jsonl")) == 2


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "features.csv").write_text("age,sex\n1,m\n2,f\n3,m\n")
    (folder / "labels.csv").write_text("y_true,y_pred\n1,1\n2,2.5\n3,3\n")
    return folder


@pytest.fixture
def user(call, data, tmp_path):
    def start(name, text):
        out = tmp_path / "result"
        done = call(
            "user_code.py",
            {"score.py": ONLINE, f"{name}.py": text},
            {"call": name, "module": f"{name}.py", "in": str(data), "out": str(out)},
        )
        done.result = out.read_text() if out.exists() else None
        done.out = tmp_path
        return done

    return start


def test_preprocess_gives_the_rows_in_their_order(user):
    assert user("preprocess", "def preprocess(frame):\n    return frame.assign(age=frame.age * 2)[['age']]\n").result == "age\n2\n4\n6\n"


@pytest.mark.parametrize("change", ["frame.head(2)", "frame.sort_values('age', ascending=False)"])
def test_preprocess_may_neither_drop_nor_move_rows(user, change):
    done = user("preprocess", f"def preprocess(frame):\n    return {change}\n")
    assert (done.code, done.result) == (3, None)
    assert "must keep" in json.loads((done.out / "fault.json").read_text())["message"]


@pytest.mark.parametrize("parameters", ["y_true, y_pred", "y_true, y_pred, data"])
def test_metrics_gives_numbers_by_name(user, parameters):
    text = f"def metrics({parameters}):\n    return {{'worst': (y_true - y_pred).abs().max()}}\n"
    assert json.loads(user("metrics", text).result) == {"worst": 0.5}


def test_metrics_that_raise_are_told_with_their_line(user):
    done = user("metrics", "def metrics(a, b):\n    return a.no_such_thing\n")
    assert json.loads((done.out / "fault.json").read_text())["frames"][-1]["line"] == 2


def test_a_module_without_the_function_is_told(user):
    done = user("metrics", "x = 1\n")
    assert (done.code, "metrics" in json.loads((done.out / "fault.json").read_text())["message"]) == (3, True)
