"""Scoring files that only lie in a cell of a notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from shared.inspection.tree import MIB, Tree, read

LARGEST = 20 * MIB
_WRITES = re.compile(r"^%%writefile\s+(?:-a\s+)?(\S+\.py)", re.MULTILINE)


def written_scripts(tree: Tree) -> Iterator[tuple[str, int, str]]:
    """(notebook, number of the cell, file) of every `%%writefile` cell that makes a Python file."""
    for path in sorted(tree.files):
        if path.endswith(".ipynb") and tree.files[path] <= LARGEST:
            for number, source in enumerate(_cells(read(tree, path, LARGEST)), 1):
                yield from ((path, number, file) for file in _WRITES.findall(source))


def _cells(raw: bytes) -> Iterator[str]:
    try:
        cells = json.loads(raw)["cells"]
        for cell in cells:
            source = cell.get("source", "")
            yield source if isinstance(source, str) else "".join(source)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return  # not a notebook that anybody could run
