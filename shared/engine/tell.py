"""tell: the report and the mail of a release."""

from __future__ import annotations

import logging

from shared.domain.release import Release
from shared.ports import NotYet, Ports

log = logging.getLogger("modelgate.engine")


def report_of(release: Release, ports: Ports) -> bytes:
    """The report as it stands: the one kept, else a new one (written beside the verdict and kept)."""
    from shared.wire.report import render_report  # noqa: PLC0415 - a template engine, wanted only here
    from shared.wire.views import verdict_json  # noqa: PLC0415

    shown = [
        name
        for name in ports.evidence.names(release.id)
        if name.startswith(("plots/", "logs/")) or name in {"smoke.json", "lock.txt", "metrics.json"}
    ]
    report = render_report(
        release, {name: ports.evidence.get(release.id, name) for name in shown}, zone=ports.policy.zone, base_url=ports.policy.base_url
    )
    ports.evidence.put(release.id, "report.html", report)
    ports.evidence.put(release.id, "verdict.json", verdict_json(release, ports.policy.base_url))
    return report


def send_mail(release: Release, kind: str, ports: Ports) -> NotYet | None:
    """Compose and send one mail; nobody to tell is no error (the operator reads it in the log)."""
    from shared.wire.mail import compose  # noqa: PLC0415

    report = report_of(release, ports) if kind in {"verdict", "fault"} else None
    policy = ports.policy
    now = ports.clock.now()
    mail = compose(release, kind, sender=policy.sender, base_url=policy.base_url, report=report, at=now, local_zone=policy.zone)
    if not mail.to:
        log.warning(
            "release %s has no submitter with a usable address: its %s is not mailed", release.id, kind, extra={"release_id": release.id}
        )
        return None
    return ports.mailer.send(mail)
