"""The columns of KPIs in the views for reports, made from the catalogue."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from service.core.catalogue.kpi import Formula, Kpi, Shape
from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import MATURITIES, MEASURES, WITHIN_DAYS

OF_VISITS = ("population", "speed", "reliability")
OF_QUALITY = ("quality", "satisfaction")
"""The groups of KPIs, by the view that has them."""


class Column(NamedTuple):
    """A column of a view: its name, its expression, and what it says."""

    name: str
    sql: str
    comment: str


def kpi_columns(groups: Collection[str]) -> Iterator[Column]:
    """The columns of some groups of KPIs.

    The counts come first; then each ratio and mean, in each of its variants, with its numerator and its denominator.
    Values are as `evaluate` of the core has them. What waits are held against stands in objectives, so the service
    level is not here, and quantiles are not, since those of several days are not made of those of each.
    """
    wanted = [kpi for kpi in KPIS if kpi.group in groups and not kpi.is_of_levels]
    for kpi in wanted:
        if kpi.shape is Shape.COUNT and not kpi.parameters:
            (formula,) = kpi.formulas.values()
            yield Column(kpi.name, _weighed(formula.numerator), f"number of {kpi.help}")
    for kpi in wanted:
        if kpi.shape in (Shape.RATIO, Shape.MEAN) and not kpi.needs_threshold:
            for name, formula in _variants(kpi):
                yield from _columns(kpi, name, formula)


def measures_of(groups: Collection[str]) -> list[str]:
    """The measures of which these columns are made, in their order."""
    terms = {
        term
        for kpi in KPIS
        if kpi.group in groups and not kpi.is_of_levels and kpi.shape in (Shape.COUNT, Shape.RATIO, Shape.MEAN)
        for _, formula in _variants(kpi)
        for term in formula.terms
    }
    return [measure.name for measure in MEASURES if measure.name in terms]


def _variants(kpi: Kpi) -> Iterator[tuple[str, Formula]]:
    """A KPI by each of its formulas, spans and maturities, the default formula under the plain name."""
    for kind, formula in kpi.formulas.items():
        name = kpi.name if kind == kpi.default_formula else f"{kpi.name}_{kind}"
        for within in WITHIN_DAYS if "within" in kpi.parameters else (None,):
            for maturity in MATURITIES if "maturity" in kpi.parameters else (None,):
                yield "_".join(filter(None, (name, within, maturity))), formula.filled(within, maturity)


def _columns(kpi: Kpi, name: str, formula: Formula) -> Iterator[Column]:
    over, under = _weighed(formula.numerator), _weighed(formula.denominator)
    is_mean = kpi.shape is Shape.MEAN
    whole = f"({under}) * 1000000" if is_mean else under
    says = f"{kpi.help}{', in seconds' if is_mean else ''}: {formula.text}; null where the denominator is 0"
    yield Column(name, f"({over})::float8 / nullif(({whole})::float8, 0)", says)
    seconds = f"({over}) * 0.000001" if is_mean else over
    yield Column(f"{name}_numerator", seconds, f"numerator of {name}{', in seconds' if is_mean else ''}")
    yield Column(f"{name}_denominator", under, f"denominator of {name}")


def _weighed(terms: Mapping[str, int]) -> str:
    """A sum of measures, of which those above are called d."""
    signs = {1: "+", -1: "-"}
    told = " ".join(f"{signs[weight]} d.{name}" for name, weight in terms.items())
    return told.removeprefix("+ ")
