"""Event Grid events -> our facts. One reader for both schemas (Event Grid's own and CloudEvents 1.0), keys in any case.

Field names: Microsoft's event schema pages for Blob Storage, Machine Learning, Container Registry and Communication Services.
What cannot be read raises `NotAnEvent`; what is of no concern gives None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.domain import facts as f
from shared.domain.identity import normal_etag

COMMITS = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose"})  # the only calls after which the bytes are there


class NotAnEvent(ValueError):
    """The body is no Event Grid event."""


@dataclass(frozen=True)
class Event:
    """An event of either schema. `data` has lower-case keys on every level."""

    id: str
    type: str
    source: str
    subject: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Uploaded:
    """A blob was committed: `path` inside `container`, `account` as `scheme://host`."""

    account: str
    container: str
    path: str
    etag: str
    size: int

    @property
    def url(self) -> str:
        """The blob's address, as told."""
        return f"{self.account}/{self.container}/{self.path}"


@dataclass(frozen=True)
class Told:
    """A fact for every release that waits for `key`."""

    key: str
    fact: f.Fact


def read_event(text: str) -> Event:
    """The one event in `text` (an object, or an array of one). Raises NotAnEvent."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise NotAnEvent(f"not JSON: {error}") from error
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if not isinstance(raw, dict):
        raise NotAnEvent("an event is a JSON object")
    return _event(lower_keys(raw))


def _event(raw: Mapping[str, Any]) -> Event:
    kind, data = raw.get("type") or raw.get("eventtype"), raw.get("data")
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise NotAnEvent("an event has a type (eventType or type) and an object as data")
    text = {key: str(raw.get(key) or "") for key in ("id", "source", "topic", "subject")}
    return Event(text["id"], kind, text["source"] or text["topic"], text["subject"], data)


def lower_keys(value: Any) -> Any:
    """The same with every key in lower case: sources spell `runId`, `RunId` and `runTags`, `RunTags`."""
    if isinstance(value, dict):
        return {str(key).lower(): lower_keys(item) for key, item in value.items()}
    return [lower_keys(item) for item in value] if isinstance(value, list) else value


def uploaded(event: Event) -> Uploaded | None:
    """A committed blob, or None for anything else (an empty file counts: `_READY` is one)."""
    data = event.data
    if event.type != "Microsoft.Storage.BlobCreated" or data.get("api") not in COMMITS or not data.get("url"):
        return None
    account, container, path = split_url(str(data["url"]))
    if not path or not data.get("etag"):
        return None
    return Uploaded(account, container, path, normal_etag(str(data["etag"])), int(data.get("contentlength") or 0))


def split_url(url: str) -> tuple[str, str, str]:
    """(account, container, path) of a blob's URL, the path unquoted; a hierarchical account's other name counts as the same."""
    parts = urlsplit(url)
    container, _, path = unquote(parts.path).lstrip("/").partition("/")
    return f"{parts.scheme}://{parts.netloc.replace('.dfs.', '.blob.')}", container, path


def model_registered(event: Event) -> Told | None:
    """The version of a model that the registry now holds. Azure spells the version as a string or as a number."""
    name, version = event.data.get("modelname"), event.data.get("modelversion")
    if event.type != "Microsoft.MachineLearningServices.ModelRegistered" or not name or not str(version).isdigit():
        return None
    return Told(f"model:{name}:{int(str(version))}", f.ModelRegistered(int(str(version))))


def image_pushed(event: Event) -> Told | None:
    """An image was pushed; the part of its tag behind the last `-` names the bundle."""
    target = event.data.get("target")
    if event.type != "Microsoft.ContainerRegistry.ImagePushed" or not isinstance(target, dict) or not target.get("tag"):
        return None
    return Told(f"image:{target.get('repository')}:{str(target['tag']).rpartition('-')[2]}", f.ImagePushed())


def run_ended(event: Event) -> Told | None:
    """A run completed, or changed to a state that is final."""
    run, status = str(event.data.get("runid") or ""), str(event.data.get("runstatus") or "").lower()
    if not run:
        return None
    if event.type == "Microsoft.MachineLearningServices.RunCompleted" or status == "completed":
        return Told(f"run:{run}", f.RunEnded(run, succeeded=True))
    if event.type == "Microsoft.MachineLearningServices.RunStatusChanged" and status in {"failed", "canceled", "notresponding"}:
        return Told(f"run:{run}", f.RunEnded(run, succeeded=False))
    return None


def mail_reported(event: Event) -> Told | None:
    """What became of a mail; its message id is our operation id."""
    data = event.data
    if event.type != "Microsoft.Communication.EmailDeliveryReportReceived" or not data.get("messageid"):
        return None
    return Told(f"mail:{data['messageid']}", f.MailReported(str(data.get("status") or "unknown"), str(data.get("recipient") or "")))
