"""A failed build, read: which package, which line of the environment file, whose fault, and the lines of log that matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from shared.domain.bundle import Requirement
from shared.domain.errors import BundleFault, ModelgateError, Permanent, Temporary
from shared.domain.faults import Fault
from shared.inspection.conda_names import MISTAKEN, WELL_KNOWN, canonical
from shared.inspection.requirement_lines import SERVER

LINES = 10  # of log that are told
NAME = r"([A-Za-z0-9][A-Za-z0-9._-]*?)"
_NETWORK = re.compile(
    r"Request failed after|Failed to fetch|error sending request|dns error|tcp connect error|operation timed out|connection (reset|closed)"
    r"|HTTP status server error|429 Too Many|incomplete message|unexpected EOF|network was disabled",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"HTTP status client error \((401|403|407)|invalid peer certificate|InvalidCertificate", re.IGNORECASE)
_FULL = re.compile(r"No space left on device|os error 28|Disk quota exceeded|os error 122", re.IGNORECASE)
_UNKNOWN = re.compile(rf"{NAME} was not found in the package registry")
_NO_VERSION = re.compile(
    rf"(?:there (?:is|are) no versions? of|only the following versions of|only) {NAME}(?:\[[^\]]*\])?(?:[=<>~!{{ ,]|$)"
)
_PYTHON = re.compile(
    rf"current Python version \(([\d.]+)\) does not satisfy Python([<>=!~]\S+?) and (?:\S+ )*?"
    rf"{NAME}(?:\[[^\]]*\])?[=<>]\S* depends on Python"
)
_NO_WHEEL = re.compile(rf"{NAME}(?:\[[^\]]*\])?(?:==\S+)? has no (?:usable )?wheels(?: with a matching (Python|platform))?")
_BUILD = re.compile(rf"Failed to (?:download and )?build `{NAME}(?:[=@ ]+([^`]+))?`")
_SERVER_NEEDS = re.compile(rf"{re.escape(SERVER)}\S* depends on ([^\s,]+(?:,[<>=!~][^\s,]+)*)")


@dataclass(frozen=True)
class Failure:
    """How a build failed: what `build_environment.py` says, beside what was asked for."""

    step: str
    text: str
    requirements: Sequence[Requirement]
    file: str
    python: str
    seconds: float
    bytes: int
    newest: Mapping[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def flat(self) -> str:
        """The words of uv in one line, without what a package's own build said."""
        return " ".join(self.text.split("[stderr]", 1)[0].replace("cause:", " ").split())

    def asked(self, name: str) -> Requirement | None:
        """The line that asks for a package."""
        return next((each for each in self.requirements if each.name == canonical(name)), None)

    def fault(self, code: str, message: str, fix: str, name: str | None = None) -> Fault:
        """A fault at the line of `name`, with the log's lines below the message."""
        at = self.asked(name) if name else None
        whole = "\n".join([message, *(f"  {line}" for line in lines_that_matter(self.text))])
        return Fault(code, whole, fix, at.file if at else self.file, at.line if at else None)


def failure_of(told: Mapping[str, Any], asked: Sequence[Requirement], file: str, *, python: str, limits: tuple[float, int]) -> Failure:
    """From the builder's result; `limits` are seconds and bytes."""
    more = {"newest": told.get("newest", {}), "size": told.get("size", 0)}
    return Failure(told["step"], told["text"], asked, file, python, *limits, **more)


def explain(failure: Failure) -> ModelgateError:
    """Whose fault it is: the bundle's (BundleFault), the network's (Temporary), or this machine's (Permanent)."""
    trouble = _platform(failure)
    return trouble or BundleFault(_told(failure))


def _platform(failure: Failure) -> ModelgateError | None:
    words = failure.flat
    if failure.step in {"time", "size", "check"}:
        return None
    if failure.step == "disk" or _FULL.search(failure.text):
        return Permanent(
            "The disk is full: an environment could not be built. Free space where modelgate keeps its environments, then retry."
        )
    if failure.step == "platform":
        return Permanent(f"An environment could not be built on this machine: {failure.text}")
    if _REFUSED.search(words):
        return Permanent(
            "The package index refuses this machine: its operator must check the credentials, proxy and certificates that uv uses."
        )
    if _NETWORK.search(words):
        return Temporary("The package index could not be reached; the build is tried again.")
    return None


