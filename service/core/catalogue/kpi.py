"""What a KPI is: its shape, its formulas, and the choices that they leave to whoever asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from service.core.catalogue.integrals import INTEGRAL_BY_NAME
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, MATURITIES, MEASURE_BY_NAME, WITHIN_DAYS, Scope
from service.core.quality import Dimension

DEFAULT_THRESHOLD_SECONDS = 20.0
DEFAULT_WITHIN = "7d"
DEFAULT_MATURITY = MATURITIES[0]

ANSWERED_WITHIN, ABANDONED_WITHIN, ABANDONED_LATER = "answered_within", "abandoned_within", "abandoned_later"
OBJECTIVE_EVENTS, OBJECTIVE_BREACHES = "slo_events", "slo_breaches"
_OF_THRESHOLDS = frozenset({ANSWERED_WITHIN, ABANDONED_WITHIN, ABANDONED_LATER})
_OF_OBJECTIVES = frozenset({OBJECTIVE_EVENTS, OBJECTIVE_BREACHES})


class Shape(StrEnum):
    """How a KPI's value is made."""

    COUNT = "count"
    RATIO = "ratio"
    MEAN = "mean"
    QUANTILE = "quantile"
    MAXIMUM = "maximum"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Formula:
    """A numerator over a denominator, each a weighted sum of terms; or what is made of the durations of a histogram.

    A term is the name of a measure, in which `{within}` and `{maturity}` stand for what is asked for; or one of
    `answered_within`, `abandoned_within`, `abandoned_later`: visits with a known wait of at most, or more than, the
    threshold; or `slo_events`, `slo_breaches` of an objective; or the name of an integral.
    """

    text: str
    numerator: Mapping[str, int] = field(default_factory=dict)
    denominator: Mapping[str, int] = field(default_factory=dict)
    histogram: str = ""

    @property
    def terms(self) -> frozenset[str]:
        """All terms."""
        return frozenset((*self.numerator, *self.denominator))

    def filled(self, within: str | None, maturity: str | None) -> "Formula":
        """The formula with what is asked for in the place of what stands for it."""

        def fill(terms: Mapping[str, int]) -> Mapping[str, int]:
            return {name.format(within=within, maturity=maturity): weight for name, weight in terms.items()}

        return Formula(self.text, fill(self.numerator), fill(self.denominator), self.histogram)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A choice that a KPI leaves: its default, None where it has none, and the names among which it is made, if any."""

    default: str | float | None = None
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Kpi:
    """A named measure of service quality: what it means, how it is computed, and which way is better.

    `group` is where it stands in the documentation, `dimension` which one of the ten it is of, if any. Its series are
    told apart by `facet`, a label beside the place, where it has one. The value is `per` so many; a KPI that is not
    `is_promisable` can be no objective, though it is a ratio. `per_us` says how many make one of the numerator's unit
    and one of the denominator's, where these are sums of time.
    """

    name: str
    help: str
    shape: Shape
    unit: str
    better: str
    group: str
    formulas: Mapping[str, Formula]
    default_formula: str = ""
    quantile: float = 0.0
    dimension: Dimension | None = None
    facet: str = ""
    per: int = 1
    is_promisable: bool = True
    per_us: tuple[int, int] = (1, 1)

    @cached_property
    def needs_threshold(self) -> bool:
        """Whether waits are held against a threshold."""
        return bool(self._terms & _OF_THRESHOLDS)

    @cached_property
    def needs_objective(self) -> bool:
        """Whether it is counted of an objective, and means nothing without one."""
        return bool(self._terms & _OF_OBJECTIVES)

    @cached_property
    def is_of_levels(self) -> bool:
        """Whether it needs integrals, which are computed when asked and stand in no sum of a minute or day."""
        return bool(self._terms & INTEGRAL_BY_NAME.keys())

    @cached_property
    def scope(self) -> Scope | None:
        """Of what each single one keeps or breaks a promise of it; None where no single one does, as of a mean."""
        formula = self.formulas[self.default_formula]
        if self.shape is Shape.QUANTILE:
            return MEASURE_BY_NAME[HISTOGRAM_BY_NAME[formula.histogram].lead].scope
        if self.shape is not Shape.RATIO or not self.is_promisable or self.is_of_levels:
            return None
        filled = formula.filled(DEFAULT_WITHIN, DEFAULT_MATURITY)
        scopes = {MEASURE_BY_NAME[term].scope for term in filled.terms if term in MEASURE_BY_NAME}
        return next(iter(scopes), Scope.VISIT) if len(scopes) < 2 else None

    @cached_property
    def is_ratio_to_keep_low(self) -> bool:
        """Whether it is a share of which less is better, such as that of those who gave up."""
        return self.shape is Shape.RATIO and self.better == "lower"

    @cached_property
    def by_objective(self) -> Formula | None:
        """The formula where an objective is asked about, for a ratio that has formulas without one too.

        None for cases that settle: an objective's counts hold settled and provisional ones together.
        """
        if self.scope is None or self.shape is not Shape.RATIO or self._leaves("{maturity}"):
            return None
        if self.better == "lower":
            return Formula("breaches / events", plus(OBJECTIVE_BREACHES), plus(OBJECTIVE_EVENTS))
        kept = {OBJECTIVE_EVENTS: 1, OBJECTIVE_BREACHES: -1}
        return Formula("(events - breaches) / events", kept, plus(OBJECTIVE_EVENTS))

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The choices that it leaves, by the name of the parameter."""
        needs_objective = self.needs_objective
        found = {
            "formula": Parameter(self.default_formula, tuple(self.formulas)) if self.default_formula else None,
            "threshold": Parameter(DEFAULT_THRESHOLD_SECONDS) if self.needs_threshold else None,
            "within": Parameter(DEFAULT_WITHIN, tuple(WITHIN_DAYS)) if self._leaves("{within}") else None,
            "maturity": Parameter(DEFAULT_MATURITY, MATURITIES) if self._leaves("{maturity}") else None,
            "objective": Parameter(required=needs_objective) if needs_objective or self.by_objective else None,
        }
        return {name: parameter for name, parameter in found.items() if parameter}

    @cached_property
    def _terms(self) -> frozenset[str]:
        return frozenset[str]().union(*(formula.terms for formula in self.formulas.values()))

    def _leaves(self, placeholder: str) -> bool:
        return any(placeholder in term for term in self._terms)


