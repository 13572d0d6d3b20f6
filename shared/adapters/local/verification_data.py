"""Where a release's verification data lies: in its bundle, or in container `verification-data` by path or by `name:version`."""

from __future__ import annotations

import difflib
from pathlib import Path

from shared.adapters.local.home import Home
from shared.domain.bundle import Bundle
from shared.domain.errors import BundleFault
from shared.domain.faults import Fault

SHOWN = 8  # names that a message lists


def find_data(home: Home, bundle: Bundle) -> Path:
    """The file or folder. BundleFault MG501 says what is there instead; no path leads out of the two places."""
    if bundle.data is not None:
        found = _inside(home.bundle(bundle.digest), bundle.data)
        if found is not None:
            return found
    reference = bundle.manifest.data.reference
    if reference is None:
        raise BundleFault(Fault("MG501", "No verification data is named.", "Set data.reference in manifest.yml.", "manifest.yml"))
    for path in (reference, *_registered(reference)):
        found = _inside(home.verification, path)
        if found is not None:
            return found
    raise BundleFault(_missing(home, reference))


def _registered(reference: str) -> tuple[str, ...]:
    """`name:version` lies in `<name>/<version>/`."""
    name, _, version = reference.partition(":")
    return (f"{name}/{version}",) if name and version else ()


def _inside(root: Path, path: str) -> Path | None:
    found = (root / path).resolve()
    inside = found.is_relative_to(root.resolve()) and found != root.resolve()
    return found if inside and found.exists() else None


def _missing(home: Home, reference: str) -> Fault:
    names = _names(home.verification)
    near = difflib.get_close_matches(reference, names, 1)
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    there = f"There is: {shown}." if names else "It is empty."
    hint = f"Did you mean {near[0]!r}? " if near else ""
    message = f"The verification data {reference!r} is neither in the bundle nor in verification-data. {there}"
    return Fault("MG501", message, f"{hint}Set data.reference in manifest.yml to what is there, or put the data there.", "manifest.yml")


def _names(root: Path) -> list[str]:
    """Files by path; `<name>/<version>/` as `name:version`."""
    files = [path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file()] if root.is_dir() else []
    named = ["{}:{}".format(*path.parts[:2]) if len(path.parts) > 2 else path.as_posix() for path in files]  # noqa: PLR2004
    return list(dict.fromkeys(named))
