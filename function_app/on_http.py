"""HTTP doors: what people and programs ask for. JSON; errors are `{"error": {"code", "message", "fix"}}`."""

from __future__ import annotations

import re
from urllib.parse import unquote

import azure.functions as func

from function_app.openapi import document
from function_app.replies import BadRequest, answered, as_html, as_json, as_text
from function_app.requests import archive_of, asked, fields_of, limit_of, person_of, submission_of
from shared.domain.errors import NoSuchStep, NotFound
from shared.domain.facts import CancelAsked, Decided, RetryAsked
from shared.domain.release import WAY, Release, Stage
from shared.engine.advance import advance, send
from shared.engine.claim import CONTAINER, claim
from shared.engine.retrieve import logs_of, requeue
from shared.engine.tell import report_of
from shared.wire.event_grid import Uploaded, split_url
from shared.wire.views import dead_letter_view, release_view
from shared.wiring import ports

bp = func.Blueprint()
ANONYMOUS = func.AuthLevel.ANONYMOUS


@bp.route("api/health", methods=["GET"], auth_level=ANONYMOUS)
@answered
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """Whether the system answers and its store can be read."""
    ports().releases.page(name=None, stage=None, limit=1, after=None)
    return as_json({"status": "ok"})


@bp.route("api/releases", methods=["POST"])
@answered
def new_release(req: func.HttpRequest) -> func.HttpResponse:
    """Start a release from the archive in the body, or from `{url}` of one that lies in the drop container."""
    said = submission_of(req)
    if "json" in req.headers.get("content-type", ""):
        release_id = _from_url(str(fields_of(req).get("url") or ""))
    else:
        drop = ports().bundles.receive(*archive_of(req, said), said)
        release_id = _claimed(drop.url, drop.etag)
    return as_json({"id": release_id, "links": release_view(_load(release_id), _base())["links"]}, 202)


@bp.route("api/uploads", methods=["POST"])
@answered
def new_upload(req: func.HttpRequest) -> func.HttpResponse:
    """A URL for one PUT of a large archive; then POST `{url: drop_url}` to /api/releases."""
    said = submission_of(req)
    slot = ports().bundles.upload_slot(said["name"], said)
    expires = slot.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return as_json({"upload_url": slot.url, "drop_url": slot.drop_url, "expires_at": expires, "method": "PUT"}, 201)


@bp.route("api/releases", methods=["GET"])
@answered
def releases(req: func.HttpRequest) -> func.HttpResponse:
    """Newest first; `name`, `stage`, `limit` (1 to 200), `after` (a cursor)."""
    stage = asked(req, "stage", tuple(Stage))
    page = ports().releases.page(
        name=req.params.get("name") or None, stage=stage, limit=limit_of(req), after=req.params.get("after") or None
    )
    return as_json({"releases": [release_view(one, _base()) for one in page.releases], "next": page.next})


@bp.route("api/releases/{id}", methods=["GET"])
@answered
def release(req: func.HttpRequest) -> func.HttpResponse:
    """One release."""
    return as_json(release_view(_asked_for(req), _base()))


@bp.route("api/releases/{id}/report", methods=["GET"])
@answered
def release_report(req: func.HttpRequest) -> func.HttpResponse:
    """The report; 409 before the verdict."""
    found = _asked_for(req)
    if found.verdict is None and not found.ended:
        raise NoSuchStep(f"release {found.id} has no report yet: it is {found.stage.value}. The report is there with the verdict.")
    try:
        return as_html(ports().evidence.get(found.id, "report.html"))
    except NotFound:
        return as_html(report_of(found, ports()))


@bp.route("api/releases/{id}/logs", methods=["GET"])
@answered
def release_logs(req: func.HttpRequest) -> func.HttpResponse:
    """All logs of the release as one text, stage by stage."""
    return as_text(logs_of(_asked_for(req), ports()))


@bp.route("api/releases/{id}/events", methods=["GET"])
@answered
def release_events(req: func.HttpRequest) -> func.HttpResponse:
    """What happened to the release, oldest first."""
    return as_json({"events": release_view(_asked_for(req), _base())["history"]})


