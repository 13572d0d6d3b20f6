"""Every port in memory: the doubles of the tests, and the reference of what each port promises."""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from shared.domain.bundle import Bundle, Drop, Inspected
from shared.domain.errors import Conflict, NotFound
from shared.domain.release import Endpoint, Image, Release, Scores
from shared.domain.saved import Saved
from shared.ports import DeadLetter, Listing, Mail, NotYet, Page, Smoke, UploadSlot
from shared.wire.cursor import cursor, position, read_cursor


@dataclass
class MemoryClock:
    """Time that moves only when told."""

    time: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        """The time it was set to."""
        return self.time

    def pass_(self, by: timedelta) -> None:
        """Let time pass."""
        self.time += by


@dataclass
class MemoryReleaseStore:
    """Releases in a dict. Thread-safe."""

    saved: dict[str, Saved] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, release_id: str) -> Saved | None:
        """As last saved."""
        return self.saved.get(release_id)

    def save(self, saved: Saved, *, expected: int) -> None:
        """Only over revision `expected`."""
        with self.lock:
            present = self.saved.get(saved.release.id)
            if (present.revision if present else 0) != expected:
                raise Conflict(f"release {saved.release.id} is at revision {present.revision if present else 0}, not {expected}")
            self.saved[saved.release.id] = saved
            for key in saved.keys:
                ids = self.keys.setdefault(key, [])
                ids += [] if saved.release.id in ids else [saved.release.id]

    def by_key(self, key: str) -> tuple[str, ...]:
        """Ids, oldest key first."""
        return tuple(self.keys.get(key, ()))

    def open(self) -> Iterable[Saved]:
        """What the sweep looks at."""
        return [saved for saved in list(self.saved.values()) if saved.open]

    def page(self, *, name: str | None, stage: str | None, limit: int, after: str | None) -> Page:
        """Newest first."""
        fitting = [
            saved.release for saved in self.saved.values() if name in (None, saved.release.name) and stage in (None, saved.release.stage)
        ]
        fitting.sort(key=position, reverse=True)
        if after is not None:
            mark = read_cursor(after)
            fitting = [release for release in fitting if position(release) < mark]
        more = len(fitting) > limit
        return Page(tuple(fitting[:limit]), cursor(fitting[limit - 1]) if more else None)

    def next_version(self, name: str) -> int:
        """1, 2, …."""
        with self.lock:
            self.versions[name] += 1
            return self.versions[name]


