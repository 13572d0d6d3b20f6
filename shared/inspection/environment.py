"""Environment files: which file is one, and what it asks for, with each package's line."""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet

from shared.domain.bundle import EnvironmentSpec, Requirement
from shared.domain.faults import Fault
from shared.inspection.requirement_lines import Line, Understood, python_asked, shorten, understand
from shared.inspection.tree import Tree, read

if TYPE_CHECKING:
    import yaml

LARGEST = 1 << 20  # bytes; a longer file is no environment file
_WELL_KNOWN = re.compile(r"^(conda|env|environment|myenv|conda[-_](env|dependencies)|inference[-_]conda)\.ya?ml$", re.IGNORECASE)
_SOUNDS_LIKE = re.compile(r"env|conda|deps|dependenc", re.IGNORECASE)
_FOR_SERVING = re.compile(r"scor|infer|serv|deploy|predict", re.IGNORECASE)
_FOR_OTHERS = re.compile(r"train|dev|test|ci[-_.]|build|lint|docs|notebook|gpu", re.IGNORECASE)
_ASSET_KEYS = frozenset({"$schema", "image", "build", "conda_file"})  # an Azure ML environment asset, and other things of Azure ML
_MLFLOW_OWN = frozenset({"conda.yaml", "conda.yml", "requirements.txt"})
_KEYS = ("name", "channels", "dependencies", "pip", "prefix", "variables", "platforms")


def find_environment(tree: Tree) -> list[str]:
    """Files that are environment files by content, best first: conda YAML, or requirements files when there is none.

    First comes what is named for serving, has a well-known name, and lies near the root; what is named for training or tests comes
    last. The files inside an MLflow model folder count only when there are no others (its MLmodel makes it a bundle of its own).
    """
    mlflow = {posixpath.dirname(path) for path in tree.files if posixpath.basename(path) == "MLmodel"}
    files = [path for path in sorted(tree.files) if 0 <= tree.files[path] <= LARGEST]
    found = [path for path in files if _is_conda_name(path) and _is_conda(tree, path)]
    found = found or [path for path in files if _is_requirements(path)]
    others = [path for path in found if not (posixpath.dirname(path) in mlflow and posixpath.basename(path) in _MLFLOW_OWN)]
    return sorted(others or found, key=_rank)


def read_environment(tree: Tree, path: str) -> tuple[EnvironmentSpec | None, tuple[Fault, ...]]:
    """What the file asks for, with every fault that is in it. The spec is None only when the file cannot be read at all.

    Each requirement keeps the place and the words of its line. With a fault of severity error the spec holds what was understood.
    """
    reading = _Reading(tree, path)
    if path.lower().endswith((".yml", ".yaml")):
        whole = _read_conda(reading)
    else:
        whole = _read_requirements(reading, path)
        _read_python_env(reading)
    requirements = _one_each(reading)
    spec = EnvironmentSpec(path, reading.python, reading.python_line, tuple(requirements), python_file=reading.python_file)
    return (spec if whole else None), tuple(reading.faults)


@dataclass
class _Reading:
    """What was read so far."""

    tree: Tree
    path: str
    requirements: list[Requirement] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    python: str | None = None
    python_line: int | None = None
    python_file: str | None = None
    included: set[str] = field(default_factory=set)

    def take(self, line: Line, understood: Understood) -> None:
        self.faults += understood.faults
        if understood.requirement:
            self.requirements.append(understood.requirement)
        if understood.python:
            self.python, self.python_line = understood.python, line.number
            self.python_file = line.file if line.file != self.path else None

    def say(self, code: str, message: str, fix: str, line: int | None = None) -> bool:
        """Keep an error; answers False, so that a reader can end with it."""
        self.faults.append(Fault(code, message, fix, self.path, line))
        return False


# Which files


def _rank(path: str) -> tuple[bool, bool, bool, int, str]:
    name = posixpath.basename(path)
    return bool(_FOR_OTHERS.search(name)), not _FOR_SERVING.search(path), not _WELL_KNOWN.match(name), path.count("/"), path


def _is_conda_name(path: str) -> bool:
    name = posixpath.basename(path).lower()
    return name.endswith((".yml", ".yaml")) and name != "python_env.yaml" and not any(part.startswith(".") for part in path.split("/"))


