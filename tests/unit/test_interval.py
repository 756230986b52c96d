"""Intervals cut into steps: whole minutes, UTC hours, and days of the sites' own time zones."""

from datetime import UTC, datetime, timedelta

import pytest

from service.core.calendar import Calendar
from service.core.errors import InvalidInput
from service.core.event import microseconds
from service.core.interval import MAX_POINTS, Interval, Step, grid


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(interval: Interval, step: Step, *zones: str) -> list[str]:
    return [start.isoformat() for start in grid(interval, step, zones).starts]


def test_an_interval_holds_the_minutes_that_begin_in_it() -> None:
    assert Interval(at("1970-01-01T00:00:30Z"), at("1970-01-01T00:03:00Z")).minutes == range(1, 3)
    assert Interval(at("1970-01-01T00:01:00Z"), at("1970-01-01T00:03:00.000001Z")).minutes == range(1, 4)
    assert not Interval(at("1970-01-01T00:00:10Z"), at("1970-01-01T00:00:50Z")).minutes


@pytest.mark.parametrize("end", ["2025-01-01T00:00:00Z", "2024-12-31T23:59:59Z"])
def test_an_empty_interval_is_refused(end: str) -> None:
    with pytest.raises(InvalidInput, match="from: must be earlier than to"):
        Interval(at("2025-01-01T00:00:00Z"), at(end))


def test_total_is_one_point_whatever_the_interval() -> None:
    interval = Interval(at("2025-01-01T02:00:10+02:00"), at("2025-01-01T02:00:11+02:00"))
    assert written(interval, Step.TOTAL) == ["2025-01-01T00:00:10+00:00"]


def test_hours_are_on_the_hour() -> None:
    interval = Interval(at("2025-01-01T09:59:30Z"), at("2025-01-01T11:00:00.5Z"))
    assert written(interval, Step.HOUR) == ["2025-01-01T10:00:00+00:00", "2025-01-01T11:00:00+00:00"]


def test_minutes() -> None:
    interval = Interval(at("2025-01-01T09:59:30Z"), at("2025-01-01T10:02:00Z"))
    assert written(interval, Step.MINUTE) == ["2025-01-01T10:00:00+00:00", "2025-01-01T10:01:00+00:00"]


def test_days_begin_at_the_sites_midnight() -> None:
    interval = Interval(at("2025-03-29T22:00:00Z"), at("2025-03-30T21:00:01Z"))
    assert written(interval, Step.DAY, "Europe/Vilnius") == ["2025-03-30T00:00:00+02:00", "2025-03-31T00:00:00+03:00"]
    days = grid(interval, Step.DAY, ["Europe/Vilnius"]).days["Europe/Vilnius"]
    assert days.midnights == (at("2025-03-29T22:00:00Z"), at("2025-03-30T21:00:00Z"))


def test_a_day_whose_midnight_the_clocks_skip_begins_right_after() -> None:
    interval = Interval(at("2018-11-04T03:00:00Z"), at("2018-11-04T04:00:00Z"))
    assert written(interval, Step.DAY, "America/Sao_Paulo") == ["2018-11-04T01:00:00-02:00"]


@pytest.mark.parametrize("zone", ["America/Toronto", "Pacific/Apia", "America/St_Johns"])
@pytest.mark.parametrize("around", ["1919-03-31", "2010-11-07", "2011-12-30"])
def test_days_are_those_of_the_calendar(zone: str, around: str) -> None:
    middle = at(f"{around}T12:00:00Z")
    interval = Interval(middle - timedelta(days=2), middle + timedelta(days=2))
    days, calendar = grid(interval, Step.DAY, [zone]).days[zone], Calendar.of(zone)
    assert {calendar.midnight_us(calendar.day_of(minute)) for minute in interval.minutes} == {
        microseconds(midnight) for midnight in days.midnights
    }


def test_days_of_several_zones_are_put_together_by_date() -> None:
    interval = Interval(at("2025-01-01T00:00:00Z"), at("2025-01-02T00:00:00Z"))
    cut = grid(interval, Step.DAY, ["America/New_York", "Europe/Vilnius"])
    assert [start.isoformat() for start in cut.starts] == [
        "2024-12-31T00:00:00+00:00",
        "2025-01-01T00:00:00+00:00",
        "2025-01-02T00:00:00+00:00",
    ]
    assert cut.days["America/New_York"].first_point == 0
    assert cut.days["Europe/Vilnius"].first_point == 1


def test_days_without_a_site_are_of_utc() -> None:
    interval = Interval(at("2025-01-01T00:00:00Z"), at("2025-01-02T00:00:00Z"))
    assert written(interval, Step.DAY) == ["2025-01-01T00:00:00+00:00"]


@pytest.mark.parametrize(("step", "minutes"), [(Step.MINUTE, 1), (Step.HOUR, 60), (Step.DAY, 1440)])
def test_the_number_of_points_is_bounded(step: Step, minutes: int) -> None:
    start = datetime(1980, 1, 1, tzinfo=UTC)
    longest = Interval(start, start + timedelta(minutes=minutes * MAX_POINTS))
    assert len(grid(longest, step).starts) == MAX_POINTS
    with pytest.raises(InvalidInput, match="at most 11000"):
        grid(Interval(start, longest.end + timedelta(minutes=minutes)), step)


def test_the_ends_of_the_calendar_are_no_accident() -> None:
    everything = Interval(at("0001-01-01T00:00:00Z"), at("9999-12-31T23:59:59.999999Z"))
    assert len(grid(everything, Step.TOTAL).starts) == 1
    with pytest.raises(InvalidInput):
        grid(everything, Step.DAY, ["America/New_York"])
