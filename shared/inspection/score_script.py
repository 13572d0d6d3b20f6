"""The scoring file and what it imports, held against the bundle, the environment file and the server."""

from __future__ import annotations

import ast
import posixpath
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from shared.domain.faults import Fault
from shared.domain.reading import did_you_mean
from shared.inspection.imports import Surroundings, absent, local_file, missing_imports
from shared.inspection.model_files import MODELS
from shared.inspection.script import Function, Script, read_script
from shared.inspection.tree import Tree
from shared.inspection.v1 import uses_of_v1

BATCH_PARAMETERS = frozenset({"mini_batch", "minibatch", "mini_batches"})
_KNOWN_DECORATORS = frozenset({"input_schema", "output_schema", "rawhttp"})  # they keep the signature
MOST_MODULES = 100


@dataclass(frozen=True)
class ScriptFindings:
    """What the scoring file is: `style` online or batch; `v1_imports`: it imports or calls what is left over of SDK v1."""

    style: str
    v1_imports: bool
    faults: tuple[Fault, ...]


def look_at_script(tree: Tree, script: Script, around: Surroundings | None, said: str = "auto") -> ScriptFindings:
    """Everything that can be told of the scoring file without running it.

    `around` is None when no environment file is known; `said` is the manifest's `script`.
    """
    if not script.text.strip() and not script.faults:
        return ScriptFindings("online", False, (_empty(tree, script),))
    style = _style(script) if said == "auto" else said
    if script.body is None:
        return ScriptFindings(style, False, tuple(_forgiven(fault, around) for fault in script.faults))
    modules = _modules(tree, script)
    left_over, v1 = uses_of_v1(modules)
    faults = [*_functions(tree, script, style), *_disagreement(script, said), *v1]
    if around is not None:
        faults += missing_imports(around, modules)
    faults += [fault for module in modules for fault in _files(tree, module)]
    faults += [fault for module in modules[1:] for fault in module.faults]
    return ScriptFindings(style, left_over, tuple(faults))


def look_at_parts(around: Surroundings, paths: Iterable[str]) -> list[Fault]:
    """Faults of metrics.py and preprocess.py, which run in the bundle's environment and are given pandas frames."""
    scripts = [read_script(around.tree, path) for path in paths]
    faults = [fault for script in scripts for fault in script.faults]
    faults += missing_imports(around, scripts)
    if not around.provided.has("pandas"):
        told = {fault.file for fault in faults if fault.code == "MG163" and "pandas" in fault.message}
        faults += [absent(around, "pandas", (script.path, None)) for script in scripts if script.path not in told]
    return faults


def _empty(tree: Tree, script: Script) -> Fault:
    others = [
        path for path in tree.files if path.endswith(".py") and path != script.path and read_script(tree, path).defines("init", "run")
    ]
    fix = (
        f"{others[0]} defines init and run: name it in manifest.yml, scoring: {others[0]}"
        if others
        else "Write init() and run(data) in it."
    )
    return Fault("MG169", f"{script.path} is empty", fix, script.path, 1)


def _forgiven(fault: Fault, around: Surroundings | None) -> Fault:
    """What is no syntax for the Python that checks may be some for a newer one."""
    asked = (around.environment.python or "").lstrip("=~>^< ").split(".") if around else []
    minor = asked[1] if len(asked) > 1 and asked[0] == "3" else ""
    if fault.code == "MG160" and minor.isdigit() and int(minor) > sys.version_info[1]:
        return replace(fault, severity="warning", fix=f"Checked with Python 3.{sys.version_info[1]}; {fault.fix}")
    return fault


def _modules(tree: Tree, script: Script) -> list[Script]:
    """The scoring file and every module of the bundle that it imports, directly or not."""
    found = {script.path: script}
    waiting = [script]
    while waiting and len(found) < MOST_MODULES:
        module = waiting.pop()
        for each in module.imports:
            for name in (each.module, *(f"{each.module}.{name}".lstrip(".") for name in each.names)):
                path = local_file(tree, script.path, module.path, name, each.level)
                if path and path not in found:
                    found[path] = read_script(tree, path)
                    waiting.append(found[path])
    return list(found.values())


# init and run


