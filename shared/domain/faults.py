"""A fault: one thing that is wrong, told so that its reader can mend it.

`CATALOGUE` lists every code once. Ranges: 1xx the bundle as it was dropped, 2xx its environment, 3xx serving it,
4xx the smoke test, 5xx scoring and data, 6xx the gate, 9xx the platform. A code never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]

CATALOGUE: dict[str, str] = {
    # 1xx the bundle as it was dropped
    # 2xx the environment
    # 3xx serving
    # 4xx smoke test
    # 5xx scoring and data
    # 6xx the gate
    # 9xx the platform
}


@dataclass(frozen=True)
class Fault:
    """What is wrong (`message`), where (`file`, 1-based `line`), and what to do about it (`fix`)."""

    code: str
    message: str
    fix: str = ""
    file: str | None = None
    line: int | None = None
    severity: Severity = "error"
