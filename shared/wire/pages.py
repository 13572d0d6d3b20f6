"""The pages as HTML. They show and ask; nothing is decided here. The doors send `CSP` as a header with them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from urllib.parse import quote, urlencode

from shared.domain.release import Release, Stage
from shared.ports import Page
from shared.wire.layout import policy, render
from shared.wire.rows import Row, release_rows
from shared.wire.text import clean, duration, pair, plural, utc_time
from shared.wire.words import DEFAULT_URL, kpi_name, kpi_rule, label, main_kpi, summary, title, tone

CSP = policy(page=True)


def dashboard(
    page: Page,
    *,
    name: str | None = None,
    stage: str | None = None,
    dead_letters: int = 0,
    base_url: str = DEFAULT_URL,
    now: datetime | None = None,
) -> str:
    """`/`: one page of releases, newest first. `name` and `stage` are the filter in force. Without `now` times are absolute."""
    query = {"name": name or "", "stage": stage or "", "after": page.next or ""}
    return render(
        "dashboard.html",
        rows=[_line(release, now) for release in page.releases],
        stages=[(str(one), label(one)) for one in Stage],
        name=clean(name or "", 120),
        stage=stage or "",
        filtered=bool(name or stage),
        next="/?" + urlencode({key: value for key, value in query.items() if value}) if page.next else None,
        dead_letters=plural(dead_letters, "task") if dead_letters else "",
        told=plural(len(page.releases), "release") + (", more below" if page.next else ""),
        running=any(not release.ended for release in page.releases),
        base_url=base_url,
    )


def release_page(release: Release, *, zone: tzinfo | None = None, base_url: str = DEFAULT_URL) -> str:
    """`/releases/{id}`: where it stands; while it runs the page renews itself."""
    history = [
        {"at": line.at.strftime("%H:%M:%S.%f")[:-3], "fact": line.fact, "stage": label(line.stage), "reason": clean(line.reason)}
        for line in release.history
    ]
    return render("release.html", r=release_rows(release, zone, base_url), history=history, links=_links(release))


def decide_page(
    release: Release, token: str, csrf: str, *, zone: tzinfo | None = None, base_url: str = DEFAULT_URL, problem: str = "", reason: str = ""
) -> str:
    """`/decide/{token}`: a form that posts `csrf`, `reason` and `outcome` (pass, fail). A refused form comes back with `problem`."""
    return render(
        "decide.html",
        r=release_rows(release, zone, base_url),
        token=quote(token, safe=""),
        csrf=csrf,
        problem=clean(problem),
        reason=clean(reason, 2000),
        digest=release.bundle.digest[:16] if release.bundle else release.id,
    )


def error_page(status: int, message: str, fix: str = "") -> str:
    """What went wrong, for a person; `status` is the HTTP status."""
    return render("error.html", status=status, message=clean(message), fix=clean(fix))


def _links(release: Release) -> list[tuple[str, str]]:
    api = f"/api/releases/{release.id}"
    judged = [("Report", f"{api}/report")] if release.verdict else []
    return [*judged, ("Logs", f"{api}/logs"), ("Release as JSON", api)]


def _line(release: Release, now: datetime | None) -> Row:
    return {
        "id": release.id,
        "title": title(release),
        "submitter": clean(release.submitter or "", 80),
        "label": label(release.stage),
        "tone": tone(release.stage),
        "said": _said(release),
        "when": ago(release.created_at, now) if now else utc_time(release.created_at),
    }


def _said(release: Release) -> str:
    """The one figure or fault that tells most."""
    kpi = main_kpi(release)
    if kpi and kpi.value is not None:
        return f"{kpi_name(kpi)} {pair(kpi.value, kpi.limit)[0]} ({kpi_rule(kpi)})"
    error = next((fault for fault in release.faults if fault.severity == "error"), None)
    if error and release.ended:
        return clean(f"{error.code} {error.message.partition(chr(10))[0]}", 90)
    return clean(summary(release), 90)


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`; the day itself after a day."""
    past = now - at
    if past < timedelta(seconds=10):
        return "just now"
    if past < timedelta(hours=1):
        return f"{duration(timedelta(seconds=past.seconds if past.seconds < 60 else past.seconds // 60 * 60))} ago"  # noqa: PLR2004
    return f"{past.seconds // 3600} h ago" if past < timedelta(days=1) else utc_time(at)
