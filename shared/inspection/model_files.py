"""The model of a bundle: which file or folder it is, and whether there is anything in it.

What is registered decides where the scoring file finds it: a file lies directly under AZUREML_MODEL_DIR, a folder under its
own name. So `model/model.pkl` is the file or the folder, whichever the scoring file opens.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from shared.domain.faults import Fault
from shared.domain.reading import Source
from shared.inspection.pointers import follow, is_folder
from shared.inspection.script import Script
from shared.inspection.tree import Tree, read

_ENDINGS = """
.pkl .pickle .sav .joblib .dill .cloudpickle .h5 .hdf5 .keras .onnx .pt .pth .lgb .cbm .ubj .xgb .bst .pmml .tflite .pb .safetensors
.model .mlmodel .ckpt
"""
MODELS = frozenset(_ENDINGS.split())
MAYBE = frozenset({".json", ".txt", ".bin", ".npz", ".npy", ".gz", ".z", ".zip", ".dat", ""})
_NEVER = re.compile(
    r"(^|/)(\.[^/]*|readme[^/]*|licen[cs]e[^/]*|dockerfile[^/]*|makefile|procfile|notice|authors|[^/]*requirements[^/]*\.txt|runtime\.txt"
    r"|[^/]*(sample|example|request|input|config|schema|swagger|metadata|metrics|report)[^/]*\.(json|txt))$",
    re.IGNORECASE,
)
_SOUNDS = re.compile(r"model|booster|weights|classifier|regressor", re.IGNORECASE)
_LFS = b"version https://git-lfs.github.com/spec"
_PAGES = (b"<!doctype html", b"<html")


def mlflow_folders(tree: Tree) -> list[str]:
    """Folders that hold an MLmodel file, outermost only; `.` is the root."""
    found = sorted(posixpath.dirname(path) or "." for path in tree.files if posixpath.basename(path) == "MLmodel")
    return [path for path in found if not any(path != other and (other == "." or path.startswith(other + "/")) for other in found)]


def choose_model(
    tree: Tree, named: str | None, source: Source, taken: Collection[str], scoring: Script | None
) -> tuple[str | None, tuple[Fault, ...]]:
    """The model's path (a file or a folder, `.` the root) and what is wrong with it. `taken`: files that play other parts."""
    if named is not None:
        path, faults = follow(tree, named, ("model",), source, folder=True)
        path = posixpath.dirname(path) or "." if path and posixpath.basename(path) == "MLmodel" else path
    else:
        path, faults = _choose(tree, taken, scoring.paths if scoring else {})
    return path, (*faults, *(_hollow(tree, path) if path else ()))


def _choose(tree: Tree, taken: Collection[str], spelt: Mapping[str, int]) -> tuple[str | None, tuple[Fault, ...]]:
    units = _units(tree, taken, spelt)
    if not units:
        return None, (_no_model(tree),)
    if len(units) == 1:
        return _as_laid(tree, units[0], taken, spelt), ()
    opened = [unit for unit in units if _options_named(unit, taken, spelt)]
    laid = {_as_laid(tree, unit, taken, spelt) for unit in opened}
    if len(laid) == 1:
        return _opened(laid.pop(), units)
    common = _common(units, taken)
    if common:
        return common, ()
    fix = f"Add to manifest.yml: model: {units[0]}. If the model needs several, put them into one folder and name that: model: my_model"
    return None, (Fault("MG121", f"several files could be the model: {', '.join(units[:10])}", fix, "manifest.yml"),)


def _opened(model: str, units: Sequence[str]) -> tuple[str, tuple[Fault, ...]]:
    others = [unit for unit in units if unit != model and not unit.startswith(model + "/")]
    told = f"{model} was taken as the model, since the scoring file opens it, not {', '.join(others)}"
    return model, ((Fault("MG132", told, f"Name it: model: {model}", model, None, "info"),) if others else ())


