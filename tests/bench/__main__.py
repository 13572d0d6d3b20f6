"""`make bench`: every figure as a ratio against a floor or peer of the same run, as a table and in bench.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.bench import chain, release, start
from tests.bench.figures import Figure


def main() -> int:
    """Measure, print, write; 1 when a promise is not kept. Names on the command line choose a part (chain, start, release)."""
    parts = {"start": start, "chain": chain, "release": release}
    chosen = sys.argv[1:] or list(parts)
    found = [figure for name in chosen for figure in parts[name].figures()]
    print(f"{'figure':<36}{'value':>12}{'floor':>12}{'ratio':>8}  promise")
    for figure in found:
        print(row(figure))
    whole = [{"name": f.name, "value": f.value, "unit": f.unit, "floor": f.floor, "ratio": f.ratio} for f in found]
    Path("bench.json").write_text(json.dumps(whole, indent=2) + "\n")
    return 0 if all(figure.kept for figure in found) else 1


def row(figure: Figure) -> str:
    floor = f"{figure.floor:.4g} {figure.unit}" if figure.floor else ""
    ratio = f"{figure.ratio:.2f}" if figure.ratio else ""
    value, missed = f"{figure.value:.4g} {figure.unit}", "" if figure.kept else " MISSED"
    return f"{figure.name:<36}{value:>12}{floor:>12}{ratio:>8}  {figure.promise}{missed}"


if __name__ == "__main__":
    sys.exit(main())
