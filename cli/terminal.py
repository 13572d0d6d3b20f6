"""rich's console, as this command wants it. Imported only when something is printed for a person."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 200  # columns for what is piped or kept: it is not folded


class Terminal(Console):
    """Nothing in what it prints is read as markup, so a server's brackets stay brackets; lines are folded for terminals only."""

    def __init__(self, *, stderr: bool) -> None:
        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() else WIDE
        super().__init__(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=width is not None, width=width)

    def on_broken_pipe(self) -> None:
        """Told like any other broken pipe; rich would end the process with 1, which here means `invalid`."""
        raise BrokenPipeError
