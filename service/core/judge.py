"""Judging: which visits, interactions and contacts are events of an objective, and which of those are breaches.

Objectives of the service level judge a visit as call distributors define it: who still waits at the threshold is a
breach at that moment, whatever becomes of the visit, and stops to be one only where a late event shows an answer, or
an end of the wait, in time. All others count what the KPI's own formula counts, one by one, so that the events and
breaches of an objective add up to the KPI.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from service.core.calendar import Calendar
from service.core.catalogue.kpi import Formula, Shape
from service.core.catalogue.kpis import KPI_BY_NAME, SERVICE_LEVEL_FORMULAS
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, MATURITIES, MEASURE_BY_NAME, Scope
from service.core.codes import CELL_BASE, ObjectiveCodes, cell_parts, objective_codes
from service.core.event import MINUTE_US
from service.core.objective import Objective, Terms
from service.core.walk import ABANDONED, ANSWERED, WAITING, Visit

Judgement = tuple[int, int]
"""Events and breaches that something counts for."""
Amounts = Mapping[int, int]

_REMEMBERED = 20_000
_NOTHING, _GOOD, _BREACH = (0, 0), (1, 0), (1, 1)
_SHORT = MEASURE_BY_NAME["short_abandoned"].code


class WaitRule:
    """The rule of a service level: the wait of a visit against a threshold, by one of the formulas."""

    __slots__ = ("_formula", "_short_us", "threshold_us")

    def __init__(self, terms: Terms) -> None:
        self.threshold_us = terms.threshold_us or 0
        self._short_us = terms.short_us
        self._formula = SERVICE_LEVEL_FORMULAS[terms.formula]

    def of_visit(self, visit: Visit, as_of_us: int, _amounts: Amounts) -> Judgement:
        """The events and breaches of a visit as of a moment."""
        if visit.outcome == WAITING:
            return _BREACH if as_of_us >= visit.opened_at + self.threshold_us else _NOTHING
        wait = visit.wait_us
        if wait is not None and wait > self.threshold_us:
            return _BREACH
        if visit.outcome == ANSWERED:
            return _BREACH if wait is None else _GOOD
        if visit.outcome == ABANDONED:
            return self._abandoned(wait)
        return _BREACH if "diverted" in self._formula.denominator else _NOTHING

    def deadline_us(self, visit: Visit) -> int | None:
        """When a visit that still waits becomes a breach, in microseconds since 1970."""
        return visit.opened_at + self.threshold_us

    def _abandoned(self, wait: int | None) -> Judgement:
        """One who gave up within the threshold, or whose wait is unknown, counts as the formula counts its terms."""
        is_short = wait is not None and wait <= self._short_us
        terms = {"abandoned": True, "short_abandoned": is_short, "abandoned_within": wait is not None}
        events = sum(weight for term, weight in self._formula.denominator.items() if terms.get(term))
        good = sum(weight for term, weight in self._formula.numerator.items() if terms.get(term))
        return events, events - min(good, events)


class CountRule:
    """The rule of a ratio: the formula's own terms, in what one visit, interaction or contact contributes."""

    __slots__ = ("_bad", "_events", "_short_us")

    def __init__(self, terms: Terms, formula: Formula) -> None:
        events = _by_code(formula.denominator)
        numerator = _by_code(formula.numerator)
        self._events = events
        self._bad = numerator if terms.is_at_most else _less(events, numerator)
        self._short_us = terms.short_us

    def of_visit(self, visit: Visit, _as_of_us: int, amounts: Amounts) -> Judgement:
        """The events and breaches of a visit."""
        if visit.outcome == ABANDONED:
            wait = visit.wait_us
            amounts = {**amounts, _SHORT: wait is not None and wait <= self._short_us}
        return self.of_amounts(amounts)

    def of_amounts(self, amounts: Amounts) -> Judgement:
        """The events and breaches of what an interaction or a contact contributes."""
        events = breaches = 0
        for code, weight in self._events:
            events += weight * amounts.get(code, 0)
        for code, weight in self._bad:
            breaches += weight * amounts.get(code, 0)
        return events, breaches

    def deadline_us(self, _visit: Visit) -> int | None:
        """Time alone makes no breach."""
        return None

    def made(self, made: Mapping[int, int], default: int) -> Judgement:
        """When the latest event happened that makes the events, and the breaches."""
        events = max((made[code] for code, _ in self._events if code in made), default=default)
        return events, max((made[code] for code, _ in self._bad if code in made), default=default)


