"""Evidence as files: `releases/<id>/report.html`, `logs/build.log` and so on."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from shared.adapters.local.home import Home, write_whole
from shared.domain.errors import NotFound

_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. +-]{0,127}")


class FolderEvidence:
    """Port Evidence over `home.releases`. No name leads out of the release's own folder."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def put(self, release_id: str, name: str, content: bytes) -> None:
        """Write whole or not at all. Raises ValueError for a name that is none of ours."""
        try:
            path = self._path(release_id, name)
        except NotFound as error:
            raise ValueError(str(error)) from error
        write_whole(path, content)

    def get(self, release_id: str, name: str) -> bytes:
        """Raises NotFound, also for a name that would lead elsewhere."""
        path = self._path(release_id, name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"release {release_id} has no {name}") from error

    def names(self, release_id: str) -> Sequence[str]:
        """What is there, sorted; files that are still being written are not."""
        root = self._root(release_id)
        found = (Path(folder) / name for folder, _, names in os.walk(root) for name in names if not name.startswith("."))
        return tuple(sorted(path.relative_to(root).as_posix() for path in found if not path.is_symlink()))

    def local_path(self, release_id: str) -> Path | None:
        """The release's folder, if it has one."""
        root = self._root(release_id)
        return root if root.is_dir() else None

    def _root(self, release_id: str) -> Path:
        if not _PART.fullmatch(release_id):
            raise NotFound("that is no release id")
        return self._home.releases / release_id

    def _path(self, release_id: str, name: str) -> Path:
        root = self._root(release_id)
        if not all(_PART.fullmatch(part) for part in name.split("/")):
            raise NotFound(f"release {release_id} can have no file of that name")
        path = root / name
        if not path.resolve().is_relative_to(root.resolve()):  # a link that somebody put there
            raise NotFound(f"{name} of release {release_id} leads elsewhere")
        return path
