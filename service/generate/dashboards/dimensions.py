"""The KPIs of each dimension of service, as they are shown in its row: all that live counters and gauges can tell."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from service.core.catalogue.kpi import Kpi, Shape
from service.core.catalogue.kpis import KPI_BY_NAME, KPIS
from service.core.quality import DIMENSION, KIND, RESOURCE_KINDS, STANDARD, STANDARDS, Dimension
from service.generate.dashboards.expressions import matching
from service.generate.dashboards.formulas import is_live, value
from service.generate.dashboards.levels import AVAILABILITY, OCCUPANCY, gauge

_OWN = f'{STANDARD}!~"{"|".join(STANDARDS)}"'
_AVAILABILITY, _OCCUPANCY = KPI_BY_NAME["availability"], KPI_BY_NAME["occupancy"]
_COMPLIANCE, _SATISFACTION = KPI_BY_NAME["standards_compliance"], KPI_BY_NAME["csat"]
_WITHIN = {"repeat_contact_rate": ("1d", "7d", "30d"), "repeat_visit_rate": ("1d", "7d", "30d")}


@dataclass(frozen=True, slots=True)
class Told:
    """A KPI as a line of a table; `expr` is what it is over the range, or over the one as long as it before."""

    name: str
    kpi: Kpi
    expr: Callable[[str], str]

    @property
    def is_time(self) -> bool:
        """Whether it is in seconds, and not a share."""
        return self.kpi.unit == "seconds"

    @property
    def formula(self) -> str:
        """How it is made, as the catalogue has it."""
        return self.kpi.formulas[self.kpi.default_formula].text


def told_of(dimension: Dimension) -> Sequence[Told]:
    """All that is told of a dimension."""
    return list(_told(dimension))


def _told(dimension: Dimension) -> Iterator[Told]:
    for kpi in KPIS:
        if kpi.dimension is dimension and kpi.shape is not Shape.COUNT and not kpi.facet and is_live(kpi.name):
            for within in _WITHIN.get(kpi.name, ("",)):
                yield _of(kpi, f"{kpi.name} {within}".strip(), within=within)
    for standard in (name for name, whose in STANDARDS.items() if whose is dimension):
        yield _of(_COMPLIANCE, f"{_COMPLIANCE.name}: {standard}", more=matching(STANDARD, standard))
    if _COMPLIANCE.dimension is dimension:
        yield _of(_COMPLIANCE, f"{_COMPLIANCE.name}: the site's own", more=_OWN)
    for kind in (name for name, whose in RESOURCE_KINDS.items() if whose is dimension):
        yield _today(
            _AVAILABILITY, f"{_AVAILABILITY.name}: {kind}, least today", "min", AVAILABILITY, ("site", KIND), kind
        )
    if _OCCUPANCY.dimension is dimension:
        yield _today(_OCCUPANCY, f"{_OCCUPANCY.name}, highest today", "max", OCCUPANCY, ("site", "queue"))
    yield _of(_SATISFACTION, f"{_SATISFACTION.name}: {dimension}", more=matching(DIMENSION, dimension))


def _of(kpi: Kpi, name: str, *, within: str = "", more: str = "") -> Told:
    def expr(offset: str) -> str:
        return value(kpi.name, within=within, offset=offset, more=more)

    return Told(name, kpi, expr)


def _today(kpi: Kpi, name: str, of_sites: str, metric: str, labels: Sequence[str], kind: str = "") -> Told:
    """A KPI that is told of each local day so far, and so of no range: that of the place that is worst off."""

    def expr(offset: str) -> str:
        return f"{of_sites} ({gauge(metric, labels, matching(KIND, kind) if kind else '', offset)})"

    return Told(name, kpi, expr)
