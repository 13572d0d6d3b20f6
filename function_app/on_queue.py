"""Queue doors: a task to perform, and a task that failed too often to be performed."""

from __future__ import annotations

import logging

import azure.functions as func

from shared.engine.perform import give_up, perform
from shared.wire.messages import read_task_message
from shared.wiring import ports

bp = func.Blueprint()
log = logging.getLogger("modelgate.doors")
QUEUE = "tasks"


@bp.queue_trigger(arg_name="message", queue_name=QUEUE, connection="AzureWebJobsStorage")
def perform_task(message: str) -> None:
    """Carry out the task that the message names."""
    try:
        key, attempt = read_task_message(message)
    except ValueError as error:
        log.warning("a message on the queue %s is dropped: %s", QUEUE, error)
        return
    perform(key, attempt, ports())


@bp.queue_trigger(arg_name="message", queue_name=f"{QUEUE}-poison", connection="AzureWebJobsStorage")
def poison_task(message: str) -> None:
    """Put the task with the dead letters: its message came back as often as host.json allows."""
    try:
        key, _ = read_task_message(message)
    except ValueError as error:
        log.warning("a message on the queue %s-poison is dropped: %s", QUEUE, error)
        return
    give_up(key, "its message failed as often as host.json allows (maxDequeueCount); the log names the cause", ports())
