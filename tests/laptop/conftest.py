from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.adapters.local.home import Home
from tests.laptop.small_app import Notes, Served, served, small_app


@pytest.fixture
def home(tmp_path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def site(home, notes) -> Iterator[Served]:
    with served(small_app(notes), home) as running:
        yield running
