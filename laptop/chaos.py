"""`--chaos duplicate=0.3,delay=2s,reorder,drop=0.05,seed=7,ladder=0.1`: Event Grid's bad days, at will."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

SHUFFLE = 0.5  # seconds within which events overtake one another when no delay is given
_DELAY = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class BadChaos(Exception):
    """`--chaos` was not understood."""


@dataclass(frozen=True)
class Chaos:
    """How often an event comes twice or never, how late it is (seconds), whether events overtake one another.

    `ladder` shortens the waits before further tries: 1 is Azure's 10 s, 30 s, 1 min, …; the laptop takes a tenth.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    delay: float = 0.0
    reorder: bool = False
    ladder: float = 0.1
    seed: int | None = None

    def copies(self, dice: random.Random) -> list[float]:
        """After how many seconds each copy of one event is delivered; none: it is lost."""
        if dice.random() < self.drop:
            return []
        count = 2 if dice.random() < self.duplicate else 1
        return [self._late(dice) for _ in range(count)]

    def _late(self, dice: random.Random) -> float:
        return dice.uniform(0.0, self.delay or SHUFFLE) if self.reorder else self.delay


def parse_chaos(text: str | None) -> Chaos:
    """Read the option; nothing gives a calm day. Raises BadChaos with the words that are known."""
    found: dict[str, float | bool | int] = {}
    for word in (part.strip() for part in (text or "").split(",") if part.strip()):
        key, _, value = word.partition("=")
        if key == "reorder" and not value:
            found[key] = True
        elif key in ("duplicate", "drop", "ladder"):
            found[key] = _share(word, value)
        elif key == "delay" and (span := _DELAY.fullmatch(value)):
            found[key] = float(span[1]) * _UNITS[span[2] or "s"]
        elif key == "seed" and value.isdecimal():
            found[key] = int(value)
        else:
            raise BadChaos(f"--chaos does not know {word!r}; it knows duplicate=0.3, drop=0.05, delay=2s, reorder, ladder=0.1 and seed=7.")
    return Chaos(**found)  # type: ignore[arg-type]


def _share(word: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise BadChaos(f"--chaos {word}: give a share from 0 to 1, such as 0.3.")
    return share
