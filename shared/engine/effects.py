"""One effect, one port call, one fact (or NotYet)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.domain import effects as e
from shared.domain import facts as f
from shared.domain.drops import READY, folder_etag, is_whole
from shared.domain.errors import Conflict, NotFound, Permanent
from shared.domain.gate import judge
from shared.domain.identity import same_key
from shared.domain.release import Release, Stage
from shared.domain.saved import Saved
from shared.engine.tell import send_mail
from shared.ports import NotYet, Ports

RUN_ON = frozenset({Stage.ERROR, Stage.EXPIRED, Stage.CANCELLED, Stage.DUPLICATE})  # nothing is repeated from these


def carry_out(effect: e.Effect, saved: Saved, ports: Ports) -> f.Fact | NotYet:  # noqa: PLR0911, C901 - one flat case an effect
    """Do what `effect` asks for release `saved`, once, and say what came of it."""
    release = saved.release
    match effect:
        case e.CollectFolder():
            return collect(release, ports)
        case e.InspectDrop():
            return inspect(release, ports)
        case e.ReserveVersion():
            return reserve(release, ports)
        case e.RegisterModel():
            return register(release, ports)
        case e.BuildImage():
            ports.jobs.prepare(release)  # beside the build, not after it
            built = ports.images.build(release)
            return built if isinstance(built, NotYet) else f.ImageBuilt(built)
        case e.Deploy():
            ports.jobs.prepare(release)
            endpoint = ports.serving.deploy(release)
            return endpoint if isinstance(endpoint, NotYet) else f.Deployed(endpoint)
        case e.SmokeTest():
            smoke = ports.jobs.smoke(release)
            return smoke if isinstance(smoke, NotYet) else f.SmokePassed(smoke.request, smoke.notes)
        case e.Score():
            ended = ports.jobs.score(release)
            return ended if isinstance(ended, NotYet) else f.RunEnded(str(release.run), succeeded=ended)
        case e.ExplainRun():
            ports.jobs.scores(release)  # raises what the run failed of
            return f.RunEnded(str(release.run), succeeded=True)
        case e.Evaluate():
            return evaluate(release, ports)
        case e.SendMail(kind):
            return send_mail(release, kind, ports) or f.MailSent(kind)
        case e.TakeDown():
            ports.jobs.end(release)
            return ports.serving.take_down(release) or f.TakenDown()


def collect(release: Release, ports: Ports) -> f.Fact | NotYet:
    """Close the folder drop when `_READY` lies in it, or when it is whole and has been quiet for the quiet period."""
    url = release.drop.url
    try:
        listing = ports.bundles.listing(url)
    except NotFound:
        return f.FolderMerged(None)
    if (larger := _larger(release, ports)) is not None:
        return f.FolderMerged(larger)
    paths = [path for path, _ in listing.files]
    quiet = ports.clock.now() - listing.changed_at
    if READY not in paths and not (is_whole(paths) and quiet >= ports.policy.quiet_period):
        return NotYet(max(ports.policy.quiet_period - quiet, timedelta(seconds=1)))
    files = [(path, etag) for path, etag in listing.files if path != READY]
    return f.FolderClosed(replace(release.drop, etag=folder_etag(files)))


def _larger(release: Release, ports: Ports) -> str | None:
    """The release that collects a folder above this one: an upload told of the inner files first."""
    parts = release.drop.url.rstrip("/").split("/")
    for depth in range(len(parts) - 1, 3, -1):
        for other in ports.releases.by_key(f"folder:{'/'.join(parts[:depth])}/"):
            saved = ports.releases.load(other)
            if depth > 4 and saved is not None and saved.release.stage is Stage.COLLECTING:  # noqa: PLR2004 - 4: the container itself
                return other
    return None


def inspect(release: Release, ports: Ports) -> f.BundleChecked | f.DropGone:
    """Freeze and check the drop, unless it was replaced or removed meanwhile."""
    try:
        inspected = ports.bundles.inspect(release.drop)
    except Conflict as error:
        return f.DropGone(f"{error} The newer upload has a release of its own.")
    except NotFound as error:
        return f.DropGone(str(error))
    bundle = inspected.bundle
    return f.BundleChecked(
        bundle,
        inspected.faults,
        inspected.data_digest,
        name=bundle.manifest.name if bundle else inspected.name,
        submitter=bundle.manifest.submitter if bundle else inspected.submitter,
    )


def reserve(release: Release, ports: Ports) -> f.FoundSame | f.VersionReserved:
    """The first release with the same (bundle, manifest, data) is the one that is judged; the others repeat its verdict."""
    if release.bundle is None:
        raise Permanent(f"release {release.id} has no checked bundle to register")
    first = None if release.drop.force else _first_same(release, ports)
    if first is not None:
        return f.FoundSame(first.id, first.verdict, first.kpis, first.reasons, first.scores)
    if release.version is not None and release.attempt > 1:
        return f.VersionReserved(release.version)
    return f.VersionReserved(ports.releases.next_version(release.name))


def _first_same(release: Release, ports: Ports) -> Release | None:
    assert release.bundle is not None  # noqa: S101 - the caller saw to it
    for other in ports.releases.by_key(same_key(release.bundle, release.data_digest)):
        if other == release.id:
            return None
        saved = ports.releases.load(other)
        if saved is not None and saved.release.stage not in RUN_ON:
            return saved.release
    return None


def register(release: Release, ports: Ports) -> f.ModelRegistered | f.VersionTaken:
    """Register the bundle as the version reserved for it."""
    if release.bundle is None or release.version is None:
        raise Permanent(f"release {release.id} has no bundle or version to register")
    try:
        ports.registry.register(release.id, release.bundle, release.version)
    except Conflict:
        return f.VersionTaken(release.version)
    return f.ModelRegistered(release.version)


def evaluate(release: Release, ports: Ports) -> f.Evaluated:
    """Fetch what the run measured and hold it against the gate."""
    if release.bundle is None:
        raise Permanent(f"release {release.id} has no bundle whose KPIs could be judged")
    scores = ports.jobs.scores(release)
    ports.jobs.end(release)
    return f.Evaluated(scores, judge(release.bundle.manifest.kpis, scores))