def _is_conda(tree: Tree, path: str) -> bool:
    """By its keys; a file that is no YAML, or has no packages, is one by its name, so that its fault can be told."""
    import yaml  # noqa: PLC0415 - not at the start of the functions

    sounds = bool(_SOUNDS_LIKE.search(posixpath.basename(path)))
    try:
        text = _text(read(tree, path, LARGEST))
        node = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return sounds
    if not isinstance(node, yaml.MappingNode):
        return sounds
    keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    return bool("dependencies" in keys or (sounds and keys & {"channels", "pip"})) and not keys & _ASSET_KEYS


def _is_requirements(path: str) -> bool:
    name = posixpath.basename(path).lower()
    stem = re.split(r"[-_.]", name)[0]
    return name.endswith(".txt") and (
        posixpath.basename(posixpath.dirname(path)) == "requirements" or bool(get_close_matches(stem, ["requirements"], 1, 0.85))
    )


def _text(content: bytes) -> str:
    """UTF-8, or UTF-16 when it says so (PowerShell writes that). Raises UnicodeDecodeError."""
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig")


def _text_of(reading: _Reading, path: str) -> str | None:
    try:
        return _text(read(reading.tree, path, LARGEST))
    except UnicodeDecodeError as error:
        reading.faults.append(Fault("MG129", f"{path} is not UTF-8 text (byte {error.start})", "Save it as UTF-8.", path))
        return None


# Conda files


def _read_conda(reading: _Reading) -> bool:
    import yaml  # noqa: PLC0415 - not at the start of the functions

    text = _text_of(reading, reading.path)
    if text is None:
        return False
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return reading.say(
            "MG200", f"this is not YAML: {error.problem or error.context}", _yaml_fix(text, mark), mark.line + 1 if mark else None
        )
    except (yaml.YAMLError, RecursionError) as error:
        return reading.say("MG200", f"this is not YAML: {shorten(str(error))}", "Write it as plain text in UTF-8.")
    if not isinstance(root, yaml.MappingNode):
        return reading.say("MG201", "the file has no `dependencies:`", "Write `dependencies:` and under it one `- package` a line.", 1)
    return _read_sections(reading, root)


def _yaml_fix(text: str, mark: yaml.Mark | None) -> str:
    lines = text.splitlines()
    if mark and any("\t" in line for line in lines[max(0, mark.line - 1) : mark.line + 1]):
        return "Indent with spaces, not tabs."
    return "Mend the indentation: `dependencies:` at the left, then `  - package=1.0` a line."


def _read_sections(reading: _Reading, root: yaml.MappingNode) -> bool:
    sections = [(str(key.value), key.start_mark.line + 1, value) for key, value in root.value]
    for name, line, value in sections:
        if name == "pip":
            reading.say(
                "MG201",
                "`pip:` stands beside `dependencies:`, where conda does not read it",
                "Indent it as `  - pip:` under `dependencies:`.",
                line,
            )
        elif name == "variables" and value.value:
            said = "variables of the environment are not set when the model is served"
            reading.faults.append(Fault("MG208", said, "Set what the code needs in the scoring file.", reading.path, line, "warning"))
    found = [(line, value) for name, line, value in sections if name == "dependencies"]
    if not found:
        close = next((name for name, _, _ in sections if get_close_matches(name, _KEYS, 1, 0.7) == ["dependencies"]), None)
        return reading.say(
            "MG201",
            "the file has no `dependencies:`",
            f"Write `dependencies:` instead of `{close}:`." if close else "Add `dependencies:`.",
            1,
        )
    if len(found) > 1:
        reading.say(
            "MG201", f"`dependencies:` is there twice (lines {found[0][0]} and {found[1][0]})", "Put all packages under one.", found[1][0]
        )
    return _read_dependencies(reading, *found[0])


def _read_dependencies(reading: _Reading, line: int, node: yaml.Node) -> bool:
    import yaml  # noqa: PLC0415 - not at the start of the functions

    if isinstance(node, yaml.ScalarNode) and node.value.strip() in {"", "null", "~"}:
        return True
    if not isinstance(node, yaml.SequenceNode):
        return reading.say("MG201", "`dependencies:` is not a list", "Write one `- package` a line under it.", line)
    for item in node.value:
        if isinstance(item, yaml.ScalarNode):
            _take(reading, Line(item.value, reading.path, item.start_mark.line + 1, conda=True))
        elif isinstance(item, yaml.MappingNode):
            _read_pip(reading, item)
        else:
            reading.say("MG201", "a list inside the list of packages", "Write one `- package` a line.", item.start_mark.line + 1)
    return True


