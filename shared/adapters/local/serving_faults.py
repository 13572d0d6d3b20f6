"""Why the user's code was not served, as a fault that its author can act on.

The reasons come from `serving/reporting.py` as JSON: `during`, `type`, `message`, `frames` (the user's files only), `because`,
`module`, `path`, and `file` and `line` of the last frame.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from shared.adapters.local.processes import Limits
from shared.domain.bundle import Bundle
from shared.domain.faults import Fault

Told = dict[str, Any]

NETWORK = {"URLError", "ConnectionError", "ConnectionRefusedError", "gaierror", "MaxRetryError", "NewConnectionError", "SSLError"}
MISSING = {"FileNotFoundError", "NotADirectoryError", "IsADirectoryError", "ModelNotFoundException"}
MISSING_WORDS = re.compile(r"No such file|does not exist|not found: .*[/.]|Could not find .*[/.]")
READERS = re.compile(r"\bload|read_pickle|Unpickler")
# What readers say of a model that other versions wrote.
VERSION_WORDS = re.compile(
    r"Can't get attribute|incompatible dtype|unsupported pickle protocol|has no attribute '_|node array|__setstate__"
    r"|_unpickle|STACK_GLOBAL|numpy\._core|trained with|different version|BitGenerator"
)
# Modules whose package has another name.
PACKAGES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
}
SHOWN = 8  # files that a message lists
TAIL = 10  # lines of log that a message shows
CRASH_FIX = (
    "There was no exception, so most likely compiled code crashed: load the model once in an environment made from your own "
    "environment file, and look at the versions of the packages that read it."
)


@dataclass(frozen=True)
class Case:
    """One failure with what is known around it. `models`: the files under AZUREML_MODEL_DIR."""

    told: Told
    bundle: Bundle
    models: Sequence[str] = ()

    @property
    def error(self) -> str:
        """`ValueError: what it said`, on one line."""
        return first_line(f"{self.told['type']}: {self.told['message']}")

    @property
    def trace(self) -> str:
        """The traceback of the user's own code, innermost last."""
        lines = [f"  {frame['file']}:{frame['line']} {frame['function'] or ''}  {frame['text']}".rstrip() for frame in self.told["frames"]]
        return "\n".join(["", *lines]) if lines else ""

    def fault(self, code: str, message: str, fix: str) -> Fault:
        """A fault at the user's line, with the user's traceback below its message."""
        return Fault(code, message + self.trace, fix, self.told.get("file") or self.bundle.scoring, self.told.get("line"))


def first_line(text: str, length: int = 300) -> str:
    """The first line of `text` that says something, cut to `length`."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= length else line[: length - 1] + "…"


def read_told(out: Path) -> Told | None:
    """What the child wrote to `out`, or None when it wrote nothing that can be read."""
    try:
        told = json.loads((out / "fault.json").read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and {"during", "type", "message", "frames"} <= told.keys() else None


def why(case: Case) -> Fault:
    """The most telling fault for this failure."""
    return next(filter(None, (reading(case) for reading in READINGS)), None) or _raised(case)


def _crashed(case: Case) -> Fault | None:
    if case.told["during"] != "crash":
        return None
    return Fault("MG309", "The Python process died while the scoring script was loaded or init() ran.", CRASH_FIX, case.bundle.scoring)


def _signature(case: Case) -> Fault | None:
    if case.told["during"] != "signature":
        return None
    message = f"The scoring server does not accept the script: {case.told['message']}"
    return case.fault("MG306", message, "Declare `def init():` and `def run(data):`.")


def _server(case: Case) -> Fault | None:
    if case.told["during"] != "server":
        return None
    file = case.bundle.environment.file
    fix = f"Pins in {file} may not fit azureml-inference-server-http; loosen the pin of the package named here."
    return Fault("MG311", f"The scoring server of the environment could not start: {case.error}", fix, file)


def _workspace(case: Case) -> Fault | None:
    if case.told["type"] != "NeedsWorkspace":
        return None
    return case.fault("MG310", case.told["message"], 'Read the model from os.environ["AZUREML_MODEL_DIR"]; SDK v1 is out of support.')


def _unpickling(case: Case) -> Fault | None:
    """Reading the model failed in the reader, in a way that another version would explain."""
    if case.told["during"] not in ("load", "init") or not _while_reading(case.told):
        return None
    if "__main__" in case.told["message"]:
        fix = (
            "Put the class into a file of the bundle, import it from there in training and in the scoring script, and save the model again."
        )
        return case.fault("MG304", f"The model needs a class that lived in the training script: {case.error}", fix)
    fix = f"Pin in {case.bundle.environment.file} the versions that wrote the model, or save the model again with these."
    return case.fault("MG304", f"The model was written by other versions of its libraries than the environment has: {case.error}", fix)


def _while_reading(told: Told) -> bool:
    text = " ".join(frame["text"] for frame in told["frames"][-1:])
    names = VERSION_WORDS.search(told["message"]) is not None or str(told.get("module") or "").startswith("numpy._core")
    return names and READERS.search(text) is not None


def _missing_module(case: Case) -> Fault | None:
    module = str(case.told.get("module") or "")
    if case.told["type"] not in ("ModuleNotFoundError", "ImportError") or not module:
        return None
    top = module.partition(".")[0]
    package = PACKAGES.get(top, top.replace("_", "-"))
    if case.told["type"] == "ImportError":
        fix = f"The version of {package} may be another than the script was written for; pin it in {case.bundle.environment.file}."
        return case.fault("MG303", f"An import failed: {case.error}", fix)
    fix = f"Add `{package}` to {case.bundle.environment.file}, or the file {top}.py to the bundle."
    return case.fault("MG303", f"Module {module!r} is not in the environment.", fix)


def _missing_file(case: Case) -> Fault | None:
    """A path that is not there, in most cases the model's."""
    told = case.told
    if told["type"] not in MISSING and (told["during"] not in ("load", "init") or MISSING_WORDS.search(told["message"]) is None):
        return None
    near = _did_you_mean(told.get("path") or _quoted(told["message"]), case.models)
    there = ", ".join(case.models[:SHOWN]) or "nothing"
    fix = f"Did you mean `{_expression(near)}`?" if near else "Build the path from AZUREML_MODEL_DIR, with the file's own name and folder."
    return case.fault("MG302", f"{case.error}. Under AZUREML_MODEL_DIR there is: {there}.", fix)


