"""The laptop's model registry: `registry/<name>/<version>/model.json`, written once and never changed."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime

from shared.adapters.local.home import Home, sync_folder, write_whole
from shared.adapters.local.signals import Signals
from shared.domain.bundle import Bundle
from shared.domain.errors import Conflict


class FolderModelRegistry:
    """Port ModelRegistry. Tells `ModelRegistered` as Azure ML does, each time it is asked (the doors know repeats)."""

    def __init__(self, home: Home, signals: Signals) -> None:
        self._home, self._signals = home, signals

    def register(self, release_id: str, bundle: Bundle, version: int) -> None:
        """Write `model.json` unless it is there; the file of another release is a Conflict."""
        name = bundle.manifest.name
        tags = {"modelgate_release": release_id, "bundle_digest": bundle.digest, "submitter": bundle.manifest.submitter or ""}
        entry = {"name": name, "version": version, "tags": tags, "path": f"bundles/{bundle.digest}", "model": bundle.model}
        present = self._write(name, version, entry)
        if present["tags"]["modelgate_release"] != release_id:
            raise Conflict(f"{name} {version} is registered for release {present['tags']['modelgate_release']}")
        data = {"ModelName": name, "ModelVersion": str(version), "ModelTags": tags, "ModelProperties": {}}
        self._signals.publish("Microsoft.MachineLearningServices.ModelRegistered", f"models/{name}:{version}", data)

    def _write(self, name: str, version: int, entry: dict[str, object]) -> dict[str, dict[str, str]]:
        file = self._home.registry / name / str(version) / "model.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".{uuid.uuid4().hex}.part")
        write_whole(new, json.dumps(entry | {"registered_at": datetime.now(UTC).isoformat()}, indent=2).encode())
        try:
            os.link(new, file)  # fails when the file is there: the one atomic "create only"
            sync_folder(file.parent)
        except FileExistsError:
            pass
        finally:
            new.unlink()
        present: dict[str, dict[str, str]] = json.loads(file.read_bytes())
        return present