def _style(script: Script) -> str:
    run = script.bound.get("run")
    names = [each.arg for each in (*run.args.posonlyargs, *run.args.args)] if isinstance(run, Function) else []
    return "batch" if names and names[0].lower() in BATCH_PARAMETERS else "online"


def _disagreement(script: Script, said: str) -> Iterator[Fault]:
    if said == "online" and _style(script) == "batch":
        told = "the manifest says script: online, but run takes a mini_batch"
        yield Fault("MG168", told, "Write script: batch, or name the parameter data.", script.path, _line(script.bound["run"]), "warning")


def _functions(tree: Tree, script: Script, style: str) -> Iterator[Fault]:
    for name in ("init", "run"):
        node = _defined(tree, script, name)
        if node is None:
            if "*" not in {each for imported in script.imports for each in imported.names}:
                yield _undefined(script, name)
        elif isinstance(node, Function):
            wrong = _wrong_init(node) if name == "init" else _wrong_run(node, style)
            if wrong:
                yield Fault("MG162", f"{script.path}: {wrong[0]}", wrong[1], script.path, node.lineno)


def _undefined(script: Script, name: str) -> Fault:
    functions = [bound for bound, what in script.bound.items() if isinstance(what, Function)]
    word = next((each for each in functions if each.startswith(f"{name}_")), None) or did_you_mean(name, functions)
    fix = f"Is {word} meant? Call it {name}." if word else f"Define {name}({'data' if name == 'run' else ''})."
    return Fault("MG161", f"{script.path} defines no {name}", fix, script.path)


def _defined(tree: Tree, script: Script, name: str) -> ast.AST | None:
    """What binds the name; for one imported from another module of the bundle, its definition there."""
    node = script.bound.get(name)
    if isinstance(node, ast.ImportFrom):
        path = local_file(tree, script.path, script.path, node.module or "", node.level)
        original = next((alias.name for alias in node.names if name in {alias.asname, alias.name}), name)
        return read_script(tree, path).bound.get(original, node) if path else node
    return node


def _line(node: ast.AST) -> int | None:
    return getattr(node, "lineno", None)


def _wrong_init(node: Function) -> tuple[str, str] | None:
    if isinstance(node, ast.AsyncFunctionDef):
        return "init is async, which the server does not await", "Write def init():"
    needed = _needed(node)
    return (f"init needs {', '.join(needed)}, but is called without arguments", "Write def init():") if needed else None


def _wrong_run(node: Function, style: str) -> tuple[str, str] | None:
    fix = "Write def run(mini_batch):" if style == "batch" else "Write def run(data): or def run(data, request_headers):"
    if isinstance(node, ast.AsyncFunctionDef):
        return "run is async, which the server does not await", fix
    args = node.args
    names = [each.arg for each in (*args.posonlyargs, *args.args, *args.kwonlyargs) if each.arg != "request_headers"]
    if style == "online" and (args.vararg or args.kwarg or args.posonlyargs) and _keeps_signature(node):
        return "run takes *args, **kwargs or positional-only arguments, which the server refuses", fix
    if not names and not args.vararg:
        return "run takes no argument for the data, so the server does not start", fix
    extra = [name for name in _needed(node) if name != "request_headers"][1:]
    if extra and not node.decorator_list:
        return f"run needs {', '.join(extra)} too, but is called with one argument", fix
    return None


def _needed(node: Function) -> list[str]:
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    needed = plain[: len(plain) - len(args.defaults)]
    needed += [arg for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None]
    return [arg.arg for arg in needed]


def _keeps_signature(node: Function) -> bool:
    called = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    return all((each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")) in _KNOWN_DECORATORS for each in called)


# files it opens


def _files(tree: Tree, script: Script) -> Iterator[Fault]:
    """Model files that the code spells out and that are not there."""
    there = {posixpath.basename(path) for path in tree.files}
    for path, line in script.paths.items():
        name = posixpath.basename(path)
        if posixpath.splitext(name)[1].lower() in MODELS - {".model"} and "*" not in name and " " not in name and name not in there:
            if name.startswith(".") or not posixpath.splitext(name)[0]:
                continue
            word = did_you_mean(name, there)
            fix = f"Did you mean {word}?" if word else "Put the file into the bundle, or correct the name."
            yield Fault("MG167", f"{script.path} opens {path}, which is not in the bundle", fix, script.path, line, "warning")
