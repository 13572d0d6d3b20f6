"""Where a command's words go: results to stdout, progress to stderr once `--json` owns stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.safe import safe

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """One command's output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @cached_property
    def console(self) -> Console:
        """For people; stderr once `--json` owns stdout."""
        from cli.terminal import Terminal  # noqa: PLC0415 - heavy

        return Terminal(stderr=self.as_json)

    def say(self, text: str = "", style: str = "") -> None:
        """A line of progress."""
        self.console.print(safe(text), style=style or None)

    def result(self, value: Any, shown: Callable[[Console], None]) -> None:
        """What was asked for: `value` as the one JSON document, or `shown` to a person."""
        if self.as_json:
            print(json.dumps(value, indent=2), flush=True)
        else:
            shown(self.console)
