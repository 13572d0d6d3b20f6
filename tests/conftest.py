"""What every folder of tests may use."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def app_functions():
    """Our app's functions as the laptop loads them, by name; azure.functions lets an app be asked once a process."""
    import function_app
    from laptop.functions import load_functions

    return load_functions(function_app.app, {})
