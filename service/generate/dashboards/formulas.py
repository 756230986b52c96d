"""KPIs in PromQL, from their formulas in the catalogue: sums of live counters over sums of others, over a span.

Places are sites and channels, since much of what good service is has no queue.
"""

from collections.abc import Mapping, Sequence

from service.core.catalogue.kpi import DEFAULT_WITHIN, Shape
from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.catalogue.measures import HISTOGRAMS
from service.core.catalogue.metrics import METRICS, MetricKind
from service.generate.dashboards.expressions import increase, matching

PLACE = ("site", "channel")
RANGE = "$__range"

_COUNTER_OF = {metric.source: metric for metric in METRICS if metric.kind is MetricKind.COUNTER and metric.source}
_PART_OF = {
    measure: (metric, matching(metric.labels[-1], value))
    for metric in METRICS
    for value, measure in metric.parts.items()
}
_METRIC_OF_HISTOGRAM = {metric.source: metric for metric in METRICS if metric.kind is MetricKind.HISTOGRAM}
_COUNT_OF = {one.lead: f"{_METRIC_OF_HISTOGRAM[one.name].name}_count" for one in HISTOGRAMS if one.exported}
_SUM_OF = {frozenset(one.total): f"{_METRIC_OF_HISTOGRAM[one.name].name}_sum" for one in HISTOGRAMS if one.exported}


def is_live(name: str, formula: str = "") -> bool:
    """Whether a KPI can be made of live counters."""
    kpi = KPI_BY_NAME[name]
    if kpi.shape not in (Shape.COUNT, Shape.RATIO, Shape.MEAN) or kpi.needs_threshold or kpi.needs_objective:
        return False
    found = kpi.formulas[formula or kpi.default_formula].filled(DEFAULT_WITHIN, None)
    return all(map(_is_known, (found.numerator, found.denominator)))


def _is_known(terms: Mapping[str, int]) -> bool:
    known = _COUNTER_OF.keys() | _PART_OF.keys() | _COUNT_OF.keys()
    return all(frozenset({term}) in _SUM_OF or term in known for term in terms) or frozenset(terms) in _SUM_OF


def value(
    name: str,
    by: Sequence[str] = (),
    *,
    formula: str = "",
    within: str = "",
    span: str = RANGE,
    offset: str = "",
    more: str = "",
) -> str:
    """What a KPI comes to over a span, its numerator over its denominator; `more` matches what it is told apart by."""
    kpi = KPI_BY_NAME[name]
    filled = kpi.formulas[formula or kpi.default_formula].filled(within or DEFAULT_WITHIN, None)
    over, under = (
        _added_up(terms, by, span, offset, more) for terms in (filled.numerator, filled.denominator) if terms
    )
    return f"{over} / ({under} > 0)"


def count(measure: str, by: Sequence[str] = (), *, span: str = RANGE, offset: str = "", more: str = "") -> str:
    """How much a measure has gone up over a span."""
    return _added_up({measure: 1}, by, span, offset, more)


def _added_up(terms: Mapping[str, int], by: Sequence[str], span: str, offset: str, more: str) -> str:
    if frozenset(terms) in _SUM_OF:
        return increase(_SUM_OF[frozenset(terms)], by, PLACE, span=span, offset=offset, more=more)
    signs = {1: "+", -1: "-"}
    told = " ".join(f"{signs[weight]} {_increase(term, by, span, offset, more)}" for term, weight in terms.items())
    told = told.removeprefix("+ ")
    return told if len(terms) == 1 else f"({told})"


def _increase(measure: str, by: Sequence[str], span: str, offset: str, more: str) -> str:
    if measure in _COUNT_OF:
        return increase(_COUNT_OF[measure], by, PLACE, span=span, offset=offset, more=more)
    if frozenset({measure}) in _SUM_OF:
        return increase(_SUM_OF[frozenset({measure})], by, PLACE, span=span, offset=offset, more=more)
    metric, part = _PART_OF.get(measure) or (_COUNTER_OF[measure], "")
    labels = [label for label in PLACE if label in metric.labels]
    matchers = ",".join(filter(None, (part, more)))
    return increase(metric.name, by, labels, span=span, offset=offset, more=matchers)
