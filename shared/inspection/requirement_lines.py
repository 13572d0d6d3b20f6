"""One line of an environment file -> a requirement for PyPI, and what is to be said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet

from shared.domain.bundle import Requirement
from shared.domain.faults import Fault, Severity
from shared.inspection.conda_names import MISTAKEN, canonical, meaning

SERVER = "azureml-inference-server-http"
_SERVED_BY_STAND_IN = ("azureml-core", "azureml-sdk", "azureml-model-management-sdk", "azureml-contrib-services", "azureml-telemetry")
_CONDA = re.compile(r"(?:(?P<channel>[^\s\[\]]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<rest>.*)", re.DOTALL)
_ATTRIBUTES = re.compile(r"\[(?P<inside>[^\]]*)\]")
_VERSION_ATTRIBUTE = re.compile(r"""version\s*=\s*['"]?(?P<version>[^'"\]]+)""")
_CLAUSE = re.compile(r"(?P<op>===|==|!=|~=|>=|<=|=|>|<)(?P<version>[^\s=]+)(?:=[^\s,]+)?")
_INDEX_OPTION = re.compile(r"(?:^|\s)(-i|--index-url|--extra-index-url|-f|--find-links|--no-index|--trusted-host)(?=[\s=]|$)")
_ELSEWHERE = re.compile(r"^(-e\b|--editable\b|-c\b|--constraint\b|\.{0,2}/|[\w+.]+://|.*\.(whl|zip|tar\.gz|tar\.bz2|conda)(\s|$))")


@dataclass(frozen=True)
class Line:
    """A line as written, and where. `conda`: in the conda section of a conda file, else as pip reads it."""

    text: str
    file: str
    number: int
    conda: bool = False

    def fault(self, code: str, message: str, fix: str = "", severity: Severity = "error") -> Fault:
        """A fault at this line."""
        return Fault(code, message, fix, self.file, self.number, severity)


@dataclass(frozen=True)
class Understood:
    """What one line asks for: a package, a Python, or nothing (then `faults` say why, or it is not worth a word)."""

    requirement: Requirement | None = None
    python: str | None = None
    faults: tuple[Fault, ...] = ()


def understand(line: Line) -> Understood:
    """What `line` asks for. Never raises: what cannot be read is a fault with the line's place."""
    found = _conda_line(line) if line.conda else _pip_line(line)
    requirement = found.requirement
    return _azureml(line, requirement) if requirement and requirement.name.startswith("azureml-") else found


def conda_specifier(text: str) -> str:
    """A conda version (what follows the name) as PEP 440 specifier; "" for any. Raises ValueError when PEP 440 cannot say it.

    `=1.7.0` means any build of 1.7.0 and `=1.7` any 1.7: the first is `==1.7.0` on PyPI, the second `==1.7.*`.
    """
    text = re.sub(r"\s*(,|===|==|!=|~=|>=|<=|=|>|<)\s*", r"\1", text.strip())
    if "|" in text:
        raise ValueError("alternatives with | cannot be said on PyPI")
    if text in {"", "*", "=*"}:
        return ""
    if text[0].isdigit():  # `name 1.2 build`
        return _exact(text.split()[0])
    if re.match(r"=[^=]", text):  # `name=1.2`, `name=1.2=build`
        version, _, build = text[1:].partition("=")
        return _exact(version) if build.strip("*") else _starts_with(version.strip())
    specifier = ",".join(_clause(part) for part in text.split()[0].split(","))
    return str(SpecifierSet(specifier)) and specifier


def _exact(version: str) -> str:
    specifier = _starts_with(version) if version.endswith("*") else f"=={version}"
    return str(SpecifierSet(specifier)) and specifier


def _starts_with(version: str) -> str:
    stem = version.rstrip("*").rstrip(".")
    specifier = f"=={stem}" if stem.count(".") >= 2 and not version.endswith("*") else f"=={stem}.*"  # noqa: PLR2004
    return str(SpecifierSet(specifier)) and specifier


def _clause(text: str) -> str:
    parts = _CLAUSE.fullmatch(text)
    if not parts:
        raise ValueError(f"{text!r} is not a version")
    op, version = parts["op"], parts["version"]
    if op == "=":
        return _starts_with(version)
    if version.endswith("*"):
        stem = version.rstrip("*").rstrip(".")
        return f"{op}{stem}.*" if op in {"==", "!="} else f"{op}{stem}"
    return f"{op}{version}"


def _conda_line(line: Line) -> Understood:
    parts = _CONDA.fullmatch(line.text.strip())
    if not parts or "://" in line.text:
        return _not_understood(line) if "://" not in line.text else _from_elsewhere(line)
    name, extras, version = _conda_parts(parts["name"], parts["rest"])
    try:
        specifier = "" if meaning(name).kind == "not needed" else conda_specifier(version)
    except ValueError as error:
        return _not_understood(line, str(error))
    if name.lower() == "python":
        return Understood(python=python_asked(specifier))
    return _conda_package(line, name, extras, specifier)


def _conda_parts(name: str, rest: str) -> tuple[str, str, str]:
    """Name, extras and version: brackets hold extras, or conda's `version='>=1.2'`."""
    inside = _ATTRIBUTES.search(rest)
    if not inside:
        return name, "", rest
    outside = rest.replace(inside[0], "").strip()
    if "=" not in inside["inside"]:
        return name, inside[0], outside
    version = _VERSION_ATTRIBUTE.search(inside["inside"])
    return name, "", version["version"] if version else outside


