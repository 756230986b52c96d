"""Opening hours and holidays as they are registered: checked, and read.

A site's calendar is made of its time zone and of one `Opening` after another, each from a date on.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

from service.core.errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LISTED = "holiday"
WHOLE_DAY = (0, 1440)
MAX_INTERVALS_OF_DAY = 24
MAX_DATES = 1_000
INTERVAL_PATTERN = r"^(?!(.*)-\1$)([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
"""An opening, as JSON Schema has it: from one time of the clock to another one."""
_INTERVAL = re.compile(r"\A([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)\Z", re.ASCII)
_DATE = re.compile(r"\A\d{4}-\d\d-\d\d\Z", re.ASCII)

Hours = Mapping[str, Sequence[str]]


def check_time_zone(name: str) -> str:
    """The name of an IANA time zone. Raises InvalidInput."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise InvalidInput(
            f"{name!r} is not a time zone; it must be an IANA name such as Europe/Vilnius", field="time_zone"
        ) from error
    return name


def check_hours(hours: Hours | None) -> dict[str, list[str]] | None:
    """Opening hours by day, such as {"mon": ["09:00-13:00", "14:00-18:00"]}; one past midnight ends the next day."""
    if hours is None:
        return None
    for day, intervals in hours.items():
        if day not in DAYS:
            raise InvalidInput(f"{day!r} is not a day; it must be one of {', '.join(DAYS)}", field="hours")
        if len(intervals) > MAX_INTERVALS_OF_DAY:
            raise InvalidInput(
                f"has {len(intervals)} intervals; at most {MAX_INTERVALS_OF_DAY} are taken", field=f"hours.{day}"
            )
        for interval in intervals:
            if not _INTERVAL.match(interval):
                raise InvalidInput(
                    f"{interval!r} is not an interval; it must look like 09:00-18:00 and may end at 24:00",
                    field=f"hours.{day}",
                )
            if interval[:5] == interval[6:]:
                raise InvalidInput(f"{interval!r} is empty; a whole day is 00:00-24:00", field=f"hours.{day}")
    return {day: list(intervals) for day, intervals in hours.items()}


def check_holidays(holidays: Any) -> Any:
    """Holidays: a list of dates, or {"country": "DE", "subdivision": "BY", "dates": […]}, of which only the country
    must be there. Raises InvalidInput.
    """
    if holidays is None:
        return None
    dates = holidays
    if isinstance(holidays, dict):
        _check_country(holidays)
        dates = holidays.get("dates", [])
    if not isinstance(dates, list):
        raise InvalidInput("must be a list of dates, or a country with dates of its own", field="holidays")
    if len(dates) > MAX_DATES:
        raise InvalidInput(f"has {len(dates)} dates; at most {MAX_DATES} are taken", field="holidays")
    for day in dates:
        try:
            date.fromisoformat(day if _DATE.match(day) else "")
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{day!r} is not a date such as 2026-12-25", field="holidays") from error
    return holidays


def _check_country(holidays: dict[str, Any]) -> None:
    country = holidays.get("country")
    if not (isinstance(country, str) and re.match(r"\A[A-Z]{2}\Z", country)):
        raise InvalidInput("must be a country's two letters, such as LT", field="holidays.country")
    unknown = sorted(set(holidays) - {"country", "subdivision", "dates"})
    if unknown:
        raise InvalidInput(
            f"{unknown[0]!r} is not known here; it takes country, subdivision and dates", field="holidays"
        )
    try:
        known = country_holidays(country).subdivisions
    except NotImplementedError as error:
        raise InvalidInput(
            f"the public holidays of {country!r} are not known; it must be the ISO 3166 code of a country, such as LT, "
            "or the holidays be given as a list of dates",
            field="holidays.country",
            code="unknown_country",
        ) from error
    if "subdivision" in holidays and holidays["subdivision"] not in known:
        raise InvalidInput(
            f"{holidays['subdivision']!r} is not a part of {country} with holidays of its own; "
            + (f"it must be one of {', '.join(known)}" if known else "none is known there, so leave it out"),
            field="holidays.subdivision",
            code="contradiction",
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """When a site is open, in the time that its clocks show.

    `intervals` has those of each weekday from Monday on, as minutes after the midnight before; an end past 1440 is on
    the next day. `dates` are the holidays that the site listed itself.
    """

    intervals: tuple[tuple[tuple[int, int], ...], ...]
    dates: tuple[date, ...]
    country: str | None
    subdivision: str | None

    @classmethod
    def of(cls, hours: Hours | None, holidays: Any) -> "Opening":
        """Read what is registered, as check_hours and check_holidays let it through. None is: open, no holidays."""
        intervals = tuple(
            (WHOLE_DAY,) if hours is None else tuple(_minutes(interval) for interval in hours.get(day, ()))
            for day in DAYS
        )
        of_country = holidays if isinstance(holidays, dict) else {}
        dates = (of_country.get("dates", ()) if of_country else holidays) or ()
        return cls(
            intervals, tuple(map(date.fromisoformat, dates)), of_country.get("country"), of_country.get("subdivision")
        )

    @property
    def always(self) -> bool:
        """Whether it says in so many words that the site never closes."""
        return not self.dates and self.country is None and all(WHOLE_DAY in day for day in self.intervals)

    def holidays_in(self, year: int) -> dict[date, str]:
        """The holidays of a year and their names in English; a date that only the site lists is LISTED."""
        listed = {day: LISTED for day in self.dates if day.year == year}
        return listed | (_public_holidays(self.country, self.subdivision, year) if self.country is not None else {})


def _minutes(interval: str) -> tuple[int, int]:
    start, end = (int(time[:2]) * 60 + int(time[3:]) for time in interval.split("-"))
    return start, end if end > start else end + 1440


def _public_holidays(country: str, subdivision: str | None, year: int) -> HolidayBase:
    with warnings.catch_warnings():  # of India it says for which years it knows too few, to nobody who could help it
        warnings.simplefilter("ignore")
        # Were the language not named, the one of the machine's locale would be taken.
        return country_holidays(country, subdiv=subdivision, years=year, expand=False, language="en_US")