def _read_pip(reading: _Reading, item: yaml.MappingNode) -> None:
    import yaml  # noqa: PLC0415 - not at the start of the functions

    for key, value in item.value:
        line = key.start_mark.line + 1
        if key.value != "pip":
            reading.say(
                "MG201",
                f"`{shorten(str(key.value))}:` is no section of packages",
                "Only `- pip:` is; write a package as `- name=1.0`.",
                line,
            )
            continue
        entries = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for entry in entries:
            if not isinstance(entry, yaml.ScalarNode):
                reading.say("MG201", "a line under `pip:` is no package", "Write one `- package==1.0` a line.", entry.start_mark.line + 1)
            elif entry.value.strip() not in {"", "null", "~"}:
                _take(reading, Line(entry.value, reading.path, entry.start_mark.line + 1))


def _take(reading: _Reading, line: Line) -> None:
    included = None if line.conda else re.match(r"^(?:-r|--requirement)[\s=]*(?P<path>[^\s#]+)", line.text.strip())
    if included:
        _include(reading, line, included["path"])
    elif line.text.strip():
        reading.take(line, understand(line))


# Requirements files


def _include(reading: _Reading, line: Line, name: str) -> None:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(line.file), name))
    if path in reading.tree.files and reading.tree.files[path] <= LARGEST:
        _read_requirements(reading, path)
    else:
        reading.faults.append(
            line.fault("MG207", f"{name} is not in the bundle", "Put the file into the bundle, or its lines in place of this one.")
        )


def _read_requirements(reading: _Reading, path: str) -> bool:
    if path in reading.included:
        return True
    reading.included.add(path)
    text = _text_of(reading, path)
    if text is None:
        return False
    for number, written in _joined(text.splitlines()):
        _take(reading, Line(written, path, number))
    return True


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    r"""Lines that end in `\` go on in the next; each whole line with the number of its first."""
    start, whole = 0, ""
    for number, line in enumerate(lines, 1):
        start = start or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            whole += line[:-1]
            continue
        yield start, (whole + line).strip()
        start, whole = 0, ""
    if whole:
        yield start, whole.strip()


def _read_python_env(reading: _Reading) -> None:
    """MLflow keeps the Python of a requirements.txt beside it, in python_env.yaml."""
    path = posixpath.join(posixpath.dirname(reading.path), "python_env.yaml")
    if reading.python or path not in reading.tree.files or reading.tree.files[path] > LARGEST:
        return
    for number, line in enumerate((_text_of(reading, path) or "").splitlines(), 1):
        if found := re.match(r"python:\s*['\"]?(\d[\d.]*)", line):
            reading.python, reading.python_line, reading.python_file = python_asked(f"=={found[1]}"), number, path


# Twice the same package


def _one_each(reading: _Reading) -> list[Requirement]:
    """Every requirement, but not the same twice; two that cannot both hold are a fault that names both lines."""
    kept: list[Requirement] = []
    for requirement in reading.requirements:
        same = [other for other in kept if other.name == requirement.name]
        clash = next((other for other in same if _disagree(other, requirement)), None)
        if clash:
            reading.faults.append(_twice(clash, requirement))
        elif all(other.spec != requirement.spec for other in same):
            kept.append(requirement)
    named = {
        requirement.name: any(Pep508(other.spec).specifier for other in kept if other.name == requirement.name) for requirement in kept
    }
    return [each for each in kept if not (named[each.name] and _says_nothing(each))]


def _says_nothing(requirement: Requirement) -> bool:
    """Just the name, which another line says with more."""
    return requirement.spec == requirement.name


def _disagree(one: Requirement, other: Requirement) -> bool:
    """Whether one pins a version that the other does not allow, on the same machines."""
    first, second = Pep508(one.spec), Pep508(other.spec)
    if str(first.marker or "") != str(second.marker or ""):
        return False
    return any(not b.contains(version, prereleases=True) for a, b in _both(first.specifier, second.specifier) for version in _exact(a))


def _both(one: SpecifierSet, other: SpecifierSet) -> tuple[tuple[SpecifierSet, SpecifierSet], ...]:
    return (one, other), (other, one)


def _exact(specifiers: SpecifierSet) -> list[str]:
    return [each.version for each in specifiers if each.operator in {"==", "==="} and not each.version.endswith(".*")]


def _twice(one: Requirement, other: Requirement) -> Fault:
    place = f"line {one.line}" + (f" of {one.file}" if one.file != other.file else "")
    message = f"{other.name} is pinned twice: {shorten(one.written)!r} ({place}) and {shorten(other.written)!r} (line {other.line})"
    return Fault("MG206", message, "Keep one of them.", other.file, other.line)
