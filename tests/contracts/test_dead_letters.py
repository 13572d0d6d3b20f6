from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.errors import NotFound
from shared.ports import DeadLetter

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def letter(key="r1/2/0", at=NOW):
    return DeadLetter(key, "r1", "BuildImage", "no quota", at, {"attempt": 3})


def test_letters_are_listed_newest_first(dead_letters):
    for letter_ in (letter("r1/1/0"), letter("r1/2/0", NOW + timedelta(seconds=1))):
        dead_letters.put(letter_)
    assert [one.key for one in dead_letters.list()] == ["r1/2/0", "r1/1/0"]


def test_a_letter_is_taken_once(dead_letters):
    dead_letters.put(letter())
    assert dead_letters.take("r1/2/0") == letter()
    with pytest.raises(NotFound):
        dead_letters.take("r1/2/0")


def test_the_same_key_replaces(dead_letters):
    dead_letters.put(letter())
    dead_letters.put(letter(at=NOW + timedelta(days=1)))
    assert len(dead_letters.list()) == 1
