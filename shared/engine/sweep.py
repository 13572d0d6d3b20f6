"""sweep: what must not be forgotten. Tasks whose message is lost are sent again, passed deadlines are told, missed uploads are claimed."""

from __future__ import annotations

import logging
from datetime import timedelta

from shared.domain.facts import DeadlinePassed
from shared.domain.saved import Saved
from shared.engine.advance import advance, send
from shared.engine.claim import claim
from shared.ports import Ports
from shared.wire.event_grid import Uploaded, split_url

log = logging.getLogger("modelgate.engine")
LOOK_BACK = timedelta(minutes=15)  # uploads whose event is later than this are told to the operator by the folder itself


def sweep(ports: Ports) -> None:
    """One round. A release that cannot be swept is logged and does not hold up the others."""
    for saved in ports.releases.open():
        try:
            _sweep(saved, ports)
        except Exception:
            log.exception(
                "release %s could not be swept; the next round tries again", saved.release.id, extra={"release_id": saved.release.id}
            )
    for url, etag in ports.bundles.uploads(ports.clock.now() - LOOK_BACK):
        claim(Uploaded(*split_url(url), etag, 0), ports)


def _sweep(saved: Saved, ports: Ports) -> None:
    now, release = ports.clock.now(), saved.release
    deadline = ports.policy.deadlines.get(release.stage)
    if deadline is not None and now - release.stage_since > deadline:
        send(advance(release.id, DeadlinePassed(release.stage), ports).fresh, ports)
        return
    send(tuple(task for task in saved.tasks if now - task.due_at >= ports.queue.patience), ports)
