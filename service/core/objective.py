"""Objectives: what was promised, and how each visit counts for it.

An objective is a target for a KPI. Those of the service level judge visit by visit: a visit is an *event* of the
objective once its wait is decided, and a *breach* where the promise was not kept. Who still waits at the threshold is
a breach at that moment, as call distributors define it, whatever becomes of the visit, and stops to be one only where
a late event shows an answer, or an end of the wait, in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from service.core.catalogue.kpis import SERVICE_LEVEL_FORMULAS
from service.core.walk import ABANDONED, ANSWERED, WAITING, Visit

Judgement = tuple[int, int]
"""Events and breaches that a visit counts for, each 0 or 1."""

_REMEMBERED = 20_000
_NOTHING, _GOOD, _BREACH = (0, 0), (1, 0), (1, 1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an objective promises from a moment on: for visits that arrive at `start_us` or later, None being ever.

    `threshold_us` is T and `short_us` is s of the formula; `target` the share to be reached, 0 to 1. An empty filter
    takes any value. Where they have `ended`, nothing is promised from then on.
    """

    start_us: int | None
    threshold_us: int
    target: float
    formula: str = "abandons_hurt"
    short_us: int = 5_000_000
    sites: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    ended: bool = False

    def covers(self, site: str, queue: str, channel: str) -> bool:
        """Whether visits of a series are judged by these terms."""
        return (
            not self.ended
            and (not self.sites or site in self.sites)
            and (not self.queues or queue in self.queues)
            and (not self.channels or channel in self.channels)
        )

    def judge(self, visit: Visit, as_of_us: int) -> Judgement:
        """The events and breaches of a visit as of a moment."""
        if visit.outcome == WAITING:
            return _BREACH if as_of_us >= self.deadline_us(visit) else _NOTHING
        wait = visit.wait_us
        if wait is not None and wait > self.threshold_us:
            return _BREACH
        if visit.outcome == ANSWERED:
            return _BREACH if wait is None else _GOOD
        if visit.outcome == ABANDONED:
            return self._judge_abandoned(wait)
        return _BREACH if "diverted" in SERVICE_LEVEL_FORMULAS[self.formula].denominator else _NOTHING

    def deadline_us(self, visit: Visit) -> int:
        """When a visit that still waits becomes a breach, in microseconds since 1970."""
        return visit.opened_at + self.threshold_us

    def _judge_abandoned(self, wait: int | None) -> Judgement:
        """One who gave up within the threshold, or whose wait is unknown, counts as the formula counts its terms."""
        formula = SERVICE_LEVEL_FORMULAS[self.formula]
        is_short = wait is not None and wait <= self.short_us
        terms = {"abandoned": True, "short_abandoned": is_short, "abandoned_within": wait is not None}
        events = sum(weight for term, weight in formula.denominator.items() if terms.get(term))
        good = sum(weight for term, weight in formula.numerator.items() if terms.get(term))
        return events, events - min(good, events)


@dataclass(frozen=True, slots=True)
class Objective:
    """A named objective; `number` is its code in bookings, `terms` are sorted by their start, the earliest first."""

    number: int
    name: str
    terms: tuple[Terms, ...]

    def at(self, at_us: int) -> Terms | None:
        """The terms for those who arrive at a moment."""
        found = None
        for terms in self.terms:
            if terms.start_us is None or terms.start_us <= at_us:
                found = terms
        return found


@dataclass(slots=True)
class Objectives:
    """All objectives; it remembers which of them may concern a series."""

    all: Sequence[Objective] = ()
    _by_series: dict[tuple[str, str, str], tuple[Objective, ...]] = field(default_factory=dict)

    def judging(self, site: str, queue: str, channel: str, at_us: int) -> list[tuple[int, Terms]]:
        """The terms by which visits of a series are judged that arrive at a moment, by their objectives' numbers."""
        series = (site, queue, channel)
        concerning = self._by_series.get(series)
        if concerning is None:
            if len(self._by_series) >= _REMEMBERED:
                self._by_series.clear()  # series beyond the limits come under any number of names
            concerning = self._by_series[series] = self._concerning(*series)
        found = []
        for objective in concerning:
            terms = objective.at(at_us)
            if terms is not None and not terms.ended:
                found.append((objective.number, terms))
        return found

    def _concerning(self, *series: str) -> tuple[Objective, ...]:
        """The objectives any of whose terms cover a series; for it, the others of their terms are as if ended."""
        found = []
        for objective in self.all:
            if any(terms.covers(*series) for terms in objective.terms):
                here = (terms if terms.covers(*series) else replace(terms, ended=True) for terms in objective.terms)
                found.append(replace(objective, terms=tuple(here)))
        return tuple(found)
