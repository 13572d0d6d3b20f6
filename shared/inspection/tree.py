"""A bundle's files, wherever they lie."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from shared.domain.faults import Fault
from shared.domain.manifest import Limits
from shared.inspection.names import Spellings, is_junk, refuse, shown

CHUNK = 1 << 20
MIB = 1 << 20
GIB = 1 << 30


class Tree(Protocol):
    """Files by their path in the bundle, with `/`, relative to its root; sizes in bytes."""

    @property
    def files(self) -> Mapping[str, int]:
        """Path to size; junk is left out."""

    def open(self, path: str) -> BinaryIO:
        """The content of a path that is in `files`. Raises KeyError for any other."""


class FolderTree:
    """A folder on this machine. What it may not hold (links, devices, bad names, too much) is told in `faults` and left out of `files`."""

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        self.root = root
        self.faults: tuple[Fault, ...] = ()
        self.files: Mapping[str, int] = {}
        self._list(limits or Limits())

    def open(self, path: str) -> BinaryIO:
        """The content of one of `files`. Raises KeyError for a path that is not among them, OSError when it became a link since."""
        if path not in self.files:
            raise KeyError(path)
        handle = os.open(self.root / path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        return os.fdopen(handle, "rb")

    def _list(self, limits: Limits) -> None:
        found: dict[str, int] = {}
        faults: list[Fault] = []
        spellings = Spellings()
        for path, entry in _walk(self.root, limits.depth):
            fault = _refused(path, entry, limits) or spellings.meet(path)
            if fault:
                faults.append(fault)
            else:
                found[path] = entry.stat(follow_symlinks=False).st_size
            if len(found) + len(faults) > limits.files:
                break
        self.files = dict(sorted(found.items()))
        self.faults = (*faults, *_too_much(found, limits))


def _walk(root: Path, depth: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry that is no folder, and folders beyond `depth`, in the order of their names; junk left out."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            path = folder + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_junk(path + "/x" if is_folder else path):
                continue
            if is_folder and path.count("/") < depth:
                waiting.append(path + "/")
            else:
                yield path, entry


def _refused(path: str, entry: os.DirEntry[str], limits: Limits) -> Fault | None:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return refuse(path, limits)
    kind = "a link" if stat.S_ISLNK(mode) else "no ordinary file"
    return Fault("MG109", f"{shown(path)} is {kind}", "Put a copy of the file itself into the bundle.", shown(path))


def _too_much(found: Mapping[str, int], limits: Limits) -> Iterator[Fault]:
    if len(found) > limits.files:
        yield Fault(
            "MG105", f"there are more than {limits.files:,} files", "Leave out what the model does not need, or pack data into one file."
        )
    if sum(found.values()) > limits.unpacked:
        yield Fault("MG104", f"the files are larger than {amount(limits.unpacked)} together", "Leave out what the model does not need.")


def amount(size: float) -> str:
    """Bytes as people say them."""
    for unit, of in (("GiB", GIB), ("MiB", MIB), ("KiB", 1 << 10)):
        if size >= of:
            return f"{size / of:.3g} {unit}"
    return f"{size:.0f} bytes"


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream's content, 1 MiB at a time."""
    return iter(lambda: stream.read(CHUNK), b"")


def digest_of_file(tree: Tree, path: str) -> str:
    """SHA-256, hex, of one file's content."""
    digest = hashlib.sha256()
    with tree.open(path) as stream:
        for chunk in chunks(stream):
            digest.update(chunk)
    return digest.hexdigest()


def digest_of(tree: Tree) -> str:
    """The bundle's digest: SHA-256, hex, over the sorted listing of (path, SHA-256 of content)."""
    return _of_listing((path, digest_of_file(tree, path)) for path in sorted(tree.files))


def _of_listing(listing: Iterable[tuple[str, str]]) -> str:
    whole = hashlib.sha256()
    for path, content in listing:
        whole.update(f"{content}  {path}\n".encode())
    return whole.hexdigest()


def read(tree: Tree, path: str, most: int) -> bytes:
    """At most `most` bytes from the start of a file."""
    with tree.open(path) as stream:
        return stream.read(most)
