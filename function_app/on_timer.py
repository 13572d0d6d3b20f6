"""The timer door."""

from __future__ import annotations

import azure.functions as func

from shared.engine import sweep as engine
from shared.wiring import ports

bp = func.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 */1 * * * *", run_on_startup=True, use_monitor=False)
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding's name
    """Send again what got lost, end what waits too long."""
    engine.sweep(ports())
