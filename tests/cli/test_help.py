"""`--help`: complete, and quick."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import pytest

from cli.main import VERBS

HEAVY = ("rich", "yaml", "jinja2", "msgspec", "urllib.request", "http.client", "shared", "laptop", "uvicorn", "json", "shutil")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_command_has_a_help_of_its_own(run, verb):
    ran = run(verb.name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"usage: modelgate {verb.name} ")


def test_the_help_names_every_command(run):
    out = run("--help").out
    assert all(f"    {verb.name} " in out for verb in VERBS)


def test_the_help_imports_nothing_heavy():
    code = "import sys\nfrom cli.main import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    assert not set(HEAVY) & set(loaded)


def test_the_help_takes_at_most_five_times_what_python_takes():
    took = {"pass": [], "help": []}
    for _ in range(7):
        for name, argv in (("pass", ["-c", "pass"]), ("help", ["-m", "cli.main", "--help"])):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *argv], capture_output=True, check=True)
            took[name].append(time.perf_counter() - begun)
    assert statistics.median(took["help"]) <= 5 * statistics.median(took["pass"])
