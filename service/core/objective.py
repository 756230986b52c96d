"""Objectives: what was promised of a KPI, to whom, and over which window it has to hold.

An objective judges one by one: what it covers is an *event*, and a *breach* where the promise was not kept. So
1 - breaches / events is the KPI, for a KPI of which more is better, and breaches / events for one of which less is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from service.core.catalogue.kpi import Kpi, Shape
from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.event import in_seconds
from service.core.quality import NO_FACET, facet_value, label_of
from service.core.window import Window

_MONTH = Window()


class Severity(StrEnum):
    """Who is told: PAGE wakes somebody, TICKET waits for the morning, NONE tells nobody."""

    PAGE = "page"
    TICKET = "ticket"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class BurnRate:
    """A budget that burns `factor` times as fast as the window allows, over a long and a short span in seconds."""

    factor: float
    long_seconds: int
    short_seconds: int
    severity: Severity = Severity.PAGE


@dataclass(frozen=True, slots=True)
class About:
    """What people need to know of an objective, and no number depends on.

    Without `burn_rates` it has the usual ones. Without `runbook` alerts name the one of their own kind.
    """

    title: str = ""
    description: str = ""
    owner: str = ""
    severity: Severity = Severity.PAGE
    runbook: str = ""
    burn_rates: tuple[BurnRate, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """What is promised otherwise at some sites; None is as everywhere."""

    sites: tuple[str, ...]
    target: float | None = None
    threshold_us: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What an objective promises to those who arrive on the local date `start_day` or later, None being ever.

    `target` is the share of events that must not be breaches, 0 to 1. `threshold_us` is T and `short_us` is s of the
    formula; `within` the span in which a customer may come back. An empty filter takes any value; `facets` are those of
    `quality`, such as `standard:safety`. `open_only` takes those who arrive while the site is open. With fewer than
    `minimum_events` nothing is said of a window. Where they have `ended`, nothing is promised from then on.
    """

    start_day: int | None
    kpi: str
    target: float
    threshold_us: int | None = None
    formula: str = ""
    within: str = ""
    short_us: int = 5_000_000
    sites: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    open_only: bool = False
    window: Window = _MONTH
    minimum_events: int = 20
    overrides: tuple[Override, ...] = ()
    ended: bool = False

    @property
    def of_kpi(self) -> Kpi:
        """The KPI that is promised."""
        return KPI_BY_NAME[self.kpi]

    @property
    def definition(self) -> str:
        """What is promised, as a formula. Of a quantile it is what it comes to: so many do not exceed the threshold."""
        if self.of_kpi.shape is Shape.QUANTILE:
            return "those of at most T / all"
        return self.of_kpi.formulas[self.formula].text

    @property
    def settles(self) -> bool:
        """Whether cases are provisional first, and settled once they are old enough."""
        return "maturity" in self.of_kpi.parameters

    @property
    def is_at_most(self) -> bool:
        """Whether less of the KPI is better."""
        return self.of_kpi.is_ratio_to_keep_low

    @property
    def threshold_seconds(self) -> float | None:
        """The threshold in seconds, where there is one."""
        return in_seconds(self.threshold_us)

    @property
    def stated_target(self) -> float:
        """The target as it is said of the KPI: at least this, or at most where less is better."""
        return round(1.0 - self.target, 12) if self.is_at_most else self.target

    def covers(self, site: str, queue: str, channel: str, facet: str = NO_FACET) -> bool:
        """Whether a series is judged by these terms; of one with a facet, only a KPI that is told apart by it."""
        return (
            self.reaches(site, queue, channel)
            and (not self.facets or facet in self.facets)
            and (not facet or label_of(facet) == self.of_kpi.facet)
        )

    def reaches(self, site: str, queue: str, channel: str) -> bool:
        """Whether anything in a place may be judged by these terms."""
        return (
            not self.ended
            and (not self.sites or site in self.sites)
            and (not self.queues or queue in self.queues)
            and (not self.channels or channel in self.channels)
        )

    def facet_values(self, label: str) -> tuple[str, ...]:
        """What the filter says of a label beside the place, such as the standards that it takes; none is any."""
        return tuple(facet_value(facet, label) for facet in self.facets if label_of(facet) == label)

    def of_site(self, site: str) -> "Terms":
        """The terms as they are at a site."""
        for override in self.overrides:
            if site in override.sites:
                target = self.target if override.target is None else override.target
                limit = self.threshold_us if override.threshold_us is None else override.threshold_us
                return replace(self, target=target, threshold_us=limit, overrides=())
        return self


@dataclass(frozen=True, slots=True)
class Promise:
    """An objective as a file tells it: what it promises, sorted by the start, the earliest first.

    `rewrites` says that the first terms are to hold for the past too, whatever was promised before.
    """

    name: str
    about: About
    terms: tuple[Terms, ...]
    rewrites: bool = False


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective in force; `number` is its code in bookings, `terms` are sorted by their start."""

    number: int
    name: str
    terms: tuple[Terms, ...]
    about: About = About()

    @property
    def settles(self) -> bool:
        """Whether its cases are provisional first, and settled once they are old enough."""
        return self.terms[0].settles

    @property
    def is_beside(self) -> bool:
        """Whether it is of what is beside interactions."""
        scope = self.terms[0].of_kpi.scope
        return scope is not None and scope.is_beside

    def at(self, day: int) -> Terms | None:
        """The terms for those who arrive on a local date."""
        found = None
        for terms in self.terms:
            if terms.start_day is None or terms.start_day <= day:
                found = terms
        return found

    def during(self, days: range) -> Iterator[tuple[Terms, range]]:
        """The terms for those who arrive on any of some days, each with the days for which it holds."""
        for terms, after in zip_longest(self.terms, self.terms[1:]):
            first = days.start if terms.start_day is None else max(days.start, terms.start_day)
            stop = days.stop if after is None or after.start_day is None else min(days.stop, after.start_day)
            if first < stop:
                yield terms, range(first, stop)
