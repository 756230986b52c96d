"""`docs/kpis.md`: every KPI, measure, histogram and metric of the catalogue, and the rules behind them."""

from collections.abc import Iterable, Iterator, Sequence

from service.core.catalogue.integrals import INTEGRALS
from service.core.catalogue.kpi import Formula, Kpi, Parameter, Shape
from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import HISTOGRAMS, MEASURE_BY_NAME, MEASURES
from service.core.catalogue.metrics import METRICS
from service.generate.kpi_rules import RULES

_HEAD = """\
# The KPIs

Every number that Frontline shows, and how it is made. `GET /v1/kpis` answers the KPIs, `GET /metrics/kpi` exposes the
metrics, `GET /v1/catalogue` has all of this as JSON.

This page is made from `service/core/catalogue` by `make generate`; a change by hand does not last.

"""
_TITLES = {
    "speed": "Speed",
    "reliability": "Reliability",
    "quality": "The rest of good service",
    "satisfaction": "Satisfaction",
    "population": "Populations",
    "data_quality": "Data quality",
}


def kpi_page() -> str:
    """The page, as Markdown."""
    return _HEAD + RULES + "".join(f"\n{section}\n" for section in _sections())


def _sections() -> Iterator[str]:
    for group, title in _TITLES.items():
        yield f"## {title}"
        yield from _kpis([kpi for kpi in KPIS if kpi.group == group])
    yield "## Measures"
    yield "What is added up. Sums of time are kept in whole microseconds, so that no order of adding rounds."
    yield _table(
        ("measure", "booked by", "what", "formula"),
        ((_code(one.name), one.scope.value, one.help, _code(one.formula)) for one in MEASURES),
    )
    yield "## Integrals"
    yield (
        "Time during which things stood as they did, added up over the interval when somebody asks, in whole "
        "microseconds, and up to now."
    )
    yield _table(
        ("integral", "what", "formula"), ((_code(one.name), one.help, _code(one.formula)) for one in INTEGRALS)
    )
    yield "## Histograms"
    yield "Buckets by their upper bounds in seconds; above the last there is one more."
    yield _table(
        ("histogram", "of", "formula", "bounds"),
        (
            (_code(one.name), one.help, _code(one.formula), ", ".join(f"{bound:.10g}" for bound in one.bounds))
            for one in HISTOGRAMS
        ),
    )
    yield "## Metrics"
    yield (
        "On `GET /metrics/kpi`. Known series stand at 0 from the moment at which their site is registered. A label "
        "with a ? is there only where it says something."
    )
    yield _table(
        ("metric", "type", "labels", "HELP"),
        (
            (
                _code(one.name),
                one.kind.value,
                ", ".join((*one.labels, *(f"{label}?" for label in one.optional))),
                one.documentation,
            )
            for one in METRICS
        ),
    )


def _kpis(kpis: Sequence[Kpi]) -> Iterator[str]:
    for kpi in kpis:
        if not _is_plain_count(kpi):
            yield f"### {kpi.name}"
            dimension = f" Of {kpi.dimension}." if kpi.dimension is not None else ""
            facet = f" Told apart by `{kpi.facet}`." if kpi.facet else ""
            yield f"{_capital(kpi.help)}. {_capital(kpi.unit)}; {_better(kpi)}.{dimension}{facet}{_parameters(kpi)}"
            formulas = [_formula(kpi, name, formula) for name, formula in kpi.formulas.items()]
            if kpi.by_objective is not None:
                formulas.append(f"- of an objective: {_code(kpi.by_objective.text)}")
            yield "\n".join(formulas)
    counts = [kpi for kpi in kpis if _is_plain_count(kpi)]
    if counts:
        yield _table(
            ("count", "of", "formula", "better"),
            ((_code(kpi.name), kpi.help, _code(_measure_formula(kpi)), kpi.better) for kpi in counts),
        )


def _is_plain_count(kpi: Kpi) -> bool:
    """Whether it is one measure and nothing else."""
    return kpi.shape is Shape.COUNT and all(_measured(formula) for formula in kpi.formulas.values())


def _measured(formula: Formula) -> bool:
    return len(formula.numerator) == 1 and set(formula.numerator) <= MEASURE_BY_NAME.keys()


def _measure_formula(kpi: Kpi) -> str:
    (name,) = kpi.formulas[kpi.default_formula].numerator
    return MEASURE_BY_NAME[name].formula


def _formula(kpi: Kpi, name: str, formula: Formula) -> str:
    named = f"{_code(name)}{', the default' if name == kpi.default_formula else ''}: " if name else ""
    return f"- {named}{_code(formula.text)}"


def _parameters(kpi: Kpi) -> str:
    taken = [_parameter(name, parameter) for name, parameter in kpi.parameters.items()]
    return f" Takes {', '.join(taken)}." if taken else ""


def _parameter(name: str, parameter: Parameter) -> str:
    if parameter.required:
        return f"{_code(name)} (must be named)"
    # The formulas are listed below.
    choices = "" if name == "formula" else ", ".join(parameter.choices)
    default = "" if parameter.default is None else f"{parameter.default} unless told"
    told = "; ".join(text for text in (choices, default) if text)
    return f"{_code(name)} ({told})" if told else _code(name)


def _better(kpi: Kpi) -> str:
    return "neither higher nor lower is better" if kpi.better == "neutral" else f"{kpi.better} is better"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
