"""The tools environment: is it there, and making it while other things go on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cli.safe import safe_line
from cli.site import settings
from cli.times import span
from cli.watch import View

LOCK = Path(__file__).resolve().parent.parent / "jobs" / "requirements.txt"


def environments_of(home: Path) -> Path:
    """Where the environments of this home lie."""
    return settings().environments or home / "environments"


def tools_ready(environments: Path) -> bool:
    """Whether the tools environment of this version is there whole."""
    from shared.adapters.local.build_environment import is_finished, lock_hash  # noqa: PLC0415 - not for --help
    from shared.adapters.local.interpreters import running  # noqa: PLC0415

    return is_finished(environments / lock_hash(LOCK.read_text(encoding="utf-8"), running().text))


class Preparation:
    """Makes the tools environment in a process of its own, unless it is there; the laptop waits for the same one when it needs it."""

    def __init__(self, home: Path) -> None:
        environments = environments_of(home)
        argv = [sys.executable, "-m", "shared.adapters.local.prepare_tools", str(home), str(environments)]
        self._began = time.monotonic()
        self._process = None if tools_ready(environments) else _started(argv)
        self._news = [] if self._process is None else ["Installing the tools for metrics and plots, once for this home."]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()

    def news(self) -> list[str]:
        """What has happened since this was asked last, as sentences."""
        told, self._news = self._news, []
        if self._process is not None and self._process.poll() is not None:
            _, words = self._process.communicate()
            took = span(time.monotonic() - self._began)
            told.append(
                f"The tools did not install: {safe_line(words)}" if self._process.returncode else f"The tools are installed ({took})."
            )
            self._process = None
        return told


def _started(argv: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class WithNews:
    """A view that also tells the news of a preparation."""

    def __init__(self, view: View, preparation: Preparation) -> None:
        self._view, self._preparation = view, preparation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The view inside is closed by who opened it."""

    def show(self, release: Mapping[str, Any]) -> None:
        """The news, then the release."""
        for sentence in self._preparation.news():
            self._view.note(sentence)
        self._view.show(release)

    def note(self, sentence: str) -> None:
        """Passed on."""
        self._view.note(sentence)
