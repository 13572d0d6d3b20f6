"""Columns made without pandas, and a tools process that never imports it."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.jobs.asking import CODE, names, numbers, of_line


def test_texts_keep_gaps_and_letters(inside):
    assert inside("column", names("a", None, "", "Zürich")) == ["a", None, "", "Zürich"]


def test_numbers_that_are_not_finite_are_gaps(inside):
    assert inside("column", numbers(1.5, float("nan"), float("inf"), -2.0)) == [1.5, None, None, -2.0]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 1000])
def test_columns_of_any_length_are_whole(inside, count):
    values = [f"{n}" if n % 3 else None for n in range(count)]
    assert inside("column", names(*values)) == values


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_job_on_numbers_and_labels_imports_neither_pandas_nor_scikit_learn(job, served, tools, task):
    """They cost half a second and two seconds, of the few that a release takes."""
    model = served(lambda body: of_line(body["data"]))
    spec = job.folder / "spec.json"
    spec.write_text(json.dumps(job.spec(job.line(), endpoint=model.url, task=task)))
    main = str(CODE / "jobs" / "main.py")
    run = f"import runpy, sys; sys.argv = ['main', {str(spec)!r}, '--once', 'smoke', 'score']\n"
    run += f"try: runpy.run_path({main!r}, run_name='__main__')\nexcept SystemExit as end: assert end.code == 0\n"
    run += "print(sorted({'pandas', 'sklearn', 'scipy'} & set(sys.modules)))"
    told = subprocess.run([tools, "-c", run], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"
