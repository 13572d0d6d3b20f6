from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.wire.messages import read_task_message, task_message

ROOT = Path(__file__).parents[2]
RACE = """
import sys, threading
from datetime import UTC, datetime
from shared.domain.saved import Saved
from shared.wire.messages import saved_from_json, saved_to_json
from tests.contracts.test_release_store import rich
document = saved_to_json(Saved(rich(), 1))
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(8)
def read():
    barrier.wait()
    saved_from_json(document)
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_a_message_is_read_as_it_was_written():
    assert read_task_message(task_message("r1/2/0", 3)) == ("r1/2/0", 3)


@pytest.mark.parametrize("body", ["", "{", "[]", "1", '{"key": "x"}', '{"key": "x", "attempt": "y"}'])
def test_what_is_no_task_message_is_refused(body):
    with pytest.raises(ValueError, match=r"not a task message|invalid literal"):
        read_task_message(body)


def test_the_first_readers_of_a_process_may_come_at_once():
    done = [subprocess.run([sys.executable, "-c", RACE], cwd=ROOT, check=False).returncode for _ in range(4)]
    assert done == [0] * 4