def _quoted(message: str) -> str:
    """The last thing in quotes."""
    found = re.findall(r"'([^']+)'|\"([^\"]+)\"", message)
    return next((one or other for one, other in reversed(found)), "")


def _did_you_mean(asked: str, models: Sequence[str]) -> str | None:
    """The file that was meant: same name elsewhere, else the nearest name, else the only one there is."""
    name = PurePosixPath(asked).name
    same = [path for path in models if PurePosixPath(path).name == name]
    names = {PurePosixPath(path).name: path for path in models}
    close = difflib.get_close_matches(name, list(names), 1, 0.5)
    return same[0] if same else names[close[0]] if close else models[0] if len(models) == 1 else None


def _expression(path: str) -> str:
    parts = ", ".join(f'"{part}"' for part in PurePosixPath(path).parts)
    return f'os.path.join(os.environ["AZUREML_MODEL_DIR"], {parts})'


def _network(case: Case) -> Fault | None:
    if not NETWORK & {case.told["type"], *(cause["type"] for cause in case.told.get("because", ()))}:
        return None
    message = f"The script asked the network for something while it started: {case.error}"
    return case.fault("MG312", message, "Put what it downloads into the bundle.")


READINGS: tuple[Callable[[Case], Fault | None], ...] = (
    *(_crashed, _signature, _server, _workspace),
    *(_unpickling, _missing_module, _missing_file, _network),
)


def _raised(case: Case) -> Fault:
    during = case.told["during"]
    if during == "load":
        message = f"The scoring script failed while it was imported: {case.error}"
        return case.fault("MG305", message, "Mend the line shown; `modelgate check` imports nothing and cannot see it.")
    fix = "Mend the line shown, and try the script with AZUREML_MODEL_DIR set to the model's folder."
    return case.fault("MG301", f"{during}() raised {case.error}", fix)


def exceeded(bundle: Bundle, reason: str, limits: Limits) -> Fault:
    """A limit ended the server."""
    memory = f"{(limits.memory_bytes or 0) / (1 << 30):g} GB"
    told = {
        "memory": (
            f"The server was ended because it held more than {memory} of memory.",
            "Set compute.memory_gb in the manifest to its need.",
        ),
        "processes": (f"The server was ended because it ran more than {limits.processes} processes.", "Start fewer workers in the script."),
    }
    message, fix = told.get(reason, (f"The server was ended by the limit {reason!r}.", "Use less of it."))
    return Fault("MG308", message, fix, bundle.scoring)


def too_slow(bundle: Bundle, seconds: float) -> Fault:
    """There was no answer in time."""
    message = f"The server gave no answer within {seconds:g} s of its start: importing the script and init() took too long."
    return Fault("MG307", message, "Load in init() only what run() needs, and let it wait for nothing.", bundle.scoring)


def died(bundle: Bundle, code: int, log: Path) -> Fault:
    """It ended and nobody said why: show the end of its log."""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    tail: list[str] = []
    with contextlib.suppress(OSError):
        tail = log.read_text(errors="replace").splitlines()[-TAIL:]
    message = "\n  ".join([f"The server ended ({how}) without an exception of the script. The end of its log:", *tail])
    return Fault("MG309", message, CRASH_FIX, bundle.scoring)
