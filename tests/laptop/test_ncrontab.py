from __future__ import annotations

from datetime import UTC, datetime

import pytest

from laptop.ncrontab import BadSchedule, parse_schedule


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "then"),
    [
        ("0 */1 * * * *", "2026-11-21T09:31:07", "2026-11-21T09:32:00"),
        ("0 */1 * * * *", "2026-11-21T09:59:00", "2026-11-21T10:00:00"),
        ("0 */5 * * * *", "2026-12-31T23:56:00", "2027-01-01T00:00:00"),
        ("*/15 * * * * *", "2026-11-21T09:31:45", "2026-11-21T09:32:00"),
        ("5,10 30 9-17 * * Mon-Fri", "2026-11-20T17:30:10", "2026-11-23T09:30:05"),
        ("0 0 0 * * 0", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("0 0 0 * * sunday", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("0 0 0 * * 7", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("0 0 0 29 Feb *", "2026-11-21T00:00:00", "2028-02-29T00:00:00"),
        ("0 30 9 * Jan,Jun *", "2026-11-21T00:00:00", "2027-01-01T09:30:00"),
        ("0 10/20 * * * *", "2026-11-21T09:31:00", "2026-11-21T09:50:00"),
        ("0 5-59/10 * * * *", "2026-11-21T09:31:00", "2026-11-21T09:35:00"),
        ("30 9 * * *", "2026-11-21T10:00:00", "2026-11-22T09:30:00"),
        ("0 0 0 1 * Mon", "2026-11-21T00:00:00", "2027-02-01T00:00:00"),
    ],
)
def test_the_next_time_is_the_first_that_every_field_allows(schedule, now, then):
    assert parse_schedule(schedule).after(at(now)) == at(then)


def test_a_time_within_a_second_waits_for_the_next_second():
    assert parse_schedule("* * * * * *").after(at("2026-11-21T09:31:07.900")) == at("2026-11-21T09:31:08")


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 8",
        "*/0 * * * * *",
        "5-1 * * * * *",
        "x * * * * *",
    ],
)
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(BadSchedule):
        parse_schedule(schedule)


def test_a_day_that_never_comes_is_refused():
    with pytest.raises(BadSchedule, match="never comes"):
        parse_schedule("0 0 0 30 2 *").after(at("2026-01-01"))
