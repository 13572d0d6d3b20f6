"""Scoring over HTTP: every row once, failures found and counted, figures that are right."""

from __future__ import annotations

import json
import threading

import pytest

from tests.jobs.asking import HANG_UP, of_line


def answers(body):
    return of_line(body["data"])


def test_a_perfect_model_has_perfect_metrics(job, served):
    _, found = job.score(served(answers))
    assert (found["metrics"]["r2"], found["metrics"]["rmse"], found["rows"], found["failed_rows"]) == (1.0, 0.0, 40, 0)


def test_predictions_stand_beside_their_labels_in_order(job, served):
    job.score(served(answers), batch_rows=7)
    table = job.predictions()
    assert (table["row"], table["y_true"], table["y_pred"]) == (list(range(40)), [*map(float, table["y_true"])], table["y_true"])


def test_bodies_hold_as_many_rows_as_asked_for(job, served):
    model = served(answers)
    job.score(model, batch_rows=15)
    assert sorted(len(json.loads(body)["data"]) for body in model.bodies[50:]) == [10, 15, 15]


def test_bodies_of_small_rows_hold_ten_thousand(job, served):
    model = served(answers)
    job.score(model, path=job.line(25_000))
    assert sorted(len(json.loads(body)["data"]) for body in model.bodies[50:]) == [5000, 10_000, 10_000]


def test_bodies_of_heavy_rows_hold_a_thousand(inside):
    sample = {"columns": ["a"], "rows": [["x" * 5000]] * 20, "labels": None}
    assert inside("rows_a_body", sample, "data") == 1000


def test_no_more_requests_are_under_way_than_allowed(job, served):
    both = threading.Barrier(2, timeout=5)

    def meet(body):
        if len(body["data"]) > 1:
            both.wait()  # breaks unless two requests come together
        return answers(body)

    model = served(meet)
    _, found = job.score(model, batch_rows=10, concurrency=2)
    assert (found["failed_rows"], model.most_at_once) == (0, 2)


def test_a_script_for_one_row_is_asked_row_by_row(job, served):
    model = served(lambda body: of_line(body["data"]) if len(body["data"]) == 1 else 1 / 0)
    _, found = job.score(model, shape="row")
    assert (found["failed_rows"], found["body_rows"]) == (0, 1)


def test_the_rows_that_fail_are_found_and_the_rest_is_scored(job, served):
    def picky(body):
        if any(a in (3, 17) for a, _ in body["data"]):
            raise ValueError
        return answers(body)

    _, found = job.score(served(picky))
    assert ([one["row"] for one in found["failed_samples"]], found["failed_rows"], found["metrics"]["r2"]) == ([3, 17], 2, 1.0)


def test_failed_rows_have_their_reason_in_the_predictions(job, served):
    job.score(served(lambda body: [None if a == 3 else 20.0 * a for a, _ in body["data"]]))
    table = job.predictions()
    assert (table["y_pred"][3], table["error"][3], table["error"][4]) == (None, "the prediction is null or not finite", None)


def test_failed_rows_are_a_note_and_an_error_rate(job, served):
    _, found = job.score(served(lambda body: [None if a < 4 else 20.0 * a for a, _ in body["data"]]))
    assert (found["metrics"]["error_rate"], [note["code"] for note in found["notes"]]) == (0.1, ["MG508"])


def test_at_most_twenty_failed_rows_are_shown(job, served):
    _, found = job.score(served(lambda body: [None if a < 30 else 1.0 for a, _ in body["data"]]))
    assert (found["failed_rows"], len(found["failed_samples"])) == (30, 20)


def test_the_search_for_bad_rows_has_an_end(job, served):
    model = served(lambda body: answers(body) if len(body["data"]) == 1 and body["data"][0][0] == 0 else (500, "no"))
    job.score(model, path=job.line(5000))
    assert len(model.bodies) < 50 + 300


def test_not_one_answer_is_a_fault(job, served):
    told, found = job.score(served(lambda _: (500, "no")))
    assert ([fault["code"] for fault in told["faults"]], found["ok"]) == (["MG507"], False)


def test_a_busy_server_loses_no_rows(job, served):
    busy = iter([True, False] * 100)
    _, found = job.score(served(lambda body: (503, "busy") if next(busy) else answers(body)), batch_rows=10)
    assert found["failed_rows"] == 0


def test_a_lost_connection_loses_no_rows(job, served):
    lost = iter([True, False] * 100)
    _, found = job.score(served(lambda body: HANG_UP if next(lost) else answers(body)), batch_rows=10)
    assert found["failed_rows"] == 0


def test_a_server_that_goes_away_leaves_no_result(job, served):
    model = served(answers)
    url = model.url
    model.close()
    told = job.do(job.spec(job.line(), endpoint=url, shape="data"), "score")["score"]
    assert (told["kind"], (job.out / "metrics.json").exists()) == ("gone", False)


def test_labels_are_never_sent(job, served):
    """A label's value stands for itself: no feature has it."""
    model = served(lambda body: [1.0 + row["a"] for row in body])
    job.score(model, path=job.data("a,y\n" + "".join(f"{n},{n}7777\n" for n in range(20))), shape="records")
    assert not any(b"7777" in body or b'"y"' in body for body in model.bodies)


