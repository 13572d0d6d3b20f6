"""Pickles of a bundle, looked at by their opcodes: nothing is unpickled."""

from __future__ import annotations

import bz2
import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, cast

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from shared.domain.bundle import EnvironmentSpec
from shared.domain.faults import Fault
from shared.inspection.imports import Surroundings, absent, is_local
from shared.inspection.members import Damaged, Guarded
from shared.inspection.names import shown
from shared.inspection.packages import is_standard
from shared.inspection.pickle_reader import CutOff, Found, Name, NotAPickle, Opcodes, TooMuch, follow_pickle
from shared.inspection.tree import Tree, read

PICKLES = frozenset({".pkl", ".pickle", ".sav", ".joblib", ".dill", ".cloudpickle"})
TORCH = frozenset({".pt", ".pth", ".ckpt", ".bin"})
MOST_FILES = 50
MOST_PICKLES = 20  # in one file
LZMA_MEMORY = 64 << 20
_DIRECTORY = 4 << 20  # bytes of a zip's list of files
_ERRORS = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, LookupError, struct.error),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, Damaged),
)

_MODULES = """
os posix nt subprocess socket shutil sys ctypes pty runpy importlib webbrowser code codeop commands platform pdb bdb timeit http urllib
ftplib smtplib telnetlib requests signal atexit marshal imp pip profile cProfile
"""
_HOSTILE = frozenset(_MODULES.split())
_HOSTILE_BUILTINS = frozenset({"eval", "exec", "compile", "open", "__import__", "input", "breakpoint", "exit", "quit", "globals", "vars"})
_HOSTILE_NAMES = frozenset(
    {("pickle", "loads"), ("_pickle", "loads"), ("pickle", "load"), ("_pickle", "load"), ("numpy.testing._private.utils", "runstring")}
)


def look_at_pickles(tree: Tree, around: Surroundings | None, environment: EnvironmentSpec | None) -> tuple[Fault, ...]:
    """Faults of every pickle in the bundle. `around` is what its imports are held against; None: they are not."""
    paths = [path for path in sorted(tree.files) if _may_be(tree, path)][:MOST_FILES]
    return tuple(fault for path in paths for fault in _about(tree, path, around, environment))


def _may_be(tree: Tree, path: str) -> bool:
    ending = posixpath.splitext(path)[1].lower()
    if ending in PICKLES:
        return tree.files[path] > 0
    return ending in TORCH and read(tree, path, 4)[:2] in {b"PK", *_PROTOCOLS}


_PROTOCOLS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))


def _about(tree: Tree, path: str, around: Surroundings | None, environment: EnvironmentSpec | None) -> Iterator[Fault]:
    found = Found()
    wrong: Fault | None = None
    try:
        with tree.open(path) as stream:
            _read(stream, found)
    except CutOff:
        wrong = Fault("MG181", f"{path} is cut off: the pickle ends before its end", "Save and pack the model once more.", path)
    except TooMuch:
        wrong = Fault("MG184", f"{path} was looked at only in part", "Nothing to do.", path, None, "info")
    except NotAPickle:
        wrong = _no_pickle(path, found)
    except _ERRORS:
        wrong = Fault("MG181", f"{path} is damaged: it cannot be unpacked", "Save and pack the model once more.", path)
    if wrong:
        yield wrong
    yield from _hostile(path, found)
    yield from _scripts_own(path, found)
    if around is not None:
        yield from _absent(path, found, around)
    if environment is not None:
        yield from _versions(path, found.versions, environment)


def _no_pickle(path: str, found: Found) -> Fault:
    if found.names:  # it began as one; some library writes its own bytes behind
        return Fault("MG184", f"{path} was looked at only in part", "Nothing to do.", path, None, "info")
    fix = "Nothing to do if the scoring file reads it in its own way; else save the model once more."
    return Fault("MG185", f"{path} is not a pickle, though its name says so", fix, path, None, "warning")


# containers


def _read(stream: BinaryIO, found: Found) -> None:
    """Every pickle in the file: plain, in a zip of torch, or compressed by joblib."""
    start = stream.read(8)
    stream.seek(0)
    if start.startswith(b"PK"):
        _read_zip(stream, found)
        return
    if start.startswith(b"\x04\x22\x4d\x18"):
        raise TooMuch  # lz4 is not in the standard library
    if start.startswith((b"\x89HDF", b"\x93NUMPY")):
        raise NotAPickle
    _read_all(cast("BinaryIO", _inflated(stream, start)), found)


