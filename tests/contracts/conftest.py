"""A fixture a port, with an adapter a parameter: the suites below never ask which one it is."""

from __future__ import annotations

import pytest

from shared.adapters import memory
from shared.adapters.local.home import Home


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def database(home):
    from shared.adapters.local.sqlite_releases import SqliteDatabase

    database = SqliteDatabase(home.state)
    yield database
    database.close()


@pytest.fixture(params=["memory", "local"])
def release_store(request):
    if request.param == "memory":
        return memory.MemoryReleaseStore()
    from shared.adapters.local.sqlite_releases import SqliteReleaseStore

    return SqliteReleaseStore(request.getfixturevalue("database"))


@pytest.fixture(params=["memory", "local"])
def dead_letters(request):
    if request.param == "memory":
        return memory.MemoryDeadLetters()
    from shared.adapters.local.sqlite_releases import SqliteDeadLetters

    return SqliteDeadLetters(request.getfixturevalue("database"))


@pytest.fixture(params=["memory", "local"])
def registry(request):
    if request.param == "memory":
        return memory.MemoryModelRegistry()
    from shared.adapters.local.folder_registry import FolderModelRegistry
    from shared.adapters.local.heap_queue import HeapQueue
    from shared.adapters.local.signals import Signals

    return FolderModelRegistry(request.getfixturevalue("home"), Signals(HeapQueue()))
