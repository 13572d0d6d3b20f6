"""A release as it is stored: with what it still waits for."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.effects import Task
from shared.domain.facts import Fact
from shared.domain.release import Release


@dataclass(frozen=True)
class Saved:
    """One write of the store. `revision` counts writes from 1; `keys` find the release again from an event; `early` waits for its stage."""

    release: Release
    revision: int
    tasks: tuple[Task, ...] = ()
    keys: tuple[str, ...] = ()
    early: tuple[Fact, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the sweep must look at it."""
        return bool(self.tasks) or not self.release.ended
