"""The entry script that the server loads: it gives the server the user's own `init` and `run`.

`serve.py` has prepared this process; here only the user's code is imported, watched for the reason of every failure.
"""

import os
import sys

from modelgate_serving import loader, preparing, standins

reporter, spec = preparing.reporter, preparing.spec
standins.allow_telemetry()
os.environ["AML_APP_ROOT"] = spec["sandbox"]  # old servers set it to the folder of this file


def _start_once():
    """A worker that died while it started would be started again for ever: the second one gives up."""
    mark = os.path.join(spec["out"], "starting")
    if os.path.exists(mark):
        error = RuntimeError("the process died while the scoring script was being loaded or init() ran")
        reporter.failed("crash", error)
        sys.exit(3)  # gunicorn ends altogether on this code
    with open(mark, "w"):
        pass


def _watch_server():
    """See what `run()` raises without wrapping it: the server looks at the function itself (schema decorators, parameters)."""
    try:
        from azureml_inference_server_http.server import user_script  # noqa: PLC0415 - not in every version
    except ImportError:  # servers before 0.7 are built otherwise: the reason is in their log only
        return
    script = user_script.UserScript
    analyze, invoke = script._analyze_run, script.invoke_run  # noqa: SLF001 - the one place where it refuses a run()

    def analyze_run(self):
        try:
            return analyze(self)
        except user_script.UserScriptError as error:
            reporter.failed("signature", error)
            raise

    def invoke_run(self, *args, **kwargs):
        try:
            return invoke(self, *args, **kwargs)
        except user_script.UserScriptError as error:
            reporter.run_failed(error.__cause__ or error)
            raise

    script._analyze_run, script.invoke_run = analyze_run, invoke_run  # noqa: SLF001


_start_once()
_watch_server()
try:
    _loaded = loader.load(spec)
except BaseException as error:
    reporter.failed("load", error)
    raise

run = _loaded.run


def init():
    """Do what the user's own function does, and tell its failure."""
    try:
        _loaded.init()
    except BaseException as error:
        reporter.failed("init", error)
        raise
    os.unlink(os.path.join(spec["out"], "starting"))
