"""Azure ML SDK v1 in scoring files: what is only a left-over and is served, and what would need a workspace."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from shared.domain.faults import Fault
from shared.inspection.script import Script

_OWN = re.compile(r"azureml\.(core|train|data|pipeline)(\.|$)")
_MODEL = "Read the model from os.environ['AZUREML_MODEL_DIR']; serving needs no workspace."
_DATA = "Put the file that scoring needs into the bundle's model folder and open it there."
_LATER = "Leave it out of the scoring file: training, registering and deploying are done elsewhere."
# what is called or looked up, behind `azureml.core.`; the first that fits tells how to go on
_NEEDS_WORKSPACE = (
    (re.compile(r"Workspace(\(\)|\.(from_config|get|create|list|setup)\(\))$"), _MODEL),
    (re.compile(r"Run\.get_context\(\)\.(experiment|input_datasets|parent|get_file_names|download_file)$"), _MODEL),
    (re.compile(r"Model(\(\)|\.(list|register|deploy|package)\(\))$"), _MODEL),
    (re.compile(r"(Dataset|Datastore|TabularDataset|FileDataset)(\(\)|\.(get\w*|register\w*|Tabular\.\w+|File\.\w+)\(\))$"), _DATA),
    (
        re.compile(r"(Keyvault|Environment)\.(get|get_secret|list)\(\)$"),
        "Give settings and secrets to the endpoint as environment variables.",
    ),
    (re.compile(r"(Webservice|AciWebservice|AksWebservice|Experiment|ComputeTarget|Pipeline\w*)(\(\)|\.\w+\(\))$"), _LATER),
)


def uses_of_v1(modules: Sequence[Script]) -> tuple[bool, list[Fault]]:
    """Whether anything of SDK v1 is left over, and the faults: one warning for what is served, an error for each use of a workspace."""
    errors = [fault for module in modules for fault in _uses(module)]
    first = next(((module, line) for module in modules if (line := _left_over(module)) is not None), None)
    if first is None:
        return False, errors
    module, line = first
    told = f"{module.path} uses azureml.core of SDK v1, which is out of support; a stand-in is given to it"
    fix = "Take the import out; instead of Model.get_model_path use os.path.join(os.environ['AZUREML_MODEL_DIR'], 'model.pkl')."
    return True, [*errors, Fault("MG165", told, fix, module.path, line, "warning")]


def _left_over(script: Script) -> int | None:
    """The line of the first import of azureml.core or call of Model.get_model_path."""
    lines = [each.line for each in script.imports if not each.level and re.match(r"azureml\.core(\.|$)", each.module)]
    lines += [each.line for each in script.imports if each.module == "azureml" and "core" in each.names]
    calls = (node for node in script.reached() if isinstance(node, ast.Attribute) and node.attr == "get_model_path")
    return min([*lines, *(node.lineno for node in calls)], default=None)


def _uses(script: Script) -> Iterator[Fault]:
    names = _names(script)
    if not names:
        return
    for node in script.reached():
        if isinstance(node, ast.Call | ast.Attribute):
            spelt = _dotted(node, names)
            hint = _hint(spelt) if spelt and _OWN.match(spelt) else None
            if hint:
                what = re.sub(r"^azureml\.\w+\.(\w+\.)*?(?=[A-Z])", "", spelt or "")
                told = f"{script.path} uses {what}, which needs an SDK v1 workspace"
                yield Fault("MG166", told, hint, script.path, node.lineno)


def _hint(spelt: str) -> str | None:
    found = (hint for pattern, hint in _NEEDS_WORKSPACE if re.search(r"\." + pattern.pattern, spelt))
    return next(found, None)


def _names(script: Script) -> dict[str, str]:
    """What each name of the file stands for, as far as it comes from azureml: `W` -> `azureml.core.Workspace`."""
    names: dict[str, str] = {}
    for node in script.reached():
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("azureml"):
                    names[alias.asname or "azureml"] = alias.name if alias.asname else "azureml"
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("azureml"):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in script.reached() if names else ():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
            spelt = _dotted(node.value, names)
            if spelt and spelt.endswith("get_context()"):
                names[node.targets[0].id] = spelt
    return names


def _dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """`azureml.core.Run.get_context().experiment` for the expression, if it starts at one of `names`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call):
        parts.append(f".{node.attr}" if isinstance(node, ast.Attribute) else "()")
        node = node.value if isinstance(node, ast.Attribute) else node.func
    if not isinstance(node, ast.Name) or node.id not in names:
        return None
    return names[node.id] + "".join(reversed(parts))
