"""What `/metrics/kpi` shows of objectives: what they judged, their windows, and the quality index.

Labels do not tell series of one place apart by their facets, so these are added up here: of two samples with the same
labels Prometheus takes none, and refuses the page.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from service.core.budget import Spend
from service.core.catalogue.measures import MEASURES, PROVISIONAL, SETTLED, Scope
from service.core.difference import Class
from service.core.event import MINUTE_US, microseconds
from service.core.objective import Objective
from service.core.quality_index import quality_index
from service.core.series import Series
from service.core.standing import Standing
from service.exposition import Labels, Sample
from service.store.live import Snapshot

NEVER = (0, 0)
"""No events and no breaches."""
_BESIDE: Mapping[Scope, frozenset[str]] = {
    scope: frozenset(measure.name for measure in MEASURES if measure.scope is scope)
    for scope in Scope
    if scope.is_beside
}


def labels_of(series: Series) -> tuple[str, str, str]:
    """The labels of a place."""
    return series.site, series.queue, series.channel


def judged_live(
    snapshot: Snapshot, everywhere: Iterable[Series], newborn: Collection[int]
) -> dict[Labels, tuple[int, int]]:
    """The live events and breaches of each objective, in every place that it has reached or counted in so far.

    Of what is beside interactions, only in places where there has been any of it. Those of `newborn` series are not
    shown yet.
    """
    found: dict[Labels, tuple[int, int]] = {}
    beside = _beside(snapshot)
    for series in everywhere:
        labels, today = labels_of(series), _today(snapshot, series.site)
        for objective in snapshot.policy.objectives.all:
            counted = snapshot.promised.get((series.id, objective.number, Class.LIVE.value))
            is_there = not objective.is_beside or (series.id, objective.terms[0].of_kpi.scope) in beside
            if counted is None and not (is_there and _has_reached(objective, series, today)):
                continue
            events, breaches = (NEVER if series.id in newborn else counted) or NEVER
            before = found.get((*labels, objective.name), NEVER)
            found[(*labels, objective.name)] = before[0] + events, before[1] + breaches
    return found


def windows(snapshot: Snapshot, everywhere: Iterable[Series]) -> Iterator[tuple[Labels, Spend, Standing]]:
    """What is spent of each objective's budget in each place, of what is settled and what is not yet."""
    shown = {series.id for series in everywhere}
    found: dict[Labels, tuple[Spend, Standing]] = {}
    for standing in snapshot.standings:
        if standing.series.id in shown:
            labels = (*labels_of(standing.series), standing.objective.name, standing.terms.window.name)
            for maturity, spend in ((SETTLED, standing.settled), (PROVISIONAL, standing.provisional)):
                if spend is not None:
                    before = found.get((*labels, maturity))
                    found[(*labels, maturity)] = (spend if before is None else before[0] + spend), standing
    return ((labels, spend, standing) for labels, (spend, standing) in found.items())


def indexes(snapshot: Snapshot) -> Iterator[Sample]:
    """The quality index of each site and dimension in which anything is judged."""
    by_site = defaultdict[str, list[Standing]](list)
    for standing in snapshot.standings:
        if standing.settled.events:
            by_site[standing.series.site].append(standing)
    for site, standings in sorted(by_site.items()):
        for index in quality_index(snapshot.policy.objectives.all, standings, _today(snapshot, site)):
            value = index.value
            if value is not None:
                yield (site, index.dimension), value


def over_all_objectives(snapshot: Snapshot) -> dict[tuple[int, int], tuple[int, int]]:
    """Events and breaches by (series, class)."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for (number, _, class_), (events, breaches) in snapshot.promised.items():
        before = found.get((number, class_), NEVER)
        found[number, class_] = before[0] + events, before[1] + breaches
    return found


def _beside(snapshot: Snapshot) -> set[tuple[int, Scope | None]]:
    """What of what is beside interactions there has been, by the numbers of series."""
    found = set[tuple[int, Scope | None]]()
    for (number, _), amounts in snapshot.totals.items():
        found.update((number, scope) for scope, names in _BESIDE.items() if not names.isdisjoint(amounts))
    return found


def _has_reached(objective: Objective, series: Series, today: int) -> bool:
    """Whether any terms of an objective, in force or earlier ones, cover a series, or may cover facets of its place."""
    return any(
        (terms.start_day is None or terms.start_day <= today)
        and (terms.covers(*series.key) if series.facet else terms.reaches(*labels_of(series)))
        for terms in objective.terms
    )


def _today(snapshot: Snapshot, site: str) -> int:
    """The local date at a site."""
    return snapshot.policy.calendar(site).day_of(microseconds(snapshot.at) // MINUTE_US)
