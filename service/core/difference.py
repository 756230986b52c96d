"""The difference: what changes in the rollups and in the live totals when a booking takes another's place.

Rollups take every change, so they are exact whatever came late. Live totals must never go down, so a contribution is
*live* the first time that it is made and its events are recent, *backfilled* the first time that it is made and they
are old, and a *correction*, up or down, ever after: live + backfilled + up - down = rollups, measure by measure.
Measures of a state, such as those who wait, come and go, and are kept with the live totals, signed.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple, TypeVar

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, MEASURE_BY_NAME, MEASURES
from service.core.codes import CELL_BASE, cell_parts, is_settled
from service.core.measure import EXPIRED, WAITING_COUNT, Booking


class Class(IntEnum):
    """Where a contribution to the live totals is put."""

    LIVE = 0
    BACKFILLED = 1
    CORRECTED_UP = 2
    CORRECTED_DOWN = 3


_LIVE, _BACKFILLED = Class.LIVE.value, Class.BACKFILLED.value
_UP, _DOWN = Class.CORRECTED_UP.value, Class.CORRECTED_DOWN.value
_LEAD = {measure.code: MEASURE_BY_NAME[measure.lead or measure.name].code for measure in MEASURES}
_HISTOGRAM_LEAD = {h.code: MEASURE_BY_NAME[h.lead].code for h in HISTOGRAM_BY_CODE.values()}
_STATES = frozenset(measure.code for measure in MEASURES if measure.state)
_LEADS = frozenset(_LEAD.values()) - _STATES
_BOUNDS_US = {h.code: h.bounds_us for h in HISTOGRAM_BY_CODE.values() if h.exported}

Amounts = dict[int, int]
K = TypeVar("K")


class Origin(NamedTuple):
    """When what a booking counts was made, in microseconds since 1970: by the first event, the last, and code by code.

    `made_at` gives the latest event that makes each count, and is asked only where the first and the last don't tell.
    """

    first_us: int
    last_us: int
    made_at: Callable[[], Amounts]


class Differences:
    """The changes that a batch makes, added up.

    `rollups` by (series, minute), `totals` by (series, class), each a mapping from code to amount; `live_cells` by
    (series, histogram, bucket), where the bucket is the index of the first bound not below the duration.
    """

    def __init__(self) -> None:
        self.rollups: dict[tuple[int, int], Amounts] = {}
        self.totals: dict[tuple[int, int], Amounts] = {}
        self.live_cells: dict[tuple[int, int, int], int] = {}

    def move(self, old: Booking, new: Booking, origin: Origin, *, peaks: Amounts, horizon_us: int) -> Amounts:
        """Put `new` in the place of `old`.

        `horizon_us` is the moment from which events are live; `peaks` holds the counts of the booking that once were
        higher than in `old`. The peaks above `new` are returned, to be kept with it.
        """
        to = _class_of_all(new, origin, horizon_us)
        if to is None or old or peaks:
            return self._replace(old, new, origin, to, peaks, horizon_us)
        self._take_all(new, to)
        return peaks

    def _take_all(self, new: Booking, to: int) -> None:
        for key, amounts in new.items():
            _add_all(self.rollups, key, amounts)
            series = key[0]
            totals = self.totals.setdefault((series, to), {})
            for code, amount in amounts.items():
                if code >= CELL_BASE:
                    if to == _LIVE:
                        self._observe(series, code, amount)
                elif code in _STATES or (code < 0 and is_settled(code)):
                    _add_one(self.totals, (series, _LIVE), code, amount)
                else:
                    totals[code] = totals.get(code, 0) + amount

    def _replace(
        self, old: Booking, new: Booking, origin: Origin, to: int | None, peaks: Amounts, horizon_us: int
    ) -> Amounts:
        """Add the change that `new` makes; `to` is the class of all that it counts for the first time, if it has one.

        A count is made for the first time where it grows by more than it was below its peak.
        """
        by_series: dict[int, Amounts] = {}
        for key in old.keys() | new.keys():
            change = _subtract(new.get(key, {}), old.get(key, {}))
            if change:
                _add_all(self.rollups, key, change)
                _add_all(by_series, key[0], change)
        grown = _counts(by_series.values())
        below = {code: max(0, peak - _count(old, code)) for code, peak in peaks.items()}
        firsts = [code for code, amount in grown.items() if amount > below.get(code, 0)]
        if to is None:
            made = origin.made_at()
            classes = {code: _LIVE if made[code] >= horizon_us else _BACKFILLED for code in firsts}
        else:
            classes = dict.fromkeys(firsts, to)
        for series, change in by_series.items():
            self._put(series, change, classes)
        left = {code: below.get(code, 0) - grown.get(code, 0) for code in grown.keys() | peaks.keys()}
        return {code: _count(new, code) + amount for code, amount in left.items() if amount > 0}

    def _put(self, series: int, change: Amounts, classes: Amounts) -> None:
        """Add a change to the totals: to the class of its lead where that counts more than ever, else a correction."""
        live: Amounts = {}
        for code, amount in change.items():
            if code >= CELL_BASE or not amount:
                continue
            if _is_state(code):
                _add_one(self.totals, (series, _LIVE), code, amount)
                continue
            to = classes.get(_LEAD.get(code, code), _UP) if amount > 0 else _DOWN
            _add_one(self.totals, (series, to), code, abs(amount))
            if to == _LIVE:
                live[code] = amount
        if live:
            self._observe_new(series, change, live)

    def _observe_new(self, series: int, change: Amounts, live: Amounts) -> None:
        """Observe as many durations as their count has grown live, where others have changed at the same time."""
        left = {histogram: live.get(lead, 0) for histogram, lead in _HISTOGRAM_LEAD.items()}
        for code in sorted(code for code, amount in change.items() if code >= CELL_BASE and amount > 0):
            histogram = cell_parts(code)[0]
            observed = min(change[code], left[histogram])
            if observed > 0:
                left[histogram] -= observed
                self._observe(series, code, observed)

    def _observe(self, series: int, code: int, amount: int) -> None:
        histogram, duration = cell_parts(code)
        bounds = _BOUNDS_US.get(histogram)
        if bounds is None:
            return
        bucket = bisect_left(bounds, duration)
        key = (series, histogram, bucket)
        self.live_cells[key] = self.live_cells.get(key, 0) + amount


def _class_of_all(new: Booking, origin: Origin, horizon_us: int) -> int | None:
    """The class of all that a booking counts for the first time; None where it isn't the same for all of it.

    What time alone makes of those who wait, an expiry or a breach, may be younger than the last event.
    """
    if origin.first_us >= horizon_us:
        return _LIVE
    if origin.last_us >= horizon_us:
        return None
    for amounts in new.values():
        if EXPIRED in amounts or WAITING_COUNT in amounts:
            return None
    return _BACKFILLED


def _is_state(code: int) -> bool:
    """Whether a count comes and goes in the normal course of events, so that its decrease is no correction."""
    return code in _STATES or is_settled(code)


def _counts(changes: Iterable[Amounts]) -> Amounts:
    """The count of each lead, and of each objective's events and breaches, in all of them."""
    counts: Amounts = {}
    for amounts in changes:
        for code, amount in amounts.items():
            if code in _LEADS or (code < 0 and not is_settled(code)):
                counts[code] = counts.get(code, 0) + amount
    return counts


def _count(booking: Booking, code: int) -> int:
    """A count over all series and minutes."""
    return sum(amounts.get(code, 0) for amounts in booking.values())


def _subtract(new: Amounts, old: Amounts) -> Amounts:
    change = {code: amount - old.get(code, 0) for code, amount in new.items() if amount != old.get(code, 0)}
    for code, amount in old.items():
        if code not in new:
            change[code] = -amount
    return change


def _add_all(into: dict[K, Amounts], key: K, amounts: Amounts) -> None:
    present = into.get(key)
    if present is None:
        into[key] = dict(amounts)
        return
    for code, amount in amounts.items():
        present[code] = present.get(code, 0) + amount


def _add_one(into: dict[tuple[int, int], Amounts], key: tuple[int, int], code: int, amount: int) -> None:
    present = into.get(key)
    if present is None:
        present = into[key] = {}
    present[code] = present.get(code, 0) + amount
