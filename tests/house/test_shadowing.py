"""A distribution with a top-level package of our name would be imported instead of ours, or ours instead of it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

OURS = frozenset({"function_app", "shared", "laptop", "cli", "jobs", "serving", "model_templates", "docs"})
OUR_DISTRIBUTION = "modelgate"


def top_level_names(distribution: Distribution) -> set[str]:
    """What can be imported of it: by its list of files, and by top_level.txt where there is no list."""
    listed = set((distribution.read_text("top_level.txt") or "").split())
    for file in distribution.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 or first.endswith((".py", ".so", ".pyd")):
            listed.add(first.partition(".")[0])
    return listed


def shadowing(found: Iterable[Distribution]) -> dict[str, set[str]]:
    """Which distributions bring one of our names."""
    named = ((one.metadata["Name"], top_level_names(one) & OURS) for one in found)
    return {name: names for name, names in named if names and name != OUR_DISTRIBUTION}


def test_no_installed_distribution_shadows_one_of_our_packages():
    assert shadowing(distributions()) == {}


def test_every_top_level_package_of_ours_is_guarded():
    root = Path(__file__).parents[2]
    packages = {path.parent.name for path in root.glob("*/__init__.py")} - {"tests"}
    assert packages <= OURS


@pytest.mark.parametrize("record", ["shared/__init__.py,,\n", "jobs.py,,\n", "cli.cpython-311-x86_64-linux-gnu.so,,\n", None])
def test_a_distribution_that_does_is_found(tmp_path, record):
    info = tmp_path / "greedy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greedy\nVersion: 1.0\n")
    if record is None:
        (info / "top_level.txt").write_text("serving\nother\n")
    else:
        (info / "RECORD").write_text(record)
    assert list(shadowing(distributions(path=[str(tmp_path)]))) == ["greedy"]


def test_a_name_deeper_inside_a_distribution_is_no_harm(tmp_path):
    info = tmp_path / "modest-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: modest\nVersion: 1.0\n")
    (info / "RECORD").write_text("modest/shared/__init__.py,,\nmodest-1.0.dist-info/METADATA,,\n")
    assert shadowing(distributions(path=[str(tmp_path)])) == {}
