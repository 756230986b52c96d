"""What may be registered of a site: its time zone, opening hours and holidays."""

from typing import Any

import pytest

from service.core.calendar import DAYS, check_holidays, check_hours, check_time_zone
from service.core.errors import InvalidInput


@pytest.mark.parametrize("name", ["UTC", "Europe/Vilnius", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_time_zones_are_iana_names(name: str) -> None:
    assert check_time_zone(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "Nowhere",
        "Europe/Nowhere",
        "Europe",
        "+02:00",
        "../UTC",
        "/etc/passwd",
        "a\0b",
        "UTC\n",
        "č",
        "x" * 5000,
    ],
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not a time zone; it must be an IANA name") as caught:
        check_time_zone(name)
    assert caught.value.field == "time_zone"


def test_hours_are_kept_as_they_are() -> None:
    assert check_hours(None) is None
    assert check_hours({}) == {}
    hours = {day: ["00:00-24:00"] for day in DAYS}
    assert check_hours(hours) == hours
    split = {"mon": ["09:00-13:00", "14:00-18:00"], "fri": ["22:00-02:00"], "sun": []}
    assert check_hours(split) == split


@pytest.mark.parametrize("day", ["Mon", "monday", "", "mo", "1"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(InvalidInput, match="mon, tue, wed, thu, fri, sat, sun") as caught:
        check_hours({day: ["09:00-18:00"]})
    assert caught.value.field == "hours"


@pytest.mark.parametrize(
    "interval",
    [
        *("", "9:00-18:00", "09:00", "09:00\u201318:00", "09:00-18:00 ", "09:00-18:00\n", "09:60-18:00", "24:00-24:00"),
        *("09:00-24:01", "25:00-26:00", "09:00-09:00", "\u0660\u0669:\u0660\u0660-18:00", "09:00-18:00,19:00-20:00"),
    ],
)
def test_what_is_no_interval_is_refused(interval: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_hours({"mon": ["09:00-18:00"], "tue": [interval]})
    assert caught.value.field == "hours.tue"
    assert repr(interval) in str(caught.value)


@pytest.mark.parametrize(
    "holidays",
    [
        None,
        [],
        ["2026-12-25", "2028-02-29"],
        {"country": "LT"},
        {"country": "LT", "dates": ["2026-06-01"]},
        {"country": "DE", "subdivision": "BY"},
    ],
)
def test_holidays_are_dates_or_a_country(holidays: Any) -> None:
    assert check_holidays(holidays) == holidays


@pytest.mark.parametrize(
    ("holidays", "field"),
    [
        (["25.12.2026"], "holidays"),
        (["20261225"], "holidays"),
        (["2026-W52-5"], "holidays"),
        (["2026-02-29"], "holidays"),
        (["2026-12-25T00:00:00"], "holidays"),
        (["2026-12-25\n"], "holidays"),
        (["\u0662\u0660\u0662\u0666-12-25"], "holidays"),
        ([20261225], "holidays"),
        ([None], "holidays"),
        ([["2026-12-25"]], "holidays"),
        ("2026-12-25", "holidays"),
        (5, "holidays"),
        ({}, "holidays.country"),
        ({"country": "Lithuania"}, "holidays.country"),
        ({"country": "lt"}, "holidays.country"),
        ({"country": ["LT"]}, "holidays.country"),
        ({"country": "XX"}, "holidays.country"),
        ({"country": "LT", "subdivision": "BY"}, "holidays.subdivision"),
        ({"country": "DE", "subdivision": "Bayern"}, "holidays.subdivision"),
        ({"country": "DE", "subdivision": None}, "holidays.subdivision"),
        ({"country": "DE", "subdivision": ["BY"]}, "holidays.subdivision"),
        ({"country": "LT", "dates": "2026-12-25"}, "holidays"),
        ({"country": "LT", "dates": None}, "holidays"),
        ({"country": "LT", "region": "x"}, "holidays"),
    ],
)
def test_other_holidays_are_refused(holidays: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_holidays(holidays)
    assert caught.value.field == field


def test_refusals_say_what_would_be_right() -> None:
    with pytest.raises(InvalidInput, match="'XX' are not known; it must be the ISO 3166 code of a country, such as LT"):
        check_holidays({"country": "XX"})
    with pytest.raises(InvalidInput, match=r"'XY' is not a part of DE .*; it must be one of BB, BE, BW, BY, "):
        check_holidays({"country": "DE", "subdivision": "XY"})
    with pytest.raises(InvalidInput, match=r"'XY' is not a part of LT .*; none is known there, so leave it out"):
        check_holidays({"country": "LT", "subdivision": "XY"})
