"""Wiring: from the settings to the adapters. One line an adapter; adapters are imported here, when they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.domain.errors import Permanent
from shared.ports import ImageBuilder, Jobs, Mailer, Ports, Serving
from shared.settings import Settings, load

if TYPE_CHECKING:
    from shared.adapters.local.heap_queue import HeapQueue
    from shared.adapters.local.home import Home
    from shared.adapters.local.processes import Processes
    from shared.adapters.local.signals import Signals

CODE = Path(__file__).resolve().parent.parent  # the folder that holds serving/ and jobs/


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class LocalParts:
    """What the laptop host drives beside the ports."""

    home: Home
    queue: HeapQueue
    signals: Signals
    processes: Processes
    ports: Ports
    settings: Settings
    close: Callable[[], None]


@cache
def ports() -> Ports:
    """The ports of this process, made from the settings at first use."""
    settings = load()
    if settings.platform == "laptop":
        return local_parts().ports
    raise Permanent("MODELGATE_PLATFORM=azure: the Azure adapters are not part of this version; use laptop.")


@cache
def local_parts() -> LocalParts:
    """The laptop, wired."""
    return wire_laptop(load())


def wire_laptop(settings: Settings) -> LocalParts:
    """A laptop on `settings.home`."""
    from shared.adapters.local.folder_bundles import FolderBundleStore
    from shared.adapters.local.folder_evidence import FolderEvidence
    from shared.adapters.local.folder_registry import FolderModelRegistry
    from shared.adapters.local.heap_queue import HeapQueue
    from shared.adapters.local.home import Home
    from shared.adapters.local.processes import Processes
    from shared.adapters.local.signals import Signals
    from shared.adapters.local.sqlite_releases import SqliteDatabase, SqliteDeadLetters, SqliteReleaseStore

    home, clock, queue = Home(settings.home, settings.environments), SystemClock(), HeapQueue()
    home.make()
    signals, processes, database = Signals(queue), Processes(home.work / "processes"), SqliteDatabase(home.state)
    images, serving, jobs = _work(settings, home, signals, processes)
    wired = Ports(
        clock=clock,
        releases=SqliteReleaseStore(database),
        queue=queue,
        dead_letters=SqliteDeadLetters(database),
        bundles=FolderBundleStore(home, settings.site, signals, clock, base_url=lambda: settings.policy.base_url),
        registry=FolderModelRegistry(home, signals),
        images=images,
        serving=serving,
        jobs=jobs,
        mailer=_mailer(settings, home, signals),
        evidence=FolderEvidence(home),
        policy=settings.policy,
    )
    return LocalParts(home, queue, signals, processes, wired, settings, database.close)


def _work(settings: Settings, home: Home, signals: Signals, processes: Processes) -> tuple[ImageBuilder, Serving, Jobs]:
    """What runs processes: the builder, the servers, the jobs."""
    from shared.adapters.local.process_jobs import ProcessJobs
    from shared.adapters.local.process_serving import ProcessServing
    from shared.adapters.local.uv_environments import UvEnvironments

    common, limit = (home, signals, processes), settings.build_limit.total_seconds()
    images = UvEnvironments(*common, code=CODE, ttl=settings.resolve_for, build_limit=limit, size_limit=settings.build_bytes)
    serving = ProcessServing(*common, code=CODE, most=settings.most_servers or None)
    rows, at_once = settings.batch_rows or None, settings.concurrency
    return images, serving, ProcessJobs(*common, serving, images.tools_python, code=CODE, batch_rows=rows, concurrency=at_once)


def _mailer(settings: Settings, home: Home, signals: Signals) -> Mailer:
    if settings.smtp:
        from shared.adapters.local.smtp_mailer import SmtpMailer

        return SmtpMailer(settings.smtp, home)
    from shared.adapters.local.file_mailer import FileMailer
    from shared.adapters.local.signals import mail_delivered

    return FileMailer(home.outbox, lambda mail: mail_delivered(signals, settings.policy.sender, mail))
