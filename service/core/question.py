"""What is asked for: KPIs by their names, and the choices that they leave."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from service.core.catalogue.kpi import DEFAULT_THRESHOLD_SECONDS, Formula, Kpi, Parameter, Shape
from service.core.catalogue.kpis import KPI_BY_NAME, KPIS
from service.core.errors import InvalidInput
from service.core.event import DAY_US, duration_us
from service.core.objective import Objective

MAX_THRESHOLD_SECONDS = 315_360_000.0


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen beside the names of KPIs; None leaves it to the default. `threshold` is in seconds."""

    formula: str | None = None
    threshold: float | None = None
    within: str | None = None
    maturity: str | None = None
    objective: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A KPI that somebody asks for, and the formula by which it is computed; what does not apply is None.

    `formula_name` is None where the KPI has only one, or where an objective had no terms yet; `objective_number` is
    the code of the objective in the rollups.
    """

    kpi: Kpi
    formula: Formula
    formula_name: str | None = None
    threshold: float | None = None
    within: str | None = None
    maturity: str | None = None
    objective: str | None = None
    objective_number: int | None = None

    @property
    def threshold_us(self) -> int:
        """The threshold in whole microseconds, 0 where it takes none."""
        return duration_us(self.threshold or 0.0)

    @property
    def method(self) -> str | None:
        """`exact` where a threshold is held against exact durations, `buckets` where a quantile is interpolated."""
        if self.kpi.needs_threshold:
            return "exact"
        return "buckets" if self.kpi.shape is Shape.QUANTILE else None


def ask(
    names: Iterable[str], choices: Choices | None = None, objectives: Sequence[Objective] = (), until_us: int = 0
) -> list[Question]:
    """The questions that names of KPIs and choices make, each KPI once.

    A formula goes to the KPIs that have it; others keep their default, as KPIs do that leave no such choice. The
    objective is one of those given; of its terms, those in force right before `until_us` are named. Raises
    InvalidInput for an unknown KPI, for choices that are none, and for those that nothing asked for leaves.
    """
    choices = choices or Choices()
    kpis = [_kpi(name) for name in dict.fromkeys(names)]
    if not kpis:
        raise InvalidInput(f"name at least one KPI of: {_listed(KPI_BY_NAME)}", field="kpi")
    if choices.formula is not None:
        _check_formula(choices.formula, kpis)
    limit = choices.threshold
    if limit is not None and not 0 <= limit <= MAX_THRESHOLD_SECONDS:
        raise InvalidInput(
            f"must be a number of seconds from 0 to {MAX_THRESHOLD_SECONDS:.0f}, such as 20", field="threshold"
        )
    _check_choice(choices.within, "within", kpis)
    _check_choice(choices.maturity, "maturity", kpis)
    objective = _objective(choices, kpis, objectives)
    return [
        _without_objective(kpi, choices)
        if objective is None or not _is_of(kpi, objective)
        else _of_objective(kpi, objective, until_us)
        for kpi in kpis
    ]


def check_facets(questions: Sequence[Question], chosen: Collection[str], grouped: Collection[str]) -> None:
    """Raise InvalidInput where a facet is asked for that KPIs asked for don't have.

    All of them must have one of which values are `chosen`, and one of them at least one by which results are `grouped`.
    """
    for facet in chosen:
        for question in questions:
            if question.kpi.facet != facet:
                raise _without_facet(f"{question.kpi.name} is not told apart by it", facet, facet)
    for facet in grouped:
        if all(question.kpi.facet != facet for question in questions):
            raise _without_facet(f"no KPI asked for is told apart by {facet}", "group_by", facet)


def _without_facet(what: str, field: str, facet: str) -> InvalidInput:
    takers = [kpi.name for kpi in KPIS if kpi.facet == facet]
    return InvalidInput(f"{what}; those that are: {_listed(takers)}", field=field, code="contradiction")


def _without_objective(kpi: Kpi, choices: Choices) -> Question:
    takes = kpi.parameters
    name = choices.formula if choices.formula in kpi.formulas else kpi.default_formula
    within = str(choices.within or takes["within"].default) if "within" in takes else None
    maturity = str(choices.maturity or takes["maturity"].default) if "maturity" in takes else None
    threshold = DEFAULT_THRESHOLD_SECONDS if choices.threshold is None else choices.threshold
    return Question(
        kpi,
        kpi.formulas[name or ""].filled(within, maturity),
        name or None,
        threshold if kpi.needs_threshold else None,
        within,
        maturity,
    )


def _of_objective(kpi: Kpi, objective: Objective, until_us: int) -> Question:
    terms = objective.at((until_us - 1) // DAY_US)
    return Question(
        kpi,
        kpi.by_objective or kpi.formulas[kpi.default_formula],
        None if terms is None else terms.formula or None,
        None if terms is None else terms.threshold_seconds,
        None if terms is None else terms.within or None,
        objective=objective.name,
        objective_number=objective.number,
    )


def _is_of(kpi: Kpi, objective: Objective) -> bool:
    """Whether a KPI is counted of an objective: its events, its breaches, or what it promises."""
    return kpi.needs_objective or (kpi.by_objective is not None and objective.terms[-1].kpi == kpi.name)


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
    known = any(formula in kpi.formulas for kpi in KPIS if kpi.default_formula)
    raise InvalidInput(
        f"{formula!r} is no formula here; it must be one of {allowed}",
        field="formula",
        code="contradiction" if known else "invalid_field",
    )


def _check_choice(value: str | None, name: str, kpis: Sequence[Kpi]) -> None:
    if value is None:
        return
    takers = {kpi.name: kpi.parameters[name] for kpi in KPIS if name in kpi.parameters}
    allowed = next(iter(takers.values()), Parameter()).choices
    if value not in allowed:
        raise InvalidInput(f"{value!r} is not known; it must be one of: {_listed(allowed)}", field=name)
    _check_taken(name, kpis)


def _check_taken(name: str, kpis: Sequence[Kpi]) -> None:
    if not any(name in kpi.parameters for kpi in kpis):
        takers = [kpi.name for kpi in KPIS if name in kpi.parameters]
        raise InvalidInput(
            f"no KPI asked for takes it; those that do are: {_listed(takers)}", field=name, code="contradiction"
        )


def _objective(choices: Choices, kpis: Sequence[Kpi], objectives: Sequence[Objective]) -> Objective | None:
    known = {objective.name: objective for objective in objectives}
    those = f"those defined are: {_listed(sorted(known))}" if known else "none is defined"
    name = choices.objective
    if name is None:
        of_one = [kpi.name for kpi in kpis if kpi.needs_objective]
        if of_one:
            raise InvalidInput(
                f"{_listed(of_one)} is counted of an objective; name one: {those}",
                field="objective",
                code="contradiction",
            )
        return None
    if name not in known:
        raise InvalidInput(f"there is no objective {name!r}; {those}", field="objective", code="unknown_objective")
    _check_taken("objective", kpis)
    if not any(_is_of(kpi, known[name]) for kpi in kpis):
        promised = known[name].terms[-1].kpi
        raise InvalidInput(
            f"{name!r} promises {promised}; ask for that, slo_events or slo_breaches",
            field="objective",
            code="contradiction",
        )
    for field in ("threshold", "formula"):
        if getattr(choices, field) is not None:
            raise InvalidInput(
                f"cannot be chosen with objective, whose terms say which {field} counts; leave out one of the two",
                field=field,
                code="contradiction",
            )
    return known[name]


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
