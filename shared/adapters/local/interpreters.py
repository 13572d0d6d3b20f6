"""Which Pythons are on this machine, and which of them a bundle gets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from shared.adapters.local.home import write_whole
from shared.domain.errors import BundleFault
from shared.domain.faults import Fault

OLDEST = (3, 7)  # the scoring server, and what we put round score.py, need it
PATIENCE = 10  # seconds for an interpreter to say what it is
_NAME = re.compile(r"python3(\.\d+)?")
_ASK = (
    "import json,platform,sys;"
    "print(json.dumps([platform.python_implementation(),list(sys.version_info[:3]),sys.version_info[3],sys.base_prefix==sys.prefix,"
    "getattr(sys,'_is_gil_enabled',lambda:True)()]))"
)


@dataclass(frozen=True)
class Interpreter:
    """A CPython on this machine."""

    path: Path
    version: tuple[int, int, int]

    @property
    def text(self) -> str:
        """Such as `3.11.7`."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True)
class Asked:
    """A Python that a bundle asks for, and the place of that line."""

    python: str | None
    file: str | None = None
    line: int | None = None


def running() -> Interpreter:
    """The one that runs us; the base of a virtual environment, since that is what others are made from."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Interpreter(Path(base).resolve(), sys.version_info[:3])


class Interpreters:
    """Looks on the search path, under pyenv and among uv's own. What one said of itself is kept in `cache` until its file changes."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def present(self) -> tuple[Interpreter, ...]:
        """All that can serve, newest first, each once. The one that runs us is among them."""
        known = self._known()
        paths = {path: _stamp(path) for path in _candidates()}
        new = [path for path, stamp in paths.items() if known.get(str(path), {}).get("stamp") != stamp]
        if new:
            known |= {str(path): {"stamp": paths[path], "version": version} for path, version in _ask(new)}
            self._keep(known)
        found: dict[Path, tuple[int, int, int]] = {
            Path(path): tuple(entry["version"]) for path, entry in known.items() if Path(path) in paths and entry["version"]
        }
        us = running()
        found[us.path] = us.version
        return tuple(
            sorted(
                (Interpreter(path, version) for path, version in found.items()),
                key=lambda each: (each.version, str(each.path)),
                reverse=True,
            )
        )

    def _known(self) -> dict[str, dict[str, Any]]:
        try:
            known = json.loads(self._cache.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _keep(self, known: dict[str, dict[str, Any]]) -> None:
        write_whole(self._cache, json.dumps(known, indent=1).encode())


def choose(asked: Asked, present: tuple[Interpreter, ...]) -> tuple[Interpreter, tuple[Fault, ...]]:
    """The interpreter for a bundle, with a warning when it is another patch than asked for. Raises BundleFault when none will do.

    Among several that will do, the one that runs us comes first, then the newest.
    """
    usable = [each for each in present if each.version[:2] >= OLDEST]
    if asked.python is None:
        return _best(usable), ()
    bare = re.fullmatch(r"(?:==)?\s*v?(\d+(?:\.\d+)*)(?:\.\*)?", asked.python.strip())
    if bare:
        return _by_number(asked, tuple(int(part) for part in bare[1].split(".")[:3]), usable)
    fitting = [each for each in usable if _specifier(asked).contains(each.text)]
    if not fitting:
        raise BundleFault(_missing(asked, f"No Python {asked.python} is here", usable))
    return _best(fitting), ()


def _by_number(asked: Asked, number: tuple[int, ...], usable: list[Interpreter]) -> tuple[Interpreter, tuple[Fault, ...]]:
    exact = [each for each in usable if each.version[: len(number)] == number]
    if exact:
        return _best(exact), ()
    if number[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise BundleFault(_missing(asked, f"Python {asked.python} is older than {oldest}, the oldest that can be served", usable, "MG213"))
    near = [each for each in usable if each.version[:2] == number[:2]]
    if not near:
        raise BundleFault(_missing(asked, f"Python {'.'.join(map(str, number[:2]))} is not here", usable))
    taken = _best(near)
    note = f"Python {asked.python} is not here; {taken.text} is used, which differs in the patch only"
    return taken, (
        Fault("MG212", note, f"Write python={'.'.join(map(str, number[:2]))} if any patch will do.", asked.file, asked.line, "warning"),
    )


def _specifier(asked: Asked) -> SpecifierSet:
    try:
        return SpecifierSet(asked.python or "")
    except InvalidSpecifier:
        raise BundleFault(
            Fault("MG210", f"{asked.python!r} is not a Python version", 'Write it as "3.11" or ">=3.11,<3.13".', asked.file, asked.line)
        ) from None


def _missing(asked: Asked, what: str, usable: list[Interpreter], code: str = "MG211") -> Fault:
    minors = sorted({each.version[:2] for each in usable})
    have = ", ".join(f"{major}.{minor}" for major, minor in minors)
    near = _nearest(asked.python or "", minors)
    more = "." if code == "MG213" else ", or install such a Python, with pyenv for example."
    fix = f'Put the line `python: "{near}"` into manifest.yml, which overrides the environment file{more}'
    return Fault(code, f"{what}; present are {have}", fix, asked.file, asked.line)


def _nearest(python: str, minors: list[tuple[int, int]]) -> str:
    """The present minor that is next to the asked one, upwards first."""
    found = re.search(r"(\d+)\.(\d+)", python)
    wanted = (int(found[1]), int(found[2])) if found else minors[-1]
    above = [each for each in minors if each >= wanted]
    return ".".join(map(str, above[0] if above else minors[-1]))


def _best(interpreters: list[Interpreter]) -> Interpreter:
    us = running()
    return us if us in interpreters else max(interpreters, key=lambda each: each.version)


def _candidates() -> set[Path]:
    """Files that may be a Python 3, links resolved. Shell scripts (pyenv's shims) are not: they choose by folder and setting."""
    files = {file.resolve() for folder in _folders() for file in _pythons(folder)}
    return {file for file in files if _is_program(file)}


def _folders() -> Iterator[Path]:
    yield from (Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part)
    homes = {os.environ.get("PYENV_ROOT"), str(Path("~/.pyenv").expanduser())}
    roots = [Path(home) / "versions" for home in homes if home]
    roots.append(Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path("~/.local/share/uv/python").expanduser()))
    for root in roots:
        if root.is_dir():
            yield from (version / "bin" for version in root.iterdir() if not version.is_symlink())


def _pythons(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name))
    except OSError:
        return


def _is_program(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(2) != b"#!" and os.access(file, os.X_OK)
    except OSError:
        return False


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_mtime_ns, stat.st_size]


def _ask(paths: Iterable[Path]) -> Iterator[tuple[Path, list[int] | None]]:
    """Start all at once, then hear what each is; None: nothing that can be used."""
    started = []
    for path in paths:
        try:
            process = subprocess.Popen(
                [path, "-I", "-S", "-c", _ASK], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError:
            yield path, None
        else:
            started.append((path, process))
    for path, process in started:
        yield path, _heard(process)


def _heard(process: subprocess.Popen[bytes]) -> list[int] | None:
    try:
        answer, _ = process.communicate(timeout=PATIENCE)
        implementation, version, level, is_base, has_gil = json.loads(answer)
    except (subprocess.TimeoutExpired, ValueError):
        process.kill()
        process.communicate()
        return None
    fine = implementation == "CPython" and level == "final" and is_base and has_gil
    return [int(part) for part in version] if fine else None