def _units(tree: Tree, taken: Collection[str], spelt: Mapping[str, int]) -> list[str]:
    """Files and whole folders that could each be the model."""
    whole = [*mlflow_folders(tree), *sorted({posixpath.dirname(p) or "." for p in tree.files if posixpath.basename(p) == "saved_model.pb"})]
    if "." in whole:
        return ["."]
    free = [path for path in tree.files if path not in taken and not any(path.startswith(folder + "/") for folder in whole)]
    sure = [path for path in free if posixpath.splitext(path)[1].lower() in MODELS]
    return [*whole, *sure] or _perhaps(free, spelt)


def _perhaps(free: Sequence[str], spelt: Mapping[str, int]) -> list[str]:
    """Files whose ending says nothing: those that the scoring file opens, else that sound like a model, else the only one."""
    left = [path for path in free if posixpath.splitext(path)[1].lower() in MAYBE and not _NEVER.search(path)]
    opened = [path for path in left if any(posixpath.basename(path) == posixpath.basename(each) for each in spelt)]
    sounding = [path for path in left if _SOUNDS.search(path)]
    return opened or sounding or (left if len(left) == 1 else [])


def _holders(unit: str, taken: Collection[str]) -> list[str]:
    """The unit and the folders round it that hold nothing but the model."""
    found = [unit]
    folder = posixpath.dirname(unit)
    while folder and not any(path.startswith(folder + "/") for path in taken):
        found.append(folder)
        folder = posixpath.dirname(folder)
    return found


def _options_named(unit: str, taken: Collection[str], spelt: Mapping[str, int]) -> list[str]:
    """Ways to register the unit under which a path that the scoring file spells out leads to it, longest path first."""
    options = _holders(unit, taken)
    return [option for option in reversed(options) if _leads(spelt, posixpath.relpath(unit, posixpath.dirname(option) or "."))]


def _leads(spelt: Iterable[str], path: str) -> bool:
    """Whether one of the paths, which may hold `*`, is this one."""
    return any(each == path or ("*" in each and each.count("/") == path.count("/") and fnmatchcase(path, each)) for each in spelt)


def _as_laid(tree: Tree, unit: str, taken: Collection[str], spelt: Mapping[str, int]) -> str:
    """The unit, or the folder round it if that is what the scoring file expects or does not deny."""
    named = _options_named(unit, taken, spelt)
    if named:
        return named[0]
    holders = _holders(unit, taken)
    return unit if is_folder(tree, unit) or len(holders) == 1 else holders[1]


def _common(units: Sequence[str], taken: Collection[str]) -> str | None:
    """The innermost folder that holds all units and nothing that plays another part."""
    folder = posixpath.commonpath([posixpath.dirname(unit) for unit in units]) if all("/" in unit for unit in units) else ""
    return folder if folder and folder in _holders(f"{folder}/x", taken) else None


def _no_model(tree: Tree) -> Fault:
    fix = "Put the model file into the bundle (.pkl, .joblib, .onnx, .h5, .pt, … or an MLflow folder), or name it: model: my_file"
    pointers = [path for path in tree.files if path.endswith(".dvc")]
    if pointers:
        fix = f"{pointers[0]} only points to it: run `dvc pull` and pack the file itself."
    return Fault("MG120", "there is no model in the bundle", fix)


def _hollow(tree: Tree, model: str) -> Iterator[Fault]:
    """Models that are none: empty files, pointers of Git LFS, saved web pages."""
    files = [path for path in tree.files if model in {path, "."} or path.startswith(model + "/")]
    if files and not any(tree.files[path] for path in files):
        yield Fault("MG122", f"the model {model} is empty", "Pack the model file itself; an absent one is often left as 0 bytes.", files[0])
        return
    for path in files:
        if path == model or posixpath.splitext(path)[1].lower() in MODELS:
            yield from _hollow_file(tree, path)


def _hollow_file(tree: Tree, path: str) -> Iterator[Fault]:
    start = read(tree, path, 64)
    if not start:
        yield Fault("MG122", f"the model file {path} is empty", "Pack the model file itself.", path)
    elif start.startswith(_LFS):
        yield Fault("MG122", f"{path} is only a Git LFS pointer, not the model", "Run `git lfs pull`, then pack again.", path)
    elif start.lstrip().lower().startswith(_PAGES):
        yield Fault("MG131", f"{path} is a web page, not a model", "The download failed: fetch the file again, signed in.", path)
