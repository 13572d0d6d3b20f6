"""Reading small text files of a bundle, with a limit."""

from __future__ import annotations

from shared.domain.faults import Fault
from shared.inspection.tree import MIB, Tree, amount, read

LARGEST = 1 * MIB  # of a manifest, a script, an environment file


def read_text(tree: Tree, path: str, most: int = LARGEST) -> tuple[str | None, tuple[Fault, ...]]:
    """The file's text without a byte order mark, or None and the fault that says why it cannot be read."""
    raw = read(tree, path, most + 1)
    if len(raw) > most:
        told = f"{path} is larger than {amount(most)}"
        return None, (Fault("MG128", told, "A manifest or a script is a few kilobytes: keep data and models in files of their own.", path),)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, (Fault("MG129", f"{path} is not UTF-8 text", "Save the file with the encoding UTF-8.", path, line),)
