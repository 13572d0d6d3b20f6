"""What a job says when it cannot go on: faults that blame the bundle or its data, and a server that went away."""

from __future__ import annotations

from typing import Any

Fault = dict[str, Any]


def fault(code: str, message: str, fix: str = "", *, file: str | None = None, severity: str = "error") -> Fault:
    """One fault in the shape that every part of modelgate reads."""
    return {"code": code, "message": message, "fix": fix, "file": file, "line": None, "severity": severity}


class JobFault(Exception):
    """The bundle or its data cannot be used as they are."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{one['code']}: {one['message']}" for one in faults))
        self.faults = list(faults)


def refusal(code: str, message: str, fix: str = "", *, file: str | None = None) -> JobFault:
    """The exception of one fault."""
    return JobFault(fault(code, message, fix, file=file))


class ServerGone(Exception):
    """Nothing answers at the endpoint any more; whether the bundle killed it is for the caller to find out."""
