"""The rooms and what each may import (the table of the house)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAIN = {"shared.domain"}
CORE = DOMAIN | {"shared.ports"}
ROOMS: dict[str, set[str]] = {
    # room: what it may import beside the standard library (its own files always)
    "shared/domain": set(),
    "shared/inspection": DOMAIN | {"yaml", "packaging"},
    "shared/ports.py": DOMAIN,
    "shared/wire": CORE | {"msgspec", "jinja2", "markupsafe", "yaml"},
    "shared/engine": CORE | {"shared.wire"},
    "shared/adapters/memory.py": CORE | {"shared.wire"},
    "shared/adapters/local": CORE | {"shared.wire", "shared.inspection", "psutil", "packaging", "yaml"},
    "shared/settings.py": DOMAIN,
    "shared/log.py": set(),
    "shared/wiring.py": CORE | {"shared.adapters", "shared.settings"},
    "function_app": CORE | {"azure.functions", "msgspec", "shared.engine", "shared.wire", "shared.wiring"},
    "laptop": CORE | {"azure.functions", "function_app", "shared", "starlette", "uvicorn", "psutil"},
    "cli": CORE | {"laptop", "rich", "shared.inspection", "shared.settings", "shared.adapters.local", "shared.wiring", "psutil"},
    "jobs": {"numpy", "pandas", "pyarrow", "sklearn", "scipy", "psutil"},
    "serving": set(),
    "model_templates": None,  # the world's packages, but nothing of ours
}
OURS = {"function_app", "shared", "laptop", "cli", "jobs", "serving", "model_templates", "tests", "docs"}
SERVED = {
    "inference_schema",
    "azureml_inference_server_http",
    "azureml",
    "mlflow",
    "pandas",
    "numpy",
    "gunicorn",
    "waitress",
    "flask",
    "werkzeug",
}  # in the bundle's environment, not ours


def files(room):
    path = ROOT / room
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", [p for room in ROOMS for p in files(room)], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path):
    room = next(room for room in ROOMS if path.is_relative_to(ROOT / room))
    own = room.removesuffix(".py").replace("/", ".")
    allowed = ROOMS[room]
    for name in imports(path):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or name == own or name.startswith(f"{own}."):
            continue
        if allowed is None or room == "serving":
            assert top not in OURS - {"serving"}, f"{path.name} imports {name}"
            assert allowed is None or top in SERVED | {"loader"} | {file.stem for file in files(room)}, f"{path.name} imports {name}"
        else:
            fits = any(name == one or name.startswith(f"{one}.") for one in allowed)
            assert fits or (room == "jobs" and (path.parent / f"{top}.py").exists()), f"{path.relative_to(ROOT)} may not import {name}"


def test_every_python_file_has_a_room():
    rooms = [ROOT / room for room in ROOMS] + [ROOT / "tests", ROOT / "docs"]
    homeless = [
        path
        for path in ROOT.rglob("*.py")
        if not any(path.is_relative_to(room) for room in rooms)
        and not any(part.startswith(".") or part == "build" for part in path.relative_to(ROOT).parts)
        and path.name not in {"__init__.py", "function_app.py"}
    ]
    assert homeless == []
