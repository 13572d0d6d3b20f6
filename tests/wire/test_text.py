from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.wire.text import both_times, byte_size, clean, clean_block, duration, last_lines, number, pair, rfc3339, sound

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


@given(st.text())
@example("\x1b]0;title\x07\u202e\u2028\udc00\r\nBcc:")
def test_a_cleaned_text_is_one_encodable_line_without_control_characters(text):
    line = clean(text)
    assert line.isprintable()
    assert line.encode().decode() == line


@given(st.text(min_size=1), st.integers(2, 50))
def test_a_cleaned_text_keeps_its_limit(text, limit):
    assert len(clean(text, limit)) <= limit


def test_a_block_keeps_its_lines():
    assert clean_block("a\r\nb\rc\td\x1b[1mbold\x1b[0m") == "a\nb\nc\tdbold"


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter22@pypi.example.com/simple",
        "postgres://u:hunter22@db/x",
        "blob?sv=1&sig=hunter22%3D",
        "AccountName=a;AccountKey=hunter22==;x",
        "Authorization: Bearer hunter22hunter22",
        'password = "hunter22"',
        "MY_API_KEY: hunter22",
        "--token=hunter22",
        "AKIAHUNTER22HUNTER22",
        "ghp_hunter22hunter22hunter22",
    ],
)
def test_what_looks_like_a_secret_is_not_shown(text):
    assert "hunter22" not in clean(text).lower()
    assert "***" in clean(text)


def test_ordinary_words_are_not_taken_for_secrets():
    text = "the token count is 4, see https://example.com/a@b and basic usage"
    assert clean(text) == text


def test_surrogates_become_encodable():
    assert sound("a\udc00b") == "a?b"


def test_a_log_is_cut_to_its_last_lines():
    assert last_lines(b"\n".join(b"%d" % n for n in range(100)), 3) == "97\n98\n99"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (0.84, "0.8 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
        (187200, "2 d 4 h"),
        (-1, "0.0 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds, told):
    assert duration(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(("count", "told"), [(812, "812 B"), (3400, "3.4 kB"), (1_200_000, "1.2 MB"), (2**31, "2.1 GB")])
def test_sizes_read_as_people_say_them(count, told):
    assert byte_size(count) == told


@pytest.mark.parametrize(
    ("value", "limit", "told"),
    [
        (0.4557, 0.4, ("0.46", "0.40")),
        (0.39999, 0.4, ("0.39999", "0.40000")),
        (0.4, 0.4, ("0.40", "0.40")),
        (54.02, 60, ("54.0", "60.0")),
        (60.001, 60, ("60.001", "60.000")),
        (0.0004, 0.0005, ("0.00040", "0.00050")),
        (18210, 10000, ("18,210", "10,000")),
        (None, 0.4, ("\u2013", "0.40")),
        (float("nan"), 0.4, ("\u2013", "0.40")),
    ],
)
def test_a_value_and_its_limit_are_written_alike(value, limit, told):
    assert pair(value, limit) == told


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_value_never_reads_as_being_on_the_other_side_of_its_limit(value, limit):
    shown, bound = (float(text.replace(",", "")) for text in pair(value, limit))
    assert (shown < bound) == (value < limit)
    assert (shown > bound) == (value > limit)


@pytest.mark.parametrize(
    ("value", "told"), [(0.0, "0.00"), (0.00003, "3e-05"), (212.0, "212.0"), (1e20, "1e+20"), (float("inf"), "\u2013")]
)
def test_numbers_have_the_decimals_they_deserve(value, told):
    assert number(value) == told


def test_local_time_stands_beside_utc_with_its_day_where_that_differs():
    assert both_times(AT, ZoneInfo("Europe/Berlin")) == "20 Nov 2026 23:30 UTC (21 Nov 00:30 CET)"
    assert both_times(AT, ZoneInfo("America/Sao_Paulo")) == "20 Nov 2026 23:30 UTC (20:30 UTC-03:00)"


def test_utc_stands_alone_where_it_is_the_local_time():
    assert both_times(AT, None) == both_times(AT, UTC) == "20 Nov 2026 23:30 UTC"


def test_times_for_programs_are_rfc_3339():
    assert rfc3339(AT.astimezone(ZoneInfo("Europe/Berlin"))) == "2026-11-20T23:30:00Z"
    assert rfc3339(AT.replace(microsecond=250_000)) == "2026-11-20T23:30:00.250Z"
