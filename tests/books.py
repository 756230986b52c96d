"""The ledger's arithmetic without a database: what gather, measure and difference make of batches of events."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, MEASURE_BY_CODE, MEASURES
from service.core.difference import Amounts, Class, Differences
from service.core.event import Accepted, Fact
from service.core.intake import admit, read_json
from service.core.measure import CELL_BASE, Booking, OpenVisit, SeriesKey, cell_parts, measure, open_visits
from service.core.walk import walk
from tests.reference.rollups import Place

HOUR_US = 3_600_000_000


class Numbers(dict[SeriesKey, int]):
    """Series numbered as they are asked for."""

    def __missing__(self, key: SeriesKey) -> int:
        self[key] = len(self) + 1
        return self[key]


def accept(events: Iterable[dict[str, Any]], now_us: int) -> list[Accepted]:
    """Valid events, admitted as a post's are."""
    body = msgspec.json.encode(list(events))
    accepted, rejected = admit(
        read_json(body), now_us=now_us, pseudonym=lambda customer: customer, may_post=lambda _: True
    )
    assert not rejected
    return accepted


class Books:
    """All of it in memory: facts and bookings of interactions, rollups, totals by class, live cells."""

    def __init__(self) -> None:
        self.series = Numbers()
        self.seen: set[tuple[str, str]] = set()
        self.facts: defaultdict[str, list[Fact]] = defaultdict(list)
        self.bookings: dict[str, Booking] = {}
        self.peaks: dict[str, Amounts] = {}
        self.open: dict[str, list[OpenVisit]] = {}
        self.sums = Differences()

    def deliver(self, events: Iterable[dict[str, Any]], now_us: int, horizon_us: int = HOUR_US) -> None:
        """Take a batch as the ledger does."""
        touched = {}
        for event in accept(events, now_us):
            key = (event.fact.source, event.fact.id)
            if key not in self.seen:
                self.seen.add(key)
                self.facts[event.subject].append(event.fact)
                touched[event.subject] = True
        self.remeasure(touched, now_us, horizon_us)

    def tick(self, now_us: int, horizon_us: int = HOUR_US) -> None:
        """Measure again all that has been open for too long."""
        due = [subject for subject, visits in self.open.items() if any(v.expires_us <= now_us for v in visits)]
        self.remeasure(due, now_us, horizon_us)

    def remeasure(self, subjects: Iterable[str], now_us: int, horizon_us: int) -> None:
        for subject in subjects:
            it = walk(self.facts[subject])
            booking = measure(it, self.series, now_us)
            self.peaks[subject] = self.sums.move(
                self.bookings.get(subject, {}),
                booking,
                it,
                peaks=self.peaks.get(subject, {}),
                horizon_us=now_us - horizon_us,
            )
            self.bookings[subject] = booking
            self.open[subject] = open_visits(it, self.series, now_us)

    def rollups(self) -> dict[Place, dict[str, int]]:
        """Every measure that is not 0, by place."""
        labels = {number: key for key, number in self.series.items()}
        found = {
            (*labels[series], minute): {
                MEASURE_BY_CODE[code].name: amount for code, amount in amounts.items() if code < CELL_BASE and amount
            }
            for (series, minute), amounts in self.sums.rollups.items()
        }
        return {place: amounts for place, amounts in found.items() if amounts}

    def cells(self) -> dict[tuple[Place, str, int], int]:
        """How often each exact duration occurs, by place and histogram, where durations are kept."""
        labels = {number: key for key, number in self.series.items()}
        found = {}
        for (series, minute), amounts in self.sums.rollups.items():
            for code, amount in amounts.items():
                if code >= CELL_BASE and amount:
                    histogram, duration = cell_parts(code)
                    if HISTOGRAM_BY_CODE[histogram].cells:
                        found[(*labels[series], minute), HISTOGRAM_BY_CODE[histogram].name, duration] = amount
        return found

    def identity_gaps(self) -> dict[tuple[int, str], int]:
        """What live + backfilled + up - down leaves over the rollups, by series and measure."""
        sign = {Class.LIVE: 1, Class.BACKFILLED: 1, Class.CORRECTED_UP: 1, Class.CORRECTED_DOWN: -1}
        gaps: defaultdict[tuple[int, str], int] = defaultdict(int)
        for (series, kind), amounts in self.sums.totals.items():
            for code, amount in amounts.items():
                gaps[series, MEASURE_BY_CODE[code].name] += sign[Class(kind)] * amount
        for (series, _), amounts in self.sums.rollups.items():
            for code, amount in amounts.items():
                if code < CELL_BASE:
                    gaps[series, MEASURE_BY_CODE[code].name] -= amount
        return {key: gap for key, gap in gaps.items() if gap}

    def live(self) -> dict[tuple[int, str], int]:
        """The live counters, by series and measure."""
        states = {measure.name for measure in MEASURES if measure.state}
        found = {
            (series, MEASURE_BY_CODE[code].name): amount
            for (series, kind), amounts in self.sums.totals.items()
            if kind == Class.LIVE
            for code, amount in amounts.items()
        }
        return {key: amount for key, amount in found.items() if key[1] not in states}