def one_formula(
    text: str, numerator: Mapping[str, int] | None = None, denominator: Mapping[str, int] | None = None
) -> Mapping[str, Formula]:
    """The formulas of a KPI that has one, which needs no name."""
    return {"": Formula(text, numerator or {}, denominator or {})}


def plus(*names: str) -> Mapping[str, int]:
    """The sum of terms."""
    return dict.fromkeys(names, 1)


def ratio(
    name: str,
    help_: str,
    better: str,
    group: str,
    text: str,
    over: str,
    under: str,
    dimension: Dimension | None = None,
) -> Kpi:
    """A KPI that is one term over another."""
    formula = one_formula(text, plus(over), plus(under))
    return Kpi(name, help_, Shape.RATIO, "ratio", better, group, formula, dimension=dimension)


def mean(
    name: str,
    help_: str,
    group: str,
    text: str,
    sums: Iterable[str],
    counts: Iterable[str],
    dimension: Dimension | None = None,
) -> Kpi:
    """A KPI that is a sum of time over a number."""
    formula = one_formula(text, plus(*sums), plus(*counts))
    return Kpi(name, help_, Shape.MEAN, "seconds", "lower", group, formula, dimension=dimension)


def quantiles(
    prefix: str,
    what: str,
    group: str,
    histograms: Mapping[str, str],
    default_formula: str = "",
    dimension: Dimension | None = None,
) -> tuple[Kpi, ...]:
    """KPIs for what 50, 90, 95 and 99 % of durations do not exceed; `histograms` by the name of their formula."""
    return tuple(
        Kpi(
            f"{prefix}_p{percent}",
            f"{what} that {percent} % do not exceed",
            Shape.QUANTILE,
            "seconds",
            "lower",
            group,
            {
                name: Formula(
                    f"quantile {percent / 100:g} interpolated in the buckets of {histogram}", histogram=histogram
                )
                for name, histogram in histograms.items()
            },
            default_formula,
            percent / 100,
            dimension,
        )
        for percent in (50, 90, 95, 99)
    )
