"""What modelgate needs from the world. Protocols with their promises; nothing runs here.

Every effectful verb is make-it-so-and-say-how-far: called again with the same arguments it does nothing twice.
Long work answers `NotYet(after)`; the caller asks again. Vendors' errors end inside the adapters: `NotFound`, `Conflict`,
`Temporary`, `Permanent` come out, and `BundleFault` where the bundle itself is to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from shared.domain.bundle import Bundle, Drop, Inspected
from shared.domain.faults import Fault
from shared.domain.policy import Policy
from shared.domain.release import Endpoint, Image, Release, Scores
from shared.domain.saved import Saved


@dataclass(frozen=True)
class NotYet:
    """Still under way: ask again after `after`."""

    after: timedelta


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Aware, UTC."""


@dataclass(frozen=True)
class Page:
    """Some releases, newest first, and the cursor of the next page (None: there is none)."""

    releases: tuple[Release, ...]
    next: str | None


class ReleaseStore(Protocol):
    """Releases, each saved whole: the release, its new history lines, its tasks and its keys are one write."""

    def load(self, release_id: str) -> Saved | None:
        """The release as last saved, or None."""

    def save(self, saved: Saved, *, expected: int) -> None:
        """Write only over revision `expected` (0: must be new). Raises Conflict otherwise, changing nothing."""

    def by_key(self, key: str) -> tuple[str, ...]:
        """Ids of the releases that wait for `key` or once did, oldest first."""

    def open(self) -> Iterable[Saved]:
        """Every release that the sweep must look at: not ended, or with tasks left."""

    def page(self, *, name: str | None, stage: str | None, limit: int, after: str | None) -> Page:
        """Newest first. A cursor that was not ours raises NotFound."""

    def next_version(self, name: str) -> int:
        """Reserve the next version of a model: 1, 2, … never the same twice."""


class TaskQueue(Protocol):
    """Carries task keys from `advance` and `sweep` to the `perform_task` door, at least once."""

    patience: timedelta  # how long after `due_at` a task counts as lost on its way; the sweep then sends it again

    def send(self, key: str, attempt: int, after: timedelta) -> None:
        """Deliver `{key, attempt}` once `after` has passed; longer than 7 days is cut to 7 days."""


@dataclass(frozen=True)
class DeadLetter:
    """A task that was given up: what it was, why, and since when."""

    key: str
    release_id: str
    effect: str
    reason: str
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


class DeadLetters(Protocol):
    """Tasks that were given up, kept for the operator."""

    def put(self, letter: DeadLetter) -> None:
        """Keep it; the same key again replaces."""

    def list(self) -> Sequence[DeadLetter]:
        """Newest first."""

    def take(self, key: str) -> DeadLetter:
        """Remove and return it. Raises NotFound."""


@dataclass(frozen=True)
class Listing:
    """A folder drop as it stands: its files' (path, eTag), when the newest of them changed, and the folder's own eTag."""

    files: tuple[tuple[str, str], ...]
    changed_at: datetime
    etag: str


@dataclass(frozen=True)
class UploadSlot:
    """A URL that takes one PUT of one new drop until `expires_at`."""

    url: str
    drop_url: str
    expires_at: datetime


class BundleStore(Protocol):
    """The drop container and the frozen bundles."""

    def listing(self, url: str) -> Listing:
        """Every blob under the prefix `url` (ends in `/`) now, paths relative to it. Raises NotFound when nothing is there.

        Under the container itself: only blobs directly in it that are no archives.
        """

    def uploads(self, since: datetime) -> Iterable[tuple[str, str]]:
        """(url, eTag) of blobs in the drop container changed after `since`, for the back-stop."""

    def etag(self, url: str) -> str:
        """The blob's eTag now. Raises NotFound."""

    def metadata(self, url: str) -> Mapping[str, str]:
        """What the uploader said of the blob: submitter, uploader, force, set.0, set.1, … Empty when nothing, or gone."""

    def inspect(self, drop: Drop) -> Inspected:
        """Freeze the drop's bytes (only while its eTag holds; raises Conflict when it changed, NotFound when it is gone), check them."""

    def receive(self, name: str, body: bytes, metadata: Mapping[str, str]) -> Drop:
        """Put a small archive into `model-drop` under a name of our choice; raises its own upload event like any other."""

    def upload_slot(self, name: str, metadata: Mapping[str, str]) -> UploadSlot:
        """Open a write-once URL for a large archive."""


class ModelRegistry(Protocol):
    """Named, numbered, immutable models."""

    def register(self, release_id: str, bundle: Bundle, version: int) -> None:
        """Make `name:version` this bundle. Same bundle again: nothing. Raises Conflict if the version is somebody else's."""


class ImageBuilder(Protocol):
    """Builds what the bundle's environment file asks for."""

    def build(self, release: Release) -> Image | NotYet:
        """The image of the release's bundle. The build log and `lock.txt` go to the release's evidence. BundleFault if it cannot be."""


class Serving(Protocol):
    """Endpoints of releases."""

    def deploy(self, release: Release) -> Endpoint | NotYet:
        """Serve the bundle. BundleFault with the user's own traceback when `init()` fails."""

    def take_down(self, release: Release) -> NotYet | None:
        """Leave nothing running of this release."""


@dataclass(frozen=True)
class Smoke:
    """What the smoke test found: the request shape that worked and how many rows were tried."""

    request: str
    notes: tuple[Fault, ...] = ()


class Jobs(Protocol):
    """Work on verification data, in the tools environment, outside the functions process."""

    def prepare(self, release: Release) -> None:
        """The release will be scored soon: get ready what can be ready by then. Never raises."""

    def smoke(self, release: Release) -> Smoke | NotYet:
        """Try the endpoint with 1, 2 and 3 rows. BundleFault says what was wrong with the answers."""

    def score(self, release: Release) -> bool | NotYet:
        """Run scoring under `release.run`. True: it ended well; False: it failed, and `scores` raises why."""

    def scores(self, release: Release) -> Scores:
        """The results of an ended run. BundleFault when it failed through the bundle, Temporary or Permanent otherwise."""

    def end(self, release: Release) -> None:
        """Leave nothing running of this release; results stay."""


@dataclass(frozen=True)
class Attachment:
    """A file of a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One mail. `operation_id` is computed from release and kind: the same mail always has the same id (a UUID)."""

    operation_id: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Sends mail."""

    def send(self, mail: Mail) -> NotYet | None:
        """Send once per `operation_id`: a mail known as sent is not sent again. Temporary when it may work later."""


class Evidence(Protocol):
    """Files of a release that people read: report, verdict, plots, lock, logs. Names are like `report.html`, `logs/build.log`."""

    def put(self, release_id: str, name: str, content: bytes) -> None:
        """Write whole or not at all."""

    def get(self, release_id: str, name: str) -> bytes:
        """Raises NotFound."""

    def names(self, release_id: str) -> Sequence[str]:
        """What is there, sorted."""

    def local_path(self, release_id: str) -> Path | None:
        """Where it lies on this machine, if it does."""


@dataclass(frozen=True)
class Ports:
    """All of them, as wired."""

    clock: Clock
    releases: ReleaseStore
    queue: TaskQueue
    dead_letters: DeadLetters
    bundles: BundleStore
    registry: ModelRegistry
    images: ImageBuilder
    serving: Serving
    jobs: Jobs
    mailer: Mailer
    evidence: Evidence
    policy: Policy = field(default_factory=Policy)
