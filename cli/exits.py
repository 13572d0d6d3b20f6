"""How a command ends: the exit codes, and the errors that a person reads.

0 passed · 1 invalid · 2 failed · 3 inconclusive · 4 error, expired or cancelled · 5 usage or not reachable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OK, INVALID, FAILED, INCONCLUSIVE, ERROR, USAGE = range(6)
INTERRUPTED = 130  # as shells say of Ctrl-C
PIPE_CLOSED = 141  # as shells say of a reader that went away

# The stage comes before the verdict: after a person's decision the verdict stays `inconclusive`, the stage says what counts.
BY_STAGE = {
    "passed": OK,
    "invalid": INVALID,
    "failed": FAILED,
    "awaiting_decision": INCONCLUSIVE,
    "error": ERROR,
    "expired": ERROR,
    "cancelled": ERROR,
}
BY_VERDICT = BY_STAGE | {"inconclusive": INCONCLUSIVE}


class CommandError(Exception):
    """Ends the command: `message` says what happened to what, `fix` what to do, `code` is the exit code."""

    def __init__(self, message: str, fix: str = "", *, code: int = USAGE, name: str = "usage") -> None:
        super().__init__(message)
        self.message, self.fix, self.code, self.name = message, fix, code, name


class Unreachable(CommandError):
    """Nothing answers at the URL; it may a moment later."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix, name="unreachable")


class Refused(CommandError):
    """The server answered with an error. 4xx is the caller's (5), 5xx the server's own (4)."""

    def __init__(self, status: int, message: str, fix: str = "", name: str = "refused") -> None:
        super().__init__(message, fix, code=ERROR if status >= 500 else USAGE, name=name)  # noqa: PLR2004 - HTTP's own border
        self.status = status


def is_over(release: Mapping[str, Any]) -> bool:
    """Whether the release has its verdict, or ended without one of its own."""
    return bool(release.get("verdict")) or release.get("stage") in BY_STAGE or release.get("stage") == "duplicate"


def exit_code(release: Mapping[str, Any]) -> int:
    """The exit code of a release that is over. A duplicate carries the verdict that it repeats."""
    stage, verdict = str(release.get("stage")), str(release.get("verdict"))
    return BY_STAGE.get(stage, BY_VERDICT.get(verdict, ERROR))