class DurationRule:
    """The rule of a quantile: each duration of a histogram against a threshold."""

    __slots__ = ("_histogram", "_lead", "_threshold_us")

    def __init__(self, terms: Terms, formula: Formula) -> None:
        histogram = HISTOGRAM_BY_NAME[formula.histogram]
        self._histogram = histogram.code
        self._lead = MEASURE_BY_NAME[histogram.lead].code
        self._threshold_us = terms.threshold_us or 0

    def of_visit(self, _visit: Visit, _as_of_us: int, amounts: Amounts) -> Judgement:
        """The events and breaches of a visit."""
        return self.of_amounts(amounts)

    def of_amounts(self, amounts: Amounts) -> Judgement:
        """The events and breaches of what a visit or an interaction contributes."""
        events = breaches = 0
        for code, amount in amounts.items():
            if code >= CELL_BASE:
                histogram, duration = cell_parts(code)
                if histogram == self._histogram:
                    events += amount
                    if duration > self._threshold_us:
                        breaches += amount
        return events, breaches

    def deadline_us(self, _visit: Visit) -> int | None:
        """Time alone makes no breach."""
        return None

    def made(self, made: Mapping[int, int], default: int) -> Judgement:
        """When the latest event happened that makes the events, and the breaches."""
        at = made.get(self._lead, default)
        return at, at


@dataclass(frozen=True)
class Judge:
    """How an objective judges in a series, by one of its terms there."""

    number: int
    terms: Terms

    @cached_property
    def codes(self) -> ObjectiveCodes:
        """The codes under which it counts."""
        return objective_codes(self.number)

    @cached_property
    def rule_of_visits(self) -> WaitRule | CountRule | DurationRule:
        """The rule, where visits are judged."""
        return WaitRule(self.terms) if self.terms.of_kpi.needs_threshold else self.rule_of_interactions

    @cached_property
    def rule_of_interactions(self) -> CountRule | DurationRule:
        """The rule, where interactions are judged."""
        kpi = self.terms.of_kpi
        formula = kpi.formulas[self.terms.formula]
        return (DurationRule if kpi.shape is Shape.QUANTILE else CountRule)(self.terms, formula)

    @cached_property
    def rules_of_contacts(self) -> Sequence[CountRule]:
        """The rules for contacts: of settled cases and of provisional ones, or the only one."""
        formula = self.terms.of_kpi.formulas[self.terms.formula]
        maturities: Sequence[str | None] = MATURITIES if self.terms.settles else (None,)
        return [CountRule(self.terms, formula.filled(self.terms.within, maturity)) for maturity in maturities]


class _Bench(NamedTuple):
    """The judges of a series: all of them where the day and hour of arrival don't matter, else each with its start."""

    always: Sequence[Judge] | None
    dated: Sequence[Sequence[tuple[int | None, Judge | None]]]


@dataclass(slots=True)
class Objectives:
    """All objectives; it remembers which of them concern a series."""

    all: Sequence[Objective] = ()
    _benches: dict[tuple[Scope, str, str, str, str], _Bench] = field(default_factory=dict)

    def judging(
        self, scope: Scope, site: str, queue: str, channel: str, facet: str, at_us: int, calendar: Calendar
    ) -> Sequence[Judge]:
        """The judges of those who arrive in a series at a moment; `calendar` is the site's."""
        key = (scope, site, queue, channel, facet)
        bench = self._benches.get(key)
        if bench is None:
            if len(self._benches) >= _REMEMBERED:
                self._benches.clear()  # series beyond the limits come under any number of names
            bench = self._benches[key] = self._bench(*key)
        if bench.always is not None:
            return bench.always
        day = calendar.day_of(at_us // MINUTE_US)
        found = []
        for dated in bench.dated:
            in_force = None
            for start_day, judge in dated:
                if start_day is None or start_day <= day:
                    in_force = judge
            if in_force is not None and (not in_force.terms.open_only or calendar.is_open(at_us)):
                found.append(in_force)
        return found

    def _bench(self, scope: Scope, *series: str) -> _Bench:
        """Terms that don't cover the series are as if nothing were promised then."""
        benches = []
        for objective in self.all:
            if KPI_BY_NAME[objective.terms[0].kpi].scope is not scope:
                continue
            if any(terms.covers(*series) for terms in objective.terms):
                benches.append(
                    [
                        (terms.start_day, Judge(objective.number, terms.of_site(series[0])))
                        if terms.covers(*series)
                        else (terms.start_day, None)
                        for terms in objective.terms
                    ]
                )
        judges = [judge for bench in benches for _, judge in bench]
        is_simple = all(len(bench) == 1 for bench in benches) and all(
            start is None and judge is not None and not judge.terms.open_only
            for bench in benches
            for start, judge in bench
        )
        return _Bench([judge for judge in judges if judge is not None] if is_simple else None, benches)


def _by_code(terms: Mapping[str, int]) -> Sequence[tuple[int, int]]:
    return tuple((MEASURE_BY_NAME[name].code, weight) for name, weight in terms.items())


def _less(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    left = dict(one)
    for code, weight in other:
        left[code] = left.get(code, 0) - weight
    return tuple((code, weight) for code, weight in left.items() if weight)
