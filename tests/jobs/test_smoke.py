"""The smoke test against real servers that answer in the habits of real scripts."""

from __future__ import annotations

import json
import math

import pytest

from tests.jobs.asking import HANG_UP, of_line


def values(frame):
    """Rows of {"columns", "data"}."""
    return of_line(frame["data"])


def one_row_only(rows):
    if len(rows) != 1:
        raise ValueError("expected one row")
    return of_line(rows)


def by_column(columns):
    return of_line(zip(columns["a"], columns["b"], strict=True))


UNDERSTOOD = {
    "data": lambda body: of_line(body["data"]),
    "input_data": lambda body: values(body["input_data"]),
    "records": lambda body: of_line([[row["a"], row["b"]] for row in body]),
    "rows": lambda body: of_line(body) if isinstance(body, list) and isinstance(body[0], list) else 1 / 0,
    "key:data:records": lambda body: of_line([[row["a"], row["b"]] for row in body["data"]]),
    "columns": by_column,
    "key:data:columns": lambda body: by_column(body["data"]),
    "row": lambda body: one_row_only(body["data"]),
    "row:features": lambda body: [20 * body["a"] + 10 * body["b"]] if isinstance(body["a"], int) else 1 / 0,
    "row:flat": lambda body: 20 * body["data"][0] + 10 * body["data"][1],
}


@pytest.mark.parametrize("shape", UNDERSTOOD)
def test_the_shape_that_a_script_understands_is_found(job, served, shape):
    told, _ = job.smoke(served(UNDERSTOOD[shape]))
    assert (told["ok"], told["request"]) == (True, shape)


def test_a_name_that_only_the_script_knows_is_found_in_it(job, served):
    job.data("import json\ndef init(): pass\ndef run(raw):\n    return json.loads(raw)['cars']\n", "bundle/score.py")
    told, _ = job.smoke(served(lambda body: of_line(body["cars"])), bundle=str(job.folder / "bundle"), scoring="score.py")
    assert told["request"] == "key:cars"


def test_a_shape_that_is_asked_for_is_used_alone(job, served):
    model = served(UNDERSTOOD["data"])
    told, found = job.smoke(model, request="records")
    assert (told["ok"], {one["request"] for one in found["attempts"]}) == (False, {"records"})


@pytest.mark.parametrize("request_asked", ["row", "key:data"])
def test_a_family_of_shapes_may_be_asked_for(job, served, request_asked):
    assert job.smoke(served(UNDERSTOOD["data"]), request=request_asked)[0]["ok"]


def test_an_unknown_shape_is_a_fault(job, served):
    assert job.smoke(served(UNDERSTOOD["data"]), request="json")[0]["faults"][0]["code"] == "MG410"


def test_one_two_and_three_rows_are_tried_and_then_many(job, served):
    _, found = job.smoke(served(UNDERSTOOD["data"]))
    assert [one["rows"] for one in found["attempts"]] == [1, 2, 3, 20]


def test_labels_are_never_sent(job, served):
    model = served(UNDERSTOOD["input_data"])
    job.smoke(model)
    sent = b"".join(model.bodies)
    assert b'"y"' not in sent


def raises(_):
    raise KeyError("anything")


BAD = {
    "MG401": raises,
    "MG402": lambda body: of_line(body["data"])[:-1],
    "MG403": lambda body: [*of_line(body["data"])[:-1], math.nan],
    "MG404": lambda body: json.dumps({"error": f"could not read {type(body).__name__}"}),
    "MG405": lambda body: [151.0] * len(body["data"]),
    "MG406": lambda body: json.dumps(f"[{' '.join(map(str, of_line(body['data'])))} 1.5]"),
    "MG408": lambda body: ["high"] * len(body["data"]),
    "MG411": lambda _: {},
}


@pytest.mark.parametrize("code", BAD)
def test_each_bad_habit_has_its_code(job, served, code):
    told, _ = job.smoke(served(BAD[code]))
    assert [fault["code"] for fault in told["faults"]] == [code]


def test_a_sample_that_agrees_by_chance_is_not_believed(job, served):
    """A constant list of two is right for two rows only."""
    told, _ = job.smoke(served(lambda body: [1.0, 2.0] if body["data"] else []))
    assert told["faults"][0]["code"] == "MG402"


def test_a_printed_array_is_not_asked_for_row_by_row(job, served):
    model = served(lambda body: json.dumps(f"[{' '.join(map(str, of_line(body['data'])))}]"))
    assert job.smoke(model)[0]["faults"][0]["code"] == "MG406"


def test_no_answer_in_time_is_a_fault_of_its_own(job, served):
    import threading

    asked = threading.Event()
    told, _ = job.smoke(served(lambda _: asked.wait(2) or [1]), request="data", request_seconds=0.3)
    asked.set()
    assert told["faults"][0]["code"] == "MG407"


def test_a_connection_that_is_closed_without_answer_is_told(job, served):
    told, _ = job.smoke(served(lambda _: HANG_UP), request="data")
    assert "closed the connection" in told["faults"][0]["message"]


def test_a_server_that_is_gone_is_nobodys_fault_yet(job, served):
    model = served(raises)
    url = model.url
    model.close()
    told = job.do(job.spec(job.line(), endpoint=url), "smoke")["smoke"]
    assert (told["kind"], told["faults"]) == ("gone", [])