@bp.route("api/releases/{id}/cancel", methods=["POST"])
@answered
def release_cancellation(req: func.HttpRequest) -> func.HttpResponse:
    """End a release that has no verdict yet."""
    fields = fields_of(req)
    return _by_person(req, CancelAsked(person_of(req, fields, needed=False), str(fields.get("reason") or "")))


@bp.route("api/releases/{id}/decide", methods=["POST"])
@answered
def release_decision(req: func.HttpRequest) -> func.HttpResponse:
    """A known person decides an inconclusive release: `{outcome: pass|fail, reason, as}`."""
    fields = fields_of(req)
    outcome, reason = str(fields.get("outcome") or ""), str(fields.get("reason") or "").strip()
    if outcome not in {"pass", "fail"} or not reason:
        raise BadRequest(
            "a decision has an outcome and a reason", 'Send {"outcome": "pass" or "fail", "reason": "…", "as": "you@example.com"}.'
        )
    return _by_person(req, Decided(outcome, person_of(req, fields, needed=True), reason))


@bp.route("api/releases/{id}/retry", methods=["POST"])
@answered
def release_retry(req: func.HttpRequest) -> func.HttpResponse:
    """Try a stopped release again, from the stage where it stopped or an earlier one."""
    fields = fields_of(req)
    stage = str(fields.get("from") or "")
    if stage and stage not in {one.value for one in WAY}:
        raise BadRequest(f"{stage} is no stage that can be tried again", f"Stages: {', '.join(one.value for one in WAY)}.")
    return _by_person(req, RetryAsked(person_of(req, fields, needed=False), Stage(stage) if stage else None))


@bp.route("api/deadletters", methods=["GET"])
@answered
def dead_letters(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """Tasks that were given up, newest first."""
    return as_json({"deadletters": [dead_letter_view(letter) for letter in ports().dead_letters.list()]})


@bp.route("api/deadletters/{*key}", methods=["POST"])
@answered
def dead_letter_requeue(req: func.HttpRequest) -> func.HttpResponse:
    """Bring a task that was given up back on its way: `…/{key}/requeue`."""
    key, _, verb = unquote(req.route_params["key"]).rpartition("/")
    if verb != "requeue" or not re.fullmatch(r"r[a-z2-7]{15}/\d+/\d+", key):
        raise NotFound("there is only POST /api/deadletters/{key}/requeue, with a key as GET /api/deadletters lists it")
    return as_json(release_view(requeue(key, person_of(req, {}, needed=False), ports()), _base()))


@bp.route("api/openapi.json", methods=["GET"], auth_level=ANONYMOUS)
@answered
def openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """This interface, as OpenAPI 3.1."""
    return as_json(document())


def _by_person(req: func.HttpRequest, fact: CancelAsked | Decided | RetryAsked) -> func.HttpResponse:
    step = advance(_asked_for(req).id, fact, ports(), person=True)
    send(step.fresh, ports())
    return as_json(release_view(step.saved.release, _base()))


def _asked_for(req: func.HttpRequest) -> Release:
    return _load(req.route_params["id"])


def _load(release_id: str) -> Release:
    saved = ports().releases.load(release_id)
    if saved is None:
        raise NotFound(f"there is no release {release_id[:40]!r}")
    return saved.release


def _from_url(url: str) -> str:
    _, container, path = split_url(url)
    if container != CONTAINER or not path:
        raise BadRequest(
            f"{url[:200]!r} is not in our container {CONTAINER}", "Upload it first: POST /api/uploads gives a URL to PUT it to."
        )
    try:
        return _claimed(url, ports().bundles.etag(url))
    except NotFound as error:
        raise BadRequest(str(error), "Upload it first: POST /api/uploads gives a URL to PUT it to.") from error


def _claimed(url: str, etag: str) -> str:
    release_id = claim(Uploaded(*split_url(url), etag, 0), ports())
    if release_id is None:
        raise BadRequest(f"{url} is no bundle", "A bundle is a .zip or .tar.gz, or a folder of files.")
    return release_id


def _base() -> str:
    return ports().policy.base_url
