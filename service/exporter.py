"""`/metrics/kpi`: the live totals and the state of now, as Prometheus families.

Which families there are, and from which measure each counter and histogram is made, stands in the catalogue. All of
it is read from the database in one snapshot, so every replica exports the same, and right after a restart. What a
scrape costs depends on the number of series, never on how much was counted.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.catalogue.measures import (
    HISTOGRAM_BY_NAME,
    MEASURE_BY_NAME,
    MEASURES,
    Histogram,
    Scope,
    Unit,
)
from service.core.catalogue.metrics import METRICS, SERIES, Metric, MetricKind
from service.core.difference import Class
from service.core.event import DAY_US, SECOND_US, microseconds
from service.core.objective import Terms
from service.core.quality import LABELS_OF_FACETS, STANDARD, facet_value
from service.core.series import OTHER, Series
from service.core.stories.feedback import STATE_COMPLAINT
from service.core.stories.promise import STATE_PROMISED
from service.exported_objectives import NEVER, indexes, judged_live, labels_of, over_all_objectives, windows
from service.exposition import Distribution, Family, HistogramFamily, Labels, Sample, write
from service.store.live import LiveState, Snapshot
from service.store.rollups import Rollups

_TELLING: Mapping[str, tuple[str, int]] = {
    measure.name: (measure.name, 1)
    if measure.unit is Unit.COUNT
    else (
        measure.name if measure.unit is Unit.POINTS else f"{measure.name.removesuffix('_us')}_seconds",
        SECOND_US,
    )
    for measure in MEASURES
    if not measure.state
}
"""The measures that backfill and corrections tell of, by name: their label, and what makes one of its unit."""
_SIGNS = {Class.LIVE: 1, Class.BACKFILLED: 1, Class.CORRECTED_UP: 1, Class.CORRECTED_DOWN: -1}
_RESIDUAL = KPI_BY_NAME["residual"].formulas[""].numerator
_OF_ENCOUNTERS = frozenset(
    measure.name for measure in MEASURES if measure.scope in (Scope.VISIT, Scope.INTERACTION, Scope.CONTACT)
) - {"late_events", "skewed_events", "skew_us"}
"""What is counted of visits, interactions and contacts, and of nothing that is beside them."""
_MEASURES_BY_LABELS: Mapping[Labels, frozenset[str]] = {
    told: frozenset(one.source for one in METRICS if one.labels == told and one.kind is MetricKind.COUNTER) - {""}
    for told in {one.labels for one in METRICS if one.source and one.kind is MetricKind.COUNTER} - {SERIES}
}
"""The measures that counters show over all series that some labels don't tell apart, by these labels."""
_NOTHING: Mapping[str, int] = {}


async def render(rollups: Rollups, now: datetime, scrape_seconds: float | None = None) -> bytes:
    """The page in Prometheus' text format 0.0.4. Raises Unavailable.

    A counter that Prometheus sees for the first time at 3 counts for nothing in `increase()`. So for a scraper, which
    tells how long it waits for the page as `scrape_seconds`, a new series stands at 0 in the first scrape.
    """
    newborn = frozenset[int]() if scrape_seconds is None else await rollups.show_newborn(scrape_seconds)
    snapshot = await rollups.snapshot(now)
    # With thousands of series the text takes a while, in which posts should go on.
    return await asyncio.to_thread(encode, snapshot, newborn)


def encode(snapshot: Snapshot, newborn: frozenset[int] = frozenset()) -> bytes:
    """A snapshot as text; the live counters of the series in `newborn`, by number, at 0."""
    return write(families(snapshot, newborn))


def families(snapshot: Snapshot, newborn: frozenset[int] = frozenset()) -> list[Family | HistogramFamily]:
    """The families of a page; their samples are made as they are read, once."""
    return list(_Page(snapshot, newborn).families())