def test_a_busy_server_is_asked_again(job, served):
    busy = iter([True, True, False])
    told, _ = job.smoke(served(lambda body: (503, "busy") if next(busy, False) else of_line(body["data"])))
    assert told["request"] == "data"


def test_the_servers_own_reason_is_told(job, served):
    serve_out = job.folder / "serve"
    serve_out.mkdir()
    noted = {"type": "ValueError", "message": "X has 2 features", "file": "score.py", "line": 12}

    def answer(_):
        with (serve_out / "run_errors.jsonl").open("a") as file:
            file.write(json.dumps(noted) + "\n")
        return 500, "An unexpected error occurred in scoring script. Check the logs for more info."

    told, _ = job.smoke(served(answer), serve_out=str(serve_out))
    assert "ValueError: X has 2 features (score.py:12)" in told["faults"][0]["message"]


def test_a_real_failure_is_told_before_one_of_shape(job, served):
    """`records` fails for its shape; `data` is understood and fails later."""
    serve_out = job.folder / "serve"
    serve_out.mkdir()

    def answer(body):
        reason = ("RuntimeError", "the model is broken") if isinstance(body, dict) and "data" in body else ("KeyError", "'data'")
        with (serve_out / "run_errors.jsonl").open("a") as file:
            file.write(json.dumps({"type": reason[0], "message": reason[1]}) + "\n")
        return 500, "no"

    told, _ = job.smoke(served(answer), serve_out=str(serve_out))
    assert "the model is broken" in told["faults"][0]["message"]


def test_a_constant_answer_is_no_fault_when_the_labels_are_constant_too(job, served):
    data = job.data("a,b,y\n" + "".join(f"{n},{n},5\n" for n in range(30)))
    assert job.smoke(served(lambda body: [5.0] * len(body["data"])), path=data)[0]["ok"]


def test_a_rare_class_that_is_found_in_many_rows_is_not_called_constant(job, served):
    """Yes only for a > 150: the first twenty rows, ten of each label, all get no."""
    data = job.data("a,b,y\n" + "".join(f"{n},0,{'yes' if n % 2 else 'no'}\n" for n in range(200)))
    model = served(lambda body: ["yes" if a > 150 else "no" for a, _ in body["data"]])
    told, found = job.smoke(model, path=data, task="classification")
    assert (told["ok"], found["attempts"][-1]["rows"]) == (True, 200)


def test_a_task_of_ones_own_may_answer_alike(job, served):
    assert job.smoke(served(lambda body: ["ok"] * len(body["data"])), task="custom")[0]["ok"]


def test_probabilities_are_usable_answers(job, served):
    data = job.data("a,b,y\n" + "".join(f"{n},0,{n % 2}\n" for n in range(40)))
    model = served(lambda body: [[a / 40, 1 - a / 40] for a, _ in body["data"]])
    assert job.smoke(model, path=data, task="classification")[0]["ok"]


def test_data_of_one_row_is_tried_with_that_row(job, served):
    told, found = job.smoke(served(UNDERSTOOD["data"]), path=job.data("a,b,y\n1,2,40\n"))
    assert (told["ok"], {one["rows"] for one in found["attempts"]}) == (True, {1})


def test_a_label_for_one_row_is_no_error_text(job, served):
    data = job.data("a,b,y\n" + "".join(f"{n},0,{'odd' if n % 2 else 'even'}\n" for n in range(40)))
    model = served(lambda body: ["even", "odd"][body["data"][0][0] % 2] if len(body["data"]) == 1 else 1 / 0)
    assert job.smoke(model, path=data, task="classification")[0]["request"] == "row"


def test_smoke_json_carries_attempt_and_bundle(job, served):
    _, found = job.smoke(served(UNDERSTOOD["data"]), attempt=3, digest="abc")
    assert (found["attempt"], found["bundle"]) == (3, "abc")


def test_a_fault_of_the_data_is_told_by_smoke_and_kept(job, served):
    told, found = job.smoke(served(UNDERSTOOD["data"]), target="z")
    assert ([fault["code"] for fault in told["faults"]], found["ok"]) == (["MG504"], False)


def test_question_and_answer_are_kept_shortened(job, served):
    _, found = job.smoke(served(UNDERSTOOD["data"]))
    assert found["question"].startswith('{"data":[[')
    assert len(found["question"]) <= 200


def test_a_script_for_one_row_is_told_to_be_slow(job, served):
    _, found = job.smoke(served(UNDERSTOOD["row"]))
    assert [note["code"] for note in found["notes"]] == ["MG409"]


def test_one_row_that_fails_among_many_is_left_to_scoring(job, served):
    """Row 7 raises, wherever it is sent."""
    told, _ = job.smoke(served(lambda body: 1 / 0 if any(a == 7 for a, _ in body["data"]) else of_line(body["data"])))
    assert told["request"] == "data"


def test_rows_with_gaps_are_not_the_first_to_be_tried(job, served):
    data = job.data("a,b,y\n,1,5\n,2,6\n,3,7\n" + "".join(f"{n},0,{20 * n}\n" for n in range(30)))
    told, _ = job.smoke(served(lambda body: of_line(body["data"]) if None not in body["data"][0] else 1 / 0), path=data)
    assert told["request"] == "data"


def test_a_constant_answer_is_seen_beside_rows_that_fail(job, served):
    told, _ = job.smoke(served(lambda body: 1 / 0 if any(a == 7 for a, _ in body["data"]) else [5.0] * len(body["data"])))
    assert told["faults"][0]["code"] == "MG405"
