"""Sites' calendars: which instants are open, and where the local days begin.

Instants are whole microseconds since 1970 in UTC, minutes are counted since 1970 in UTC, and a day is the number of a
local date since 1970-01-01. What clocks show becomes an instant as PEP 495 has it with fold=0: a time that they skip
is as long after the jump as it would be without one, of a time that they show twice it is the first. A date that they
skip altogether has no length, and nothing opens on it.
"""

from bisect import bisect_left, bisect_right
from calendar import isleap
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from service.core.event import DAY_US, EPOCH, HOUR_US, MINUTE_US, SECOND_US, microseconds, moment
from service.core.opening import DAYS, Hours, Opening, check_holidays, check_hours, check_time_zone

__all__ = ["DAYS", "Calendar", "Span", "Version", "check_holidays", "check_hours", "check_time_zone"]

Span = tuple[int, int]
Version = tuple[date | None, Hours | None, Any]

_FIRST_DAY = EPOCH.toordinal()
_SINCE_EVER = date.min.toordinal() - _FIRST_DAY
# Before any zone had its first time by law, and after the last date that is an exception to a zone's rules.
_LAST_OF_MEAN_TIME, _FIRST_OF_RULES = 1799, 2100


class Calendar:
    """The calendar of a site. It never changes; what it works out it remembers, within bounds, for itself alone."""

    __slots__ = (
        "_always_open",
        "_days_of_hour",
        "_epoch",
        "_from_days",
        "_holidays_in",
        "_midnight_us",
        "_open_in",
        "_openings",
        "_opens",
        "_years_us",
        "zone",
    )

    def __init__(self, zone: ZoneInfo, versions: Sequence[tuple[int, Opening]]) -> None:
        self.zone = zone
        self._epoch = datetime(1970, 1, 1, tzinfo=zone)
        self._from_days = [from_day for from_day, _ in versions]
        self._opens = [opening for _, opening in versions]
        self._always_open = all(opening.always for opening in self._opens)
        remember = lru_cache(maxsize=4096)
        self._midnight_us: Callable[[int], int] = remember(self._find_midnight_us)
        self._openings: Callable[[int], tuple[Span, ...]] = remember(self._find_openings)
        self._open_in: Callable[[int], tuple[Span, ...]] = remember(self._find_open_in)
        self._holidays_in: Callable[[int, int], Mapping[date, str]] = remember(self._find_holidays_in)
        self._years_us: dict[tuple[int, ...], int] = {}
        self._days_of_hour: Callable[[int], tuple[int, int, int]] = lru_cache(maxsize=32_768)(self._find_days_of_hour)

    @classmethod
    def of(cls, time_zone: str, versions: Sequence[Version] = ()) -> "Calendar":
        """The calendar of a time zone and of versions (from_date, hours, holidays), in any order.

        On each local date that version holds which has the latest from_date not after it, None being since ever;
        before the first, and without any, the site is open. Hours and holidays must have been checked.
        """
        dated = [
            (_SINCE_EVER if from_date is None else _number(from_date), Opening.of(hours, holidays))
            for from_date, hours, holidays in versions
        ]
        dated.sort(key=lambda version: version[0])
        if not dated or dated[0][0] > _SINCE_EVER:
            dated.insert(0, (_SINCE_EVER, Opening.of(None, None)))
        return cls(ZoneInfo(time_zone), dated)

    def is_open(self, at_us: int) -> bool:
        """Whether an instant is open: the one at which an interval starts is, the one at which it ends is not."""
        return self._always_open or any(start <= at_us < end for start, end in self._open_in(at_us // DAY_US))

    def open_us(self, start_us: int, end_us: int) -> int:
        """The opening time from an instant to before another, in microseconds; 0 where they are in no such order."""
        if end_us <= start_us:
            return 0
        if self._always_open:
            return end_us - start_us
        first, last = start_us // DAY_US, end_us // DAY_US
        if first == last:
            return _overlap_us(self._open_in(first), start_us, end_us)
        return (
            _overlap_us(self._open_in(first), start_us, end_us)
            + self._whole_days_us(first + 1, last)
            + _overlap_us(self._open_in(last), start_us, end_us)
        )

    def day_of(self, minute: int) -> int:
        """The local date in which a minute begins: the last one whose midnight is not after it."""
        before, change, after = self._days_of_hour(minute // 60)
        return before if minute < change else after

    def midnight_us(self, day: int) -> int:
        """The first instant of a local date; of one that the clocks skip, that of the next."""
        return self._midnight_us(day)

    def openings(self, day: int) -> list[Span]:
        """The intervals that begin on a local date, sorted, as (start_us, end_us); they may overlap.

        A date that has any is a business day.
        """
        return list(self._openings(day))

    def holiday(self, day: int) -> str | None:
        """The name of the holiday that a local date is, LISTED for one that the site listed; None for other dates."""
        when = date.fromordinal(day + _FIRST_DAY)
        return self._holidays_in(self._version(day), when.year).get(when)

    def _version(self, day: int) -> int:
        return bisect_right(self._from_days, day) - 1

    def _find_holidays_in(self, version: int, year: int) -> Mapping[date, str]:
        return self._opens[version].holidays_in(year)

    def _find_midnight_us(self, day: int) -> int:
        midnight = self._epoch + timedelta(days=day)
        found = microseconds(midnight)
        skipped_to = microseconds(midnight.replace(fold=1))
        if skipped_to >= found:
            return found
        # The clocks skip midnight. They need not jump at it, as Toronto's did at 23:30 in 1919: the date begins then.
        seconds = range(skipped_to // SECOND_US, found // SECOND_US)
        return SECOND_US * (
            seconds.start + bisect_left(seconds, day, key=lambda second: self._shown(second * SECOND_US))
        )

    def _shown(self, at_us: int) -> int:
        return moment(at_us).astimezone(self.zone).toordinal() - _FIRST_DAY

    def _find_days_of_hour(self, hour: int) -> tuple[int, int, int]:
        """The date at the start of a UTC hour, the minute from which it is another, and that one."""
        before, after = self._day_at(hour * HOUR_US), self._day_at(hour * HOUR_US + 59 * MINUTE_US)
        return before, -(-self.midnight_us(after) // MINUTE_US), after

    def _day_at(self, at_us: int) -> int:
        day = self._shown(at_us)
        # Where the clocks go back over midnight, they show the day before once more: that is no day of its own.
        while self.midnight_us(day + 1) <= at_us:
            day += 1
        return day

    def _find_openings(self, day: int) -> tuple[Span, ...]:
        skipped = self.midnight_us(day) == self.midnight_us(day + 1)
        if skipped or self.holiday(day) is not None:
            return ()
        weekday = (day + _FIRST_DAY - 1) % 7
        intervals = self._opens[self._version(day)].intervals[weekday]
        found = ((self._instant_us(day, start), self._instant_us(day, end)) for start, end in intervals)
        return tuple(sorted((start, end) for start, end in found if start < end))

    def _instant_us(self, day: int, minute: int) -> int:
        if minute % 1440 == 0:
            return self.midnight_us(day + minute // 1440)
        return microseconds(self._epoch + timedelta(days=day, minutes=minute))

    def _find_open_in(self, utc_day: int) -> tuple[Span, ...]:
        """What is open of a UTC day, in pieces that do not touch each other."""
        begin, end = utc_day * DAY_US, (utc_day + 1) * DAY_US
        # A local date begins and ends up to 16 hours off the UTC day, and what begins on it may end on the next.
        near = sorted(span for day in range(utc_day - 2, utc_day + 2) for span in self._openings(day))
        return tuple(
            (max(begin, start), min(end, stop)) for start, stop in _merged(near) if start < end and stop > begin
        )

    def _whole_days_us(self, first: int, stop: int) -> int:
        """The opening time of whole UTC days; years in one go, for an event may be as old as the calendar."""
        if stop - first < 800:
            return self._add_up(first, stop)
        years = range(_year(first - 1) + 1, _year(stop))
        begins = [_january(year) for year in (*years, years.stop)]
        return self._add_up(first, begins[0]) + sum(map(self._one_year_us, years)) + self._add_up(begins[-1], stop)

    def _add_up(self, first: int, stop: int) -> int:
        return sum(end - start for utc_day in range(first, stop) for start, end in self._open_in(utc_day))

    def _one_year_us(self, year: int) -> int:
        kind = self._kind(year)
        found = self._years_us.get(kind)
        if found is None:
            found = self._years_us[kind] = self._add_up(_january(year), _january(year + 1))
        return found

    def _kind(self, year: int) -> tuple[int, ...]:
        """What years have in common that are open for the same time."""
        first, last = _january(year) - 3, _january(year + 1) + 1
        version = self._version(first)
        if (
            _LAST_OF_MEAN_TIME < year < _FIRST_OF_RULES
            or version != self._version(last)
            or any(self._holidays_in(version, near) for near in (year - 1, year, year + 1))
        ):
            return (year,)
        return version, year >= _FIRST_OF_RULES, isleap(year), date(year, 1, 1).weekday()


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that come sorted, without their overlaps."""
    found: list[Span] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _overlap_us(spans: Iterable[Span], start_us: int, end_us: int) -> int:
    return sum(max(0, min(end, end_us) - max(start, start_us)) for start, end in spans)


def _number(day: date) -> int:
    return day.toordinal() - _FIRST_DAY


def _january(year: int) -> int:
    return _number(date(year, 1, 1))


def _year(day: int) -> int:
    return date.fromordinal(day + _FIRST_DAY).year
