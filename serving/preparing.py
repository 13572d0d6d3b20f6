"""The same first steps for every script: read SPEC, lay the sandbox, put the stand-ins in place.

What was prepared stays in this module, where the entry script finds it (the server loads that later, in the same process).
"""

import json
import os
import sys

from . import reported, reporting, sandbox, standins

spec = {}
reporter = None


def read():
    """SPEC, from the only argument."""
    with open(sys.argv[1]) as file:
        return json.load(file)


def prepare(given):
    """Lay the sandbox and enter it."""
    global reporter
    spec.update(given)
    os.makedirs(spec["out"], exist_ok=True)
    reporter = reporting.Reporter(spec["sandbox"], spec["out"])
    sandbox.enter(spec, sandbox.lay(spec))
    standins.install(reported.Reported(spec["out"]))
