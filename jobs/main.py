"""The tools process: `python jobs/main.py SPEC.json` reads commands from standard input, one a line, until it ends.

`smoke {"endpoint": …}` and `score {"endpoint": …, "shape": …}`: what stands after the word is added to the spec. Each is answered with
one JSON line on standard output: {"command", "ok", "faults", "kind"}; `kind` is null, bundle (the faults say why), gone (nothing answers at
the endpoint) or broken (our own mistake). Imports and a first look at the data happen while nobody has asked yet.

By hand, all at once: `python jobs/main.py SPEC.json --once smoke score`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import traceback
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
if __package__ in (None, ""):  # run as a file: be the package `jobs`, without our neighbours on the path
    sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    found = importlib.util.spec_from_file_location("jobs", HERE / "__init__.py", submodule_search_locations=[str(HERE)])
    if found is None or found.loader is None:
        raise SystemExit("jobs/ is not whole")
    sys.modules["jobs"] = importlib.util.module_from_spec(found)

from jobs.faults import JobFault, ServerGone  # noqa: E402
from jobs.files import write_json  # noqa: E402
from jobs.spec import Spec, read_spec  # noqa: E402

RESULTS = {"smoke": "smoke.json", "score": "metrics.json"}


class Desk:
    """Answers commands about one release. What must be read first is read once, and its fault is told to whoever asks."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._ready: Any = None
        self._refusal: JobFault | None = None

    def prepare(self) -> None:
        """Import, look at the data, run `preprocess.py`: all that needs no endpoint."""
        from jobs.prepare import prepare  # noqa: PLC0415 - everything heavy hangs on it

        try:
            self._ready = prepare(self._spec)
        except JobFault as refusal:
            self._refusal = refusal

    def answer(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do it; never raises."""
        spec, began = self._spec.updated(arguments), time.monotonic()
        log(spec, command, "started")
        try:
            told = {"kind": None, **self._done(command, spec)}
            told["kind"] = None if told["ok"] else "bundle"
        except JobFault as refusal:
            told = self._refused(command, spec, refusal)
        except ServerGone as gone:
            told = {"ok": False, "kind": "gone", "faults": [], "message": str(gone)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must hear of it
            log(spec, command, traceback.format_exc())
            told = {"ok": False, "kind": "broken", "faults": [], "message": f"{type(error).__name__}: {error}"}
        log(spec, command, f"{'ended well' if told['ok'] else 'ended'} after {time.monotonic() - began:.2f} s" + _why(told))
        return {"command": command, **spec.stamp, **told}

    def _done(self, command: str, spec: Spec) -> dict[str, Any]:
        if self._refusal is not None:
            raise self._refusal
        return dict(self._ready.do(command, spec))

    def _refused(self, command: str, spec: Spec, refusal: JobFault) -> dict[str, Any]:
        told = {"ok": False, "faults": refusal.faults, "fault_folder": getattr(refusal, "folder", None)}
        write_json(spec.out / RESULTS[command], {**spec.stamp, **told})
        return {**told, "kind": "bundle"}


def _why(told: dict[str, Any]) -> str:
    reasons = [f"{one['code']}: {one['message']}" for one in told["faults"]] or [told.get("message", "")]
    return "; ".join(["", *filter(None, reasons)])


def log(spec: Spec, command: str, line: str) -> None:
    """A line in the command's own log, with the time in UTC."""
    path = spec.out / "logs" / f"{command}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {command} {line}\n")


def serve(desk: Desk, lines: IO[str], answers: IO[str]) -> None:
    """Answer each line that comes, in order."""
    for line in lines:
        command, _, arguments = line.strip().partition(" ")
        if command in RESULTS:
            answers.write(json.dumps(desk.answer(command, json.loads(arguments or "{}"))) + "\n")
        elif command:
            answers.write(
                json.dumps({"command": command, "ok": False, "kind": "broken", "faults": [], "message": "unknown command"}) + "\n"
            )
        answers.flush()


def main(arguments: list[str]) -> int:
    """Exit code 0, or with `--once` 1 when a command did not end well."""
    if len(arguments) < 1 or (len(arguments) > 1 and arguments[1] != "--once"):
        print("usage: main.py SPEC.json [--once smoke|score …]", file=sys.stderr)
        return 2
    desk = Desk(read_spec(Path(arguments[0])))
    desk.prepare()
    if len(arguments) == 1:
        serve(desk, sys.stdin, sys.stdout)
        return 0
    told: list[dict[str, Any]] = []
    for command in arguments[2:]:
        found = next((one["request"] for one in told if one.get("request")), None)
        told.append(desk.answer(command, {"shape": found} if found else {}))
        print(json.dumps(told[-1]))
    return 0 if all(one["ok"] for one in told) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
