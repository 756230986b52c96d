"""KPIs evaluated: from sums, counts and buckets to the values that people read.

Pure, and the same for every reader: what a KPI is stands in the catalogue, what it is over some group and interval is
computed here from integers that were added up elsewhere. Durations come in as microseconds and go out as seconds.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.core.catalogue.kpis import DEFAULT_THRESHOLD_SECONDS, KPI_BY_NAME, KPIS, Formula, Kpi, Shape
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, Histogram
from service.core.errors import InvalidInput

MAX_THRESHOLD_SECONDS = 315_360_000.0

ANSWERED_WITHIN, ABANDONED_WITHIN, ABANDONED_LATER = "answered_within", "abandoned_within", "abandoned_later"
_NEEDED_BY_TERM: Mapping[str, frozenset[str]] = {
    ANSWERED_WITHIN: frozenset(),
    ABANDONED_WITHIN: frozenset(),
    ABANDONED_LATER: frozenset({"abandoned_waits"}),
}
_SECOND_US = 1_000_000


class Value(NamedTuple):
    """A KPI's value and what it was made of; None where there is no data, or no such part.

    Ratios are 0 to 1. A mean's numerator is the sum in seconds and its denominator the number; a quantile's
    denominator is the number of durations. A count, a maximum and a state of now have their value alone.
    """

    value: float | None
    numerator: float | None = None
    denominator: float | None = None


@dataclass(slots=True)
class Sums:
    """What was added up over a group and an interval; what is missing is 0.

    `measures` by name. `answered_within` and `abandoned_within` by threshold in microseconds: known waits of at most
    that. `buckets` by histogram name: durations above the bound before and at most the bound, the last above all
    bounds. `longest_us`: the longest known wait of A and B, or of those who wait now.
    """

    measures: dict[str, int] = field(default_factory=dict)
    answered_within: dict[int, int] = field(default_factory=dict)
    abandoned_within: dict[int, int] = field(default_factory=dict)
    buckets: dict[str, list[int]] = field(default_factory=dict)
    longest_us: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A KPI that somebody asks for: `formula_name` is None where it has only one, `threshold` where it takes none."""

    kpi: Kpi
    formula_name: str | None = None
    threshold: float | None = None

    @property
    def formula(self) -> Formula:
        """The formula by which the KPI is computed here."""
        return self.kpi.formulas[self.formula_name or ""]

    @property
    def threshold_us(self) -> int:
        """The threshold in whole microseconds, 0 where it takes none."""
        return round((self.threshold or 0.0) * _SECOND_US)

    @property
    def method(self) -> str | None:
        """`exact` where a threshold is held against exact durations, `buckets` where a quantile is interpolated."""
        if self.kpi.needs_threshold:
            return "exact"
        return "buckets" if self.kpi.shape is Shape.QUANTILE else None


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be added up to answer questions; the fields are those of `Sums`."""

    measures: frozenset[str] = frozenset()
    thresholds_us: frozenset[int] = frozenset()
    histograms: frozenset[str] = frozenset()
    longest: bool = False


def ask(names: Iterable[str], formula: str | None = None, threshold: float | None = None) -> list[Question]:
    """The questions that names of KPIs, a formula and a threshold in seconds make, each KPI once.

    A formula goes to the KPIs that have it; others keep their default. Raises InvalidInput for an unknown KPI, for a
    formula that no KPI asked for has, and for a threshold that is no duration.
    """
    kpis = [_kpi(name) for name in dict.fromkeys(names)]
    if not kpis:
        raise InvalidInput(f"name at least one KPI of: {_listed(KPI_BY_NAME)}", field="kpi")
    if formula is not None:
        _check_formula(formula, kpis)
    if threshold is not None and not 0 <= threshold <= MAX_THRESHOLD_SECONDS:
        raise InvalidInput(
            f"must be a number of seconds from 0 to {MAX_THRESHOLD_SECONDS:.0f}, such as 20", field="threshold"
        )
    limit = DEFAULT_THRESHOLD_SECONDS if threshold is None else threshold
    return [
        Question(
            kpi,
            (formula if formula in kpi.formulas else kpi.default_formula) or None,
            limit if kpi.needs_threshold else None,
        )
        for kpi in kpis
    ]


def needs(questions: Iterable[Question]) -> Needs:
    """What has to be added up to evaluate questions."""
    measures: set[str] = set()
    thresholds: set[int] = set()
    histograms: set[str] = set()
    longest = False
    for question in questions:
        kpi = question.kpi
        for term in (*question.formula.numerator, *question.formula.denominator):
            measures |= _NEEDED_BY_TERM.get(term, {term})
        if kpi.needs_threshold:
            thresholds.add(question.threshold_us)
        if kpi.shape is Shape.QUANTILE:
            histograms.add(kpi.histogram)
        longest = longest or kpi.shape is Shape.MAXIMUM
    return Needs(frozenset(measures), frozenset(thresholds), frozenset(histograms), longest)


def evaluate(question: Question, sums: Sums) -> Value:
    """The value of a KPI over what was added up; null where the denominator is 0."""
    kpi = question.kpi
    if kpi.shape is Shape.QUANTILE:
        counts = sums.buckets.get(kpi.histogram, ())
        return Value(quantile(HISTOGRAM_BY_NAME[kpi.histogram], counts, kpi.quantile), None, sum(counts))
    if kpi.shape is Shape.MAXIMUM:
        return Value(None if sums.longest_us is None else sums.longest_us / _SECOND_US)
    if kpi.shape is Shape.NOW:
        return Value((sums.longest_us or 0) / _SECOND_US)
    numerator = _weighed(question.formula.numerator, question, sums)
    if kpi.shape is Shape.COUNT:
        return Value(numerator)
    denominator = _weighed(question.formula.denominator, question, sums)
    if kpi.shape is Shape.MEAN:
        # One division from integers, so that the mean is the float nearest to the exact one.
        mean = numerator / (denominator * _SECOND_US) if denominator else None
        return Value(mean, numerator / _SECOND_US, denominator)
    return Value(numerator / denominator if denominator else None, numerator, denominator)


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


def _kpi(name: str) -> Kpi:
    kpi = KPI_BY_NAME.get(name)
    if kpi is None:
        raise InvalidInput(f"{name!r} is no KPI; it must be one of: {_listed(KPI_BY_NAME)}", field="kpi")
    return kpi


def _check_formula(formula: str, kpis: Sequence[Kpi]) -> None:
    with_choice = [kpi for kpi in kpis if kpi.default_formula]
    if any(formula in kpi.formulas for kpi in with_choice):
        return
    # Where no KPI asked for has a choice the formula does not apply, but it must at least be one that there is.
    choices = with_choice or [kpi for kpi in KPIS if kpi.default_formula]
    if not with_choice and any(formula in kpi.formulas for kpi in choices):
        return
    allowed = "; ".join(f"for {kpi.name}: {_listed(kpi.formulas)}" for kpi in choices)
    raise InvalidInput(f"{formula!r} is no formula here; it must be one of {allowed}", field="formula")


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _weighed(weights: Mapping[str, int], question: Question, sums: Sums) -> int:
    return sum(weight * _term(name, question.threshold_us, sums) for name, weight in weights.items())


def _term(name: str, threshold_us: int, sums: Sums) -> int:
    if name == ANSWERED_WITHIN:
        return sums.answered_within.get(threshold_us, 0)
    if name == ABANDONED_WITHIN:
        return sums.abandoned_within.get(threshold_us, 0)
    if name == ABANDONED_LATER:
        return sums.measures.get("abandoned_waits", 0) - sums.abandoned_within.get(threshold_us, 0)
    return sums.measures.get(name, 0)
