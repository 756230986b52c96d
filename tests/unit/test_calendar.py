"""Calendars: what of the time is open, and where local days begin."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.calendar import DAYS, Calendar, check_holidays, check_hours
from service.core.event import MIN_US, microseconds, moment

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


def us(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def utc(us_: int) -> str:
    return moment(us_).strftime("%Y-%m-%d %H:%M")


def daily(time_zone: str, *intervals: str, holidays: Any = None) -> Calendar:
    return Calendar.of(time_zone, [(None, check_hours(dict.fromkeys(DAYS, intervals)), check_holidays(holidays))])


def written(calendar: Calendar, when: str) -> list[str]:
    """The openings of a date, as the clocks there show them."""
    return [
        "-".join(f"{moment(at).astimezone(calendar.zone):%d %H:%M}" for at in span)
        for span in calendar.openings(day(when))
    ]


def open_hours(calendar: Calendar, start: str, end: str) -> float:
    return calendar.open_us(us(start), us(end)) / HOUR_US


@pytest.mark.parametrize(
    ("zone", "when", "begins", "hours"),
    [
        ("UTC", "2026-03-29", "2026-03-29 00:00", 24),
        ("Europe/Vilnius", "2026-03-29", "2026-03-28 22:00", 23),
        ("Europe/Vilnius", "2026-10-25", "2026-10-24 21:00", 25),
        ("America/New_York", "2026-03-08", "2026-03-08 05:00", 23),
        ("America/New_York", "2026-11-01", "2026-11-01 04:00", 25),
        ("Asia/Kolkata", "2026-01-01", "2025-12-31 18:30", 24),
        ("Asia/Kathmandu", "2026-01-01", "2025-12-31 18:15", 24),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", 23.5),
        ("Asia/Beirut", "2024-03-31", "2024-03-30 22:00", 23),  # 00:00 is skipped
        ("America/Havana", "2024-03-10", "2024-03-10 05:00", 23),  # 00:00 is skipped
        ("America/Havana", "2024-11-03", "2024-11-03 04:00", 25),  # 00:00 is shown twice
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17 02:00", 25),  # 23:00 is shown twice
        ("America/St_Johns", "2010-11-06", "2010-11-06 02:30", 24),  # ends, and is shown again from 00:01 on
        ("America/St_Johns", "2010-11-07", "2010-11-07 02:30", 25),
        ("America/Toronto", "1919-03-30", "1919-03-30 05:00", 23.5),
        ("America/Toronto", "1919-03-31", "1919-03-31 04:30", 23.5),  # 23:30 to 00:30 is skipped
        ("Pacific/Apia", "2011-12-29", "2011-12-29 10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00", 0),  # there was none
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", 24),
        ("Europe/Vilnius", "0002-01-03", "0002-01-02 22:18", 24),
        ("Europe/Vilnius", "9998-12-31", "9998-12-30 22:00", 24),
    ],
)
def test_local_days_begin_with_their_first_instant(zone: str, when: str, begins: str, hours: float) -> None:
    calendar = Calendar.of(zone)
    midnight = calendar.midnight_us(day(when))
    assert utc(midnight).lstrip("0") == begins.lstrip("0")
    assert calendar.midnight_us(day(when) + 1) - midnight == hours * HOUR_US


def test_minutes_find_their_day_within_the_hour() -> None:
    nepal = Calendar.of("Asia/Kathmandu")
    midnight = us("2025-12-31T18:15Z") // MINUTE_US
    found = [nepal.day_of(midnight + minutes) for minutes in (-16, -15, -1, 0, 44, 45)]
    assert found == [day("2025-12-31")] * 3 + [day("2026-01-01")] * 3


def test_an_hour_of_the_day_before_that_comes_back_is_the_new_days() -> None:
    calendar = Calendar.of("America/St_Johns")
    minute = us("2010-11-07T02:30Z") // MINUTE_US
    assert calendar.zone.utcoffset(datetime(2010, 11, 6, 23, 30, fold=1, tzinfo=calendar.zone)) == timedelta(hours=-3.5)
    assert [calendar.day_of(minute + later) - day("2010-11-07") for later in (-1, 0, 1, 30, 60)] == [-1, 0, 0, 0, 0]


def test_no_minute_is_on_a_date_that_the_clocks_skip() -> None:
    calendar = Calendar.of("Pacific/Apia")
    minute = us("2011-12-30T10:00Z") // MINUTE_US
    assert [calendar.day_of(minute + later) for later in (-1, 0)] == [day("2011-12-29"), day("2011-12-31")]


@settings(deadline=None)
@given(
    st.sampled_from(sorted(available_timezones() - {"localtime"})), st.integers(0, us("2040-01-01T00:00Z") // MINUTE_US)
)
def test_a_minute_is_on_the_latest_date_that_the_clocks_have_shown(zone: str, minute: int) -> None:
    clocks = ZoneInfo(zone)
    shown = max(moment((minute - before) * MINUTE_US).astimezone(clocks).date() for before in range(120))
    assert Calendar.of(zone).day_of(minute) == (shown - date(1970, 1, 1)).days


@pytest.mark.parametrize("year", [1883, 2011])
def test_days_and_midnights_agree_in_every_zone(year: int) -> None:
    first = day(f"{year}-01-01")
    for zone in available_timezones() - {"localtime"}:
        calendar = Calendar.of(zone)
        for one in range(first, first + 366):
            midnight, following = calendar.midnight_us(one), calendar.midnight_us(one + 1)
            if midnight == following:
                continue
            minute = -(-midnight // MINUTE_US)
            assert calendar.day_of(minute) == one, zone
            assert calendar.day_of(minute - 1) < one, zone
            assert moment(midnight).astimezone(calendar.zone).toordinal() - date(1970, 1, 1).toordinal() == one, zone


def test_without_hours_a_site_is_always_open() -> None:
    for calendar in (Calendar.of("Europe/Vilnius"), Calendar.of("Europe/Vilnius", [(None, None, None)])):
        assert calendar.is_open(0)
        assert calendar.open_us(-5, 2 * DAY_US) == 2 * DAY_US + 5
        assert calendar.open_us(7, 7) == calendar.open_us(7, 6) == 0
        assert written(calendar, "2026-03-29") == ["29 00:00-30 00:00"]


def test_without_hours_holidays_are_closed_all_the_same() -> None:
    calendar = Calendar.of("Europe/Vilnius", [(None, None, ["2026-03-29"])])
    assert written(calendar, "2026-03-29") == []
    assert open_hours(calendar, "2026-03-28T00:00+02:00", "2026-03-31T00:00+03:00") == 48
    assert calendar.is_open(us("2026-03-28T23:59:59.999999+02:00"))
    assert not calendar.is_open(us("2026-03-29T00:00+02:00"))
    assert calendar.is_open(us("2026-03-30T00:00+03:00"))


def test_days_that_are_not_named_are_closed() -> None:
    calendar = Calendar.of("UTC", [(None, {"mon": ["09:00-13:00", "14:00-18:00"], "tue": []}, None)])
    assert written(calendar, "2026-03-02") == ["02 09:00-02 13:00", "02 14:00-02 18:00"]
    assert written(calendar, "2026-03-03") == written(calendar, "2026-03-04") == []
    assert open_hours(calendar, "2026-03-02T12:30Z", "2026-03-02T14:15Z") == 0.75
    assert open_hours(calendar, "2026-03-01T00:00Z", "2026-03-15T00:00Z") == 16
    assert Calendar.of("UTC", [(None, {}, None)]).open_us(0, 10 * DAY_US) == 0


def test_the_start_is_open_and_the_end_is_not() -> None:
    calendar = daily("Asia/Kolkata", "09:00-18:00")
    opens, closes = us("2026-03-02T09:00+05:30"), us("2026-03-02T18:00+05:30")
    assert [calendar.is_open(at) for at in (opens - 1, opens, closes - 1, closes)] == [False, True, True, False]
    assert calendar.open_us(opens - 7, opens + 3) == 3
    assert calendar.open_us(closes - 3, closes + 7) == 3


def test_overlapping_intervals_count_once() -> None:
    calendar = daily("UTC", "10:00-12:00", "09:00-11:00", "12:00-13:00", "20:00-10:30")
    assert written(calendar, "2026-03-02")[0] == "02 09:00-02 11:00"
    assert open_hours(calendar, "2026-03-02T00:00Z", "2026-03-03T00:00Z") == 17
    assert open_hours(daily("UTC", "09:00-18:00", "10:00-12:00"), "2026-03-02T00:00Z", "2026-03-03T00:00Z") == 9
    assert daily("UTC", "12:00-11:59", "11:00-12:30").open_us(0, 1000 * DAY_US + 1) == 1000 * DAY_US + 1


def test_what_begins_late_in_the_far_west_lasts_until_the_day_after_next_of_utc() -> None:
    calendar = Calendar.of("Pacific/Pago_Pago", [(None, {"mon": ["23:00-22:30"]}, None)])
    assert written(calendar, "2026-03-02") == ["02 23:00-03 22:30"]
    assert open_hours(calendar, "2026-03-01T00:00Z", "2026-03-08T00:00Z") == 23.5
    assert calendar.is_open(us("2026-03-04T09:29Z"))


def test_midnight_may_end_an_interval() -> None:
    assert open_hours(daily("UTC", "18:00-24:00"), "2026-03-02T17:00Z", "2026-03-03T17:00Z") == 6
    assert open_hours(daily("UTC", "18:00-00:00"), "2026-03-02T17:00Z", "2026-03-03T17:00Z") == 6
    assert open_hours(daily("America/Havana", "18:00-24:00"), "2024-03-09T12:00-05:00", "2024-03-10T12:00-04:00") == 6


@pytest.mark.parametrize(
    ("zone", "interval", "when", "clocks", "hours"),
    [
        ("Europe/Vilnius", "22:00-05:00", "2026-03-28", "28 22:00-29 05:00", 6),
        ("Europe/Vilnius", "22:00-05:00", "2026-10-24", "24 22:00-25 05:00", 8),
        ("Europe/Vilnius", "03:15-03:45", "2026-03-29", "29 04:15-29 04:45", 0.5),
        ("Europe/Vilnius", "01:00-03:30", "2026-03-29", "29 01:00-29 04:30", 2.5),
        ("Europe/Vilnius", "03:00-04:00", "2026-10-25", "25 03:00-25 04:00", 2),
        ("Europe/Vilnius", "01:00-03:30", "2026-10-25", "25 01:00-25 03:30", 2.5),
        ("America/New_York", "00:00-24:00", "2026-03-08", "08 00:00-09 00:00", 23),
        ("America/New_York", "00:00-24:00", "2026-11-01", "01 00:00-02 00:00", 25),
        ("America/New_York", "20:00-02:30", "2026-03-07", "07 20:00-08 03:30", 6.5),
        ("Asia/Beirut", "00:00-08:00", "2024-03-31", "31 01:00-31 08:00", 7),
        ("Asia/Beirut", "00:30-08:00", "2024-03-31", "31 01:30-31 08:00", 6.5),
        ("America/Toronto", "00:00-24:00", "1919-03-31", "31 00:30-01 00:00", 23.5),
        ("Pacific/Apia", "22:00-02:00", "2011-12-29", "29 22:00-31 02:00", 4),
    ],
)
def test_hours_where_the_clocks_change(zone: str, interval: str, when: str, clocks: str, hours: float) -> None:
    calendar = daily(zone, interval)
    assert written(calendar, when) == [clocks]
    [(start, end)] = calendar.openings(day(when))
    assert (end - start) / HOUR_US == hours
    assert calendar.open_us(start, end) == end - start


def test_what_the_clocks_skip_does_not_open() -> None:
    assert written(daily("Pacific/Apia", "09:00-18:00"), "2011-12-30") == []
    assert open_hours(daily("Pacific/Apia", "09:00-18:00"), "2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00") == 18
    assert written(daily("Europe/Vilnius", "03:30-04:00", "06:00-07:00"), "2026-03-29") == ["29 06:00-29 07:00"]


def test_an_overnight_shift_goes_on_into_a_holiday_and_does_not_begin_on_it() -> None:
    calendar = daily("Europe/Vilnius", "22:00-02:00", holidays=["2026-03-29"])
    assert written(calendar, "2026-03-28") == ["28 22:00-29 02:00"]
    assert written(calendar, "2026-03-29") == []
    assert open_hours(calendar, "2026-03-29T00:00+02:00", "2026-03-30T22:00+03:00") == 2
    assert calendar.holiday(day("2026-03-29")) == "holiday"
    assert calendar.holiday(day("2026-03-30")) is None


def test_holidays_of_a_country_and_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    bavaria = daily("Europe/Berlin", "09:00-18:00", holidays={"country": "DE", "subdivision": "BY"})
    germany = daily("Europe/Berlin", "09:00-18:00", holidays={"country": "DE", "dates": ["2026-01-06", "2026-12-25"]})
    listed = daily("Europe/Berlin", "09:00-18:00", holidays=["2026-01-06"])
    found = [
        [calendar.holiday(day(f"2026-{when}")) for when in ("01-06", "12-25", "12-28")]
        for calendar in (bavaria, germany, listed)
    ]
    assert found == [
        ["Epiphany", "Christmas Day", None],
        ["holiday", "Christmas Day", None],
        ["holiday", None, None],
    ]
    assert written(bavaria, "2026-12-25") == []
    assert open_hours(bavaria, "2026-12-24T00:00+01:00", "2026-12-29T00:00+01:00") == 27


@pytest.mark.parametrize("country", ["IN", "LT"])
def test_years_without_known_holidays_have_none(country: str) -> None:
    calendar = daily("UTC", "09:00-18:00", holidays={"country": country})
    assert calendar.open_us(MIN_US, us("9998-12-31T00:00Z")) > 0
    assert calendar.holiday(day("0002-12-25")) is calendar.holiday(day("9998-12-25")) is None


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12", "Asia/Manila", "America/Juneau", "Africa/Casablanca"])
def test_the_far_past_and_future_are_days_like_others(zone: str) -> None:
    calendar = daily(zone, "00:00-23:59", "23:00-01:00", holidays={"country": "US"})
    for at in (MIN_US, us("9998-12-31T23:59:59.999999Z")):
        today = calendar.day_of(at // MINUTE_US)
        assert calendar.midnight_us(today) <= at < calendar.midnight_us(today + 1)
        assert len(calendar.openings(today)) == 2
        assert calendar.is_open(at)
        assert calendar.open_us(at - DAY_US, at) == DAY_US
        assert calendar.holiday(today) is None


def test_versions_hold_from_their_date_on() -> None:
    late, short = {day: ["22:00-02:00"] for day in DAYS}, {day: ["12:00-13:00"] for day in DAYS}
    calendar = Calendar.of(
        "Europe/Vilnius",
        [(date(2026, 7, 3), None, None), (date(2026, 7, 1), short, ["2026-06-30", "2026-07-02"]), (None, late, None)],
    )
    assert written(calendar, "0002-06-30") == ["30 22:00-01 02:00"]
    assert written(calendar, "2026-06-30") == ["30 22:00-01 02:00"]
    assert written(calendar, "2026-07-01") == ["01 12:00-01 13:00"]
    assert written(calendar, "2026-07-02") == []
    assert written(calendar, "2026-07-03") == ["03 00:00-04 00:00"]
    assert open_hours(calendar, "2026-06-30T12:00+03:00", "2026-07-03T12:00+03:00") == 4 + 1 + 12
    assert calendar.holiday(day("2026-06-30")) is None


def test_before_the_first_version_a_site_is_open() -> None:
    calendar = Calendar.of("UTC", [(date(2026, 7, 1), {}, None)])
    assert open_hours(calendar, "2026-06-29T00:00Z", "2026-07-10T00:00Z") == 48


@pytest.mark.parametrize(
    "calendar",
    [
        daily("America/New_York", "09:00-13:00", "22:00-03:30", holidays={"country": "US", "dates": ["1650-12-31"]}),
        Calendar.of(
            "Europe/Vilnius",
            [(None, {"sat": ["22:00-02:00"], "sun": ["03:30-04:15"]}, None), (date(2121, 3, 1), None, ["2150-01-01"])],
        ),
    ],
    ids=["new-york", "vilnius"],
)
def test_long_times_are_as_long_as_their_parts(calendar: Calendar) -> None:
    for start in (us("1610-05-05T05:55Z"), us("1890-05-05T05:55Z"), us("2080-05-05T05:55Z")):
        cuts = range(start, start + 44_000 * DAY_US, 700 * DAY_US)
        assert calendar.open_us(cuts[0], cuts[-1]) == sum(map(calendar.open_us, cuts[:-1], cuts[1:]))


ZONES = ["UTC", "Europe/Vilnius", "America/New_York", "Asia/Beirut", "America/Havana", "Asia/Kathmandu"]
CHANGES = ["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01", "2026-06-15"]
wall = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
interval = st.tuples(wall, wall | st.just("24:00")).filter(lambda ends: ends[0] != ends[1]).map("-".join)
hours = st.none() | st.dictionaries(st.sampled_from(DAYS), st.lists(interval, max_size=3))
near = (
    st.sampled_from(CHANGES)
    .map(date.fromisoformat)
    .flatmap(lambda change: st.dates(change - timedelta(days=2), change + timedelta(days=3)))
)
holidays = st.lists(near, max_size=4).map(lambda dates: [day.isoformat() for day in dates])
first_version = st.tuples(st.none(), hours, holidays)
versions = st.builds(
    lambda first, later: [first, *later], first_version, st.lists(st.tuples(near, hours, holidays), max_size=1)
)
minutes = near.flatmap(lambda when: st.integers(0, 1439).map(lambda minute: day(when.isoformat()) * 1440 + minute))


def naively_open(at: datetime, zone: ZoneInfo, known: list[Any]) -> bool:
    """Whether some interval that begins on a date near by is under way."""
    for days in range(-3, 3):
        when = at.astimezone(zone).date() + timedelta(days=days)
        _, intervals_of, closed = [version for version in known if version[0] is None or version[0] <= when][-1]
        for text in (
            []
            if when.isoformat() in closed
            else ["00:00-24:00"]
            if intervals_of is None
            else intervals_of.get(DAYS[when.weekday()], [])
        ):
            start, end = (timedelta(hours=int(clock[:2]), minutes=int(clock[3:])) for clock in text.split("-"))
            local = datetime(when.year, when.month, when.day, tzinfo=zone)
            until = local + end + timedelta(days=end <= start)
            if (local + start).astimezone(UTC) <= at < until.astimezone(UTC):
                return True
    return False


@settings(deadline=None)
@given(st.sampled_from(ZONES), versions, minutes, st.integers(1, 2000))
def test_opening_time_is_that_of_its_open_minutes(zone: str, known: list[Any], first: int, length: int) -> None:
    calendar = Calendar.of(zone, known)
    every = range(first, first + length)
    found = [calendar.is_open(minute * MINUTE_US) for minute in every]
    assert calendar.open_us(every.start * MINUTE_US, every.stop * MINUTE_US) == sum(found) * MINUTE_US
    for minute in every[::15]:
        assert found[minute - first] == naively_open(moment(minute * MINUTE_US), ZoneInfo(zone), known)


instants = st.integers(us("2024-01-01T00:00Z"), us("2028-01-01T00:00Z"))


@settings(deadline=None)
@given(st.sampled_from(ZONES), versions, st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_opening_times_add_up(zone: str, known: list[Any], cuts: list[int]) -> None:
    calendar = Calendar.of(zone, known)
    first, second, third = cuts
    assert calendar.open_us(first, second) + calendar.open_us(second, third) == calendar.open_us(first, third)
