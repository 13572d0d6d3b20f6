"""A drop's files -> a bundle, or all that is wrong with it in one report; the same offline and on the server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shared.domain.bundle import Bundle, EnvironmentSpec, Inspected
from shared.domain.drops import drop_name as name_of
from shared.domain.faults import Fault
from shared.domain.manifest import Manifest, SiteDefaults
from shared.domain.manifest_rules import build_manifest
from shared.domain.reading import Source
from shared.inspection.archives import unpack
from shared.inspection.data_files import find_data
from shared.inspection.environment import read_environment
from shared.inspection.imports import Surroundings, roots
from shared.inspection.layout import Layout, find_layout
from shared.inspection.manifest_file import read_manifest
from shared.inspection.names import shown, visible
from shared.inspection.packages import Provided
from shared.inspection.pickles import look_at_pickles
from shared.inspection.score_script import ScriptFindings, look_at_parts, look_at_script
from shared.inspection.tree import FolderTree, Tree, digest_of, digest_of_file

LONGEST_MESSAGE = 1000  # characters
_WORST_FIRST = {"error": 0, "warning": 1, "info": 2}


def inspect(tree: Tree, drop_name: str, *, site: SiteDefaults, submitter: str | None = None, overrides: Sequence[str] = ()) -> Inspected:
    """Everything that can be told of a bundle without running it. Never raises for what is in it; OSError when it cannot be read.

    `submitter`: who dropped it (blob metadata); the manifest's own goes before it, the site's comes after.
    """
    file = read_manifest(tree)
    manifest, faults = build_manifest(file.given, site, drop_name=drop_name, submitter=submitter, overrides=overrides, source=file.source)
    refused = getattr(tree, "faults", ())
    if not tree.files:
        empty = Fault("MG113", "the drop holds no file", "Put the bundle's files into it.")
        return Inspected(
            None, in_order((*refused, *file.faults, *(() if refused else (empty,)))), name=manifest.name, submitter=manifest.submitter
        )
    seen = _look(tree, manifest, file.source)
    every = in_order((*refused, *file.faults, *faults, *seen.faults))
    bundle = None if any(fault.severity == "error" for fault in every) else _bundle(tree, seen)
    data_digest = digest_of_file(tree, bundle.data) if bundle and bundle.data else None
    return Inspected(bundle, every, data_digest, manifest.name, manifest.submitter)


def inspect_path(path: Path, *, site: SiteDefaults, overrides: Sequence[str] = (), scratch: Path | None = None) -> Inspected:
    """The same for a folder or an archive on this machine; an archive is unpacked into a temporary folder (below `scratch`, if given)."""
    if path.is_dir():
        return inspect(FolderTree(path, site.limits), path.resolve().name, site=site, overrides=overrides)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="modelgate-") as folder:
        into = Path(folder) / "files"
        with path.open("rb") as stream:
            faults = unpack(stream, path.name, into, site.limits)
        if faults:
            return Inspected(None, in_order(faults), name=name_of(path.name), submitter=site.submitter)
        return inspect(FolderTree(into, site.limits), name_of(path.name), site=site, overrides=overrides)


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Errors first, then by code, file and line; each once, and with nothing in it that cannot be seen."""
    return tuple(sorted(dict.fromkeys(map(_readable, faults)), key=_rank))


def _rank(fault: Fault) -> tuple[int, str, str, int, str]:
    return _WORST_FIRST[fault.severity], fault.code, fault.file or "", fault.line or 0, fault.message


def _readable(fault: Fault) -> Fault:
    """Faults quote what others wrote: names, keys, lines of code."""
    file = shown(fault.file) if fault.file is not None else None
    return replace(fault, message=visible(fault.message)[:LONGEST_MESSAGE], fix=visible(fault.fix)[:LONGEST_MESSAGE], file=file)


@dataclass(frozen=True)
class _Seen:
    """What the parts of a bundle were found to be."""

    manifest: Manifest
    layout: Layout
    spec: EnvironmentSpec | None
    script: ScriptFindings
    data: str | None
    faults: tuple[Fault, ...]


def _look(tree: Tree, manifest: Manifest, source: Source) -> _Seen:
    data = find_data(tree, manifest, source)
    layout = find_layout(tree, manifest, source, data.path)
    manifest = replace(manifest, data=data.data)
    spec, about_environment = _environment(tree, layout, manifest)
    around = _surroundings(tree, layout, spec)
    said = manifest.script
    nothing = ScriptFindings("online" if said == "auto" else said, v1_imports=False, faults=())
    script = look_at_script(tree, layout.scoring, around, said) if layout.scoring else nothing
    own = look_at_parts(around, layout.parts.values()) if around else []
    pickles = look_at_pickles(tree, around, spec)
    faults = (*data.faults, *layout.faults, *about_environment, *script.faults, *own, *pickles)
    return _Seen(manifest, layout, spec, script, data.path, faults)


def _environment(tree: Tree, layout: Layout, manifest: Manifest) -> tuple[EnvironmentSpec | None, tuple[Fault, ...]]:
    """What the environment file asks for, with the manifest's Python over it."""
    if layout.environment is None:
        return None, ()
    spec, faults = read_environment(tree, layout.environment)
    if spec is not None and manifest.python is not None:
        spec = replace(spec, python=manifest.python, python_line=None, python_file=None)
    return spec, faults


def _surroundings(tree: Tree, layout: Layout, spec: EnvironmentSpec | None) -> Surroundings | None:
    if spec is None:
        return None
    entry = layout.scoring.path if layout.scoring else ""
    own = [f"{layout.model}/code" if layout.model != "." else "code"] if layout.mlflow else []  # where MLflow keeps modules
    return Surroundings(tree, entry, (*roots(entry), *own), spec, Provided(spec))


def _bundle(tree: Tree, seen: _Seen) -> Bundle | None:
    if seen.layout.model is None or seen.spec is None:
        return None  # cannot be without an error among the faults
    layout, scoring = seen.layout, seen.layout.scoring
    return Bundle(
        digest=digest_of(tree),
        manifest=seen.manifest,
        size=sum(tree.files.values()),
        files=len(tree.files),
        model=seen.layout.model,
        scoring=scoring.path if scoring else None,
        environment=seen.spec,
        style=seen.script.style,
        mlflow=layout.mlflow,
        data=seen.data,
        metrics=layout.parts.get("metrics"),
        preprocess=layout.parts.get("preprocess"),
        v1_imports=seen.script.v1_imports,
    )
