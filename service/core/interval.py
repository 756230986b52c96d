"""Intervals of time and the steps into which they are cut.

Numbers are booked to whole minutes of arrival, so an interval is the set of minutes that begin in it. A day is the
local one of each site; where the sites keep several time zones, each is cut at its own midnights, and the days are
put together by their dates.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from service.core.calendar import Calendar
from service.core.errors import InvalidInput
from service.core.event import MINUTE_US, microseconds, moment

MAX_POINTS = 11_000
_MINUTES = {"1m": 1, "1h": 60}


class Step(StrEnum):
    """How far apart the points of an answer are."""

    TOTAL = "total"
    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` to `end`, which is exclusive; both aware. Raises InvalidInput where it is empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise InvalidInput("must be earlier than to", field="from", code="contradiction")

    @property
    def minutes(self) -> range:
        """The minutes since 1970 that begin in the interval."""
        return range(-(-microseconds(self.start) // MINUTE_US), -(-microseconds(self.end) // MINUTE_US))


@dataclass(frozen=True, slots=True)
class Days:
    """The local days of one time zone: the moments in UTC at which they begin, and the point of the first."""

    midnights: tuple[datetime, ...]
    first_point: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The points of an answer: when each starts, and how a minute finds its own.

    For hours and minutes the points are `step` apart; for days `days` tells by time zone.
    """

    interval: Interval
    step: Step
    starts: tuple[datetime, ...]
    days: Mapping[str, Days]


def grid(interval: Interval, step: Step, zones: Collection[str] = ()) -> Grid:
    """Cut an interval into steps; `zones` are the time zones of the sites concerned, and matter for days only.

    Raises InvalidInput where there would be more points than an answer may have, or no calendar for the times.
    """
    if step is Step.TOTAL:
        return Grid(interval, step, (interval.start.astimezone(UTC),), {})
    if step is Step.DAY:
        try:
            return _daily(interval, sorted(zones) or ["UTC"])
        except OverflowError as error:
            raise InvalidInput(
                "lies too close to the end of the calendar for days", field="from", code="contradiction"
            ) from error
    minutes = interval.minutes
    length = _MINUTES[step]
    found = range(minutes.start - minutes.start % length, minutes.stop, length) if minutes else range(0)
    _check_number(len(found))
    return Grid(interval, step, tuple(moment(minute * MINUTE_US) for minute in found), {})


def _daily(interval: Interval, zones: list[str]) -> Grid:
    minutes = interval.minutes
    if not minutes:
        return Grid(interval, Step.DAY, (), {})
    calendars = {zone: Calendar.of(zone) for zone in zones}
    dates = {
        zone: range(calendar.day_of(minutes[0]), calendar.day_of(minutes[-1]) + 1)
        for zone, calendar in calendars.items()
    }
    every = range(min(days.start for days in dates.values()), max(days.stop for days in dates.values()))
    _check_number(len(every))
    days = {zone: Days(_midnights(calendars[zone], dates[zone]), dates[zone].start - every.start) for zone in zones}
    shown_in = calendars[zones[0]] if len(zones) == 1 else Calendar.of("UTC")
    starts = tuple(midnight.astimezone(shown_in.zone) for midnight in _midnights(shown_in, every))
    return Grid(interval, Step.DAY, starts, days)


def _midnights(calendar: Calendar, days: range) -> tuple[datetime, ...]:
    return tuple(moment(calendar.midnight_us(day)) for day in days)


def _check_number(points: int) -> None:
    if points > MAX_POINTS:
        raise InvalidInput(
            f"would make {points} points a series; at most {MAX_POINTS} are given: take a longer step "
            "(1m, 1h, 1d, total) or a shorter interval",
            field="step",
            code="contradiction",
        )
