"""From the items of answers to columns that metrics can be made of."""

from __future__ import annotations

import pytest

from tests.jobs.asking import Raised


def settled(inside, items, truth):
    return inside("jobs.predictions.labels_of", items, truth)


def codes(found):
    return [note["code"] for note in found["notes"]]


def test_numbers_as_text_are_numbers(inside):
    assert inside("jobs.predictions.numbers", ["1.5", 2])["values"] == [1.5, 2.0]


def test_what_is_no_number_is_not_answered(inside):
    assert inside("jobs.predictions.numbers", [1, None, "x", float("nan")])["answered"] == [True, False, False, False]


def test_several_numbers_for_one_target_are_refused(inside):
    with pytest.raises(Raised) as raised:
        inside("jobs.predictions.numbers", [[1, 2]])
    assert raised.value.codes == ["MG511"]


@pytest.mark.parametrize(
    ("value", "name"),
    [(1, "1"), (1.0, "1"), ("1", "1"), ("1.0", "1"), (True, "true"), ("True", "true"), ("a ", "a"), (0.5, "0.5"), (None, None)],
)
def test_one_label_has_one_name(inside, value, name):
    assert inside("jobs.predictions.label", value) == name


def test_numbers_and_texts_of_the_same_labels_meet(inside):
    assert settled(inside, ["1", 0.0, 1], ["1", "0", "1"])["values"] == ["1", "0", "1"]


def test_labels_in_another_case_meet(inside):
    assert settled(inside, ["Setosa", "VIRGINICA"], ["setosa", "virginica"])["values"] == ["setosa", "virginica"]


def test_numbers_for_texts_are_matched_by_order_and_told(inside):
    found = settled(inside, [2, 0, 1], ["virginica", "setosa", "versicolor"])
    assert (found["values"], codes(found)) == (["virginica", "setosa", "versicolor"], ["MG510"])


def test_texts_for_numbers_are_not_guessed(inside):
    found = settled(inside, ["virginica", "setosa", "versicolor"], ["2", "0", "1"])
    assert (found["values"], codes(found)) == (["virginica", "setosa", "versicolor"], ["MG509"])


def test_nothing_in_common_is_told_and_left_as_it_is(inside):
    found = settled(inside, ["x", "z"], ["a", "b"])
    assert (found["values"], codes(found)) == (["x", "z"], ["MG509"])


def test_labels_that_meet_in_part_are_never_renamed(inside):
    found = settled(inside, ["1", "2", "3"], ["0", "1", "2"])
    assert (found["values"], codes(found)) == (["1", "2", "3"], [])


def test_probabilities_give_the_most_likely_label(inside):
    found = settled(inside, [[0.2, 0.8], [0.9, 0.1]], ["no", "yes"])
    assert (found["values"], found["chances"]) == (["yes", "no"], [[0.2, 0.8], [0.9, 0.1]])


def test_probabilities_by_name_keep_their_names(inside):
    found = settled(inside, [{"yes": 0.2, "no": 0.8}], ["no"])
    assert (found["values"], found["classes"], found["chances"]) == (["no"], ["no", "yes"], [[0.8, 0.2]])


def test_columns_are_numbered_when_the_data_lacks_a_class(inside):
    assert settled(inside, [[0.1, 0.2, 0.7]], ["0"])["values"] == ["2"]


def test_columns_that_fit_no_label_are_refused(inside):
    with pytest.raises(Raised) as raised:
        settled(inside, [[0.1, 0.2, 0.7]], ["no", "yes"])
    assert raised.value.codes == ["MG511"]


def test_scores_that_are_no_probabilities_give_labels_only(inside):
    found = settled(inside, [[-3.0, 8.5], [4.0, 1.0]], ["0", "1"])
    assert (found["values"], found["chances"], codes(found)) == (["1", "0"], None, ["MG526"])


def test_one_number_for_two_classes_is_the_second_ones_probability(inside):
    found = settled(inside, [0.8, 0.1], ["no", "yes"])
    assert (found["values"], found["chances"], codes(found)) == (["yes", "no"], [[pytest.approx(0.2), 0.8], [0.9, 0.1]], ["MG525"])


def test_zeros_and_ones_are_labels_not_probabilities(inside):
    assert settled(inside, [0, 1.0], ["0", "1"])["chances"] is None


def test_a_missing_answer_is_not_answered(inside):
    assert settled(inside, ["a", None], ["a", "b"])["answered"] == [True, False]


def test_a_missing_row_of_probabilities_is_not_answered(inside):
    found = settled(inside, [[0.2, 0.8], None], ["no", "yes"])
    assert (found["values"], found["answered"]) == (["yes", None], [True, False])


def test_classes_are_ordered_as_numbers_when_they_are(inside):
    assert inside("jobs.predictions.classes_of", ["10", "9", "1"]) == ["1", "9", "10"]


def test_a_task_of_ones_own_keeps_lists_as_json(inside):
    assert inside("jobs.predictions.as_they_are", [[1, 2], "x", None])["values"] == ["[1, 2]", "x", None]
