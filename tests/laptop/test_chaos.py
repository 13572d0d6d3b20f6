# ruff: noqa: S311 - chaos needs no secrecy
from __future__ import annotations

import random

import pytest

from laptop.chaos import BadChaos, Chaos, parse_chaos


def test_every_word_is_read():
    read = parse_chaos("duplicate=0.3,delay=2s,reorder,drop=0.05,seed=7,ladder=0.01")
    assert read == Chaos(duplicate=0.3, drop=0.05, delay=2.0, reorder=True, seed=7, ladder=0.01)


@pytest.mark.parametrize("text", [None, "", " , "])
def test_no_word_is_a_calm_day(text):
    assert parse_chaos(text) == Chaos()
    assert parse_chaos(text).copies(random.Random(1)) == [0.0]


@pytest.mark.parametrize(("text", "seconds"), [("delay=2s", 2), ("delay=250ms", 0.25), ("delay=1m", 60), ("delay=1.5", 1.5)])
def test_a_delay_has_a_unit(text, seconds):
    assert parse_chaos(text).delay == seconds


@pytest.mark.parametrize("text", ["duplicate", "duplicate=2", "drop=-0.1", "drop=x", "delay=fast", "reorder=1", "lightning", "seed=a"])
def test_a_word_that_is_not_known_is_told_with_those_that_are(text):
    with pytest.raises(BadChaos, match=text.split("=")[0]):
        parse_chaos(text)


def test_events_come_twice_and_never_about_as_often_as_asked():
    dice, chaos = random.Random(1), Chaos(duplicate=0.3, drop=0.1)
    counts = [len(chaos.copies(dice)) for _ in range(10_000)]
    assert counts.count(0) == pytest.approx(1000, abs=150)
    assert counts.count(2) == pytest.approx(2700, abs=250)


def test_events_that_are_only_late_keep_their_order():
    assert Chaos(delay=2.0).copies(random.Random(1)) == [2.0]


def test_events_that_overtake_one_another_differ_in_their_delay():
    dice, chaos = random.Random(1), Chaos(reorder=True)
    late = [chaos.copies(dice)[0] for _ in range(20)]
    assert late != sorted(late)
    assert all(0 <= wait <= 0.5 for wait in late)


def test_the_same_seed_gives_the_same_day():
    chaos = parse_chaos("duplicate=0.5,drop=0.2,reorder")
    first, second = random.Random(7), random.Random(7)
    assert [chaos.copies(first) for _ in range(50)] == [chaos.copies(second) for _ in range(50)]
