"""A whole system in memory, and a bundle to send through it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.adapters import memory as m
from shared.domain.bundle import Bundle, EnvironmentSpec, Inspected
from shared.domain.manifest import Compute, Kpi, Manifest
from shared.domain.policy import Policy
from shared.domain.release import Release
from shared.engine.claim import claim
from shared.engine.perform import perform
from shared.engine.sweep import sweep
from shared.ports import Ports
from shared.wire.event_grid import Uploaded, split_url

ACCOUNT = "http://memory.localhost"


KPIS = (Kpi("r2", min=0.4),)


def bundle(name="diabetes", target="local", kpis=KPIS, digest="ab" * 32) -> Bundle:
    manifest = Manifest(name, submitter="ana@example.com", kpis=kpis, compute=Compute(target))
    environment = EnvironmentSpec("conda.yml", None, None, ())
    return Bundle(digest, manifest, 10, 3, "model.pkl", "score.py", environment, "online")


@dataclass
class World:
    """Ports in memory; `run` delivers messages until nothing is due any more, letting time pass when only waiting helps."""

    clock: m.MemoryClock = field(default_factory=m.MemoryClock)
    work: m.MemoryWork = field(default_factory=m.MemoryWork)

    def __post_init__(self):
        self.queue = m.MemoryTaskQueue(self.clock)
        self.store = m.MemoryReleaseStore()
        self.bundles = m.MemoryBundleStore(self.clock, otherwise=Inspected(bundle(), (), "d1"))
        self.mailer, self.registry, self.letters = m.MemoryMailer(), m.MemoryModelRegistry(), m.MemoryDeadLetters()
        self.ports = Ports(
            self.clock, self.store, self.queue, self.letters, self.bundles, self.registry,
            self.work, self.work, self.work, self.mailer, m.MemoryEvidence(), Policy(),
        )  # fmt: skip

    def drop(self, path="diabetes.zip", etag="0x1") -> str | None:
        """Upload a blob and tell the door's engine of it."""
        self.bundles.put(f"{ACCOUNT}/model-drop/{path}", etag)
        return self.tell(path, etag)

    def tell(self, path, etag="0x1") -> str | None:
        return claim(Uploaded(*split_url(f"{ACCOUNT}/model-drop/{path}"), etag, 1), self.ports)

    def run(self, hours=1) -> None:
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            while (message := self.queue.take()) is not None:
                perform(*message, self.ports)
            if not self.queue.heap:
                return
            self.clock.time = max(self.clock.time, self.queue.heap[0][0])

    def sweep(self) -> None:
        sweep(self.ports)

    def release(self, release_id) -> Release:
        saved = self.store.load(release_id)
        assert saved is not None
        return saved.release

    def with_ports(self, **changed) -> Ports:
        self.ports = replace(self.ports, **changed)
        return self.ports

    def mails(self) -> list[str]:
        return [mail.subject.partition("]")[0].lstrip("[") for mail in self.mailer.sent.values()]
