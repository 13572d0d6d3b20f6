from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from shared.domain.errors import Permanent
from shared.settings import DEFAULTS, PREFIX, load

ROOT = Path(__file__).parents[2]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]


def test_the_sample_lists_every_setting_with_its_default():
    assert {name: value for name, value in SAMPLE.items() if name.startswith(PREFIX)} == {
        PREFIX + name: value for name, value in DEFAULTS.items()
    }


def test_values_of_the_sample_are_text():
    assert all(isinstance(value, str) for value in SAMPLE.values())


def test_nobody_else_reads_the_environment():
    readers = {path for room in ("shared", "function_app") for path in (ROOT / room).rglob("*.py") if reads_environment(path)}
    assert {path.relative_to(ROOT).as_posix() for path in readers} <= {
        "shared/settings.py",
        "shared/adapters/local/uv_environments.py",  # hands uv its own variables on
        "shared/adapters/local/build_environment.py",  # the same, in the child that runs uv
        "shared/adapters/local/interpreters.py",  # PATH and pyenv's root
    }


def reads_environment(path):
    tree = ast.parse(path.read_text())
    named = (
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    )
    return any(node.attr in {"environ", "getenv"} for node in named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLATFORM", "moon"),
        ("QUIET_PERIOD_SECONDS", "soon"),
        ("TRIES", "-1"),
        ("KPIS", "{"),
        ("KPIS", '[{"metrik": "r2"}]'),
        ("COMPUTE", "[]"),
        ("DEADLINE_MINUTES", '{"bilding": 1}'),
        ("TIMEZONE", "Mars/Olympus"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(name, value):
    with pytest.raises(Permanent, match=PREFIX + name):
        load({PREFIX + name: value})


def test_everything_has_a_default():
    settings = load({})
    assert settings.platform == "laptop"