def _read_zip(stream: BinaryIO, found: Found) -> None:
    with zipfile.ZipFile(cast("BinaryIO", Guarded(stream, _DIRECTORY))) as archive:
        for info in archive.infolist():
            if info.filename.endswith("data.pkl") and info.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                with archive.open(info) as member:
                    follow_pickle(Opcodes(cast("BinaryIO", member)), found)


def _read_all(stream: BinaryIO, found: Found) -> None:
    """One pickle after the other; what follows the first and is none (torch's old files) is left alone."""
    opcodes = Opcodes(stream)
    follow_pickle(opcodes, found)
    with suppress(NotAPickle, CutOff):
        for _ in range(MOST_PICKLES):
            follow_pickle(opcodes, found)


def _inflated(stream: BinaryIO, start: bytes) -> io.BufferedIOBase | BinaryIO:
    """The stream as it was before joblib compressed it."""
    if start.startswith((b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")):
        return io.BufferedReader(_Inflated(stream, _Zlib()))
    if start.startswith(b"BZh"):
        return io.BufferedReader(_Inflated(stream, bz2.BZ2Decompressor()))
    if start.startswith((b"\xfd7zXZ", b"]\0\0")):
        return io.BufferedReader(_Inflated(stream, lzma.LZMADecompressor(memlimit=LZMA_MEMORY)))
    return stream


class _Zlib:
    """zlib and gzip with the manners of the other two decompressors."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=47)  # either header

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    def decompress(self, packed: bytes, most: int) -> bytes:
        return self._object.decompress(packed or self._object.unconsumed_tail, most)


class _Inflated(io.RawIOBase):
    """What a decompressor makes of a stream, never more at once than asked for."""

    def __init__(self, raw: BinaryIO, decompressor: _Zlib | bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._raw, self._decompressor = raw, decompressor

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As much as fits; 0 at the end. Raises EOFError when the stream ends too early."""
        data = b""
        while not data and not self._decompressor.eof:
            packed = self._raw.read(1 << 16) if self._decompressor.needs_input else b""
            if not packed and self._decompressor.needs_input:
                raise EOFError
            data = self._decompressor.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        return len(data)


# what was found


def _hostile(path: str, found: Found) -> Iterator[Fault]:
    names = sorted({f"{each.module}.{each.name}" for each in found.names if _is_hostile(each)})
    if names:
        told = f"{path} runs {', '.join(shown(name) for name in names[:5])} when it is read, which no model needs"
        yield Fault("MG180", told, "Find out who made this file. Save the model again from the trained object, and pack that.", path)


def _is_hostile(name: Name) -> bool:
    top = name.module.split(".")[0]
    if top in {"builtins", "__builtin__", "__builtins__"}:
        return name.name in _HOSTILE_BUILTINS
    return top in _HOSTILE or "?" in {name.module, name.name} or (name.module, name.name) in _HOSTILE_NAMES


def _scripts_own(path: str, found: Found) -> Iterator[Fault]:
    names = sorted(shown(each.name) for each in found.names if each.module == "__main__")
    if names:
        told = f"{path} needs {', '.join(names[:5])} of the script that trained it (__main__), which is not there when it is served"
        fix = "Define it in a module of the bundle, import it from there in training and in the scoring file, and save the model again."
        yield Fault("MG186", told, fix, path, None, "warning")


def _absent(path: str, found: Found, around: Surroundings) -> Iterator[Fault]:
    """One fault for each package that the pickle's imports come from and that nothing brings."""
    tops = sorted(
        {each.module.split(".")[0] for each in found.names if not _is_hostile(each) and each.module.isprintable()} - {"__main__", ""}
    )
    for top in tops:
        if not (is_standard(top) or top == "copy_reg" or around.provided.has(top) or is_local(around.tree, top, around.roots)):
            yield absent(around, top, (path, None), "MG182")


def _versions(path: str, versions: Iterable[str], environment: EnvironmentSpec) -> Iterator[Fault]:
    pinned = next((each for each in environment.requirements if each.name == "scikit-learn"), None)
    if pinned is None:
        return
    with suppress(InvalidRequirement):
        wanted = Pep508(pinned.spec).specifier
        for version in sorted(each for each in versions if not _allows(wanted, each)):
            told = f"{path} was written with scikit-learn {version}; {environment.file} asks for {pinned.written}"
            fix = f"Pin scikit-learn=={version}, or train again with the pinned version."
            yield Fault("MG183", told, fix, pinned.file, pinned.line, "warning")


def _allows(wanted: SpecifierSet, version: str) -> bool:
    try:
        return wanted.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True
