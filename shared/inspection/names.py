"""Names of files: which are junk, which are refused, and how they are told to people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from shared.domain.faults import Fault
from shared.domain.manifest import Limits

JUNK_FOLDERS = frozenset({"__MACOSX", "__pycache__", ".git", ".ipynb_checkpoints"})
JUNK_FILES = frozenset({".DS_Store", "Thumbs.db", "_READY"})
LONGEST_PART = 255  # bytes; what file systems hold
LONGEST_PATH = 1024  # bytes
LONGEST_SHOWN = 120  # characters
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, bidirectional and zero-width characters, lone surrogates, line ends


def is_junk(path: str) -> bool:
    """Whether people's machines put this file there without being asked."""
    *folders, name = path.split("/")
    return name in JUNK_FILES or name.startswith("._") or not JUNK_FOLDERS.isdisjoint(folders)


def shown(name: str) -> str:
    """A name as it can be printed: what cannot be seen is spelt out, and a long one is cut."""
    seen = visible(name)
    return seen if len(seen) <= LONGEST_SHOWN else f"{seen[:80]}…{seen[-30:]}"


def visible(text: str) -> str:
    """The text with what cannot be seen spelt out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _UNSEEN else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def clean(name: str) -> str:
    """The same path without empty and `.` parts: `./a//b` is `a/b`."""
    lead = "/" if name.startswith("/") else ""
    return lead + "/".join(part for part in name.split("/") if part not in {"", "."})


def refuse(name: str, limits: Limits) -> Fault | None:
    """Why this path cannot be taken from a drop, or None."""
    return _leaves(name) or _unreadable(name) or _too_long(name, limits)


def _leaves(name: str) -> Fault | None:
    if not (name.startswith("/") or "\\" in name or ".." in name.split("/") or re.match(r"[A-Za-z]:", name)):
        return None
    return Fault(
        "MG108",
        f"{shown(name)} points out of the bundle (an absolute path, a drive, `..` or a backslash)",
        "Pack the files with paths relative to the bundle's folder and with / between folders.",
        shown(name),
    )


def _unreadable(name: str) -> Fault | None:
    if not any(unicodedata.category(c) in _UNSEEN for c in name):
        return None
    return Fault(
        "MG112",
        f"{shown(name)} has characters in its name that cannot be seen or are not UTF-8",
        "Rename the file to letters, digits, `.`, `-` and `_`.",
        shown(name),
    )


def _too_long(name: str, limits: Limits) -> Fault | None:
    parts = name.split("/")
    if len(parts) > limits.depth:
        return Fault(
            "MG107", f"{shown(name)} lies {len(parts)} levels deep; the limit is {limits.depth}", "Use fewer folders.", shown(name)
        )
    if len(name.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in parts):
        most = f"{LONGEST_PART} bytes a part and {LONGEST_PATH} bytes in all"
        return Fault("MG107", f"{shown(name)} has too long a name; the limit is {most}", "Use shorter names.", shown(name))
    return None


class Spellings:
    """Remembers every path met, to find two that are one on some file systems (by case or unicode form)."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def meet(self, path: str) -> Fault | None:
        """A fault when `path`, or a folder on its way, cannot live beside what came before."""
        folders = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        other = self._clash(path, folders)
        for folder in folders:
            self._folders.setdefault(_key(folder), folder)
        self._files.setdefault(_key(path), path)
        return _collision(path, other) if other is not None else None

    def _clash(self, path: str, folders: Iterable[str]) -> str | None:
        key = _key(path)
        if key in self._files or key in self._folders:
            return self._files.get(key) or self._folders[key]
        for folder in folders:
            known = self._folders.get(_key(folder), folder)
            if known != folder or _key(folder) in self._files:
                return self._files.get(_key(folder), known)
        return None


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _collision(path: str, other: str) -> Fault:
    how = "is there twice" if path == other else f"and {shown(other)} are the same name on some machines"
    return Fault("MG110", f"{shown(path)} {how}", "Keep one of them, or give them names that differ in more than case.", shown(path))
