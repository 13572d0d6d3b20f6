"""Mails: what happened, by how much, and what to do now, for a phone, a screen and a thread of mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo

from shared.domain.identity import mail_id
from shared.domain.release import KpiResult, Release, Stage, Verdict
from shared.ports import Attachment, Mail
from shared.wire.layout import render
from shared.wire.mail_text import faults_title, plain_text
from shared.wire.rows import Row, bundle_rows, release_rows
from shared.wire.text import both_times, byte_size, clean, pair, plural
from shared.wire.words import DEFAULT_URL, errors, faults_in_order, kpi_name, main_kpi, missed_kpis, place, title

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
KINDS = ("receipt", "verdict", "fault", "duplicate", "cancelled")
REPORT_MOST = 8_000_000  # bytes of a report that a mail carries
HTML_MOST = 100_000
COLOURS = {  # each reads on white and on black, since a mail cannot know
    "pass": "#15834b",
    "fail": "#ad6500",
    "close": "#0d7f96",
    "invalid": "#6c5dd3",
    "error": "#cf383f",
    "quiet": "#717a83",
    "run": "#2f6fdb",
}


def compose(
    release: Release,
    kind: str,
    *,
    sender: str,
    base_url: str = DEFAULT_URL,
    report: bytes | None,
    at: datetime,
    local_zone: tzinfo | None,
    reply_to: str | None = None,
) -> Mail:
    """The mail of `kind` (receipt, verdict, fault, duplicate, cancelled). `to` is empty when the submitter is no usable address.

    Raises ValueError for a kind that does not exist.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no mail of kind {clean(kind)!r}; there are {', '.join(KINDS)}")
    told = told_release(release, kind)
    carried = report if report and len(report) <= REPORT_MOST else None
    rows = _rows(told, kind, local_zone, base_url) | {"attached": carried is not None, "sent": both_times(at, local_zone)}
    subject = subject_of(told, kind)
    return Mail(
        operation_id=mail_id(release, kind),
        to=tuple(filter(None, [address(release.submitter)])),
        subject=subject,
        text=plain_text(rows),
        html=_html(rows, subject),
        at=at,
        attachments=(Attachment(f"{slug(title(release))}-report.html", "text/html", carried),) if carried else (),
        headers=_headers(release, kind, sender, reply_to),
    )


def told_release(release: Release, kind: str) -> Release:
    """The release as this mail tells of it, even if it has moved on since (a retry, a decision)."""
    by_verdict = {
        Verdict.PASSED: Stage.PASSED,
        Verdict.FAILED: Stage.FAILED,
        Verdict.INCONCLUSIVE: Stage.AWAITING_DECISION,
        Verdict.INVALID: Stage.INVALID,
    }
    if kind == "verdict":
        return replace(release, stage=by_verdict.get(release.verdict or Verdict.ERROR, release.stage))
    if kind == "fault" and release.stage not in (Stage.INVALID, Stage.ERROR, Stage.EXPIRED):
        return replace(release, stage=Stage.INVALID if release.verdict == Verdict.INVALID else Stage.ERROR)
    stage = {"receipt": Stage.REGISTERING, "duplicate": Stage.DUPLICATE, "cancelled": Stage.CANCELLED}.get(kind, release.stage)
    return replace(release, stage=stage)


def subject_of(release: Release, kind: str) -> str:
    """One line that carries the answer: `[PASSED] diabetes 3 · r2 0.46 (limit 0.40)`."""
    words = {Stage.AWAITING_DECISION: "INCONCLUSIVE"}
    word = "RECEIVED" if kind == "receipt" else words.get(release.stage, str(release.stage).upper())
    answers: dict[str, Callable[[Release], str]] = {
        "receipt": _received,
        "verdict": _answer,
        "fault": _fault,
        "duplicate": lambda told: f"same as {clean(told.same_as or '?', 40)}" + (f" ({told.verdict})" if told.verdict else ""),
        "cancelled": lambda told: clean(told.reasons[-1], 90) if told.reasons else "no verdict was wanted any more",
    }
    return clean(f"[{word}] {title(release)} · {answers[kind](release)}", 180)


