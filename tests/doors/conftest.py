from __future__ import annotations

from pathlib import Path

import pytest

from shared import wiring

EVENTS = Path(__file__).parents[1] / "samples/events"


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """The laptop's parts on a home of the test's own, wired as the doors will find them. Nothing delivers messages."""
    monkeypatch.setenv("MODELGATE_HOME", str(tmp_path / "home"))
    for name in ("KPIS", "DECIDERS", "MAIL_DOMAINS", "SMTP"):
        monkeypatch.delenv(f"MODELGATE_{name}", raising=False)
    wiring.ports.cache_clear()
    wiring.local_parts.cache_clear()
    parts = wiring.local_parts()
    yield parts
    parts.close()
    wiring.ports.cache_clear()
    wiring.local_parts.cache_clear()


@pytest.fixture(params=["eventgrid", "cloudevent"])
def recorded(request):
    """recorded(name) -> the raw text of an event, in each schema."""
    return lambda name: (EVENTS / f"{name}.{request.param}.json").read_text()
