"""Pages for people: the dashboard and one release. They show; nothing is decided by opening one."""

from __future__ import annotations

import azure.functions as func

from function_app.replies import answered, as_html
from function_app.requests import asked
from shared.domain.errors import ModelgateError
from shared.domain.release import Stage
from shared.wiring import ports

bp = func.Blueprint()


@bp.route("/", methods=["GET"])
@answered
def dashboard(req: func.HttpRequest) -> func.HttpResponse:
    """Releases, newest first, filtered by `name` and `stage`."""
    from shared.wire import pages  # noqa: PLC0415 - a template engine

    name, stage = req.params.get("name") or None, asked(req, "stage", tuple(Stage))
    found = ports().releases.page(name=name, stage=stage, limit=50, after=req.params.get("after") or None)
    wired = ports()
    waiting = len(wired.dead_letters.list())
    return as_html(
        pages.dashboard(found, name=name, stage=stage, dead_letters=waiting, base_url=wired.policy.base_url, now=wired.clock.now())
    )


@bp.route("releases/{id}", methods=["GET"])
@answered
def release_page(req: func.HttpRequest) -> func.HttpResponse:
    """One release as it stands."""
    from shared.wire import pages  # noqa: PLC0415 - a template engine

    try:
        saved = ports().releases.load(req.route_params["id"])
    except ModelgateError as error:
        return as_html(pages.error_page(503, str(error)), 503)
    if saved is None:
        return as_html(pages.error_page(404, "There is no such release."), 404)
    return as_html(pages.release_page(saved.release, zone=ports().policy.zone, base_url=ports().policy.base_url))
