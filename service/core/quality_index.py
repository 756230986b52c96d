"""The quality index: the share of a dimension's objectives that are met, with its parts.

An objective is of the dimension of its KPI. Where the KPI has none of its own it is told apart by what customers spoke
of, and is a part of the index of each dimension, with what was said of that one; what was checked is of the dimension
of its standard. So satisfaction with courtesy and with access are two parts of two indexes. Nothing is weighted: a part
is met or not, and of one with too few events nothing is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.core.budget import Spend, Status
from service.core.catalogue.kpi import Kpi, Shape
from service.core.catalogue.kpis import KPIS
from service.core.objective import Objective, Terms
from service.core.quality import DIMENSION, KIND, RESOURCE_KINDS, STANDARD, STANDARDS, Dimension, facet_value
from service.core.standing import Standing, terms_over

_NOTHING = Spend()
_OF_FACETS: Mapping[str, Mapping[str, Dimension]] = {STANDARD: STANDARDS, KIND: RESOURCE_KINDS}


@dataclass(frozen=True, slots=True)
class Part:
    """An objective, as far as it is of a dimension: its latest terms, and what of it is settled over its window."""

    objective: Objective
    terms: Terms
    spend: Spend

    @property
    def status(self) -> Status:
        """Met while its budget is not overspent, breached once it is."""
        if self.spend.events < self.terms.minimum_events:
            return Status.NO_DATA
        return Status.BREACHED if self.spend.is_overspent else Status.MET


@dataclass(slots=True)
class Index:
    """The index of a dimension."""

    dimension: Dimension
    parts: list[Part] = field(default_factory=list)

    @property
    def judged(self) -> int:
        """Of how many parts there is enough to tell."""
        return sum(part.status is not Status.NO_DATA for part in self.parts)

    @property
    def met(self) -> int:
        """How many of these are met."""
        return sum(part.status is Status.MET for part in self.parts)

    @property
    def value(self) -> float | None:
        """The share of objectives that are met; None where nothing can be told of any."""
        judged = self.judged
        return self.met / judged if judged else None

    @property
    def without_objective(self) -> list[Kpi]:
        """The KPIs of the dimension of which nothing is promised."""
        promised = {part.terms.kpi for part in self.parts}
        return [kpi for kpi in KPIS if kpi.name not in promised and self.dimension in dimensions_of(kpi)]


def quality_index(objectives: Iterable[Objective], standings: Iterable[Standing], today: int) -> list[Index]:
    """The index of each dimension, by all of the standings given; `today` is the local date by which terms hold."""
    found = {dimension: Index(dimension) for dimension in Dimension}
    own = dict[int, list[Standing]]()
    for standing in standings:
        own.setdefault(standing.objective.number, []).append(standing)
    for objective in sorted(objectives, key=lambda one: one.name):
        of_objective = own.get(objective.number, ())
        terms = terms_over(objective, of_objective, today)
        if terms is None:
            continue
        spends = _by_dimension(terms.of_kpi, of_objective)
        for dimension in dict.fromkeys((*spends, *_possible(terms))):
            found[dimension].parts.append(Part(objective, terms, spends.get(dimension, _NOTHING)))
    return list(found.values())


def dimensions_of(kpi: Kpi) -> Sequence[Dimension]:
    """The dimensions that a KPI tells of; none where it is of service as a whole, or only counts."""
    if kpi.shape is Shape.COUNT:
        return ()
    if kpi.facet in _OF_FACETS:
        return tuple(dict.fromkeys(_OF_FACETS[kpi.facet].values()))
    if kpi.dimension is not None:
        return (kpi.dimension,)
    return tuple(Dimension) if kpi.facet == DIMENSION and kpi.scope is not None else ()


def _possible(terms: Terms) -> Sequence[Dimension]:
    """The dimensions of which an objective may be a part."""
    kpi = terms.of_kpi
    if not terms.facets:
        return dimensions_of(kpi)
    return [found for facet in terms.facets if (found := _dimension_of(kpi, facet)) is not None]


def _by_dimension(kpi: Kpi, standings: Iterable[Standing]) -> Mapping[Dimension, Spend]:
    found = dict[Dimension, Spend]()
    for standing in standings:
        dimension = _dimension_of(kpi, standing.series.facet)
        if dimension is not None and standing.settled.events:
            before = found.get(dimension)
            found[dimension] = standing.settled if before is None else before + standing.settled
    return found


def _dimension_of(kpi: Kpi, facet: str) -> Dimension | None:
    """The dimension that what was judged in a series is of; None where none is known, as of a site's own standards."""
    if kpi.facet in _OF_FACETS:
        return _OF_FACETS[kpi.facet].get(facet_value(facet, kpi.facet))
    if kpi.dimension is not None:
        return kpi.dimension
    told = facet_value(facet, DIMENSION)
    return Dimension(told) if told else None
