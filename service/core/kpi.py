"""KPIs evaluated: from sums, counts and buckets to the values that people read.

Pure, and the same for every reader: what a KPI is stands in the catalogue, what it is over some group and interval is
computed here from integers that were added up elsewhere. Durations come in as microseconds and go out as seconds.
All points of a group are evaluated at once, number by number: an answer may have hundreds of thousands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.core.catalogue.integrals import INTEGRAL_BY_NAME
from service.core.catalogue.kpi import (
    ABANDONED_LATER,
    ABANDONED_WITHIN,
    ANSWERED_WITHIN,
    Shape,
)
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, MEASURE_BY_NAME, Histogram
from service.core.event import SECOND_US, in_seconds
from service.core.question import Question

_WITHIN_BY_HISTOGRAM = {"wait": ANSWERED_WITHIN, "abandoned_wait": ABANDONED_WITHIN}
_MADE_OF: Mapping[str, frozenset[str]] = {ABANDONED_LATER: frozenset({"abandoned_waits", ABANDONED_WITHIN})}


class Values(NamedTuple):
    """A KPI's value in each point, and what it was made of; None where there is no data, or no such part.

    Ratios are 0 to 1. A mean's numerator is the sum in seconds and its denominator the number; a quantile's
    denominator is the number of durations. A count, a maximum and a state of now have their value alone.
    """

    values: Sequence[float | None]
    numerators: Sequence[float | None]
    denominators: Sequence[float | None]


@dataclass(slots=True)
class Sums:
    """What was added up over a group, a number for each of its points; what is missing is 0 in all of them.

    `terms` by their names in formulas. `buckets` by histogram, then bucket: durations above the bound before and at
    most the bound, the last above all bounds. `longest_us`: the longest known wait of A and B, None where there was
    none, or of those who wait now.
    """

    points: int
    terms: dict[str, list[int]] = field(default_factory=dict)
    buckets: dict[str, list[list[int]]] = field(default_factory=dict)
    longest_us: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be added up to answer questions.

    `within` names the terms that are waits of at most `threshold_us`, by their histogram. `objective` is the number of
    the one whose events and breaches are wanted. `integrals` are those of levels.
    """

    measures: frozenset[str] = frozenset()
    within: Mapping[str, str] = field(default_factory=dict)
    threshold_us: int = 0
    objective: int | None = None
    histograms: frozenset[str] = frozenset()
    longest: bool = False
    integrals: frozenset[str] = frozenset()


def needs(questions: Iterable[Question]) -> Needs:
    """What has to be added up to evaluate the questions of one request, which share threshold and objective."""
    terms: set[str] = set()
    threshold_us = 0
    objective = None
    histograms: set[str] = set()
    longest = False
    for question in questions:
        for term in question.formula.terms:
            terms |= _MADE_OF.get(term, {term})
        threshold_us = question.threshold_us or threshold_us
        objective = question.objective_number or objective
        if question.formula.histogram:
            histograms.add(question.formula.histogram)
        longest = longest or question.kpi.shape is Shape.MAXIMUM
    within = {histogram: term for histogram, term in _WITHIN_BY_HISTOGRAM.items() if term in terms}
    return Needs(
        frozenset(terms & MEASURE_BY_NAME.keys()),
        within,
        threshold_us if within else 0,
        objective,
        frozenset(histograms),
        longest,
        frozenset(terms & INTEGRAL_BY_NAME.keys()),
    )


def evaluate(question: Question, sums: Sums) -> Values:
    """The values of a KPI over what was added up; null where the denominator is 0."""
    kpi, formula = question.kpi, question.formula
    nothing = [None] * sums.points
    if kpi.shape is Shape.QUANTILE:
        return _quantiles(HISTOGRAM_BY_NAME[formula.histogram], sums, kpi.quantile)
    if kpi.shape is Shape.MAXIMUM:
        longest = sums.longest_us or nothing
        return Values([in_seconds(us) for us in longest], nothing, nothing)
    if kpi.shape is Shape.NOW:
        return Values([(us or 0) / SECOND_US for us in sums.longest_us or nothing], nothing, nothing)
    numerators = _weighed(formula.numerator, sums)
    if kpi.shape is Shape.COUNT:
        return Values(numerators, nothing, nothing)
    denominators = _weighed(formula.denominator, sums)
    both = zip(numerators, denominators, strict=True)
    if kpi.shape is Shape.MEAN:
        # One division from integers, so that the mean is the float nearest to the exact one.
        means = [total / (number * SECOND_US) if number else None for total, number in both]
        return Values(means, [total / SECOND_US for total in numerators], denominators)
    one, other = kpi.per_us
    ratios = [kpi.per * over * other / (under * one) if under else None for over, under in both]
    return Values(ratios, _in_units(numerators, one), _in_units(denominators, other))


def _in_units(numbers: list[int], unit: int) -> Sequence[float]:
    return numbers if unit == 1 else [number / unit for number in numbers]


def quantile(histogram: Histogram, counts: Sequence[int], q: float) -> float | None:
    """The q-quantile in seconds of durations counted in a histogram's buckets, None where there are none.

    Like `histogram_quantile` of Prometheus: linear within the bucket, the first of which begins at 0; a rank in the
    bucket above all bounds gives the highest bound.
    """
    number = sum(counts)
    if not number:
        return None
    rank = q * number
    below = 0
    lower = 0.0
    for upper, count in zip(histogram.bounds, counts, strict=False):
        if count and below + count >= rank:
            return lower + (upper - lower) * max(rank - below, 0.0) / count
        below += count
        lower = upper
    return histogram.bounds[-1]


def _quantiles(histogram: Histogram, sums: Sums, q: float) -> Values:
    buckets = sums.buckets.get(histogram.name)
    nothing = [None] * sums.points
    if buckets is None:
        return Values(nothing, nothing, [0] * sums.points)
    by_point = list(zip(*buckets, strict=True))
    return Values([quantile(histogram, counts, q) for counts in by_point], nothing, list(map(sum, by_point)))


def _weighed(weights: Mapping[str, int], sums: Sums) -> list[int]:
    total: list[int] | None = None
    for name, weight in weights.items():
        numbers = _term(name, sums)
        if numbers is None:
            continue
        if total is None:
            total = numbers if weight == 1 else [weight * number for number in numbers]
        else:
            total = [so_far + weight * number for so_far, number in zip(total, numbers, strict=True)]
    return [0] * sums.points if total is None else total


def _term(name: str, sums: Sums) -> list[int] | None:
    if name == ABANDONED_LATER:
        return _weighed({"abandoned_waits": 1, ABANDONED_WITHIN: -1}, sums)
    return sums.terms.get(name)
