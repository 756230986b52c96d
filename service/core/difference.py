"""The difference: what changes in the rollups and in the live totals when a booking takes another's place.

Rollups take every change, so they are exact whatever came late. Live totals must never go down, so a contribution is
*live* the first time that it is made and its events are recent, *backfilled* the first time that it is made and they
are old, and a *correction*, up or down, ever after: live + backfilled + up - down = rollups, measure by measure.
Measures of a state, such as those who wait, come and go, and are kept with the live totals, signed.
"""

from bisect import bisect_left
from enum import IntEnum
from typing import TypeVar

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, MEASURE_BY_NAME, MEASURES
from service.core.measure import CELL_BASE, EXPIRED, Booking, cell_parts, made_at
from service.core.walk import Interaction


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
_BOUNDS_US = {h.code: [round(bound * 1_000_000) for bound in h.bounds] for h in HISTOGRAM_BY_CODE.values()}

Amounts = dict[int, int]
K = TypeVar("K")


class Differences:
    """The changes that a batch makes, added up.

    `rollups` by (series, minute), `totals` by (series, class), each a mapping from code to amount; `live_cells` by
    (series, histogram, bucket), where the bucket is the index of the first bound not below the duration.
    """

    def __init__(self) -> None:
        self.rollups: dict[tuple[int, int], Amounts] = {}
        self.totals: dict[tuple[int, int], Amounts] = {}
        self.live_cells: dict[tuple[int, int, int], int] = {}

    def move(self, old: Booking, new: Booking, it: Interaction, *, peaks: Amounts, horizon_us: int) -> Amounts:
        """Put `new` in the place of `old`.

        `horizon_us` is the moment from which events are live; `peaks` holds the counts of the interaction that once
        were higher than in `old`. The peaks above `new` are returned, to be kept with it.
        """
        if not old and not peaks:
            if it.last_at < horizon_us and not any(EXPIRED in amounts for amounts in new.values()):
                self._take_all(new, _BACKFILLED)
                return peaks
            if it.arrival >= horizon_us:
                self._take_all(new, _LIVE)
                return peaks
        return self._replace(old, new, it, peaks, horizon_us)

    def _take_all(self, new: Booking, to: int) -> None:
        for key, amounts in new.items():
            _add_all(self.rollups, key, amounts)
            series = key[0]
            for code, amount in amounts.items():
                if code >= CELL_BASE:
                    if to == _LIVE:
                        self._observe(series, code, amount)
                elif code in _STATES:
                    _add_one(self.totals, (series, _LIVE), code, amount)
                else:
                    _add_one(self.totals, (series, to), code, amount)

    def _replace(self, old: Booking, new: Booking, it: Interaction, peaks: Amounts, horizon_us: int) -> Amounts:
        by_series: dict[int, Amounts] = {}
        for key in old.keys() | new.keys():
            change = _subtract(new.get(key, {}), old.get(key, {}))
            if change:
                _add_all(self.rollups, key, change)
                _add_all(by_series, key[0], change)
        before, after = _counts(old), _counts(new)
        highest = {code: max(before.get(code, 0), peaks.get(code, 0)) for code in before.keys() | peaks.keys()}
        made = made_at(it)
        for series, change in by_series.items():
            for code, amount in change.items():
                self._take(series, code, amount, after, highest, made, horizon_us)
        return {code: peak for code, peak in highest.items() if peak > after.get(code, 0)}

    def _take(
        self,
        series: int,
        code: int,
        amount: int,
        after: Amounts,
        highest: Amounts,
        made: Amounts,
        horizon_us: int,
    ) -> None:
        if not amount:
            return
        is_cell = code >= CELL_BASE
        if code in _STATES:
            _add_one(self.totals, (series, _LIVE), code, amount)
            return
        lead = _HISTOGRAM_LEAD[cell_parts(code)[0]] if is_cell else _LEAD[code]
        first = amount > 0 and after.get(lead, 0) > highest.get(lead, 0)
        if first and made[lead] >= horizon_us:
            to = _LIVE
        elif first:
            to = _BACKFILLED
        else:
            to = _UP if amount > 0 else _DOWN
        if not is_cell:
            _add_one(self.totals, (series, to), code, abs(amount))
        elif to == _LIVE:
            self._observe(series, code, amount)

    def _observe(self, series: int, code: int, amount: int) -> None:
        histogram, duration = cell_parts(code)
        bucket = bisect_left(_BOUNDS_US[histogram], duration)
        key = (series, histogram, bucket)
        self.live_cells[key] = self.live_cells.get(key, 0) + amount


def _counts(booking: Booking) -> Amounts:
    """The interaction's count of each lead, over all its series and minutes."""
    counts: Amounts = {}
    for amounts in booking.values():
        for code, amount in amounts.items():
            if code in _LEADS:
                counts[code] = counts.get(code, 0) + amount
    return counts


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
