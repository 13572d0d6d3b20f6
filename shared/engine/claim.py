"""claim: an upload becomes a release, or is known already.

An archive starts a release at once: its id comes from URL and eTag, so the same event meets the same release. A folder drop grows
file by file; its release is found by the folder's key. The n-th release of one folder gets its id from URL and n, because the
folder's eTag is known only when it closes; an event of a file that the last closed folder held starts nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote, unquote

from shared.domain.bundle import Drop
from shared.domain.drops import READY, drop_name, folder_etag, is_archive, root_of
from shared.domain.effects import CollectFolder, InspectDrop
from shared.domain.errors import NotFound
from shared.domain.facts import ReadyMarked
from shared.domain.identity import release_id
from shared.domain.release import HistoryLine, Release, Stage
from shared.engine.advance import advance, send, start
from shared.ports import Ports
from shared.wire.event_grid import Uploaded

CONTAINER = "model-drop"


def claim(upload: Uploaded, ports: Ports) -> str | None:
    """The id of the release that the upload starts or belongs to; None when it is no (part of a) drop, or is gone again."""
    if upload.container != CONTAINER:
        return None
    container = f"{upload.account}/{CONTAINER}/"
    listing = _paths(container, upload.path, ports)
    root = root_of(upload.path, listing)
    loose = any(path != upload.path and not is_archive(path) and path.startswith(f"{root}/") for path in listing)
    if is_archive(upload.path) and not (root and loose):
        return _claim_archive(upload, ports)
    return _claim_folder(f"{container}{quote(root)}/" if root else container, upload.path, ports)


def drop_of(url: str, etag: str, ports: Ports) -> Drop:
    """The drop at `url` with what its uploader said of it."""
    said = ports.bundles.metadata(url)
    overrides = tuple(value for key, value in sorted(said.items()) if key.startswith("set"))
    name = drop_name(said.get("name") or unquote(url.rstrip("/")))
    return Drop(url, etag, name, said.get("submitter"), said.get("uploader"), overrides, said.get("force", "").lower() == "true")


def _claim_archive(upload: Uploaded, ports: Ports) -> str:
    url = f"{upload.account}/{upload.container}/{quote(upload.path)}"
    release = _new(release_id(url, upload.etag), drop_of(url, upload.etag, ports), Stage.VALIDATING, ports.clock.now())
    step = start(release, "BundleUploaded", (InspectDrop(),), ports)
    if step is not None:
        send(step.fresh, ports)
    return release.id


def _claim_folder(url: str, path: str, ports: Ports) -> str | None:
    known = [saved for other in ports.releases.by_key(f"folder:{url}") if (saved := ports.releases.load(other))]
    collecting = next((saved for saved in known if saved.release.stage is Stage.COLLECTING), None)
    if collecting is None:
        return _open_folder(url, [saved.release for saved in known], ports)
    if path.endswith(f"/{READY}") or path == READY:
        send(advance(collecting.release.id, ReadyMarked(), ports).fresh, ports)
    return collecting.release.id


def _open_folder(url: str, earlier: list[Release], ports: Ports) -> str | None:
    try:
        listing = ports.bundles.listing(url)
    except NotFound:
        return None
    files = [(path, etag) for path, etag in listing.files if path != READY]
    etag = folder_etag(files)
    same = next((release.id for release in earlier if release.drop.etag == etag), None)
    if same is not None or not files:
        return same
    release = _new(release_id(url, f"folder {len(earlier) + 1}"), drop_of(url, "", ports), Stage.COLLECTING, ports.clock.now())
    step = start(release, "BundleUploaded", (CollectFolder(),), ports)
    if step is not None:
        send(step.fresh, ports)
    return release.id


def _paths(container: str, path: str, ports: Ports) -> tuple[str, ...]:
    top, slash, _ = path.partition("/")
    if not slash:
        return ()
    try:
        return tuple(f"{top}/{other}" for other, _ in ports.bundles.listing(f"{container}{quote(top)}/").files)
    except NotFound:
        return ()


def _new(ident: str, drop: Drop, stage: Stage, at: datetime) -> Release:
    line = HistoryLine(at, stage, "BundleUploaded", drop.url.rpartition("/model-drop/")[2])
    release = Release(ident, drop, drop.name, stage, created_at=at, updated_at=at, stage_since=at, submitter=drop.submitter)
    return replace(release, history=(line,))
