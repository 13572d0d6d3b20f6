"""The bodies of each shape."""

from __future__ import annotations

import json

import pytest

from jobs.requests import body, keys_in, many_shapes, one_at_a_time, single_shapes

COLUMNS, ROWS = ["a", "b"], [[1, "x"], [2, None]]
BODIES = {
    "data": {"data": [[1, "x"], [2, None]]},
    "input_data": {"input_data": {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, None]]}},
    "records": [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
    "rows": [[1, "x"], [2, None]],
    "columns": {"a": [1, 2], "b": ["x", None]},
    "key:inputs": {"inputs": [[1, "x"], [2, None]]},
    "key:inputs:records": {"inputs": [{"a": 1, "b": "x"}, {"a": 2, "b": None}]},
    "key:data:columns": {"data": {"a": [1, 2], "b": ["x", None]}},
}
SINGLE = {
    "row": {"data": [[1, "x"]]},
    "row:input_data": {"input_data": {"columns": ["a", "b"], "index": [0], "data": [[1, "x"]]}},
    "row:features": {"a": 1, "b": "x"},
    "row:flat": {"data": [1, "x"]},
    "row:rows": [[1, "x"]],
}


@pytest.mark.parametrize("shape", BODIES)
def test_rows_are_sent_in_the_shape_asked_for(shape):
    assert json.loads(body(shape, COLUMNS, ROWS)) == BODIES[shape]


@pytest.mark.parametrize("shape", SINGLE)
def test_one_row_is_sent_in_the_shape_asked_for(shape):
    assert json.loads(body(shape, COLUMNS, ROWS[:1])) == SINGLE[shape]


@pytest.mark.parametrize("shape", SINGLE)
def test_one_row_shapes_are_known_as_such(shape):
    assert one_at_a_time(shape)


@pytest.mark.parametrize("shape", ["data", "rows", "key:row", "key:x:records"])
def test_many_row_shapes_are_known_as_such(shape):
    assert not one_at_a_time(shape)


@pytest.mark.parametrize("shape", ["json", "key:", "row:nothing", ""])
def test_an_unknown_shape_is_refused_by_name(shape):
    with pytest.raises(ValueError, match="unknown request shape"):
        body(shape, COLUMNS, ROWS)


def test_the_published_shapes_are_tried_first():
    assert many_shapes("auto")[:4] == ["data", "input_data", "records", "rows"]


def test_a_shape_that_is_asked_for_is_the_only_one_tried():
    assert (many_shapes("records"), single_shapes("records")) == (["records"], [])


def test_row_tries_no_shape_with_many_rows():
    assert many_shapes("row") == []


def test_names_that_the_script_looks_for_are_tried():
    source = "def run(raw):\n    body = json.loads(raw)\n    x = body['instances']\n    y = body.get('options', 1)\n"
    assert keys_in(source) == ["instances", "options"]


def test_parameters_under_input_schema_are_tried():
    assert keys_in("@input_schema('cars', sample)\ndef run(cars):\n    return 1\n") == ["cars"]


def test_a_script_that_does_not_parse_has_no_names():
    assert keys_in("def run(:\n") == []


def test_keys_of_the_script_come_before_rarer_shapes():
    shapes = many_shapes("auto", ["instances"])
    assert shapes.index("key:instances") < shapes.index("columns")
