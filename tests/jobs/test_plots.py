"""Plots that stand in a report."""

from __future__ import annotations

import random
import re

# ruff: noqa: S314 - the XML is our own
from xml.etree import ElementTree as ET

import pytest

from tests.jobs.asking import names, numbers

SVG = "{http://www.w3.org/2000/svg}"
MOST = 60_000  # bytes


def draw(inside, tmp_path, task, true, found):
    inside("draw", str(tmp_path), task, true, found)
    return {path.name: path.read_text() for path in tmp_path.glob("*.svg")}


def cloud(rows):
    chance = random.Random(3)  # noqa: S311
    return [chance.gauss(100, 30) for _ in range(rows)], [chance.gauss(100, 30) for _ in range(rows)]


def drawn_numbers(inside, tmp_path, true, predicted):
    return draw(inside, tmp_path, "regression", numbers(*true), predicted)


def drawn_labels(inside, tmp_path, true, predicted):
    return draw(inside, tmp_path, "classification", names(*true), predicted)


@pytest.mark.parametrize("rows", [1, 2, 600, 601, 20_000])
def test_plots_of_numbers_are_xml_and_small(inside, tmp_path, rows):
    for content in drawn_numbers(inside, tmp_path, *cloud(rows)).values():
        ET.fromstring(content)
        assert len(content.encode()) <= MOST


@pytest.mark.parametrize("classes", [1, 2, 12, 40])
def test_plots_of_labels_are_xml_and_small(inside, tmp_path, classes):
    true = [f"class <{n % classes}> & more" for n in range(400)]
    for content in drawn_labels(inside, tmp_path, true, true[1:] + true[:1]).values():
        ET.fromstring(content)
        assert len(content.encode()) <= MOST


def test_every_plot_has_title_and_description(inside, tmp_path):
    for content in drawn_numbers(inside, tmp_path, *cloud(50)).values():
        root = ET.fromstring(content)
        assert root.find(f"{SVG}title").text
        assert root.find(f"{SVG}desc").text


def test_lines_and_words_take_the_colour_around_them(inside, tmp_path):
    for content in drawn_numbers(inside, tmp_path, *cloud(50)).values():
        colours = {*re.findall(r'(?:fill|stroke)="([^"]+)"', content)}
        assert colours <= {"currentColor", "#2f7fd0", "none"}


def test_nothing_is_drawn_outside_the_picture(inside, tmp_path):
    for content in drawn_numbers(inside, tmp_path, *cloud(300)).values():
        root = ET.fromstring(content)
        for circle in root.iter(f"{SVG}circle"):
            assert 0 <= float(circle.get("cx")) <= 560
            assert 0 <= float(circle.get("cy")) <= 400


def test_equal_numbers_can_be_drawn(inside, tmp_path):
    content = drawn_numbers(inside, tmp_path, [5.0] * 10, [5.0] * 10)
    assert "nan" not in "".join(content.values()).lower()


def test_the_matrix_counts_what_was_taken_for_what(inside, tmp_path):
    content = drawn_labels(inside, tmp_path, ["cat", "cat", "cat", "dog"], ["cat", "cat", "dog", "dog"])["confusion.svg"]
    told = set(re.findall(r"<title>([^<]*)</title>", content))
    assert {"cat taken for cat: 2", "cat taken for dog: 1", "dog taken for cat: 0", "dog taken for dog: 1"} <= told


def test_a_histogram_counts_all_rows(inside, tmp_path):
    content = drawn_numbers(inside, tmp_path, *cloud(500))["residuals.svg"]
    assert sum(map(int, re.findall(r": (\d+) rows</title>", content))) == 500


def test_rows_without_an_answer_are_left_out(inside, tmp_path):
    content = drawn_numbers(inside, tmp_path, [1.0, 2.0, 3.0], [1.0, None, 3.5])["predicted_against_true.svg"]
    assert content.count("<circle") == 2


def test_a_plot_inside_a_page_changes_nothing_of_the_page(inside, tmp_path):
    """A style in an inlined SVG reaches the whole page; `svg:root` is the SVG as a file of its own only."""
    for content in drawn_numbers(inside, tmp_path, *cloud(5)).values():
        rules = re.findall(r"\{\s*([^{}]+?)\s*\{", content)
        assert rules == ["svg:root"]
