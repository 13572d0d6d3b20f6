"""A figure of the bench: a value, the floor or peer it is held against in the same run, and the ratio that is promised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`ratio` = value / floor; promised to be at `most` or at `least` this. A `limit` alone is an absolute bound in `unit`."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    most: float | None = None
    least: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def kept(self) -> bool:
        if self.limit is not None:
            return self.value <= self.limit
        ratio = self.ratio or 0.0
        return (self.most is None or ratio <= self.most) and (self.least is None or ratio >= self.least)

    @property
    def promise(self) -> str:
        if self.limit is not None:
            return f"<= {self.limit:g} {self.unit}"
        return f"<= {self.most:.3g} x" if self.most is not None else f">= {self.least:.3g} x" if self.least is not None else ""
