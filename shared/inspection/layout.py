"""Which file of a bundle is what: by the manifest, else by name and content."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.faults import Fault
from shared.domain.manifest import Manifest
from shared.domain.reading import Source
from shared.inspection.environment import find_environment
from shared.inspection.manifest_file import NAMES
from shared.inspection.model_files import choose_model, mlflow_folders
from shared.inspection.notebooks import written_scripts
from shared.inspection.pointers import follow
from shared.inspection.script import Script, read_script
from shared.inspection.tree import Tree

MOST_SCRIPTS = 200  # *.py files that are looked into for init and run
OWN_PARTS = ("metrics", "preprocess")
_NO_SCORING = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|conftest|setup|train[^/]*|metrics|preprocess|__init__)\.py$")
_LIKE_SCORING = re.compile(r"scor|predict|infer|batch_driver|entry", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """What plays which part; None where there is none, or none could be told (then `faults` say so)."""

    model: str | None = None
    mlflow: bool = False
    scoring: Script | None = None
    environment: str | None = None
    parts: dict[str, str] = field(default_factory=dict)  # metrics, preprocess
    faults: tuple[Fault, ...] = ()


def find_layout(tree: Tree, manifest: Manifest, source: Source, data: str | None) -> Layout:
    """Every part of the bundle. `data` is the verification data in it, which is nothing else."""
    folders = mlflow_folders(tree)
    scoring, faults = _scoring(tree, manifest, source, folders)
    environment, more = _environment(tree, manifest, source)
    parts, unused = _own_parts(tree, scoring)
    taken = {each for each in (scoring.path if scoring else None, environment, data, *parts.values()) if each}
    model, about_model = choose_model(tree, manifest.model, source, taken, scoring)
    mlflow = model is not None and model in folders
    if scoring is None and not faults and not mlflow and (model is not None or not folders):
        faults = (_no_scoring(tree),)
    return Layout(model, mlflow, scoring, environment, parts, (*faults, *more, *about_model, *unused))


# the scoring file


def _scoring(tree: Tree, manifest: Manifest, source: Source, mlflow: Sequence[str]) -> tuple[Script | None, tuple[Fault, ...]]:
    if manifest.scoring is not None:
        path, faults = follow(tree, manifest.scoring, ("scoring",), source)
        return (read_script(tree, path) if path else None), faults
    scripts = [path for path in tree.files if path.endswith(".py") and not _within(path, mlflow)]
    named = ["score.py"] if "score.py" in scripts else [path for path in scripts if posixpath.basename(path) == "score.py"]
    found = [read_script(tree, path) for path in named] or _with_init_and_run(tree, scripts)
    if len(found) > 1:
        names = ", ".join(script.path for script in found)
        fix = f"Add to manifest.yml: scoring: {found[0].path}"
        return None, (Fault("MG124", f"several files could be the scoring file: {names}", fix, "manifest.yml"),)
    return (found[0] if found else None), ()


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(folder != "." and path.startswith(folder + "/") for folder in folders)


def _with_init_and_run(tree: Tree, scripts: Sequence[str]) -> list[Script]:
    """The files that define both; else the only one that sounds like a scoring file, so that its faults can be told."""
    read = [read_script(tree, path) for path in scripts[:MOST_SCRIPTS] if not _NO_SCORING.search(path)]
    both = [script for script in read if script.defines("init", "run")]
    alike = [script for script in read if _LIKE_SCORING.search(posixpath.basename(script.path))]
    return both or (alike if len(alike) == 1 else [])


def _no_scoring(tree: Tree) -> Fault:
    fix = "Add score.py with init() and run(data), or name the file in manifest.yml: scoring: my_score.py"
    cells = [f"{notebook} writes {file} in its cell {number} (%%writefile)" for notebook, number, file in written_scripts(tree)]
    if cells:
        fix = f"{'; '.join(cells[:3])}: run that cell and put the file into the bundle. A notebook itself is not served."
    elif any(path.endswith(".ipynb") for path in tree.files):
        fix = f"A notebook is not served: copy its scoring code into score.py. {fix}"
    return Fault("MG123", "there is no scoring file: no score.py, and no other *.py with init and run", fix)


# the environment file


def _environment(tree: Tree, manifest: Manifest, source: Source) -> tuple[str | None, tuple[Fault, ...]]:
    if manifest.environment is not None:
        return follow(tree, manifest.environment, ("environment",), source)
    found = find_environment(_Without(tree, NAMES))
    if not found:
        return None, (_no_environment(tree),)
    best = [path for path in found if _fitness(path) == _fitness(found[0])]
    if len(best) > 1 and len({_content(tree, path) for path in best}) > 1:
        fix = f"Add to manifest.yml: environment: {best[0]}"
        return None, (Fault("MG127", f"several files could be the environment file: {', '.join(best)}", fix, "manifest.yml"),)
    others = ", ".join(path for path in found if path != found[0])
    note = Fault(
        "MG132", f"{found[0]} was taken as the environment file, not {others}", f"Name it: environment: {found[0]}", found[0], None, "info"
    )
    return found[0], ((note,) if others else ())


class _Without:
    """A tree without some files: a manifest is no environment file, whatever it holds."""

    def __init__(self, tree: Tree, names: Collection[str]) -> None:
        self.files: Mapping[str, int] = {path: size for path, size in tree.files.items() if path not in names}
        self.open = tree.open


_FOR_SERVING = re.compile(r"scor|infer|serv|deploy|predict", re.IGNORECASE)
_FOR_OTHERS = re.compile(r"train|dev|test|ci[-_.]|build|lint|docs|notebook|gpu", re.IGNORECASE)
_USUAL = re.compile(r"^(conda|env|environment|myenv|conda[-_](env|dependencies)|requirements)\.(ya?ml|txt)$", re.IGNORECASE)


def _fitness(path: str) -> tuple[bool, bool, bool, int]:
    """Two files that differ in this are told apart by their names."""
    name = posixpath.basename(path)
    return bool(_FOR_OTHERS.search(name)), bool(_FOR_SERVING.search(path)), bool(_USUAL.match(name)), path.count("/")


def _content(tree: Tree, path: str) -> bytes:
    with tree.open(path) as stream:
        return stream.read(1 << 20)


def _no_environment(tree: Tree) -> Fault:
    names = (posixpath.basename(path).lower() for path in tree.files)
    seen = sorted({path for path in tree.files if path.lower().endswith((".yml", ".yaml")) and "manifest" not in path})
    told = "there is no environment file" + (f" ({', '.join(seen[:3])} lists no packages)" if seen else "")
    fix = "Add conda.yml: dependencies: [python=3.11, pip, {pip: [scikit-learn==1.7.2]}] with what the scoring file imports."
    if "dockerfile" in names:
        fix += " A Dockerfile is not read: list its packages there."
    return Fault("MG126", told, fix)


# metrics.py and preprocess.py


def _own_parts(tree: Tree, scoring: Script | None) -> tuple[dict[str, str], tuple[Fault, ...]]:
    found: dict[str, str] = {}
    faults = []
    for part in OWN_PARTS:
        path = next((path for path in _beside(part, scoring) if path in tree.files), None)
        if path is None:
            continue
        if read_script(tree, path).defines(part):
            found[part] = path
        elif scoring is None or all(part not in (each.module, *each.names) for each in scoring.imports):
            told = f"{path} has no function {part}, so it is not used"
            faults.append(Fault("MG130", told, f"Call its function {part}, or take the file out.", path, None, "warning"))
    return found, tuple(faults)


def _beside(part: str, scoring: Script | None) -> Iterator[str]:
    yield f"{part}.py"
    if scoring:
        yield posixpath.join(posixpath.dirname(scoring.path), f"{part}.py")
