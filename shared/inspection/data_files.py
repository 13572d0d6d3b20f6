"""Verification data: where it lies, and whether it has the column that is to be predicted."""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.domain.faults import Fault
from shared.domain.manifest import DataSpec, Manifest
from shared.domain.metrics import METRICS
from shared.domain.reading import Source, did_you_mean
from shared.inspection.names import clean, shown
from shared.inspection.pointers import closest
from shared.inspection.tree import Tree, read

DATA = frozenset({".csv", ".parquet"})
FIRST_LINE = 1 << 18  # bytes
MOST_TOLD = 12  # columns in a message
_HELD_BACK = re.compile(r"hold-?_?out|verif|test|valid|(^|[-_])val([-_.]|$)|eval", re.IGNORECASE)
_REGISTERED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class DataFound:
    """`path`: the data in the bundle, None when it lies outside or is nowhere; `data`: the manifest's, made whole."""

    path: str | None
    data: DataSpec
    faults: tuple[Fault, ...]


def find_data(tree: Tree, manifest: Manifest, source: Source) -> DataFound:
    """The verification data as the manifest names it, or the one that can only be meant."""
    data = manifest.data
    if data.reference is None:
        path, faults = _by_name(tree, data)
        data = replace(data, reference=path)
    else:
        path, faults = _named(tree, data.reference, source)
    return DataFound(path, data, (*faults, *_target(tree, path, manifest, source)))


def _named(tree: Tree, reference: str, source: Source) -> tuple[str | None, tuple[Fault, ...]]:
    path = clean(reference.replace("\\", "/"))
    if path in tree.files:
        return path, tuple(_unreadable(tree, path, source))
    if _REGISTERED.fullmatch(reference):
        return None, ()
    file, line = source.where(("data", "reference"))
    word = closest(path, [each for each in tree.files if _is_data(each)])
    if reference.startswith(("./", "/", "..")) or (word and posixpath.basename(word).lower() == posixpath.basename(path).lower()):
        fix = f"Did you mean {word}?" if word else "Put the file into the bundle, or give a path in the container verification-data."
        return None, (Fault("MG125", f"data.reference names {shown(reference)}, which is not in the bundle", fix, file, line),)
    if not word:
        return None, ()
    told = f"{shown(reference)} is not in the bundle; it is looked for in the container verification-data"
    return None, (Fault("MG196", told, f"Did you mean {word}?", file, line, "warning"),)


def _is_data(path: str) -> bool:
    return posixpath.splitext(path)[1].lower() in DATA


def _by_name(tree: Tree, data: DataSpec) -> tuple[str | None, tuple[Fault, ...]]:
    """The only file that is called like held-out data, if a target is named; else what could be meant."""
    found = [path for path in sorted(tree.files) if _is_data(path) and _HELD_BACK.search(posixpath.basename(path))]
    if len(found) == 1 and data.target is not None:
        told = f"{found[0]} is taken as the verification data"
        return found[0], (Fault("MG193", told, f"Say so in manifest.yml: data: {{reference: {found[0]}}}", found[0], None, "info"),)
    fix = "Add to manifest.yml: data: {reference: holdout.csv, target: label, task: regression}"
    error = Fault("MG190", "there is no verification data: neither manifest nor site names any", fix, "manifest.yml")
    if not found:
        return None, (error,)
    told = f"{', '.join(found[:5])} could be the verification data, but nobody says so"
    columns = _columns(tree, found[0]) if found[0].endswith(".csv") else None
    target = data.target or (columns[-1] if columns else "label")
    hint = Fault("MG193", told, f"Add to manifest.yml: data: {{reference: {found[0]}, target: {target}}}", found[0], None, "warning")
    return None, (error, hint)


def _unreadable(tree: Tree, path: str, source: Source) -> Iterator[Fault]:
    file, line = source.where(("data", "reference"))
    if not _is_data(path):
        yield Fault("MG194", f"the verification data {path} is neither .csv nor .parquet", "Save it as csv or parquet.", file, line)
    elif tree.files[path] == 0:
        yield Fault("MG194", f"the verification data {path} is empty", "Pack the file itself.", path)
    elif path.lower().endswith(".parquet") and read(tree, path, 4) != b"PAR1":
        yield Fault("MG194", f"{path} is not a parquet file", "Save it with DataFrame.to_parquet.", path)


# the target


def _target(tree: Tree, path: str | None, manifest: Manifest, source: Source) -> Iterator[Fault]:
    columns = _columns(tree, path) if path and path.lower().endswith(".csv") and tree.files[path] else None
    target = manifest.data.target
    if target is None:
        yield from _no_target(manifest, columns)
    elif columns is not None and target not in columns:
        file, line = source.where(("data", "target"))
        word = did_you_mean(target, columns)
        fix = f"Did you mean {word}?" if word else f"The columns are {_told(columns)}."
        if len(columns) == 1 and (mark := next((each for each in ";\t|" if each in columns[0]), None)):
            fix = f"The file's columns are parted by {mark!r}; save it with commas."
        yield Fault("MG191", f"the target {shown(target)} is not a column of {path}", fix, file, line)


def _no_target(manifest: Manifest, columns: list[str] | None) -> Iterator[Fault]:
    needing = [kpi.metric for kpi in manifest.kpis if kpi.metric in METRICS and METRICS[kpi.metric].task != "operations"]
    fix = "Add to manifest.yml: data: {target: NAME}" + (f"; the columns are {_told(columns)}" if columns else "")
    if needing:
        yield Fault("MG192", f"no target column is named, which {', '.join(needing)} needs", fix, "manifest.yml")
    elif manifest.kpis:
        yield Fault(
            "MG192", "no target column is named, so no metric of predictions can be worked out", fix, "manifest.yml", None, "warning"
        )


def _told(columns: list[str]) -> str:
    return ", ".join(shown(each) for each in columns[:MOST_TOLD]) + (", …" if len(columns) > MOST_TOLD else "")


def _columns(tree: Tree, path: str) -> list[str] | None:
    """The names in the first line, or None when it cannot be read as one."""
    raw = read(tree, path, FIRST_LINE)
    try:
        text = raw.decode("utf-8-sig", "strict" if len(raw) < FIRST_LINE else "ignore")
        return next(csv.reader(text.splitlines()[:50]), None)
    except (UnicodeDecodeError, csv.Error):
        return None
