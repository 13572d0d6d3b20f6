"""`init`."""

from __future__ import annotations

import pytest

from cli.init import TEMPLATES, copy_template, rename, templates


def test_a_copy_is_named_for_its_folder_and_holds_what_the_template_holds(run, tmp_path):
    ran = run("init", "sklearn_diabetes", tmp_path / "my-model")
    assert ran.code == 0
    assert (tmp_path / "my-model" / "manifest.yml").read_text().startswith("name: my-model\n")
    assert (tmp_path / "my-model" / "model.pkl").read_bytes() == (TEMPLATES / "sklearn_diabetes" / "model.pkl").read_bytes()
    assert f"modelgate submit {tmp_path / 'my-model'} --watch" in ran.out


def test_without_a_folder_the_copy_lies_beside_where_one_stands(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("init", "sklearn_diabetes", "--json").value["folder"] == "sklearn_diabetes"
    assert (tmp_path / "sklearn_diabetes" / "score.py").is_file()


def test_without_a_name_the_templates_are_listed(run):
    ran = run("init")
    assert ran.code == 5
    assert all(name in ran.err for name in templates())


def test_a_misspelt_name_is_answered_with_the_right_one(run, tmp_path):
    ran = run("init", "sklearn_diabets", tmp_path / "x")
    assert ran.code == 5
    assert "Did you mean sklearn_diabetes?" in ran.err


def test_a_name_that_leads_out_of_the_templates_is_none(run, tmp_path):
    assert run("init", "../cli", tmp_path / "x").code == 5


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "score.py").write_text("mine")
    ran = run("init", "sklearn_diabetes", tmp_path)
    assert ran.code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["score.py"]


def test_an_empty_folder_may_be_filled(run, tmp_path):
    assert run("init", "sklearn_diabetes", tmp_path).code == 0


def test_caches_stay_behind(tmp_path):
    (tmp_path / "from" / "__pycache__").mkdir(parents=True)
    (tmp_path / "from" / "__pycache__" / "x.pyc").write_text("")
    (tmp_path / "from" / "score.py").write_text("")
    copy_template(tmp_path / "from", tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["score.py"]


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("my model!", "name: my-model  # ours"),
        ("yes", 'name: "yes"  # ours'),
        ("2024", 'name: "2024"  # ours'),
        ("...", "name: model  # ours"),
    ],
)
def test_the_name_is_one_that_yaml_reads_as_text_and_comments_stay(tmp_path, folder, line):
    (tmp_path / folder / "x").mkdir(parents=True)
    manifest = tmp_path / folder / "manifest.yml"
    manifest.write_text("# first\nname: old  # ours\ndata:\n  name: not this\n")
    rename(tmp_path / folder)
    assert manifest.read_text() == f"# first\n{line}\ndata:\n  name: not this\n"


def test_a_manifest_without_a_name_gets_one(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "manifest.yml").write_text("model: x.pkl\n")
    rename(tmp_path / "m")
    assert (tmp_path / "m" / "manifest.yml").read_text() == "name: m\nmodel: x.pkl\n"
