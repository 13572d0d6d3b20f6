"""The interface as OpenAPI 3.1, from one table. A test holds it against the functions that are there."""

from __future__ import annotations

from typing import Any

TEXT, PAGE, JSON = "text/plain", "text/html", "application/json"
ROUTES: tuple[tuple[str, str, str, str, str, str], ...] = (
    # path, method, function, what it gives, answer, schema
    ("/api/health", "get", "health", "Whether the system answers", JSON, "Health"),
    ("/api/releases", "get", "releases", "Releases, newest first", JSON, "Releases"),
    ("/api/releases", "post", "new_release", "Start a release", JSON, "Accepted"),
    ("/api/uploads", "post", "new_upload", "A URL to upload a large archive to", JSON, "Upload"),
    ("/api/releases/{id}", "get", "release", "One release", JSON, "Release"),
    ("/api/releases/{id}/report", "get", "release_report", "The report", PAGE, ""),
    ("/api/releases/{id}/logs", "get", "release_logs", "The logs", TEXT, ""),
    ("/api/releases/{id}/events", "get", "release_events", "What happened", JSON, "Events"),
    ("/api/releases/{id}/cancel", "post", "release_cancellation", "End a release", JSON, "Release"),
    ("/api/releases/{id}/decide", "post", "release_decision", "Decide an inconclusive release", JSON, "Release"),
    ("/api/releases/{id}/retry", "post", "release_retry", "Try a stopped release again", JSON, "Release"),
    ("/api/deadletters", "get", "dead_letters", "Tasks that were given up", JSON, "DeadLetters"),
    ("/api/deadletters/{key}/requeue", "post", "dead_letter_requeue", "Bring a task on its way again", JSON, "Release"),
    ("/api/openapi.json", "get", "openapi", "This document", JSON, "Any"),
)
_STRING, _NUMBER = {"type": "string"}, {"type": "number"}
_MAYBE = {"type": ["string", "null"]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


SCHEMAS: dict[str, Any] = {
    "Any": {},
    "Health": _object(status=_STRING),
    "Error": _object(error=_object(code=_STRING, message=_STRING, fix=_STRING)),
    "Accepted": _object(id=_STRING, links=_object()),
    "Upload": _object(upload_url=_STRING, drop_url=_STRING, expires_at=_STRING, method=_STRING),
    "Releases": _object(releases=_list("Release"), next=_MAYBE),
    "Events": _object(events=_list("HistoryLine")),
    "DeadLetters": _object(deadletters=_list("DeadLetter")),
    "DeadLetter": _object(key=_STRING, release_id=_STRING, effect=_STRING, reason=_STRING, at=_STRING, payload=_object()),
    "HistoryLine": _object(at=_STRING, stage=_STRING, fact=_STRING, reason=_STRING),
    "Fault": _object(code=_STRING, severity=_STRING, file=_MAYBE, line={"type": ["integer", "null"]}, message=_STRING, fix=_STRING),
    "Kpi": _object(
        metric=_STRING,
        rule=_STRING,
        limit=_NUMBER,
        value={"type": ["number", "null"]},
        interval={"type": ["array", "null"], "items": _NUMBER},
        champion={"type": ["number", "null"]},
        slice=_MAYBE,
        rows={"type": ["integer", "null"]},
        mode=_STRING,
        holds={"type": ["boolean", "null"]},
        reason=_STRING,
    ),
    "Release": _object(
        id=_STRING,
        name=_STRING,
        version={"type": ["integer", "null"]},
        stage=_STRING,
        verdict=_MAYBE,
        decision={"type": ["object", "null"]},
        submitter=_MAYBE,
        reasons={"type": "array", "items": _STRING},
        faults=_list("Fault"),
        kpis=_list("Kpi"),
        metrics={"type": "object", "additionalProperties": _NUMBER},
        history=_list("HistoryLine"),
        links=_object(),
        same_as=_MAYBE,
        created_at=_STRING,
        updated_at=_STRING,
    ),
}
_QUERY: dict[str, tuple[str, ...]] = {
    "releases": ("name", "stage", "limit", "after"),
    "new_release": ("name", "force", "set"),
    "new_upload": ("name", "force", "set"),
}
_BODIES: dict[str, Any] = {
    "new_release": {"application/zip": {}, "application/gzip": {}, JSON: {"schema": _object(url=_STRING)}},
    "release_decision": {
        JSON: {"schema": _object(outcome={"enum": ["pass", "fail"]}, reason=_STRING) | {"required": ["outcome", "reason"]}}
    },
    "release_retry": {JSON: {"schema": _object(**{"from": _STRING})}},
    "release_cancellation": {JSON: {"schema": _object(reason=_STRING)}},
}
_SUCCESS = {"new_release": "202", "new_upload": "201"}


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {}
    for path, method, function, summary, answer, schema in ROUTES:
        paths.setdefault(path, {})[method] = _operation(path, function, summary, answer, schema)
    info = {"title": "modelgate", "version": "1", "description": "Drop a model bundle, read the verdict. Times are RFC 3339 UTC."}
    keys = {"key": {"type": "apiKey", "in": "header", "name": "x-functions-key"}}
    return {
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": keys},
        "security": [{"key": []}],
    }


def _operation(path: str, function: str, summary: str, answer: str, schema: str) -> dict[str, Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _STRING} for name in names]
    parameters += [{"name": name, "in": "query", "schema": _STRING} for name in _QUERY.get(function, ())]
    content = {answer: {"schema": {"$ref": f"#/components/schemas/{schema}"}} if schema else {}}
    fault = {"description": "What went wrong", "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}
    body = {"requestBody": {"content": _BODIES[function]}} if function in _BODIES else {}
    responses = {_SUCCESS.get(function, "200"): {"description": summary, "content": content}, "default": fault}
    return {"operationId": function, "summary": summary, "parameters": parameters, "responses": responses, **body}
