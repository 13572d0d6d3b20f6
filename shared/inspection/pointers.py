"""Paths that a manifest names, held against the files that are there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from shared.domain.faults import Fault
from shared.domain.reading import Place, Source, did_you_mean, spelt
from shared.inspection.names import clean, shown
from shared.inspection.tree import Tree

CLOSE = 0.7


def follow(tree: Tree, named: str, place: Place, source: Source, *, folder: bool = False) -> tuple[str | None, tuple[Fault, ...]]:
    """The path in the bundle that `named` means, or None and the fault; `folder`: it may be a folder, `.` the root."""
    path = clean(named.replace("\\", "/"))
    if path in tree.files or (folder and (path == "" or is_folder(tree, path))):
        return path or ".", ()
    file, line = source.where(place)
    word = closest(path, [*tree.files, *(folders(tree.files) if folder else ())])
    fix = f"Did you mean {spelt(place)}: {word}?" if word else f"Put the file into the bundle, or correct `{spelt(place)}:`."
    return None, (Fault("MG125", f"{spelt(place)} names {shown(named)}, which is not in the bundle", fix, file, line),)


def is_folder(tree: Tree, path: str) -> bool:
    """Whether files lie below this path."""
    return any(each.startswith(path + "/") for each in tree.files)


def folders(files: Iterable[str]) -> list[str]:
    """Every folder on the way to a file, sorted."""
    found = set()
    for path in files:
        while path := posixpath.dirname(path):
            found.add(path)
    return sorted(found)


def closest(path: str, known: Iterable[str]) -> str | None:
    """The known path that was most likely meant: by its whole, then by its name alone."""
    by_path = {each: each for each in known}
    by_name: Mapping[str, str] = {posixpath.basename(each): each for each in sorted(by_path, key=lambda each: -each.count("/"))}
    word = did_you_mean(posixpath.basename(path), by_name, CLOSE) if posixpath.basename(path) not in by_name else posixpath.basename(path)
    whole = did_you_mean(path, by_path, CLOSE)
    return by_name[word] if word else whole
