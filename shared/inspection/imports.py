"""Imports of the scoring file and its helpers, held against the bundle and the environment file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.domain.bundle import EnvironmentSpec
from shared.domain.faults import Fault, Severity
from shared.domain.reading import did_you_mean
from shared.inspection.packages import Provided, is_well_known, packages_of
from shared.inspection.pointers import is_folder
from shared.inspection.script import Import, Script
from shared.inspection.tree import Tree


def roots(entry: str) -> list[str]:
    """Where the server looks for the bundle's own modules: beside the scoring file `entry`, then the bundle's root."""
    return list(dict.fromkeys((posixpath.dirname(entry), "")))


def local_file(tree: Tree, entry: str, importer: str, module: str, level: int = 0) -> str | None:
    """The bundle's file behind a module that the file `importer` imports, if it is one of the bundle's own."""
    for root in roots(entry) if not level else [_above(importer, level)]:
        path = posixpath.join(root, *module.split(".")) if module else root
        found = next((each for each in (f"{path}.py", f"{path}/__init__.py") if each in tree.files), None)
        if found:
            return found
    return None


def _above(importer: str, level: int) -> str:
    folder = posixpath.dirname(importer)
    for _ in range(level - 1):
        folder = posixpath.dirname(folder)
    return folder


def is_local(tree: Tree, module: str, folders: Sequence[str]) -> bool:
    """Whether the bundle holds this module: a file, a package, a folder or a compiled one."""
    for root in folders:
        path = posixpath.join(root, *module.split("."))
        if f"{path}.py" in tree.files or is_folder(tree, path) or any(_compiled(each, path) for each in tree.files):
            return True
    return False


def _compiled(path: str, module: str) -> bool:
    return path.startswith(module + ".") and path.endswith((".so", ".pyd", ".pyc"))


LOGGED = frozenset({"log_metric", "log_metrics"})


@dataclass(frozen=True)
class Surroundings:
    """What an import is held against: the bundle's modules in `roots` and what the environment file brings. `entry`: the scoring file."""

    tree: Tree
    entry: str
    roots: tuple[str, ...]
    environment: EnvironmentSpec
    provided: Provided


def missing_imports(around: Surroundings, modules: Sequence[Script]) -> Iterator[Fault]:
    """A fault for each module that nothing brings, once, at its first import."""
    told: set[str] = set()
    for module in modules:
        for each in module.imports:
            for fault in () if each.optional else _about(around, module, each):
                if fault.message not in told:
                    told.add(fault.message)
                    yield fault


def _about(around: Surroundings, importer: Script, each: Import) -> Iterator[Fault]:
    tree = around.tree
    if each.level:
        yield from _relative(tree, importer, each, around.entry)
        return
    names = _names(each)
    if any(is_local(tree, name.split(".")[0], around.roots) for name in names):
        if not is_local(tree, each.module, around.roots):
            yield _left_out(tree, each.module, importer.path, each.line)
    elif not any(around.provided.has(name) for name in names):
        fault = absent(around, names[-1], (importer.path, each.line))
        yield _collected(fault) if each.module == "mlflow" and set(each.names) <= LOGGED else fault


def _collected(fault: Fault) -> Fault:
    """Serving brings a stand-in for mlflow's metrics, as many scripts want no more of it."""
    told = f"{fault.message}; log_metric and log_metrics are collected without it, anything else of it fails"
    return replace(fault, message=told, severity="warning")


def _names(each: Import) -> list[str]:
    """The modules that an import may mean; `from google.cloud import storage` means google.cloud.storage, where storage is a module."""
    shared_space = each.module.split(".")[0] in {"azure", "google", "azureml"}
    return [each.module, *(f"{each.module}.{name}" for name in each.names if shared_space and name.islower())]


def _relative(tree: Tree, importer: Script, each: Import, entry: str) -> Iterator[Fault]:
    if importer.path == entry:
        name = each.module or each.names[0]
        told = f"{importer.path} imports {'.' * each.level}{name}, but is loaded as a single file, not as part of a package"
        yield Fault("MG164", told, f"Write `from {name} import …` without the dot.", importer.path, each.line)
    elif each.module and not local_file(tree, entry, importer.path, each.module, each.level):
        yield _left_out(tree, each.module, importer.path, each.line)


def _left_out(tree: Tree, module: str, file: str, line: int | None) -> Fault:
    word = did_you_mean(module.rsplit(".", maxsplit=1)[-1], [posixpath.basename(path)[:-3] for path in tree.files if path.endswith(".py")])
    fix = f"Did you mean {word}?" if word else f"Put {module.replace('.', '/')}.py into the bundle, beside the scoring file."
    return Fault("MG164", f"{file} imports {module}, which is not in the bundle", fix, file, line)


def absent(around: Surroundings, module: str, at: tuple[str, int | None], code: str = "MG163") -> Fault:
    """The fault for a module that neither the bundle nor the environment brings. Only a warning where a listed package may bring it."""
    environment = around.environment
    severity: Severity = "error" if around.provided.is_sure else "warning"
    package = packages_of(module)[0]
    if is_well_known(module):
        told = f"{at[0]} needs {module}, and {environment.file} does not list {package}"
        return Fault(code, told, line_to_add(environment, package), *at, severity)
    word = did_you_mean(package, [requirement.name for requirement in environment.requirements])
    hint = f" ({environment.file} lists {word})" if word else ""
    told = f"{at[0]} needs {module}, which is neither in the bundle nor in {environment.file}{hint}"
    fix = f"Put {module.split('.', maxsplit=1)[0]}.py into the bundle, or, if it is a package: {line_to_add(environment, package)}"
    return Fault("MG164" if code == "MG163" else code, told, fix, *at, severity)


def line_to_add(environment: EnvironmentSpec, package: str) -> str:
    """The line that would bring the package."""
    if environment.file.endswith(".txt"):
        return f"Add the line `{package}` to {environment.file}."
    return f"Add the line `- {package}` under `- pip:` in {environment.file}."