def python_asked(specifier: str) -> str | None:
    """`==3.11.*` and `==3.11` are the bare `3.11`; ranges stay; "" is None."""
    bare = re.fullmatch(r"===?\s*(\d+(?:\.\d+)*)(?:\.\*)?", specifier)
    return bare[1] if bare else specifier or None


def _conda_package(line: Line, name: str, extras: str, specifier: str) -> Understood:
    means = meaning(name)
    if means.kind == "only conda":
        return Understood(faults=(_only_conda(line, name, means.name, means.remark),))
    if means.kind == "not needed":
        said = line.fault("MG208", f"{name} is left out: {means.remark}", "", "info")
        return Understood(faults=(said,) if means.said else ())
    assert means.name is not None  # noqa: S101 - a package has a name
    requirement = Requirement(means.name, f"{means.name}{extras}{specifier}", line.file, line.number, line.text.strip())
    remark = f"{name} is called {means.name} on PyPI" + (f"; {means.remark}" if means.remark else "")
    return Understood(requirement, faults=(line.fault("MG208", remark, "", "info"),) if means.name != canonical(name) else ())


def _only_conda(line: Line, name: str, instead: str | None, remark: str) -> Fault:
    fix = (
        f"Write {instead} in its place, if that does what your code needs."
        if instead
        else "Take the line out, and do without it in the scoring file."
    )
    return line.fault(
        "MG205",
        f"{name} exists only for conda; this environment is made from PyPI",
        f"{remark[:1].upper()}{remark[1:]}." if remark else fix,
    )


def _pip_line(line: Line) -> Understood:
    text = re.sub(r"(^|\s)#.*$", "", line.text).strip()
    if not text:
        return Understood()
    if _INDEX_OPTION.search(text):
        return _index_option(line)
    if _ELSEWHERE.match(text):
        return _from_elsewhere(line)
    if text.startswith("-"):
        return Understood(faults=(line.fault("MG208", f"the option {text.split()[0]} is not used here", "", "warning"),))
    return _pip_package(line, re.split(r"\s+--?[a-z]", text)[0].strip())


def _pip_package(line: Line, text: str) -> Understood:
    try:
        asked = Pep508(re.sub(r"([<>]=?\s*[\w.]+?)\.\*", r"\1", text))  # `>=1.0.*`: old tools took it as `>=1.0`
    except InvalidRequirement:
        return _not_understood(line)
    if asked.url:
        return _from_elsewhere(line)
    name = canonical(asked.name)
    if name == "python":
        return Understood(python=python_asked(str(asked.specifier)))
    if name == "sklearn":
        asked.name = name = MISTAKEN[name]
        said = (line.fault("MG208", "sklearn is called scikit-learn on PyPI", "Write scikit-learn.", "warning"),)
        return Understood(Requirement(name, str(asked), line.file, line.number, line.text.strip()), faults=said)
    if name == "pip":
        return Understood()
    return Understood(Requirement(name, str(asked), line.file, line.number, line.text.strip()))


def _azureml(line: Line, requirement: Requirement) -> Understood:
    """What old SDK packages meant for serving: the server, or nothing that is needed outside a v1 workspace."""
    if requirement.name == "azureml-defaults":
        said = line.fault("MG209", f"azureml-defaults is taken as the scoring server, {SERVER}", f"Write {SERVER}.", "info")
        return Understood(Requirement(SERVER, SERVER, line.file, line.number, requirement.written), faults=(said,))
    if requirement.name in _SERVED_BY_STAND_IN:
        message = f"{requirement.name} (SDK v1) is out of support and is left out; a stand-in answers imports that are left over"
        return Understood(faults=(line.fault("MG209", message, "Take the line out, and the imports that are not used.", "warning"),))
    return Understood(requirement)


def _index_option(line: Line) -> Understood:
    message = "a bundle cannot name where packages come from"
    fix = "Take the option out. The index is the site's: its operator sets UV_DEFAULT_INDEX or UV_INDEX where modelgate runs."
    return Understood(faults=(line.fault("MG203", message, fix),))


def _from_elsewhere(line: Line) -> Understood:
    name = re.match(r"([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?\s*@", line.text.strip())
    fix = (
        f"Write {name[1]}==<version>."
        if name
        else "Write the package's name and version from PyPI, or put its source into the bundle's folder."
    )
    return Understood(faults=(line.fault("MG204", f"{shorten(line.text)!r} is not a package of the index", fix),))


def _not_understood(line: Line, why: str = "") -> Understood:
    text = line.text.strip()
    pinned = re.fullmatch(r"([\w.\[\],-]+?)\s*=\s*([\w.*]+)", text)
    if pinned and not line.conda:
        fix = f"Write {pinned[1]}=={pinned[2]}."
    elif close := get_close_matches(text.split(" ")[0].lower(), MISTAKEN, 1, 0.9):
        fix = f"Write {MISTAKEN[close[0]]}."
    else:
        fix = "Write one package a line, such as scikit-learn==1.7.2."
    return Understood(
        faults=(line.fault("MG202", f"{shorten(text)!r} is not a package with a version" + (f": {why}" if why else ""), fix),)
    )


def shorten(text: str) -> str:
    """Fit for a message."""
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004
