"""Opening hours, by brute force: every opening of every local day, on a line of microseconds.

Readings adopted where the definitions are silent:

- Hours of None are whole days, but for holidays; {} is never open, and neither is a day left out.
- "24:00" is the midnight that ends the day. An end at or before its start is on the next local day, so
  "22:00-00:00" ends at the same moment as "22:00-24:00".
- A wall time that happens twice is the first of the two. One that never happens is read by the offset from
  before the clocks went forward: 02:30 is then what the clocks show as 03:30.
- Where that puts an end at or before its start, the opening doesn't take place.
- Openings that overlap are open once; those that touch leave no gap.
- A holiday closes what begins on that local date, up to its end on the next; what began on the eve goes on.
- A site is open at the instant at which an opening begins, and not at the one at which it ends.
- The local date of a minute is the one that the site's clocks show as it begins. Where they go back over midnight
  and show the eve once more, the new date goes on: clocks have never gone back by more than three hours at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.reference.walk import DAY, MINUTE, micros, moment

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Hours = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Calendar:
    """When a site is open. Hours are intervals like "09:00-13:00" by weekday, holidays dates like "2025-12-25"."""

    zone: str = "UTC"
    hours: Hours | None = None
    holidays: Collection[str] = ()

    def open_time(self, start: int, end: int) -> int:
        """Microseconds between two times, themselves microseconds since 1970, in which the site is open."""
        if self.hours is None and not self.holidays:
            return end - start
        open_until = start
        total = 0
        for opens, closes in sorted(self.openings(start, end)):
            begins, ends = max(opens, open_until), min(closes, end)
            if begins < ends:
                total += ends - begins
                open_until = ends
        return total

    def open_for(self, start: int, length: int) -> int:
        """The first time at which the site has been open for so long since another, if within forty days."""
        low, high = start, start + 40 * DAY
        while low < high:
            middle = (low + high) // 2
            if self.open_time(start, middle) >= length:
                high = middle
            else:
                low = middle + 1
        return low

    def is_open(self, time: int) -> bool:
        """Whether the site is open at a time, in microseconds since 1970."""
        if self.hours is None and not self.holidays:
            return True
        return any(opens <= time < closes for opens, closes in self.openings(time, time))

    def local_date(self, minute: int) -> date:
        """The date that it is at the site in a minute, counted from 1970 in UTC."""
        return local_date(minute, self.zone)

    def openings(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Every opening of the local days between two times, with two days to spare on either side."""
        hours = {day: ["00:00-24:00"] for day in WEEKDAYS} if self.hours is None else self.hours
        zone = ZoneInfo(self.zone)
        day = moment(start).astimezone(zone).date() - timedelta(days=2)
        last = moment(end).astimezone(zone).date() + timedelta(days=2)
        while day <= last:
            if day.isoformat() not in self.holidays:
                for interval in hours.get(WEEKDAYS[day.weekday()], ()):
                    yield _opening(day, interval, zone)
            day += timedelta(days=1)


ALWAYS_OPEN = Calendar()


@cache
def local_date(minute: int, zone: str) -> date:
    """The latest date that the clocks of a zone have shown by the start of a minute, counted from 1970 in UTC."""
    known = ZoneInfo(zone)
    return max(moment((minute - ago) * MINUTE).astimezone(known).date() for ago in range(181))


def midnight(day: date, zone: str) -> int:
    """When a date begins in a zone, in microseconds since 1970."""
    return _instant(day, 0, ZoneInfo(zone))


def _opening(day: date, interval: str, zone: ZoneInfo) -> tuple[int, int]:
    opens, closes = (_minutes(wall) for wall in interval.split("-"))
    if closes <= opens:
        closes += 24 * 60
    return _instant(day, opens, zone), _instant(day, closes, zone)


def _minutes(wall: str) -> int:
    hours, minutes = wall.split(":")
    return int(hours) * 60 + int(minutes)


def _instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Microseconds since 1970 of a wall time, counted in minutes from the day's midnight on the clock's face."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001  # the zone comes next
    return micros(wall.replace(tzinfo=zone, fold=0))