def _received(release: Release) -> str:
    bundle = release.bundle
    return f"{plural(bundle.files, 'file')}, {byte_size(bundle.size)}" if bundle else "on its way"


def _answer(release: Release) -> str:
    kpi = main_kpi(release)
    if kpi is None:
        return "no KPI to hold it against"
    more = len(missed_kpis(release)) - 1
    return _short(kpi) + (f" (+{more} more)" if more > 0 else "")


def _short(kpi: KpiResult) -> str:
    value, limit = pair(kpi.value, kpi.limit)
    return f"{kpi_name(kpi)} {value} (limit {limit})" if kpi.value is not None else f"{kpi_name(kpi)} has no value (limit {limit})"


def _fault(release: Release) -> str:
    ours = "ours, not yours: " if release.stage == Stage.ERROR else ""
    if release.stage == Stage.EXPIRED:
        return f"too long in {str(release.stopped_at or 'one stage').replace('_', ' ')}"
    found = errors(release) or list(release.faults)
    if not found:
        return ours + (clean(release.reasons[0], 90) if release.reasons else "no cause was recorded")
    first = faults_in_order(found)[0]
    said = clean(first.message.partition("\n")[0], 100)
    where = f" ({place(first)})" if first.file and first.file not in said else ""
    more = f" (+{len(found) - 1} more)" if len(found) > 1 else ""
    return f"{ours}{first.code} {said}{where}{more}"


def address(text: str | None) -> str | None:
    """`text` if it is one plain mail address, else None: nothing else ever becomes a recipient."""
    return text if text and _ADDRESS.fullmatch(text) and ".." not in text and len(text) < 255 else None  # noqa: PLR2004 - RFC 5321


def slug(text: str) -> str:
    """`text` as a part of a file name: letters, digits, dots and dashes, at most 60."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.").replace("..", ".")[:60] or "release"


def _headers(release: Release, kind: str, sender: str, reply_to: str | None) -> dict[str, str]:
    release_id = slug(release.id)
    headers = {
        "From": clean(sender, 250),
        "Auto-Submitted": "auto-generated",
        "References": f"<{release_id}@modelgate>",  # one thread a release
        "X-Modelgate-Release": release_id,
        "X-Modelgate-Kind": kind,
    }
    return headers | ({"Reply-To": reply_to} if address(reply_to) and reply_to else {})


def _rows(release: Release, kind: str, zone: tzinfo | None, base_url: str) -> Row:
    rows = release_rows(release, zone, base_url)
    rows |= {"received": [], "faults_title": faults_title(rows), "short_of_azure": _short_of_azure(rows["not_exercised"])}
    if kind != "receipt":
        return rows
    return rows | {
        "label": "received",
        "tone": "run",
        "headline": f"{title(replace(release, version=None))} has arrived",
        "summary": "Its files check. The model now goes through the gate; the verdict comes in the next mail.",
        "received": bundle_rows(release),
        "facts": [fact for fact in rows["facts"] if fact[0] in ("Submitter", "Received")],
        "kpis": [],
        "reasons": [],
        "short_of_azure": "",
    }


def _short_of_azure(sentences: list[str]) -> str:
    """The sentences' first words as one: the report has them whole."""
    names = [sentence.partition(":")[0].lower() for sentence in sentences]
    return f"Ran on one machine; not exercised: {', '.join(names)} of Azure. The report says what each would add." if names else ""


def _html(rows: Row, subject: str) -> str:
    """At most 100 kB: faults are left out from the end until it fits."""
    for shown in (len(rows["faults"]), 20, 10, 5, 0):
        more = rows["more_faults"] + max(len(rows["faults"]) - shown, 0)
        kpis = rows["kpis"][: 40 if shown else 10]
        html = render(
            "mail.html", r=rows | {"faults": rows["faults"][:shown], "more_faults": more, "kpis": kpis}, colours=COLOURS, subject=subject
        )
        if len(html.encode("utf-8", "replace")) <= HTML_MOST:
            return html
    raise AssertionError("a mail without faults is always small enough")
