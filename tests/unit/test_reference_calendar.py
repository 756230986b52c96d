"""The opening calendar of the reference, against hours counted by hand."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.reference.calendar import ALWAYS_OPEN, WEEKDAYS, Calendar, Hours
from tests.reference.rows import InteractionRow, rows_of
from tests.reference.walk import HOUR, MINUTE, SECOND, micros
from tests.reference_cases import event, queued, walked

SHOP: Hours = {day: ["09:00-13:00", "14:00-18:00"] for day in WEEKDAYS[:5]}


def wall(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """Microseconds since 1970 of a wall time."""
    return micros(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold))


def hours(calendar: Calendar, start: str, end: str) -> float:
    """Open hours between two wall times of the calendar's zone."""
    return calendar.open_time(wall(start, calendar.zone), wall(end, calendar.zone)) / HOUR


@pytest.mark.parametrize(
    ("start", "end", "open_hours"),
    [
        ("2025-03-31T09:00", "2025-03-31T18:00", 8),
        ("2025-03-31T00:00", "2025-04-01T00:00", 8),
        ("2025-03-31T12:30", "2025-03-31T14:30", 1),
        ("2025-03-31T13:00", "2025-03-31T14:00", 0),
        ("2025-03-31T10:00", "2025-03-31T10:00", 0),
        ("2025-03-31T10:15", "2025-03-31T10:30", 0.25),
        ("2025-03-28T17:00", "2025-03-31T10:00", 2),
        ("2025-03-29T00:00", "2025-03-31T09:00", 0),
        ("2025-03-03T00:00", "2025-04-07T00:00", 200),
    ],
)
def test_a_shop_with_a_lunch_break(start: str, end: str, open_hours: float) -> None:
    assert hours(Calendar("UTC", SHOP), start, end) == open_hours


def test_open_time_is_exact_to_the_microsecond() -> None:
    shop, opens = Calendar("UTC", SHOP), wall("2025-03-31T09:00")
    assert shop.open_time(opens - 1, opens + 1) == 1
    assert shop.open_time(opens - 1, opens) == 0
    assert shop.open_time(opens + 4 * HOUR - 1, opens + 5 * HOUR + 1) == 2


def test_no_hours_are_whole_days_but_for_holidays_and_empty_ones_never_open() -> None:
    assert ALWAYS_OPEN.open_time(3, 10) == 7
    assert Calendar("Asia/Kolkata", None, ["1970-01-01"]).open_time(3, 10) == 0
    assert Calendar("UTC", {}).open_time(0, 400 * HOUR) == 0
    assert Calendar("UTC", {"thu": []}).open_time(0, 400 * HOUR) == 0


def test_the_zone_is_the_site_s() -> None:
    start, end = wall("2025-03-31T00:00"), wall("2025-03-31T07:30")
    found = {
        zone: Calendar(zone, SHOP).open_time(start, end) / HOUR
        for zone in ("Europe/Vilnius", "Asia/Kolkata", "America/New_York", "UTC")
    }
    assert found == {"Europe/Vilnius": 1.5, "Asia/Kolkata": 4, "America/New_York": 0, "UTC": 0}


def test_intervals_past_midnight_and_to_midnight() -> None:
    night = Calendar("UTC", {"mon": ["22:00-06:00"]})
    assert hours(night, "2025-03-31T00:00", "2025-04-02T00:00") == 8
    assert hours(night, "2025-04-01T05:00", "2025-04-01T09:00") == 1
    assert hours(night, "2025-03-31T00:00", "2025-03-31T22:00") == 0
    for interval in ("20:00-24:00", "20:00-00:00"):
        late = Calendar("UTC", {"mon": [interval]})
        assert hours(late, "2025-03-31T00:00", "2025-04-02T00:00") == 4
    always = Calendar("Europe/Vilnius", {day: ["00:00-24:00"] for day in WEEKDAYS})
    start = wall("2025-03-29T12:34:56")
    assert always.open_time(start, start + 90 * HOUR + 1) == 90 * HOUR + 1


