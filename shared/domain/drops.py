"""Which blobs make a drop, and when a folder of them is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import PurePosixPath

from shared.domain.identity import ARCHIVES

READY = "_READY"
UNFINISHED = (".part", "~", ".crdownload")
_NO_MODEL = {".py", ".yml", ".yaml", ".md", ".txt", ".csv", ".parquet", ".ipynb", ".toml", ".cfg", ".html"}


def is_unfinished(name: str) -> bool:
    """Whether a file's name says that it is hidden or still being written."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def is_archive(path: str) -> bool:
    """Whether the name is that of an archive."""
    return path.lower().endswith(ARCHIVES)


def drop_name(path: str) -> str:
    """The archive's or folder's name without its ending."""
    name = PurePosixPath(path).name
    return next((name[: -len(ending)] for ending in ARCHIVES if name.lower().endswith(ending)), name)


def root_of(path: str, paths: Iterable[str]) -> str:
    """The folder drop that `path` belongs to: the shallowest of its folders that directly holds a file; "" is the container itself."""
    folders = [str(folder) for folder in reversed(PurePosixPath(path).parents)][1:]
    holding = {str(PurePosixPath(other).parent) for other in (path, *paths)}
    return next((folder for folder in folders if folder in holding), "")


def is_whole(paths: Iterable[str]) -> bool:
    """At least one model file, a scoring file and an environment file, by their names (an MLflow folder is all three)."""
    names = [PurePosixPath(path).name.lower() for path in paths]
    if "mlmodel" in names:
        return True
    endings = [PurePosixPath(name).suffix for name in names]
    environment = any(
        (ending in {".yml", ".yaml"} and name not in {"manifest.yml", "manifest.yaml"})
        or (name.startswith("requirements") and ending == ".txt")
        for name, ending in zip(names, endings, strict=True)
    )
    model = any(ending not in _NO_MODEL and name != READY.lower() for name, ending in zip(names, endings, strict=True))
    return environment and model and ".py" in endings


def folder_etag(files: Iterable[tuple[str, str]]) -> str:
    """The eTag of a folder: the hash of its sorted (path, eTag)."""
    listing = "\n".join(f"{path}\t{etag}" for path, etag in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()