def test_rows_without_a_label_are_left_out_and_told(job, served):
    data = job.data("a,b,y\n" + "".join(f"{n},0,{'' if n == 2 else 20 * n}\n" for n in range(10)))
    _, found = job.score(served(answers), path=data)
    assert (found["metrics"]["r2"], [note["code"] for note in found["notes"]]) == (1.0, ["MG523"])


def test_labels_that_are_no_numbers_are_a_fault_of_regression(job, served):
    data = job.data("a,b,y\n1,2,low\n3,4,high\n")
    told, _ = job.score(served(answers), path=data)
    assert told["faults"][0]["code"] == "MG506"


def test_classes_are_scored_with_their_probabilities(job, served):
    data = job.data("a,b,y\n" + "".join(f"{n},0,{'no' if n < 10 else 'yes'}\n" for n in range(20)))
    model = served(lambda body: [[1 - a / 20, a / 20] for a, _ in body["data"]])
    _, found = job.score(model, path=data, task="classification")
    assert (found["metrics"]["accuracy"], found["metrics"]["roc_auc"]) == (0.95, 1.0)


def test_probabilities_are_kept_by_class(job, served):
    data = job.data("a,b,y\n0,0,no\n1,0,yes\n")
    job.score(served(lambda body: [[1.0, 0.0] if a == 0 else [0.0, 1.0] for a, _ in body["data"]]), path=data, task="classification")
    table = job.predictions()
    assert (table["y_pred"], table["p_no"], table["p_yes"]) == (["no", "yes"], [1.0, 0.0], [0.0, 1.0])


def test_labels_alone_have_no_probability_metrics(job, served):
    data = job.data("a,b,y\n" + "".join(f"{n},0,{n % 2}\n" for n in range(20)))
    _, found = job.score(served(lambda body: [a % 2 for a, _ in body["data"]]), path=data, task="classification")
    assert "roc_auc" not in found["metrics"]
    assert found["metrics"]["f1_macro"] == 1.0


def test_a_task_of_ones_own_has_operations_only(job, served):
    _, found = job.score(served(lambda body: ["fine"] * len(body["data"])), task="custom", target=None)
    assert "throughput_rows_s" in found["metrics"]
    assert "r2" not in found["metrics"]


def test_operations_are_measured(job, served):
    import os

    _, found = job.score(served(answers), start_seconds=1.5, server_pid=os.getpid())
    measured = found["metrics"]
    assert measured["start_seconds"] == 1.5
    assert measured["peak_memory_mb"] > 10
    assert 0 < measured["latency_p50_ms"] <= measured["latency_p95_ms"] <= measured["latency_p99_ms"]


def test_single_rows_are_timed_alone(job, served):
    model = served(answers)
    job.score(model)
    assert [len(json.loads(body)["data"]) for body in model.bodies] == [1] * 50 + [40]


def test_logged_figures_are_kept_as_reported(job, served):
    serve_out = job.folder / "serve"
    serve_out.mkdir()
    (serve_out / "reported.json").write_text(json.dumps({"loss": 0.25, "bad": None, "text": "x"}))
    _, found = job.score(served(answers), serve_out=str(serve_out))
    assert found["reported"] == {"loss": 0.25}


def test_the_datas_digest_rows_and_columns_are_told(job, served):
    data = job.line()
    _, found = job.score(served(answers), path=data)
    assert (found["data"]["rows"], found["data"]["columns"], found["data"]["sha256"]) == (
        40,
        3,
        job.inside("jobs.data.digest", {"$": ["path", str(data)]}),
    )


def test_the_shape_is_found_when_nobody_found_it_before(job, served):
    _, found = job.score(served(lambda body: of_line(body["input_data"]["data"])), shape=None)
    assert found["request"] == "input_data"


def test_results_carry_attempt_bundle_and_run(job, served):
    _, found = job.score(served(answers), attempt=2, digest="abc", run="mg-r-2")
    assert (found["attempt"], found["bundle"], found["run"]) == (2, "abc", "mg-r-2")


def test_no_value_of_the_data_stands_in_a_log(job, served):
    data = job.data("a,y\n" + "".join(f"918273{n},{n}\n" for n in range(20)))
    job.score(served(lambda body: [None for _ in body["data"]]), path=data)
    assert "918273" not in (job.out / "logs" / "score.log").read_text()


def test_parts_of_files_are_never_left_behind(job, served):
    job.score(served(answers))
    assert not list(job.out.rglob("*.part"))


@pytest.mark.parametrize(
    ("task", "drawn"),
    [("regression", ["predicted_against_true.svg", "residuals.svg"]), ("classification", ["confusion.svg", "classes.svg"])],
)
def test_plots_fit_the_task(job, served, task, drawn):
    _, found = job.score(served(answers), task=task)
    assert found["plots"] == drawn
    assert sorted(path.name for path in (job.out / "plots").iterdir()) == sorted(drawn)
