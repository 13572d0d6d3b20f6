"""Names that are computed, so that the same thing met twice has the same name."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import asdict, replace

from shared.domain.bundle import Bundle
from shared.domain.release import Release

_MAILS = uuid.UUID("6d6f6465-6c67-5174-8565-6d61696c0001")  # the name space of our operation ids
ARCHIVES = (".zip", ".tar.gz", ".tgz")


def normal_etag(etag: str) -> str:
    """An eTag without quotes, weak mark and case: events and answers spell the same one differently."""
    return etag.strip().removeprefix("W/").strip('"').lower()


def release_id(url: str, etag: str) -> str:
    """`r` and 15 base32 characters of SHA-256(URL, eTag)."""
    digest = hashlib.sha256(f"{url}\n{normal_etag(etag)}".encode()).digest()
    return "r" + base64.b32encode(digest).decode().lower()[:15]


def run_id(release: Release) -> str:
    """The scoring run of this attempt; a retry takes a new number."""
    return f"mg-{release.id}-{release.attempt}"


def mail_id(release: Release, kind: str) -> str:
    """The operation id of a mail: the same mail of the same attempt always has the same one (a UUID)."""
    return str(uuid.uuid5(_MAILS, f"{release.id}/{kind}/{release.attempt}"))


def image_key(name: str, bundle_digest: str) -> str:
    """What an image event is matched by: repository and the bundle's part of the tag (`<environment>-<bundle>`)."""
    return f"image:modelgate/{name.lower()}:{bundle_digest[:12]}"


def same_key(bundle: Bundle, data_digest: str | None) -> str:
    """One key for (bundle, effective manifest without its sender, data): what would be judged the same."""
    manifest = json.dumps(asdict(replace(bundle.manifest, submitter=None)), sort_keys=True, default=str)
    return "same:" + hashlib.sha256(f"{bundle.digest}\n{manifest}\n{data_digest}".encode()).hexdigest()


def keys_of(release: Release) -> tuple[str, ...]:
    """Every key by which an event may find the release, as far as known now."""
    keys = [f"folder:{release.drop.url}"] if release.drop.is_folder else []
    if release.bundle:
        keys += [same_key(release.bundle, release.data_digest), image_key(release.name, release.bundle.digest)]
    if release.version is not None:
        keys.append(f"model:{release.name}:{release.version}")
    if release.run:
        keys.append(f"run:{release.run}")
    return tuple(keys)
