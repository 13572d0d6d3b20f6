"""A few rows to try a model with: different from each other, and with different labels where the data has labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.data import Table
from jobs.predictions import label
from jobs.values import Row, column_values, rows_of

LOOKED_AT = 1000  # rows at the start of the data
FEW, PROBE, WIDE = 3, 20, 200


@dataclass(frozen=True)
class Sample:
    """Rows without gaps first, and so that the first three differ in label, and the next as far as possible. `labels`: names, or None."""

    columns: tuple[str, ...]
    rows: list[Row]
    labels: list[str | None] | None

    @property
    def known(self) -> frozenset[str]:
        """Labels seen, as text."""
        return frozenset(name for name in self.labels or () if name is not None)

    def tells_apart(self, count: int) -> bool:
        """Whether the first `count` rows should get different answers: they differ, and so do their labels."""
        rows = self.rows[:count]
        different = any(row != rows[0] for row in rows[1:])
        return different and (self.labels is None or len(set(self.labels[:count])) > 1)


def take_sample(table: Table) -> Sample:
    """Up to `WIDE` rows of the first `LOOKED_AT`."""
    batch = next(table.batches(LOOKED_AT))
    rows, column = rows_of(batch), table.labels()
    names = None if column is None else [label(value) for value in column_values(column.slice(0, batch.num_rows).combine_chunks())]
    order = sorted(_in_turns(names or [None] * len(rows)), key=lambda at: None in rows[at])
    chosen = order[:WIDE]
    return Sample(table.features, [rows[at] for at in chosen], None if names is None else [names[at] for at in chosen])


def _in_turns(names: Sequence[Any]) -> list[int]:
    """Row numbers: the first of each label, then the second of each, and so on."""
    turns: dict[Any, int] = {}
    keyed = []
    for at, name in enumerate(names):
        turns[name] = turns.get(name, -1) + 1
        keyed.append((name is None, turns[name], at))
    return [at for *_, at in sorted(keyed)]
