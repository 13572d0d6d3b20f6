"""Event Grid doors: parse, hand over, done. Named for what happened, since operators read these names.

A door takes the event as `str`: the worker then gives the raw JSON, and one parser of ours reads both schemas. What cannot be read
or concerns nobody is recorded and the door returns, because a raise only makes Event Grid send it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import azure.functions as func

from shared.engine.advance import tell
from shared.engine.claim import claim
from shared.wire import event_grid as wire
from shared.wiring import ports

bp = func.Blueprint()
log = logging.getLogger("modelgate.doors")
T = TypeVar("T")


@bp.event_grid_trigger(arg_name="event")
def bundle_uploaded(event: str) -> None:
    """A blob was committed."""
    upload = _read(event, wire.uploaded)
    if upload is not None:
        claim(upload, ports())


@bp.event_grid_trigger(arg_name="event")
def model_registered(event: str) -> None:
    """The registry holds a new model version."""
    _tell(_read(event, wire.model_registered))


@bp.event_grid_trigger(arg_name="event")
def image_pushed(event: str) -> None:
    """An image was built."""
    _tell(_read(event, wire.image_pushed))


@bp.event_grid_trigger(arg_name="event")
def run_completed(event: str) -> None:
    """A run ended well."""
    _tell(_read(event, wire.run_ended))


@bp.event_grid_trigger(arg_name="event")
def run_status_changed(event: str) -> None:
    """A run changed its state; only final states matter."""
    _tell(_read(event, wire.run_ended))


@bp.event_grid_trigger(arg_name="event")
def drift_detected(event: str) -> None:
    """Data drifted. Retraining is not part of this version: the event is recorded."""
    _read(event, lambda told: log.info("drift told by %s: nothing is retrained in this version", told.source))


@bp.event_grid_trigger(arg_name="event")
def mail_delivery_reported(event: str) -> None:
    """A mail was delivered, or came back."""
    _tell(_read(event, wire.mail_reported))


def _tell(told: wire.Told | None) -> None:
    if told is not None:
        tell(told.key, told.fact, ports())


def _read(text: str, reader: Callable[[wire.Event], T | None]) -> T | None:
    try:
        event = wire.read_event(text)
        found = reader(event)
    except (wire.NotAnEvent, ValueError) as error:
        log.warning("an event was not understood and is dropped: %s", error)
        return None
    if found is None:
        log.info("event %s (%s, %s) concerns nobody", event.id, event.type, event.subject)
    return found
