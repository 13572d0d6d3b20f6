"""The laptop's home folder: where everything lies."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """Paths under one root (`--home`); `shared_environments` moves the environments elsewhere, to be used by many homes."""

    root: Path
    shared_environments: Path | None = None

    @property
    def drops(self) -> Path:
        """Container `model-drop`."""
        return self.root / "model-drop"

    @property
    def verification(self) -> Path:
        """Container `verification-data`."""
        return self.root / "verification-data"

    @property
    def outbox(self) -> Path:
        """Every mail, as `.eml`."""
        return self.root / "outbox"

    @property
    def releases(self) -> Path:
        """A folder a release: report, verdict, predictions, logs."""
        return self.root / "releases"

    @property
    def bundles(self) -> Path:
        """Frozen bundles, a folder a digest."""
        return self.root / "bundles"

    @property
    def registry(self) -> Path:
        """Registered models, `<name>/<version>/`."""
        return self.root / "registry"

    @property
    def environments(self) -> Path:
        """Built environments, a folder a hash."""
        return self.shared_environments or self.root / "environments"

    @property
    def state(self) -> Path:
        """The SQLite database."""
        return self.root / "state.db"

    @property
    def logs(self) -> Path:
        """Logs of the functions."""
        return self.root / "logs"

    @property
    def work(self) -> Path:
        """Scratch of running work; may be emptied while nothing runs."""
        return self.root / "work"

    def release(self, release_id: str) -> Path:
        """The release's evidence folder, made when it is missing."""
        folder = self.releases / release_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def bundle(self, digest: str) -> Path:
        """Exactly the files of a frozen bundle."""
        return self.bundles / digest

    def scratch(self, name: str) -> Path:
        """A folder for work in progress, made when it is missing."""
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def make(self) -> None:
        """Make every folder."""
        for folder in (
            self.drops,
            self.verification,
            self.outbox,
            self.releases,
            self.bundles,
            self.registry,
            self.environments,
            self.logs,
            self.work,
        ):
            folder.mkdir(parents=True, exist_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all: temporary name, fsync, rename, fsync of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - os.replace says what is meant
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` outlive a power cut (POSIX: the folder itself is synced)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
