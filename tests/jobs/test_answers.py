"""Answers as people give them, and what is no answer."""

from __future__ import annotations

import json

import pytest

from jobs.answers import Unusable, read_answer

USED = {
    "a list": ([1.5, 2.5], 2, [1.5, 2.5]),
    "a list of one-item lists": ([[1.5], [2.5]], 2, [1.5, 2.5]),
    "a list wrapped once more": ([[1.5, 2.5, 3.5]], 3, [1.5, 2.5, 3.5]),
    "one row wrapped three times": ([[[1.5]]], 1, [1.5]),
    "a bare number for one row": (1.5, 1, [1.5]),
    "result": ({"result": [1, 2]}, 2, [1, 2]),
    "predictions": ({"predictions": [1, 2]}, 2, [1, 2]),
    "an unknown name with one list": ({"my answer": [1, 2]}, 2, [1, 2]),
    "labels by category": ({"Category": ["a", "b"]}, 2, ["a", "b"]),
    "predictions beside other lists": ({"ids": [7, 8], "predictions": [1, 2]}, 2, [1, 2]),
    "one number for one row": ({"prediction": 3}, 1, [3]),
    "a dict in a dict": ({"output": {"values": [1, 2]}}, 2, [1, 2]),
    "JSON in a JSON string": (json.dumps({"result": [1, 2]}), 2, [1, 2]),
    "JSON in JSON in a JSON string": (json.dumps(json.dumps([1, 2])), 2, [1, 2]),
    "JSON in a value": ({"result": "[1, 2]"}, 2, [1, 2]),
    "a printed Python list": ("['a', 'b']", 2, ["a", "b"]),
    "a series of pandas": ({"0": 1.5, "1": 2.5}, 2, [1.5, 2.5]),
    "a series with an index of its own": ({"17": 1.5, "3": 2.5}, 2, [1.5, 2.5]),
    "a frame of pandas": ({"prediction": {"0": 1.5, "1": 2.5}}, 2, [1.5, 2.5]),
    "a frame with other columns": ({"a": {"0": 9, "1": 9}, "pred": {"0": 1, "1": 2}}, 2, [1, 2]),
    "a frame by split": ({"columns": ["p"], "index": [0, 1], "data": [[1], [2]]}, 2, [1, 2]),
    "a frame in process": ({"columns": ["a", "prediction"], "rows": [[9, 1], [9, 2]]}, 2, [1, 2]),
    "a frame whose last column is the answer": ({"columns": ["a", "mine"], "rows": [[9, 1], [9, 2]]}, 2, [1, 2]),
    "records": ([{"label": "a", "score": 0.9}, {"label": "b", "score": 0.8}], 2, ["a", "b"]),
    "probabilities": ([[0.25, 0.75], [0.5, 0.5]], 2, [[0.25, 0.75], [0.5, 0.5]]),
    "probabilities of the only row": ([0.25, 0.75], 1, [[0.25, 0.75]]),
    "probabilities by name": ([{"a": 0.25, "b": 0.75}], 1, [{"a": 0.25, "b": 0.75}]),
    "a column of probabilities for each class": ({"a": [0.25, 1.0], "b": [0.75, 0.0]}, 2, [{"a": 0.25, "b": 0.75}, {"a": 1.0, "b": 0.0}]),
    "one label as text": ("setosa", 1, ["setosa"]),
}


@pytest.mark.parametrize(("answer", "rows", "items"), USED.values(), ids=USED.keys())
def test_answers_are_read_as_they_are_given(answer, rows, items):
    assert read_answer(json.dumps(answer).encode(), rows, {"setosa"}) == items


REFUSED = {
    "an error under its name": ({"error": "bad input"}, 2, "MG404"),
    "an error in a result": ({"result": "could not convert string to float"}, 2, "MG404"),
    "a plain text": ("list index out of range", 2, "MG404"),
    "a text of several words for one row": ("list index out of range", 1, "MG404"),
    "a label for two rows": ("setosa", 2, "MG404"),
    "too few": ([1, 2], 3, "MG402"),
    "too many": ([1, 2, 3], 2, "MG402"),
    "one number for two rows": (1.5, 2, "MG402"),
    "two rows wrapped once more for three": ([[1, 2]], 3, "MG402"),
    "None": (None, 1, "MG411"),
    "an empty object": ({}, 1, "MG411"),
    "an empty text": ("", 1, "MG411"),
    "a printed array": ("[1.25 2.5]", 2, "MG406"),
    "a printed array over lines": ("[[1.25]\n [2.5 ]]", 2, "MG406"),
    "several lists without a known name": ({"x": [1, 2], "z": [3, 4]}, 2, "MG406"),
}


@pytest.mark.parametrize(("answer", "rows", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_holds_no_predictions_is_refused_with_its_code(answer, rows, code):
    with pytest.raises(Unusable) as refused:
        read_answer(json.dumps(answer).encode(), rows, {"setosa"})
    assert refused.value.code == code


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(Unusable, match="no text"):
        read_answer(b"\x89PNG\xff", 1)


def test_a_body_that_is_no_json_is_taken_as_text():
    with pytest.raises(Unusable, match="Traceback in my code"):
        read_answer(b"Traceback in my code", 2)


def test_a_printed_array_is_told_what_to_return():
    with pytest.raises(Unusable, match="tolist"):
        read_answer(json.dumps("[1.25 2.5]").encode(), 2)


def test_a_long_answer_is_quoted_shortened():
    with pytest.raises(Unusable) as refused:
        read_answer(json.dumps("x" * 5000).encode(), 2)
    assert len(refused.value.reason) < 300
