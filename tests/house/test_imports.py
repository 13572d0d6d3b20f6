from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"azure.ai.ml", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "mlflow", "numpy", "jinja2", "uvicorn", "rich"}


def test_importing_the_app_loads_nothing_heavy():
    code = "import function_app, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(done.stdout)) == set()


def test_the_module_holds_exactly_one_app():
    import azure.functions as func

    import function_app

    assert [type(value) for value in vars(function_app).values() if isinstance(value, func.FunctionApp)] == [func.FunctionApp]