def test_overlapping_intervals_are_open_once() -> None:
    twice = Calendar(
        "UTC", {"mon": ["14:00-18:00", "09:00-15:00", "10:00-11:00", "20:00-04:00"], "tue": ["02:00-05:00"]}
    )
    assert hours(twice, "2025-03-31T00:00", "2025-04-02T00:00") == 9 + 9


def test_a_holiday_closes_what_begins_on_it() -> None:
    night = {day: ["22:00-06:00", "12:00-13:00"] for day in WEEKDAYS}
    open_nights = Calendar("UTC", night, ["2025-03-31"])
    assert hours(open_nights, "2025-03-31T00:00", "2025-04-01T00:00") == 6
    assert hours(open_nights, "2025-04-01T00:00", "2025-04-02T00:00") == 3
    local = Calendar("America/New_York", {"sun": ["20:00-23:00"]}, ["2025-03-30"])
    assert hours(local, "2025-03-30T00:00", "2025-04-01T00:00") == 0
    assert hours(Calendar("America/New_York", {"sun": ["20:00-23:00"]}), "2025-03-30T00:00", "2025-04-01T00:00") == 3


@pytest.mark.parametrize(
    ("interval", "open_hours"),
    [
        ("00:00-24:00", 23),
        ("01:00-05:00", 3),
        ("01:30-02:30", 1),  # the clocks show 03:30 an hour after 01:30
        ("02:00-03:00", 0),
        ("02:30-03:15", 0),  # it would end before it begins
        ("02:30-04:00", 0.5),
        ("02:15-02:45", 0.5),
    ],
)
def test_the_day_on_which_the_clocks_go_forward(interval: str, open_hours: float) -> None:
    sunday = Calendar("America/New_York", {"sun": [interval]})
    assert hours(sunday, "2025-03-08T00:00", "2025-03-11T00:00") == open_hours


@pytest.mark.parametrize(
    ("interval", "open_hours"),
    [("00:00-24:00", 25), ("01:00-02:00", 2), ("00:30-01:30", 1), ("01:30-02:30", 2), ("02:00-03:00", 1)],
)
def test_the_day_on_which_the_clocks_go_back(interval: str, open_hours: float) -> None:
    sunday = Calendar("America/New_York", {"sun": [interval]})
    assert hours(sunday, "2024-11-02T00:00", "2024-11-05T00:00") == open_hours


def test_the_first_of_two_like_wall_times_opens() -> None:
    sunday = Calendar("America/New_York", {"sun": ["01:30-01:45"]})
    first, second = (wall("2024-11-03T01:30", sunday.zone, fold) for fold in (0, 1))
    assert sunday.open_time(first, first + 15 * MINUTE) == 15 * MINUTE
    assert sunday.open_time(second, second + 15 * MINUTE) == 0


# Resolution by the business clock


def test_an_interaction_s_business_resolution_counts_the_open_hours_of_its_site() -> None:
    # Arrives at 09:00 on a Monday in UTC, is resolved a day and a minute later.
    one = walked(
        queued(0, site="bank"),
        event(60, "completed", resolved=False),
        event(86_460, "completed", resolved=True),
        event(90_000, "completed", resolved=True),
    )

    def resolution(calendars: dict[str, Calendar] | None) -> int | None:
        (*_, row) = rows_of(one, calendars=calendars)
        assert isinstance(row, InteractionRow)
        assert row.resolution == 86_460 * SECOND
        return row.business_resolution

    assert resolution({"bank": Calendar("UTC", SHOP)}) == 8 * HOUR + MINUTE
    assert resolution({"bank": Calendar("UTC", {})}) == 0
    assert resolution({"kaunas-2": Calendar("UTC", {})}) == 86_460 * SECOND
    assert resolution({}) == 86_460 * SECOND
    assert resolution(None) is None


def test_what_is_not_resolved_or_nowhere_has_no_business_resolution() -> None:
    for one in (walked(queued(0, site="bank")), walked(queued(0), event(9, "completed", resolved=True))):
        (*_, row) = rows_of(one, calendars={})
        assert isinstance(row, InteractionRow)
        assert row.business_resolution is None
