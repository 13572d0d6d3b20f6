"""A bundle as one file to send. A folder becomes a zip that is the same for the same files, whenever and wherever it is made."""

from __future__ import annotations

import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from cli.exits import CommandError
from shared.inspection.names import is_junk

CONTENT_TYPES = {".zip": "application/zip", ".tar.gz": "application/gzip", ".tgz": "application/gzip"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_HELD = 32 << 20  # bytes of a zip kept in memory; more goes to a temporary file


class Archive(NamedTuple):
    """What is sent: an open file, its size in bytes, the file name that the server hears, and its content type."""

    file: IO[bytes]
    size: int
    name: str
    content_type: str


@contextmanager
def archive_of(path: Path) -> Iterator[Archive]:
    """The archive at `path`, or the folder there as one. Raises CommandError for anything else."""
    if path.is_dir():
        with tempfile.SpooledTemporaryFile(max_size=_HELD) as file:
            zip_folder(path, file)
            size = file.tell()
            file.seek(0)
            yield Archive(file, size, f"{path.resolve().name or 'bundle'}.zip", CONTENT_TYPES[".zip"])
        return
    ending = next((ending for ending in CONTENT_TYPES if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise CommandError(f"{path} is no bundle.", "A bundle is a folder, a .zip or a .tar.gz.")
    with path.open("rb") as opened:
        yield Archive(opened, path.stat().st_size, path.name, CONTENT_TYPES[ending])


def zip_folder(folder: Path, file: IO[bytes]) -> None:
    """Write the files of `folder`, sorted, without times, owners and modes. Links stay links: the server sees what `check` saw."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for name in sorted(files_of(folder)):
            _add(archive, folder / name, name)


def files_of(folder: Path) -> Iterator[str]:
    """Paths relative to `folder`, with `/`, of what belongs to the bundle by the server's own rule. Links to folders are not followed."""
    for root, folders, files in os.walk(folder):
        here = Path(root).relative_to(folder)
        links = [name for name in folders if (folder / here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not is_junk((here / name / "x").as_posix())]
        yield from (path for name in (*links, *files) if not is_junk(path := (here / name).as_posix()))


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(_readable(name), _EPOCH)
    entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3  # 3: modes are Unix's, on every system
    if path.is_symlink():
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, os.readlink(path))  # noqa: PTH115 - the text as it is
        return
    if not path.is_file():
        raise CommandError(f"{path} is neither a file nor a folder.", "Take it out of the bundle.")
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.file_size = path.stat().st_size  # tells ZipFile when it needs the large form
    with path.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(1 << 20):
            target.write(block)


def _readable(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise CommandError(f"A file of the bundle has a name that is no text: {name!r}.", "Rename it.") from None
    return name
