"""The tools environment, and fixtures that end what they start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.jobs.asking import CODE, Inside, Job, Model


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    """The interpreter of a tools environment, made from the lock that the laptop uses."""
    folder = tmp_path_factory.mktemp("tools") / "environment"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([*uv, "pip", "install", "-q", "--python", python, "-r", CODE / "jobs" / "requirements.txt"], check=True)
    return python


@pytest.fixture(scope="session")
def inside(tools):
    found = Inside(tools)
    yield found
    found.close()


@pytest.fixture
def served():
    """Start a model server from a function of the decoded body."""
    models = []

    def start(answer):
        models.append(Model(answer))
        return models[-1]

    yield start
    for model in models:
        model.close()


@pytest.fixture
def job(tmp_path, inside):
    (tmp_path / "work").mkdir()
    return Job(tmp_path, inside)
