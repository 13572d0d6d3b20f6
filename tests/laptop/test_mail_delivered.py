from __future__ import annotations

import json
from datetime import UTC, datetime

from shared.adapters.local.file_mailer import FileMailer
from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.signals import Signals, mail_delivered
from shared.domain.facts import MailReported
from shared.ports import Mail
from shared.wire.event_grid import Told, mail_reported, read_event

ID = "950850f5-bcdf-4315-b77a-6447cf56fac9"


def test_a_mail_in_the_outbox_is_told_as_a_delivery_that_the_door_understands(tmp_path):
    signals = Signals(HeapQueue())
    mailer = FileMailer(tmp_path, lambda mail: mail_delivered(signals, "gate@example.com", mail))
    mailer.send(Mail(ID, ("ana@example.com",), "[PASSED] x", "text", "<p>text</p>", datetime(2026, 1, 2, tzinfo=UTC)))
    event = read_event(json.dumps(signals.next_event(1)))
    assert mail_reported(event) == Told(f"mail:{ID}", MailReported("Delivered", "ana@example.com"))