class _Page:
    """The families of one snapshot, in the order of the catalogue."""

    def __init__(self, snapshot: Snapshot, newborn: frozenset[int]) -> None:
        self._snapshot = snapshot
        self._newborn = newborn
        self._states = _shown(snapshot)
        here = {state.series.id for state in self._states}
        counted = {number for number, _ in snapshot.totals}
        others = [state.series for state in snapshot.states if state.series.id not in here]
        self._facets = [series for series in others if series.facet]
        self._besides = [series for series in others if not series.facet and series.id in counted]
        self._everywhere = [*(state.series for state in self._states), *self._besides, *self._facets]
        self._at_us = microseconds(snapshot.at)
        self._lines = [(labels_of(state.series), self._live(state.series)) for state in self._states]
        self._by_labels = {told: self._added_up(told) for told in _MEASURES_BY_LABELS} | {SERIES: self._lines}
        self._promised = list(judged_live(snapshot, self._everywhere, newborn).items())
        self._spent = list(windows(snapshot, self._everywhere))
        self._judged = over_all_objectives(snapshot)
        self._resources = list(snapshot.levels.resources_now(snapshot.policy))
        self._staffing = list(snapshot.levels.staffing_now())

    def families(self) -> Iterator[Family | HistogramFamily]:
        for metric in METRICS:
            if metric.kind is MetricKind.HISTOGRAM:
                yield self._histogram(metric)
            else:
                names = (*metric.labels, *metric.optional)
                yield Family(metric.name, metric.kind, metric.documentation, names, self._samples(metric))

    def _samples(self, metric: Metric) -> Iterator[Sample]:
        if metric.source:
            return self._counts(metric)
        if metric.parts:
            return self._counts_of(metric.parts)
        return _SAMPLES[metric.name](self)

    def _of(self, series: Series, class_: Class) -> Mapping[str, int]:
        return self._snapshot.totals.get((series.id, class_.value), _NOTHING)

    def _live(self, series: Series) -> Mapping[str, int]:
        return _NOTHING if series.id in self._newborn else self._of(series, Class.LIVE)

    def _counts(self, metric: Metric) -> Iterator[Sample]:
        measure, lines = metric.source, self._by_labels[metric.labels]
        if MEASURE_BY_NAME[measure].unit is Unit.COUNT:
            return ((labels, live.get(measure, 0)) for labels, live in lines)
        return ((labels, live.get(measure, 0) / SECOND_US) for labels, live in lines)

    def _added_up(self, told: Labels) -> list[tuple[Labels, Mapping[str, int]]]:
        """The live counts over all series that some labels don't tell apart, of the measures that have these labels."""
        measures = _MEASURES_BY_LABELS[told]
        facet_label = next((label for label in told if label in LABELS_OF_FACETS), "")
        place: Labels
        places: list[tuple[Labels, Mapping[str, int]]] = []
        if facet_label != STANDARD:
            besides = [(labels_of(series), self._live(series)) for series in self._besides]
            end = ("",) if facet_label else ()
            places += [((labels[0], labels[2], *end), live) for labels, live in (*self._lines, *besides)]
        for series in self._facets if facet_label else ():
            value = facet_value(series.facet, facet_label)
            if value:
                place = (series.site, value) if facet_label == STANDARD else (series.site, series.channel, value)
                places.append((place, self._live(series)))
        added: dict[Labels, dict[str, int]] = {}
        for place, live in places:
            amounts = added.setdefault(place, {})
            for measure in measures & live.keys():
                amounts[measure] = amounts.get(measure, 0) + live[measure]
        return list(added.items())

    def _open(self, measure: str) -> Iterator[Sample]:
        """What is open now of promises or complaints."""
        added: dict[Labels, int] = {(labels[0], labels[2]): 0 for labels, _ in self._lines}
        for series in self._everywhere:
            key = (series.site, series.channel)
            added[key] = added.get(key, 0) + self._of(series, Class.LIVE).get(measure, 0)
        return iter(added.items())

    def promises_open(self) -> Iterator[Sample]:
        return self._open("promises_open")

    def complaints_open(self) -> Iterator[Sample]:
        return self._open("complaints_open")

    def promise_next_due(self) -> Iterator[Sample]:
        return (((one.site,), one.due_at.timestamp()) for one in self._snapshot.matters if one.state == STATE_PROMISED)

    def complaint_oldest(self) -> Iterator[Sample]:
        return (((one.site,), one.since.timestamp()) for one in self._snapshot.matters if one.state == STATE_COMPLAINT)

    def _counts_of(self, parts: Mapping[str, str]) -> Iterator[Sample]:
        for labels, live in self._lines:
            for label, measure in parts.items():
                yield (*labels, label), live.get(measure, 0)

    def _histogram(self, metric: Metric) -> HistogramFamily:
        histogram = HISTOGRAM_BY_NAME[metric.source]
        bounds = (*map(str, histogram.bounds), "+Inf")
        return HistogramFamily(metric.name, metric.documentation, metric.labels, bounds, self._distributions(histogram))

    def _distributions(self, histogram: Histogram) -> Iterator[Distribution]:
        counts: dict[Labels, list[int]] = {}
        sums: dict[Labels, int] = defaultdict(int)
        for state, (_, live) in zip(self._states, self._lines, strict=True):
            series = state.series
            key: Labels = (series.site, series.channel)
            bucket_counts = counts.setdefault(key, [0] * (len(histogram.bounds) + 1))
            if live:
                for bucket, amount in enumerate(self._snapshot.cells.get((series.id, histogram.code), ())):
                    bucket_counts[bucket] += amount
            sums[key] += sum(live.get(name, 0) for name in histogram.total)
        for key, bucket_counts in counts.items():
            yield key, list(accumulate(bucket_counts)), sums[key] / SECOND_US

    def waiting(self) -> Iterator[Sample]:
        return ((labels_of(state.series), state.waiting) for state in self._states)

    def in_service(self) -> Iterator[Sample]:
        return ((labels_of(state.series), state.in_service) for state in self._states)

    def longest_wait(self) -> Iterator[Sample]:
        return ((labels_of(state.series), state.longest_wait_seconds) for state in self._states)

    def residual(self) -> Iterator[Sample]:
        for state in self._states:
            left = 0
            for class_, sign in _SIGNS.items():
                amounts = self._of(state.series, class_)
                if amounts:
                    left += sign * sum(weight * amounts.get(name, 0) for name, weight in _RESIDUAL.items())
            yield labels_of(state.series), left

    def backfilled(self) -> Iterator[Sample]:
        return self._told(Class.BACKFILLED)

    def corrections(self) -> Iterator[Sample]:
        yield from self._told(Class.CORRECTED_UP, "up")
        yield from self._told(Class.CORRECTED_DOWN, "down")

    def _told(self, class_: Class, *more: str) -> Iterator[Sample]:
        told: dict[Labels, float] = {}
        for series in self._everywhere:
            amounts = self._of(series, class_)
            if amounts:
                labels = labels_of(series)
                found = [
                    (_TELLING[name][0], amount / _TELLING[name][1])
                    for name, amount in amounts.items()
                    if name in _TELLING
                ]
                judged = self._judged.get((series.id, class_.value), NEVER)
                found += zip(("slo_events", "slo_breaches"), judged, strict=True)
                for label, amount in found:
                    if amount:
                        key = (*labels, label, *more)
                        told[key] = told.get(key, 0) + amount
        return iter(told.items())

    def slo_events(self) -> Iterator[Sample]:
        return ((labels, events) for labels, (events, _) in self._promised)

    def slo_breaches(self) -> Iterator[Sample]:
        return ((labels, breaches) for labels, (_, breaches) in self._promised)

    def targets(self) -> Iterator[Sample]:
        for labels, terms, base in self._terms():
            if base is None or terms.target != base.target:
                yield labels, terms.target

    def thresholds(self) -> Iterator[Sample]:
        for labels, terms, base in self._terms():
            seconds = terms.threshold_seconds
            if seconds is not None and (base is None or seconds != base.threshold_seconds):
                yield labels, seconds

    def _terms(self) -> Iterator[tuple[Labels, Terms, Terms | None]]:
        """The terms of each objective that are in force now, and those of sites beside those of all."""
        for objective in self._snapshot.policy.objectives.all:
            terms = objective.at(self._at_us // DAY_US)
            if terms is not None and not terms.ended:
                yield (objective.name,), terms, None
                for site in sorted({site for override in terms.overrides for site in override.sites}):
                    yield (objective.name, site), terms.of_site(site), terms

    def window_events(self) -> Iterator[Sample]:
        return ((labels, spend.events) for labels, spend, _ in self._spent)

    def window_breaches(self) -> Iterator[Sample]:
        return ((labels, spend.breaches) for labels, spend, _ in self._spent)

    def window_allowed(self) -> Iterator[Sample]:
        return ((labels, spend.allowed) for labels, spend, _ in self._spent)

    def window_projected(self) -> Iterator[Sample]:
        for labels, spend, standing in self._spent:
            projected = spend.projected_left_ratio(standing.elapsed, standing.terms.minimum_events)
            if projected is not None:
                yield labels, projected

    def quality_index(self) -> Iterator[Sample]:
        return indexes(self._snapshot)

    def sites(self) -> Iterator[Sample]:
        yield (), len(self._sites())

    def _sites(self) -> Sequence[str]:
        """All registered sites, each of which has a placeholder at least."""
        return sorted({state.series.site for state in self._snapshot.states} - {OTHER})

    def site_open(self) -> Iterator[Sample]:
        for site in self._sites():
            yield (site,), self._snapshot.policy.calendar(site).is_open(self._at_us)

    def last_event(self) -> Iterator[Sample]:
        for seen in self._snapshot.activity:
            if seen.last_event_at is not None:
                yield (seen.source, seen.site), seen.last_event_at.timestamp()

    def late_events(self) -> Iterator[Sample]:
        for seen in self._snapshot.activity:
            for lag, events in seen.late.items():
                yield (seen.source, seen.site, lag), events

    def skewed_events(self) -> Iterator[Sample]:
        return (((seen.source, seen.site), seen.skewed) for seen in self._snapshot.activity)

    def skew(self) -> Iterator[Sample]:
        return (((seen.source, seen.site), seen.skew_seconds) for seen in self._snapshot.activity)

    def resources(self) -> Iterator[Sample]:
        for of_kind in self._resources:
            for state, number in of_kind.states.items():
                yield (of_kind.site, of_kind.kind, state), number

    def availability(self) -> Iterator[Sample]:
        for of_kind in self._resources:
            if of_kind.availability is not None:
                yield (of_kind.site, of_kind.kind), of_kind.availability

    def staffed(self) -> Iterator[Sample]:
        return (((queue.site, queue.queue), queue.staffed) for queue in self._staffing)

    def occupancy(self) -> Iterator[Sample]:
        for queue in self._staffing:
            if queue.occupancy is not None:
                yield (queue.site, queue.queue), queue.occupancy

    def arrivals_per_staffed(self) -> Iterator[Sample]:
        for queue in self._staffing:
            if queue.arrivals is not None:
                yield (queue.site, queue.queue), queue.arrivals


_SAMPLES: Mapping[str, Callable[[_Page], Iterator[Sample]]] = {
    "frontline_queue_waiting": _Page.waiting,
    "frontline_queue_in_service": _Page.in_service,
    "frontline_queue_longest_wait_seconds": _Page.longest_wait,
    "frontline_queue_residual": _Page.residual,
    "frontline_slo_events_total": _Page.slo_events,
    "frontline_slo_breaches_total": _Page.slo_breaches,
    "frontline_promises_open": _Page.promises_open,
    "frontline_promise_next_due_timestamp_seconds": _Page.promise_next_due,
    "frontline_complaints_open": _Page.complaints_open,
    "frontline_complaint_oldest_timestamp_seconds": _Page.complaint_oldest,
    "frontline_sites": _Page.sites,
    "frontline_site_open": _Page.site_open,
    "frontline_objective_target_ratio": _Page.targets,
    "frontline_objective_threshold_seconds": _Page.thresholds,
    "frontline_window_events": _Page.window_events,
    "frontline_window_breaches": _Page.window_breaches,
    "frontline_window_allowed_breaches": _Page.window_allowed,
    "frontline_window_projected_budget_ratio": _Page.window_projected,
    "frontline_quality_index_ratio": _Page.quality_index,
    "frontline_backfilled_total": _Page.backfilled,
    "frontline_corrections_total": _Page.corrections,
    "frontline_source_last_event_timestamp_seconds": _Page.last_event,
    "frontline_late_events_total": _Page.late_events,
    "frontline_clock_skew_events_total": _Page.skewed_events,
    "frontline_clock_skew_seconds": _Page.skew,
    "frontline_resources": _Page.resources,
    "frontline_availability_ratio": _Page.availability,
    "frontline_staffed": _Page.staffed,
    "frontline_occupancy_ratio": _Page.occupancy,
    "frontline_arrivals_per_staffed": _Page.arrivals_per_staffed,
}


def _shown(snapshot: Snapshot) -> list[LiveState]:
    """The series of visits: all without a facet that have a queue, and others where anyone came.

    The placeholder of a site is there while there is no other, too.
    """
    states = [state for state in snapshot.states if not state.series.facet]
    visited = {number for (number, _), amounts in snapshot.totals.items() if not _OF_ENCOUNTERS.isdisjoint(amounts)}
    shown = [
        state
        for state in states
        if state.series.queue or state.series.id in visited or state.waiting or state.in_service
    ]
    with_others = {state.series.site for state in shown}
    alone = [state for state in states if state.series.is_placeholder and state.series.site not in with_others]
    return sorted(shown + alone, key=lambda state: state.series)
