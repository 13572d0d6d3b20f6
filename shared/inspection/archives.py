"""Unpacking what people drop: zip and tar.gz, as streams, with limits that count what is really read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from shared.domain.faults import Fault
from shared.domain.manifest import Limits
from shared.inspection.members import Damaged, Member, tar_members, zip_members
from shared.inspection.names import Spellings, clean, is_junk, refuse, shown
from shared.inspection.tree import MIB, amount

TRUSTED = 10 * MIB  # below this an archive may be as small as it likes: a column of zeros packs well
MOST_FAULTS = 50

_FORMATS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!": "a RAR archive", b"BZh": "a bzip2 file", b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file", b"\x80": "a pickle", b"%PDF": "a PDF", b"<": "a web page", b"\x89HDF": "an HDF5 file",
}  # fmt: skip
_PACK = "Pack the bundle's folder as .zip or .tar.gz and drop it again."


def unpack(stream: BinaryIO, name: str, into: Path, limits: Limits) -> tuple[Fault, ...]:
    """Write the archive's files under `into` (made if missing); a single top-level folder is stripped, junk is left out.

    `stream` must be seekable. With any fault nothing that was written stays. Raises OSError only when this machine cannot write.
    """
    into.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=into, prefix=".unpacking-"))
    try:
        faults = _unpack(stream, name, scratch, limits)
        if not faults:
            _move_up(_top(scratch), into)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return faults


def _unpack(stream: BinaryIO, name: str, into: Path, limits: Limits) -> tuple[Fault, ...]:
    size = stream.seek(0, 2)
    if size > limits.archive:
        return (
            Fault(
                "MG103",
                f"{name} has {amount(size)}; the limit is {amount(limits.archive)}",
                "Leave out what the model does not need.",
                name,
            ),
        )
    job = _Unpacking(name, into, limits, size)
    try:
        job.take(_members(stream, name, limits))
    except _Stopped as stop:
        job.faults.append(stop.fault)
    except Damaged as damage:
        job.faults.append(Fault("MG102", f"{name} is cut off or damaged: {damage}", _PACK, name))
    if not job.faults and not job.files:
        job.faults.append(Fault("MG113", f"{name} holds no file", _PACK, name))
    return tuple(job.faults)


def _members(stream: BinaryIO, name: str, limits: Limits) -> Iterator[Member]:
    """The archive's members, told by its content, not by its name."""
    stream.seek(0)
    start = stream.read(512)
    stream.seek(0)
    if start.startswith(b"PK"):
        return zip_members(stream, limits)
    if start.startswith(b"\x1f\x8b"):
        return tar_members(stream)
    raise _Stopped(Fault("MG101", f"{name} is {_what(start)}, not a zip or tar.gz archive", _PACK, name))


def _what(start: bytes) -> str:
    if not start:
        return "empty"
    if start[257:262] == b"ustar":
        return "a tar archive that is not gzipped"
    return next((what for magic, what in _FORMATS.items() if start.startswith(magic)), "something else")


class _Stopped(Exception):
    """Reading on makes no sense; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass
class _Unpacking:
    """One archive on its way to disk."""

    name: str
    into: Path
    limits: Limits
    size: int  # of the archive, bytes
    files: int = 0
    written: int = 0
    faults: list[Fault] = field(default_factory=list)
    spellings: Spellings = field(default_factory=Spellings)

    def take(self, members: Iterator[Member]) -> None:
        """Write every member that may be written. Raises _Stopped at a limit, Damaged when the archive cannot be read on."""
        for count, member in enumerate(members, 1):
            if count > 2 * self.limits.files or len(self.faults) >= MOST_FAULTS:
                raise self._too_many()
            path = clean(member.name)
            if not path or is_junk(path):
                self._count(member)
                continue
            fault = refuse(path, self.limits) or self._kind(member, path) or (self.spellings.meet(path) if member.kind == "file" else None)
            if fault:
                self.faults.append(fault)
            elif member.kind == "file":
                self._write(member, path)

    def _kind(self, member: Member, path: str) -> Fault | None:
        code, what, fix = _REFUSED.get(member.kind, (None, "", ""))
        return Fault(code, f"{shown(path)} {what}", fix, shown(path)) if code else None

    def _write(self, member: Member, path: str) -> None:
        self.files += 1
        if self.files > self.limits.files:
            raise self._too_many()
        target = self.into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            for chunk in self._counted(member):
                out.write(chunk)

    def _count(self, member: Member) -> None:
        """Read what is left out as well: it counts, and a stream only goes on behind it."""
        for _ in self._counted(member):
            pass

    def _counted(self, member: Member) -> Iterator[bytes]:
        for chunk in member.content():
            self.written += len(chunk)
            if self.written > self.limits.unpacked:
                raise _Stopped(Fault("MG104", f"{self.name} unpacks to more than {amount(self.limits.unpacked)}", _LESS, self.name))
            if self.written > max(TRUSTED, self.limits.ratio * self.size):
                told = f"{self.name} unpacks to more than {self.limits.ratio} times its size"
                raise _Stopped(Fault("MG106", told, "Leave out files that hold nothing but repetition.", self.name))
            yield chunk

    def _too_many(self) -> _Stopped:
        if len(self.faults) >= MOST_FAULTS:
            return _Stopped(Fault("MG102", f"{self.name} has more faults than the {MOST_FAULTS} listed", _PACK, self.name))
        told = f"{self.name} holds more than {self.limits.files:,} files"
        return _Stopped(Fault("MG105", told, "Leave out what the model does not need, or pack data into one file.", self.name))


_LESS = "Leave out what the model does not need."
_REFUSED = {
    "link": ("MG109", "is a link", "Put a copy of the file itself into the archive."),
    "device": ("MG109", "is a device, not a file", "Leave it out."),
    "encrypted": ("MG111", "is encrypted", "Pack without a password; the upload itself is protected."),
    "unreadable": ("MG114", "is packed in a way that is not read here", "Pack with the usual method (deflate)."),
}


def _top(folder: Path) -> Path:
    """The folder itself, or the single one that it holds."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _move_up(source: Path, target: Path) -> None:
    for child in source.iterdir():
        child.rename(target / child.name)