def _told(failure: Failure) -> Fault:
    """The first reading that fits, the most certain first."""
    if failure.step in _BY_STEP:
        return _BY_STEP[failure.step](failure)
    readings = (_unknown, _not_built, _wrong_python, _no_wheel, _no_version, _clash)
    return next((fault for reading in readings if (fault := reading(failure))), None) or failure.fault(
        "MG229", "the environment could not be built", "Look at the log; try the same packages with pip in a fresh environment."
    )


def _who(failure: Failure, name: str) -> str:
    """A package as the submitter knows it."""
    at = failure.asked(name)
    return f"{at.written!r}" if at else f"{name} (needed by another package)"


def _unknown(failure: Failure) -> Fault | None:
    found = _UNKNOWN.search(failure.flat)
    if not found:
        return None
    name, meant = found[1], did_you_mean(found[1])
    fix = (
        f"Did you mean {meant}?"
        if meant
        else "Mend its name, or take it out. Code of your own belongs into the bundle's folder, not into this list."
    )
    return failure.fault("MG220", f"there is no package {name} on the index: {_who(failure, name)}", fix, name)


def did_you_mean(name: str) -> str | None:
    """A well-known package with nearly this name."""
    name = canonical(name)
    close = get_close_matches(name, [*sorted(WELL_KNOWN), *MISTAKEN], 1, 0.75)
    return MISTAKEN.get(close[0], close[0]) if close else None


def _not_built(failure: Failure) -> Fault | None:
    found = _BUILD.search(failure.text)
    if not found:
        return None
    name, version = found[1], found[2] or ""
    message = f"{name} {version} is not ready-made for Python {failure.python}, and building it from source failed: {_who(failure, name)}"
    return failure.fault(
        "MG224", message, f"Choose a version of {name} that has a wheel for this Python, or another Python (manifest.yml: `python:`).", name
    )


def _wrong_python(failure: Failure) -> Fault | None:
    found = _PYTHON.search(failure.flat)
    if not found:
        return None
    name = found[3]
    asked = _blamed(failure) or name
    needs = {each[1].rstrip(",") for each in _PYTHON.findall(failure.flat)}
    wants = f"needs Python {needs.pop()}" if len(needs) == 1 else "does not support this Python"
    message = f"{_who(failure, asked)} {wants}; this environment has {found[1]}"
    return failure.fault("MG222", message, _other_version(failure, asked), asked)


def _no_wheel(failure: Failure) -> Fault | None:
    found = _NO_WHEEL.search(failure.flat)
    if not found:
        return None
    name = _blamed(failure) or found[1]
    if found[2] == "Python":
        message = f"{_who(failure, name)} was never made for Python {failure.python}"
        return failure.fault("MG222", message, _other_version(failure, name), name)
    return failure.fault(
        "MG225", f"{_who(failure, name)} has nothing to install on this machine", f"Choose another version of {name}.", name
    )


def _no_version(failure: Failure) -> Fault | None:
    found = _NO_VERSION.search(failure.flat)
    name = _blamed(failure) if found else None
    if not found or name is None or canonical(found[1]) != canonical(name):
        return None
    message = f"there is no such version of {name} on the index: {_who(failure, name)}"
    return failure.fault("MG221", message, _other_version(failure, name), name)


def _other_version(failure: Failure, name: str) -> str:
    newest = failure.newest.get(name) or failure.newest.get(canonical(name))
    asked = failure.asked(name)
    plain = re.search(r"==([\w.]+)\+", asked.spec) if asked else None
    if plain:
        return f"Write {name}=={plain[1]}: what stands behind the + is on other indexes only."
    return f"Write {name}=={newest}, the newest for Python {failure.python}, or another version that is there." if newest else _ANOTHER


_ANOTHER = "Choose another version, or another Python (manifest.yml: `python:`)."


def _blamed(failure: Failure) -> str | None:
    """The package of the submitter's that uv ends its reasoning with."""
    names = [
        name for name in re.findall(rf"you require {NAME}(?:\[[^\]]*\])?(?:[=<>~!{{ ,]|\.? |\.?$)", failure.flat) if failure.asked(name)
    ]
    return names[-1] if names else None