@dataclass
class MemoryTaskQueue:
    """Messages in a heap, handed out by `take` when they are due."""

    clock: MemoryClock
    patience: timedelta = timedelta(0)
    heap: list[tuple[datetime, int, str, int]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    def send(self, key: str, attempt: int, after: timedelta) -> None:
        """Visible after `after`; the same (key, attempt) waits once."""
        if not any((key, attempt) == (other[2], other[3]) for other in self.heap):
            heapq.heappush(self.heap, (self.clock.now() + min(after, timedelta(days=7)), next(self.numbers), key, attempt))

    def take(self) -> tuple[str, int] | None:
        """The next message that is due, or None."""
        if not self.heap or self.heap[0][0] > self.clock.now():
            return None
        _, _, key, attempt = heapq.heappop(self.heap)
        return key, attempt


@dataclass
class MemoryDeadLetters:
    """Dead letters in a dict."""

    letters: dict[str, DeadLetter] = field(default_factory=dict)

    def put(self, letter: DeadLetter) -> None:
        """Keep; the same key replaces."""
        self.letters[letter.key] = letter

    def list(self) -> Sequence[DeadLetter]:
        """Newest first."""
        return sorted(self.letters.values(), key=lambda letter: (letter.at, letter.key), reverse=True)

    def take(self, key: str) -> DeadLetter:
        """Remove and return."""
        try:
            return self.letters.pop(key)
        except KeyError:
            raise NotFound(f"there is no dead letter {key}") from None


@dataclass
class MemoryBundleStore:
    """Blobs as (eTag, changed at), and for each drop what inspection shall say of it."""

    clock: MemoryClock
    blobs: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    said: dict[str, Mapping[str, str]] = field(default_factory=dict)
    inspected: dict[str, Inspected] = field(default_factory=dict)
    otherwise: Inspected = Inspected(None, ())

    def put(self, url: str, etag: str) -> None:
        """Upload a blob."""
        self.blobs[url] = (etag, self.clock.now())

    def listing(self, url: str) -> Listing:
        """Blobs under the prefix."""
        found = {blob[len(url) :]: what for blob, what in self.blobs.items() if blob.startswith(url)}
        if url.count("/") == 4:  # noqa: PLR2004 - scheme://host/container/: only loose files
            found = {path: what for path, what in found.items() if "/" not in path and not path.endswith((".zip", ".tgz", ".tar.gz"))}
        if not found:
            raise NotFound(f"nothing lies under {url}")
        files = tuple(sorted((path, etag) for path, (etag, _) in found.items()))
        return Listing(files, max(at for _, at in found.values()), "")

    def uploads(self, since: datetime) -> Iterable[tuple[str, str]]:
        """Blobs changed after `since`."""
        return [(url, etag) for url, (etag, at) in self.blobs.items() if at > since]

    def etag(self, url: str) -> str:
        """As put."""
        try:
            return self.blobs[url][0]
        except KeyError:
            raise NotFound(f"there is no {url}") from None

    def metadata(self, url: str) -> Mapping[str, str]:
        """What the uploader said."""
        return self.said.get(url, {})

    def inspect(self, drop: Drop) -> Inspected:
        """What was set for the URL, or for all."""
        return self.inspected.get(drop.url, self.otherwise)

    def receive(self, name: str, body: bytes, metadata: Mapping[str, str]) -> Drop:
        """Keep an archive."""
        url = f"http://memory.localhost/model-drop/{len(self.blobs)}-{name}"
        self.put(url, f"etag-{len(body)}")
        self.said[url] = metadata
        return Drop(url, self.blobs[url][0], name)

    def upload_slot(self, name: str, metadata: Mapping[str, str]) -> UploadSlot:
        """A slot nobody can write to."""
        url = f"http://memory.localhost/model-drop/{len(self.blobs)}-{name}"
        self.said[url] = metadata
        return UploadSlot(url, url, self.clock.now() + timedelta(minutes=15))


@dataclass
class MemoryModelRegistry:
    """(name, version) -> bundle digest."""

    models: dict[tuple[str, int], str] = field(default_factory=dict)

    def register(self, release_id: str, bundle: Bundle, version: int) -> None:
        """The same bundle again does nothing."""
        if self.models.setdefault((bundle.manifest.name, version), f"{bundle.digest} {release_id}") != f"{bundle.digest} {release_id}":
            raise Conflict(f"{bundle.manifest.name} {version} is another bundle")


@dataclass
class MemoryWork:
    """Images, endpoints and jobs that answer what they are told to, at once unless `slow` says otherwise."""

    image: Image = Image("environments/0", "sha256:0")
    endpoint: Endpoint = Endpoint("http://127.0.0.1:1/score", 0.1)
    found: Smoke = Smoke("data")
    ends: bool = True
    result: Scores | Callable[[Release], Scores] = field(default_factory=lambda: Scores({"r2": 0.5}, {}, 100, 0))
    slow: Counter[str] = field(default_factory=Counter)  # how many times a verb still answers NotYet
    up: set[str] = field(default_factory=set)

    def build(self, _release: Release) -> Image | NotYet:
        """An image."""
        return self._not_yet("build") or self.image

    def deploy(self, release: Release) -> Endpoint | NotYet:
        """An endpoint."""
        self.up.add(release.id)
        return self._not_yet("deploy") or self.endpoint

    def take_down(self, release: Release) -> NotYet | None:
        """No endpoint."""
        self.up.discard(release.id)
        return self._not_yet("take_down")

    def prepare(self, _release: Release) -> None:
        """Nothing to get ready."""

    def smoke(self, _release: Release) -> Smoke | NotYet:
        """A shape."""
        return self._not_yet("smoke") or self.found

    def score(self, _release: Release) -> bool | NotYet:
        """Whether the run ended well."""
        return self._not_yet("score") or self.ends

    def scores(self, release: Release) -> Scores:
        """What it measured."""
        return self.result(release) if callable(self.result) else self.result

    def end(self, _release: Release) -> None:
        """Nothing runs."""

    def _not_yet(self, verb: str) -> NotYet | None:
        if self.slow[verb] <= 0:
            return None
        self.slow[verb] -= 1
        return NotYet(timedelta(seconds=2))


@dataclass
class MemoryMailer:
    """Sent mails by operation id."""

    sent: dict[str, Mail] = field(default_factory=dict)

    def send(self, mail: Mail) -> NotYet | None:
        """Once an id."""
        self.sent.setdefault(mail.operation_id, mail)
        return None


@dataclass
class MemoryEvidence:
    """(release, name) -> content."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def put(self, release_id: str, name: str, content: bytes) -> None:
        """Whole."""
        self.files[release_id, name] = content

    def get(self, release_id: str, name: str) -> bytes:
        """Or NotFound."""
        try:
            return self.files[release_id, name]
        except KeyError:
            raise NotFound(f"release {release_id} has no {name}") from None

    def names(self, release_id: str) -> Sequence[str]:
        """Sorted."""
        return sorted(name for ident, name in self.files if ident == release_id)

    def local_path(self, release_id: str) -> Path | None:  # noqa: ARG002 - the port's signature
        """Nowhere."""
        return None
