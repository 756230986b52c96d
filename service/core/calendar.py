"""Sites' calendars as they are registered: time zone, opening hours, holidays."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from service.core.errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_INTERVAL = re.compile(r"\A([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)\Z", re.ASCII)
_DATE = re.compile(r"\A\d{4}-\d\d-\d\d\Z", re.ASCII)


def check_time_zone(name: str) -> str:
    """The name of an IANA time zone. Raises InvalidInput."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise InvalidInput(
            f"{name!r} is not a time zone; it must be an IANA name such as Europe/Vilnius", field="time_zone"
        ) from error
    return name


def check_hours(hours: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]] | None:
    """Opening hours by day, such as {"mon": ["09:00-13:00", "14:00-18:00"]}; one past midnight ends the next day."""
    if hours is None:
        return None
    for day, intervals in hours.items():
        if day not in DAYS:
            raise InvalidInput(f"{day!r} is not a day; it must be one of {', '.join(DAYS)}", field="hours")
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
    """Holidays: a list of dates, or {"country": "LT", "dates": […]}. Raises InvalidInput."""
    if holidays is None:
        return None
    dates = holidays
    if isinstance(holidays, dict):
        country = holidays.get("country")
        if not (isinstance(country, str) and re.match(r"\A[A-Z]{2}\Z", country)):
            raise InvalidInput("must be a country's two letters, such as LT", field="holidays.country")
        unknown = sorted(set(holidays) - {"country", "dates"})
        if unknown:
            raise InvalidInput(f"{unknown[0]!r} is not known here; it takes country and dates", field="holidays")
        dates = holidays.get("dates", [])
    if not isinstance(dates, list):
        raise InvalidInput("must be a list of dates, or a country with dates of its own", field="holidays")
    for day in dates:
        try:
            date.fromisoformat(day if _DATE.match(day) else "")
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{day!r} is not a date such as 2026-12-25", field="holidays") from error
    return holidays
