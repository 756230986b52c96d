"""How the numbers of an interval are put together from those of whole local days, and of minutes at its edges.

Numbers add up, so where the larger part of a day lies in the interval its rest is taken away from the whole day, and
where the smaller part does, that is added. So an interval that ends now costs next to nothing at that edge: the rest of
today has yet to come.
"""

from dataclasses import dataclass

from service.core.calendar import Calendar
from service.core.event import MINUTE_US


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes from `start` on and before `stop`, counted since 1970: added (sign 1), or taken away (-1)."""

    start: int
    stop: int
    sign: int = 1


@dataclass(frozen=True, slots=True)
class Pieces:
    """Whole local days, the numbers of their dates since 1970, and the minutes beside them."""

    days: range
    spans: tuple[Span, ...]


def whole(minutes: range) -> Pieces:
    """An interval as one span of minutes; none where it holds no minute."""
    return Pieces(range(0), (Span(minutes.start, minutes.stop),) if minutes else ())


def pieces(minutes: range, calendar: Calendar, *, subtract: bool) -> Pieces:
    """An interval in pieces, by the local days of a calendar; with `subtract`, minutes may be taken away from days.

    Where the calendar ends within its days, as in the first year of all, it is one span.
    """
    if not minutes:
        return whole(minutes)
    try:
        first, last = calendar.day_of(minutes[0]), calendar.day_of(minutes[-1])
        bounds = {day: range(_begin(calendar, day), _begin(calendar, day + 1)) for day in (first, last)}
    except OverflowError:
        return whole(minutes)
    spans: list[Span] = []
    kept = {}
    for day, bound in bounds.items():
        found = _edge(minutes, bound, subtract=subtract)
        kept[day] = found is not None
        spans += [Span(max(minutes.start, bound.start), min(minutes.stop, bound.stop))] if found is None else found
    begin = first if kept[first] else first + 1
    end = last + 1 if kept[last] else last
    return Pieces(range(begin, max(begin, end)), tuple(spans))


def day_span(calendar: Calendar, day: int) -> Span:
    """The minutes that begin on a local date, as `Calendar.day_of` tells."""
    return Span(_begin(calendar, day), _begin(calendar, day + 1))


def _edge(minutes: range, day: range, *, subtract: bool) -> list[Span] | None:
    """What to take away from a day of which a part lies outside; None where the part inside is to be added instead."""
    outside = [
        Span(start, stop, -1)
        for start, stop in ((day.start, min(minutes.start, day.stop)), (max(minutes.stop, day.start), day.stop))
        if start < stop
    ]
    if outside and (not subtract or 2 * sum(span.stop - span.start for span in outside) > len(day)):
        return None
    return outside


def _begin(calendar: Calendar, day: int) -> int:
    return -(-calendar.midnight_us(day) // MINUTE_US)
