"""What is done before anybody asks: the heavy imports, a look at the data, its digest, a sample, and the submitter's `preprocess.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs import data, score, smoke, user_figures
from jobs.data import Table
from jobs.sample import Sample, take_sample
from jobs.spec import Spec


@dataclass(frozen=True)
class Ready:
    """Data that was looked at."""

    table: Table
    sample: Sample
    sha256: str

    def do(self, command: str, spec: Spec) -> dict[str, Any]:
        """Answer `smoke` or `score`. Raises JobFault and ServerGone."""
        if command == "smoke":
            return smoke.smoke(spec, self.sample)
        return score.score(spec, self.table, self.sample, self.sha256)


def prepare(spec: Spec) -> Ready:
    """Look at the data. Raises JobFault when it is not what it should be."""
    table = user_figures.preprocessed(spec, data.open_table(spec.data, spec.target))
    return Ready(table, take_sample(table), data.digest(spec.data))
