from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from schemas.errors import UsageError
from schemas.weeks import Week


@pytest.mark.parametrize(
    ("text", "monday"),
    [
        ("2026-W47", date(2026, 11, 16)),
        ("2026-W01", date(2025, 12, 29)),
        ("2026-W53", date(2026, 12, 28)),
        ("2020-W53", date(2020, 12, 28)),
        ("2024-W01", date(2024, 1, 1)),
        ("0001-W01", date(1, 1, 1)),
        ("9999-W51", date(9999, 12, 20)),
    ],
)
def test_a_week_is_seven_days_from_a_monday_in_utc(text: str, monday: date) -> None:
    week = Week.parse(text)
    assert week.start == datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
    assert week.end - week.start == timedelta(days=7)
    assert str(week) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-W00",
        "2026-W54",
        "2025-W53",  # a year of 52 weeks
        "0000-W01",
        "9999-W52",  # ends after the last day that Python knows
        "2026-W1",
        "2026-47",
        "2026W47",
        "2026-w47",
        " 2026-W47",
        "2026-W47\n",
        "2026-W47-1",
        "-2026-W47",
        "٢٠٢٦-W47",
        "2026-W٤٧",
        "",
    ],
)
def test_what_is_no_week_of_the_calendar_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not an ISO week; write one such as 2026-W47\.$") as caught:
        Week.parse(text)
    assert str(caught.value).startswith(repr(text))


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 11, 15, 23, 59, 59, 999_999, UTC), "2026-W46"),
        (datetime(2026, 11, 16, tzinfo=UTC), "2026-W47"),
        (datetime(2026, 11, 16, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-W46"),
        (datetime(2026, 11, 15, 23, 30, tzinfo=timezone(timedelta(hours=-1))), "2026-W47"),
        (datetime(2027, 1, 3, 23, tzinfo=UTC), "2026-W53"),
        (datetime(2027, 1, 4, tzinfo=UTC), "2027-W01"),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-W01"),
    ],
)
def test_a_moment_lies_in_the_week_of_its_instant_whatever_its_time_zone(moment: datetime, week: str) -> None:
    assert str(Week.of(moment)) == week


def test_a_moment_without_a_time_zone_lies_in_no_week() -> None:
    with pytest.raises(ValueError, match="2026-11-16T00:00:00 has no time zone"):
        Week.of(datetime(2026, 11, 16))


def test_weeks_follow_each_other_without_a_gap_and_in_order() -> None:
    week = Week.parse("2019-W50")
    for _ in range(120):
        following = Week.of(week.end)
        assert following.start == week.end
        assert following > week
        assert Week.parse(str(following)) == following
        week = following
    assert str(week) == "2022-W13"