def _mentioned(failure: Failure) -> list[Requirement]:
    """The submitter's lines that uv's reasoning names, in the order of the file."""
    words = set(re.findall(r"[a-z0-9][a-z0-9._-]*", failure.flat.lower()))
    names = {canonical(re.split(r"[=<>~!]", word)[0].rstrip(".")) for word in words}
    return [each for each in failure.requirements if each.name in names]


def _both(lines: Iterable[Requirement]) -> str:
    return ", ".join(f"{each.written!r} (line {each.line})" for each in lines)


def _clash(failure: Failure) -> Fault | None:
    lines = _mentioned(failure)
    if len(lines) > 1 and any(each.name == SERVER for each in lines):
        return _conflict(failure)
    if not lines:
        return None
    message = f"no set of versions fits all of {_both(lines)}" if len(lines) > 1 else f"{_both(lines)} cannot be installed"
    return failure.fault("MG223", message, "Loosen one of the pins; the log says who needs what.", lines[-1].name)


def _conflict(failure: Failure) -> Fault:
    needs = _server_needs(failure)
    lines = [
        each for each in _mentioned(failure) if each.name in {canonical(re.split(r"[=<>~!\[{]", need)[0]) for need in needs}
    ] or _mentioned(failure)
    theirs = " or ".join(needs) or "other versions"
    names = " and ".join(each.name for each in lines) or "the pins"
    fix = f"Loosen {names} so that the server's requirement holds too, or pin an older {SERVER} that allows it."
    message = f"{_both(lines) or 'the environment'} cannot live with the scoring server: {SERVER} needs {theirs}"
    return failure.fault("MG240", message, fix, lines[0].name if lines else None)


def _server_needs(failure: Failure) -> list[str]:
    """What the server's versions require of packages that the submitter lists, each once."""
    words = re.sub(r"\{[^}]*\}", "", failure.flat)  # markers
    needs = [need.rstrip(".") for need in _SERVER_NEEDS.findall(words)]
    listed = [need for need in needs if failure.asked(re.split(r"[=<>~!\[{]", need)[0])]
    return list(dict.fromkeys(listed or needs))[-3:]


def _broken_server(failure: Failure) -> Fault:
    last = next((line for line in reversed(failure.text.splitlines()) if line.strip()), "")
    lines = [each for each in failure.requirements if each.name in SERVER_PARTS]
    message = f"{_both(lines)} cannot live with the scoring server: {SERVER} cannot be imported beside it ({last.strip()[:200]})"
    return failure.fault(
        "MG240",
        message,
        f"Take the pin of {' and '.join(each.name for each in lines)} out, or loosen it.",
        lines[0].name if lines else None,
    )


def _too_long(failure: Failure) -> Fault:
    message = f"resolving and installing took longer than {failure.seconds:.0f} s"
    return failure.fault(
        "MG226", message, "Pin the packages that matter, so that fewer versions have to be tried, and take out what is not needed."
    )


def _too_large(failure: Failure) -> Fault:
    message = f"the environment has {failure.size / 1e9:.2f} GB; the limit is {failure.bytes / 1e9:.2f} GB. The largest packages:"
    return failure.fault("MG227", message, "Take out what serving does not need, or use the CPU-only build of a package.")


_BY_STEP = {"conflict": _conflict, "check": _broken_server, "time": _too_long, "size": _too_large}

SERVER_PARTS = frozenset(
    {
        SERVER,
        "click",
        "flask",
        "flask-cors",
        "gunicorn",
        "inference-schema",
        "itsdangerous",
        "jinja2",
        "markupsafe",
        "opencensus",
        "opencensus-ext-azure",
        "opentelemetry-api",
        "opentelemetry-sdk",
        "protobuf",
        "pydantic",
        "pydantic-core",
        "pydantic-settings",
        "setuptools",
        "typing-extensions",
        "werkzeug",
        "wrapt",
    }
)


def lines_that_matter(text: str) -> tuple[str, ...]:
    """At most ten lines: how it began and how it ended, without carets, blank lines and advice that is for others."""
    lines = [line.rstrip() for line in text.split("\nhint:", 1)[0].splitlines() if line.strip(" ^~|-")]
    start = next((number for number, line in enumerate(lines) if line.lstrip().startswith(("error", "Traceback"))), 0)
    lines = [line[:300] for line in lines[start:]]
    return tuple(lines if len(lines) <= LINES else [*lines[:2], "…", *lines[-(LINES - 3) :]])
