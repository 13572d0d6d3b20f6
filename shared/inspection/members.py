"""The members of zip and tar.gz archives, one after the other, with bounded memory whatever the headers claim."""

from __future__ import annotations

import gzip
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from shared.domain.manifest import Limits

PIECE = 1 << 16
LONG_HEADER = 1 << 20  # bytes of a tar header that holds a long name
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    OverflowError,
    LookupError,
    struct.error,
    zlib.error,
)


class Damaged(Exception):
    """The archive cannot be read on; the message says what is wrong."""


@dataclass(frozen=True)
class Member:
    """One entry: `kind` is file, folder, link, device, encrypted or unreadable. `content` may be asked once, before the next member."""

    name: str
    kind: str
    content: Callable[[], Iterator[bytes]]


def _nothing() -> Iterator[bytes]:
    return iter(())


# zip


class Guarded:
    """A file whose reads are refused above a size: zipfile reads the list of members whole, as long as the archive says it is."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        """Like any read; Damaged when more than the bound is asked for."""
        data = self._stream.read(self._most + 1 if size is None or size < 0 else min(size, self._most + 1))
        if len(data) > self._most:
            raise Damaged("its list of files is larger than any bundle's")
        return data


def zip_members(stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    """Members of a zip, by its central directory."""
    try:
        archive = zipfile.ZipFile(cast("BinaryIO", Guarded(stream, limits.files * 512 + PIECE * 2)))
    except _ZIP_ERRORS as error:
        raise Damaged(str(error)) from None
    with archive:
        for info in archive.infolist():
            yield _zip_member(archive, info)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = info.orig_filename
    kind = _zip_kind(info)
    return Member(name, kind, (lambda: _zip_content(archive, info)) if kind == "file" else _nothing)


def _zip_kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "link" if stat.S_ISLNK(mode) else "device"
    if info.orig_filename.endswith("/"):
        return "folder"
    if info.flag_bits & 0x41:  # bit 0: encrypted, bit 6: strongly
        return "encrypted"
    # bzip2 and lzma give their output in pieces of any size: no bound on memory
    return "file" if info.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} else "unreadable"


def _zip_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as content:
            yield from iter(lambda: content.read(PIECE), b"")
    except _ZIP_ERRORS as error:
        raise Damaged(f"{info.filename}: {error}") from None


# tar


def tar_members(stream: BinaryIO) -> Iterator[Member]:
    """Members of a gzipped tar, in its order. What the reader of a member leaves over is skipped."""
    with gzip.GzipFile(fileobj=stream, mode="rb") as unzipped:
        tar = _Tar(cast("BinaryIO", unzipped))
        while (member := tar.following()) is not None:
            yield member
        tar.drain()


class _Tar:
    """Blocks of 512 bytes: a header, then its content, filled up to a block."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = self._fill = 0

    def following(self) -> Member | None:
        """The next member, or None at the end."""
        long_name: str | None = None
        while (header := self._header()) is not None:
            kind = header[156:157]
            self._left = _number(header[124:136])
            self._fill = -self._left % 512
            if kind in {b"x", b"g", b"L", b"K"}:
                found = _name_in(kind, self._whole())
                long_name = found if found is not None else long_name
                continue
            name = long_name if long_name is not None else _short_name(header)
            return Member(name, _tar_kind(kind, name), self._content)
        return None

    def drain(self) -> None:
        """Read to the end, so that the checksum of the whole is looked at."""
        for _ in range(PIECE):  # a tar is padded to some kilobytes, not to gigabytes
            if not self._read(PIECE, exactly=False):
                return
        raise Damaged("it goes on for a long time behind its last file")

    def _header(self) -> bytes | None:
        for _ in self._content():
            pass
        self._read(self._fill)
        self._fill = 0
        header = self._read(512)
        if header == bytes(512):
            return None
        if _number(header[148:156]) != 256 + sum(header[:148]) + sum(header[156:]):
            raise Damaged("a header's checksum is wrong")
        return header

    def _content(self) -> Iterator[bytes]:
        while self._left > 0:
            piece = self._read(min(self._left, PIECE))
            self._left -= len(piece)
            yield piece

    def _whole(self) -> bytes:
        if self._left > LONG_HEADER:
            raise Damaged("a header is larger than any name")
        return b"".join(self._content())

    def _read(self, size: int, *, exactly: bool = True) -> bytes:
        try:
            data = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise Damaged(str(error)) from None
        if exactly and len(data) < size:
            raise Damaged("it ends too early")
        return data


def _number(raw: bytes) -> int:
    """Octal digits, or (first bit set) a big-endian number."""
    if raw[0] & 0x80:
        return int.from_bytes(raw[1:], "big")
    digits = raw.split(b"\0")[0].strip()
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        if digits:
            raise Damaged("a header holds no number where one must be")
        return 0
    return int(digits, 8)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _short_name(header: bytes) -> str:
    name, prefix = header[:100].split(b"\0")[0], header[345:500].split(b"\0")[0]
    ustar = header[257:263] == b"ustar\0"  # GNU keeps times where ustar has the prefix
    return _text(prefix + b"/" + name if prefix and ustar else name)


def _name_in(kind: bytes, content: bytes) -> str | None:
    if kind == b"L":
        return _text(content.split(b"\0")[0])
    return _pax_path(content) if kind == b"x" else None


def _pax_path(content: bytes) -> str | None:
    """The `path` of an extended header: lines of `length key=value`."""
    path = None
    while content:
        digits, _, _ = content.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) <= len(str(LONG_HEADER)) else 0
        record = content[len(digits) + 1 : length - 1]
        if length <= len(digits) + 1:
            raise Damaged("an extended header cannot be read")
        if record.startswith((b"size=", b"GNU.sparse")):
            raise Damaged("it holds a sparse file or one of more than 8 GiB")
        path = _text(record[5:]) if record.startswith(b"path=") else path
        content = content[length:]
    return path


def _tar_kind(kind: bytes, name: str) -> str:
    if kind in {b"0", b"\0", b"7"}:
        return "folder" if name.endswith("/") else "file"
    return {b"5": "folder", b"1": "link", b"2": "link", b"S": "unreadable"}.get(kind, "device")
