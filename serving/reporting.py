"""Say why the user's code failed: for a program, in one line, with the frames of the user's own files only.

The line goes to standard error behind a marker (so a log is enough) and into `<out>/fault.json`; what `run()` raises goes to
`<out>/run_errors.jsonl`, a bounded number of lines.
"""

import json
import os
import sys
import traceback

MARKER = "MODELGATE-FAULT "
MOST_RUN_ERRORS = 50
LONGEST_MESSAGE = 4000
MOST_CAUSES = 3
LONGEST_TRACEBACK = 3000


class Reporter:
    """Reports for one sandbox."""

    def __init__(self, root, out):
        self.root = os.path.realpath(root)
        self.out = out
        self.run_errors = 0
        self.told = set()  # ids of errors that were told, since they pass through several hands

    def failed(self, during, error):
        """Tell once that `error` ended it `during` load, init, server, preprocess or metrics."""
        if id(error) in self.told:
            return
        self.told.add(id(error))
        line = json.dumps(self._describe(during, error))
        with open(os.path.join(self.out, "fault.json"), "w") as file:
            file.write(line)
        sys.stderr.write("\n" + MARKER + line + "\n")
        sys.stderr.flush()

    def run_failed(self, error):
        """Keep the reason why `run()` raised: the server's answer hides it."""
        if self.run_errors >= MOST_RUN_ERRORS:
            return
        self.run_errors += 1
        with open(os.path.join(self.out, "run_errors.jsonl"), "a") as file:
            file.write(json.dumps(self._describe("run", error)) + "\n")  # before the caller gets its answer

    def _describe(self, during, error):
        inner = traceback.extract_tb(error.__traceback__)
        frames = [self._frame(frame) for frame in inner if self._is_users(frame.filename)]
        if isinstance(error, SyntaxError) and error.filename and self._is_users(error.filename):
            text = (error.text or "").strip()
            frames.append({"file": self._relative(error.filename), "line": error.lineno, "function": "", "text": text})
        last = frames[-1] if frames else {"file": None, "line": None}
        return {
            "during": during,
            "file": last["file"],
            "line": last["line"],
            "error": "".join(traceback.format_exception(type(error), error, error.__traceback__))[-LONGEST_TRACEBACK:],
            "type": type(error).__name__,
            "message": _message(error),
            "frames": frames[-10:],
            "innermost": f"{_in_package(inner[-1].filename)}:{inner[-1].lineno}" if inner else "",
            "because": _causes(error),
            "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
            "path": self._path_of(error),
        }

    def _frame(self, frame):
        return {"file": self._relative(frame.filename), "line": frame.lineno, "function": frame.name, "text": frame.line or ""}

    def _is_users(self, filename):
        return os.path.isabs(filename) and os.path.realpath(filename).startswith(self.root + os.sep)

    def _relative(self, filename):
        return os.path.relpath(os.path.realpath(filename), self.root).replace(os.sep, "/")

    def _path_of(self, error):
        path = getattr(error, "filename", None) if isinstance(error, OSError) else None
        return path if isinstance(path, str) else None


def _message(error):
    try:
        return str(error)[:LONGEST_MESSAGE]
    except Exception:  # noqa: BLE001 - the user's own __str__
        return "(its message cannot be printed)"


def _causes(error):
    """What it was raised from, nearest first."""
    causes = []
    while len(causes) < MOST_CAUSES:
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is None:
            break
        causes.append({"type": type(error).__name__, "message": _message(error)[:500]})
    return causes


def _in_package(filename):
    """`sklearn/tree/_classes.py` of `…/site-packages/sklearn/tree/_classes.py`."""
    return filename.replace(os.sep, "/").split("/site-packages/")[-1]
