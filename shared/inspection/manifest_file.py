"""Finding and reading `manifest.yml`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.faults import Fault
from shared.domain.reading import Source
from shared.inspection.text import read_text
from shared.inspection.tree import Tree

NAMES = ("manifest.yml", "manifest.yaml")
_ALIKE = 0.8


@dataclass(frozen=True)
class ManifestFile:
    """What the file says: `given` is empty when there is none or it cannot be read."""

    given: Mapping[str, Any] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    faults: tuple[Fault, ...] = ()


def read_manifest(tree: Tree) -> ManifestFile:
    """The manifest in the bundle's root. Never raises: what is wrong with it is in `faults`."""
    present = [name for name in NAMES if name in tree.files]
    source = Source((present or NAMES)[0])
    if len(present) != 1:
        return ManifestFile(source=source, faults=tuple(_two() if present else _misplaced(tree)))
    text, faults = read_text(tree, present[0])
    if text is None:
        return ManifestFile(source=source, faults=faults)
    from shared.inspection.manifest_yaml import parse  # noqa: PLC0415 - YAML is not wanted at the start of the functions

    return ManifestFile(*parse(text, present[0]))


def _two() -> Iterator[Fault]:
    yield Fault("MG134", "there are manifest.yml and manifest.yaml", "Keep one of them.", NAMES[1])


def _misplaced(tree: Tree) -> Iterator[Fault]:
    """A manifest under another name or in a folder would be left unread in silence."""
    for path in tree.files:
        folder, _, name = path.lower().rpartition("/")
        alike = name.endswith((".yml", ".yaml")) and difflib.SequenceMatcher(None, name, NAMES[0]).ratio() > _ALIKE
        if alike and folder.count("/") < 1:
            yield Fault(
                "MG133",
                f"{path} is not read as the manifest",
                "Call it manifest.yml and put it into the bundle's root.",
                path,
                None,
                "warning",
            )
