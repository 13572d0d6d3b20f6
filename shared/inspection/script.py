"""What a Python file says of itself, read as a syntax tree; nothing of it is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from shared.domain.faults import Fault
from shared.inspection.names import LONGEST_PATH
from shared.inspection.text import read_text
from shared.inspection.tree import Tree

MOST_PARTS = 20
Function = ast.FunctionDef | ast.AsyncFunctionDef
_MISSES_ITSELF = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_BLOCKS = (ast.If, ast.Try, ast.With, ast.For, ast.While)


@dataclass(frozen=True)
class Import:
    """One imported module: `names` of a `from` import; `level` dots before it; `optional` when a failure is expected."""

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    optional: bool


@dataclass(frozen=True)
class Script:
    """A Python file of the bundle. `body` is None when it cannot be parsed; `faults` then says why."""

    path: str
    body: ast.Module | None
    text: str
    faults: tuple[Fault, ...] = ()

    @cached_property
    def bound(self) -> dict[str, ast.AST]:
        """Names bound at the top of the file, with the statement that binds them."""
        return dict(_bound(self.body.body)) if self.body else {}

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import, in the order of the lines."""
        found = (each for node, optional in _reached(self.body) for each in _imports(node, optional))
        return tuple(sorted(found, key=lambda each: (each.line, each.module)))

    @cached_property
    def paths(self) -> dict[str, int]:
        """Paths that the code spells out, `a/b.pkl` joined from its parts, with their lines."""
        return _paths(self.body) if self.body else {}

    def reached(self) -> Iterator[ast.AST]:
        """Every node but those below `if __name__ == "__main__"`."""
        return (node for node, _ in _reached(self.body))

    def defines(self, *names: str) -> bool:
        """Whether the file binds all these names; where it cannot be parsed, whether it looks like it."""
        if self.body is None:
            return all(re.search(rf"^(async\s+)?def {name}\b", self.text, re.MULTILINE) for name in names)
        return all(name in self.bound for name in names)


def read_script(tree: Tree, path: str) -> Script:
    """The file as a script; never raises for what is in it."""
    text, faults = read_text(tree, path)
    if text is None:
        return Script(path, None, "", faults)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes such as "\d" are the submitter's affair
            return Script(path, ast.parse(text, path), text)
    except SyntaxError as error:
        line = (error.text or "").strip()[:80]
        told = f"{path} is not valid Python: {error.msg}" + (f" at `{line}`" if line else "")
        return Script(
            path, None, text, (Fault("MG160", told, f"Mend it; `python -m py_compile {path}` shows the same.", path, error.lineno),)
        )
    except (ValueError, RecursionError, MemoryError) as error:
        return Script(
            path, None, text, (Fault("MG160", f"{path} cannot be read as Python: {error}", "Save it as plain, shorter code.", path),)
        )


def _bound(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    waiting = list(reversed(statements))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name.split(".")[0], node) for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((name.id, node) for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, _BLOCKS):
            waiting += [child for child in reversed(list(ast.iter_child_nodes(node))) if isinstance(child, ast.stmt)]
            waiting += [stmt for handler in getattr(node, "handlers", ()) for stmt in reversed(handler.body)]


def _reached(body: ast.Module | None) -> Iterator[tuple[ast.AST, bool]]:
    """Every node that serving may reach, and whether an import there may fail."""
    waiting: list[tuple[ast.AST, bool]] = [(body, False)] if body else []
    while waiting:
        node, optional = waiting.pop()
        yield node, optional
        if isinstance(node, ast.If) and _is_main(node.test):
            waiting += [(child, optional) for child in node.orelse]
            continue
        guarded = optional or (isinstance(node, ast.Try) and _catches_import_errors(node))
        guarded = guarded or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)[:200])
        waiting += [(child, guarded) for child in ast.iter_child_nodes(node)]


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _catches_import_errors(node: ast.Try) -> bool:
    caught = [handler.type for handler in node.handlers]
    names = {name.id for kind in caught if kind for name in ast.walk(kind) if isinstance(name, ast.Name)}
    return None in caught or not names.isdisjoint(_MISSES_ITSELF)


def _imports(node: ast.AST, optional: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, (), 0, node.lineno, optional) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level, node.lineno, optional)


def _paths(body: ast.Module) -> dict[str, int]:
    assigned = _assigned(body)
    found: dict[str, int] = {}
    seen: set[int] = set()
    for node in ast.walk(body):  # breadth first: a join is met before its parts
        parts = _parts(node) if id(node) not in seen else None
        if parts is None:
            continue
        seen.update(id(below) for part in parts for below in ast.walk(part))
        path = _spelt(parts, assigned)
        if path:
            found.setdefault(path, getattr(node, "lineno", 0))
    return found


def _assigned(body: ast.Module) -> dict[str, ast.expr]:
    """What names stand for, where they are given a value once."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values.setdefault(node.targets[0].id, []).append(node.value)
    return {name: given[0] for name, given in values.items() if len(given) == 1}


def _parts(node: ast.AST) -> list[ast.expr] | None:
    """The pieces that make up one path, or None when the node makes none."""
    if isinstance(node, ast.Constant):
        return [node] if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return list(node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
        return [*(_parts(node.left) or [node.left]), node.right] if isinstance(node.left, ast.BinOp) else [node.left, node.right]
    if isinstance(node, ast.Call) and _called(node) in {"join", "joinpath", "Path", "PurePath"}:
        return list(node.args)
    return [] if isinstance(node, ast.Call) and _called(node) == "get_model_path" else None


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _spelt(parts: list[ast.expr], assigned: dict[str, ast.expr]) -> str:
    """The literal end of the path: `join(folder, "model", NAME)` is `model/…`, also where `folder` is itself such a path."""
    texts: list[str] = []
    left = list(parts)
    for _ in range(MOST_PARTS):
        if not left:
            break
        part = left.pop()
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            texts.append(part.value)
            continue
        behind = assigned.get(part.id) if isinstance(part, ast.Name) else part
        inner = _parts(behind) if behind is not None else None
        if not inner:
            break
        left += inner
    path = "/".join(text.strip("/") for text in reversed(texts) if text.strip("/"))
    return path.removeprefix("./") if len(path) <= LONGEST_PATH and "\n" not in path else ""
