"""The drop container and the frozen bundles, as folders."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path

from shared.adapters.local.addresses import BASE, etag_from, etag_of, path_of, url_of
from shared.adapters.local.home import Home, sync_folder, write_whole
from shared.adapters.local.signals import Signals
from shared.adapters.local.upload_urls import upload_url
from shared.adapters.local.verification_data import find_data
from shared.domain.bundle import Drop, Inspected
from shared.domain.drops import READY, folder_etag, is_archive, is_unfinished
from shared.domain.errors import BundleFault, Conflict, NotFound
from shared.domain.faults import Fault
from shared.domain.identity import ARCHIVES
from shared.domain.manifest import SiteDefaults
from shared.inspection.archives import unpack
from shared.inspection.inspect import inspect
from shared.inspection.tree import FolderTree, digest_of
from shared.ports import Clock, Listing, UploadSlot

SLOT_LIFE = timedelta(minutes=15)
SETTLED = timedelta(minutes=1)


class FolderBundleStore:
    """Port BundleStore over `home.drops` and `home.bundles`. `base_url` is where the laptop takes uploads."""

    def __init__(self, home: Home, site: SiteDefaults, signals: Signals, clock: Clock, *, base_url: Callable[[], str]) -> None:
        self._home, self._site, self._signals, self._clock, self._base_url = home, site, signals, clock, base_url

    def listing(self, url: str) -> Listing:
        """Every file under the folder; under the container itself only loose files directly in it."""
        folder = self._home.drops if url == BASE else path_of(self._home, url)
        files = dict(_loose(folder) if url == BASE else _below(folder))
        if not files:
            raise NotFound(f"nothing lies under {url}")
        listed = tuple(sorted((path, etag_from(found)) for path, found in files.items()))
        changed = max(_changed_at(found) for found in files.values())
        return Listing(listed, datetime.fromtimestamp(changed, UTC), folder_etag(listed))

    def uploads(self, since: datetime) -> Iterable[tuple[str, str]]:
        """Files of the container that changed after `since` and lie still; younger ones may be half written, and are watched."""
        until = self._clock.now() - SETTLED
        for path, found in _below(self._home.drops):
            if since.timestamp() < _changed_at(found) < until.timestamp():
                yield url_of(self._home, self._home.drops / path), etag_from(found)

    def etag(self, url: str) -> str:
        """Of the file as it lies there."""
        return etag_of(path_of(self._home, url))

    def metadata(self, url: str) -> Mapping[str, str]:
        """What was said at upload, kept beside the container."""
        try:
            said: dict[str, str] = json.loads(self._said(url).read_bytes())
        except FileNotFoundError:
            return {}
        return said

    def inspect(self, drop: Drop) -> Inspected:
        """Copy the drop while its eTag holds, check the copy, keep it under `bundles/<digest>` (refused ones too)."""
        self._home.bundles.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=self._home.bundles, prefix=".taking-in-"))
        try:
            files = scratch / "files"
            faults = self._copy_folder(drop, files) if drop.is_folder else self._copy_archive(drop, scratch, files)
            if faults is not None:
                return Inspected(None, faults, name=drop.name, submitter=drop.submitter or self._site.submitter)
            tree = FolderTree(files)
            found = inspect(tree, drop.name, site=self._site, submitter=drop.submitter, overrides=drop.overrides)
            self._keep(files, found.bundle.digest if found.bundle else digest_of(tree))
            return self._with_data(found)
        finally:
            _remove(scratch)

    def receive(self, name: str, body: bytes, metadata: Mapping[str, str]) -> Drop:
        """Put a small archive into `model-drop`, with a name that nobody else has, and tell of it."""
        path = self._home.drops / f"{uuid.uuid4().hex[:12]}-{_plain(name)}"
        url = url_of(self._home, path)
        self._say(url, {"name": name, **metadata})
        write_whole(path, body)
        return Drop(url, etag_of(path), name)

    def upload_slot(self, name: str, metadata: Mapping[str, str]) -> UploadSlot:
        """A signed URL for one PUT of a name of our choice."""
        stored = f"{uuid.uuid4().hex[:12]}-{_plain(name)}"
        url, expires = url_of(self._home, self._home.drops / stored), self._clock.now() + SLOT_LIFE
        self._say(url, {"name": name, **metadata})
        return UploadSlot(upload_url(self._home, self._base_url(), stored, expires), url, expires)

    def _said(self, url: str) -> Path:
        return self._home.work / "drop-metadata" / f"{sha256(url.encode()).hexdigest()}.json"

    def _say(self, url: str, metadata: Mapping[str, str]) -> None:
        write_whole(self._said(url), json.dumps(metadata).encode())

    def _copy_archive(self, drop: Drop, scratch: Path, files: Path) -> tuple[Fault, ...] | None:
        path = path_of(self._home, drop.url)
        copy = scratch / "drop"
        try:
            with path.open("rb") as source, copy.open("wb") as target:
                _same(drop, etag_from(os.fstat(source.fileno())))
                shutil.copyfileobj(source, target, 1024 * 1024)
                _same(drop, etag_from(os.fstat(source.fileno())))
        except FileNotFoundError:
            raise NotFound(f"{drop.url} was removed before it was read") from None
        with copy.open("rb") as stream:
            faults = unpack(stream, path.name, files, self._site.limits)
        if faults:
            _freeze(copy, self._home.bundles / _digest(copy))
        return faults or None

    def _copy_folder(self, drop: Drop, files: Path) -> tuple[Fault, ...] | None:
        for path, _ in self._folder_files(drop):
            target = files / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._folder(drop) / path, target, follow_symlinks=False)
        self._folder_files(drop)  # still the same after the copy
        return None

    def _folder(self, drop: Drop) -> Path:
        return self._home.drops if drop.url == BASE else path_of(self._home, drop.url)

    def _folder_files(self, drop: Drop) -> list[tuple[str, str]]:
        files = [(path, etag) for path, etag in self.listing(drop.url).files if path != READY]
        _same(drop, folder_etag(files))
        return files

    def _keep(self, files: Path, digest: str) -> None:
        target = self._home.bundle(digest)
        if target.exists():
            return
        for path in files.rglob("*"):
            path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH | (stat.S_IXUSR | stat.S_IWUSR if path.is_dir() else 0))
        try:
            files.rename(target)
        except OSError:
            if not target.exists():  # somebody else froze the same bundle first, or the disk does not take it
                raise
        sync_folder(self._home.bundles)

    def _with_data(self, found: Inspected) -> Inspected:
        """Verification data that is not there is told with the other faults, not stages later."""
        if found.bundle is None:
            return found
        try:
            data = find_data(self._home, found.bundle)
        except BundleFault as missing:
            return replace(found, bundle=None, faults=(*missing.faults, *found.faults))
        return replace(found, data_digest=digest_of(FolderTree(data)) if data.is_dir() else _digest(data))


def _loose(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if entry.is_file(follow_symlinks=False) and not is_unfinished(entry.name) and not is_archive(entry.name):
            yield entry.name, entry.stat(follow_symlinks=False)


def _below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(at) / name
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if not is_unfinished(name) and stat.S_ISREG(found.st_mode):
                yield path.relative_to(folder).as_posix(), found


def _changed_at(found: os.stat_result) -> float:
    """When the file came here: a copy may keep the old modification time, the inode's change time is ours."""
    return max(found.st_mtime, found.st_ctime)


def _same(drop: Drop, etag: str) -> None:
    if drop.etag != etag:
        raise Conflict(f"{drop.url} was changed while it waited to be read.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _freeze(copy: Path, target: Path) -> None:
    if not target.exists():
        copy.chmod(stat.S_IRUSR)
        copy.rename(target)


def _remove(folder: Path) -> None:
    def writable(function: Callable[[str], object], path: str, _error: object) -> None:
        Path(path).parent.chmod(stat.S_IRWXU)
        function(path)

    shutil.rmtree(folder, onerror=writable)


def _plain(name: str) -> str:
    """The file name in letters that every file system knows, with its archive ending (`.zip` where it has none)."""
    last = Path(name.replace("\\", "/")).name
    ending = next((one for one in ARCHIVES if last.lower().endswith(one)), "")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", last[: len(last) - len(ending)]).strip(".-")
    return f"{stem or 'bundle'}{ending or '.zip'}"
