"""`GET /v1/kpis`: exact values over any interval, and `GET /v1/catalogue`: what they mean."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from service.api.deps import Here, Services
from service.api.errors import PROBLEM_SCHEMA, described
from service.api.kpi_answer import Answer, Asked, answer
from service.api.kpi_choices import Formula, Maturity, Threshold, Within, choices_of, takers
from service.api.parameters import (
    GROUPS,
    Channels,
    Described,
    Dimensions,
    Grouping,
    Kinds,
    Labels,
    Time,
    choices_in,
    interval_in,
    names_in,
    one_of,
    selection_in,
    some_of,
)
from service.core.catalogue.kpi import Kpi
from service.core.catalogue.kpis import KPI_BY_NAME, KPIS
from service.core.catalogue.measures import MEASURES
from service.core.catalogue.metrics import METRICS
from service.core.errors import InvalidInput
from service.core.event import LABEL, microseconds
from service.core.interval import Interval, Step
from service.core.quality import FACETS
from service.core.question import Choices, Question, ask, check_facets

router = APIRouter(tags=["KPIs"])
_encode = msgspec.json.Encoder().encode

_Kpis = Annotated[list[str], some_of((kpi.name for kpi in KPIS), at_least=1)]
_Step = Annotated[str | None, one_of(Step)]
_Objective = Annotated[str | None, Described({"type": "string", "pattern": f"^{LABEL}$"})]

_PARAMETERS = (
    *("kpi", "from", "to", "step", "site", "queue", "channel", "dimension", "standard", "kind", "group_by"),
    *("objective", "formula", "threshold", "within", "maturity"),
)

_EXAMPLE = {
    "from": "2026-11-21T09:00:00Z",
    "to": "2026-11-21T11:00:00Z",
    "step": "1h",
    "results": [
        {
            "kpi": "service_level",
            "formula": "abandons_hurt",
            "objective": None,
            "threshold": 20.0,
            "within": None,
            "maturity": None,
            "site": "vilnius-1",
            "queue": "tills",
            "channel": None,
            "dimension": None,
            "standard": None,
            "kind": None,
            "method": "exact",
            "points": [
                {"start": "2026-11-21T09:00:00Z", "value": 0.8, "numerator": 40, "denominator": 50},
                {"start": "2026-11-21T10:00:00Z", "value": None, "numerator": 0, "denominator": 0},
            ],
        }
    ],
}
_PROBLEM = {
    "type": "about:blank",
    "title": "Invalid input",
    "status": 422,
    "detail": "step: '5m' is not known; it must be one of: total, 1m, 1h, 1d",
    "field": "step",
    "code": "invalid_field",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "a result for each KPI and group, with a point for each step; see the example above"},
    422: {
        "description": "a parameter is not right: `field` names it, `detail` says what would be",
        "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA, "example": _PROBLEM}},
    },
    **described(503),
}


# FastAPI drops nulls from examples in the schema, and here they matter: so the example stands in the text.
_DESCRIPTION = f"""
Exact values over those who arrived from `from` up to `to`.

A minute belongs to the interval if it begins in it, and so does everyone who arrived in it. Every step is there as
a point; where nothing happened, counts are 0, and ratios, means and quantiles null: no data is never 100 %.
Without `group_by` there is one result a KPI; with it there is one for each group that has numbers in the interval.
`longest_wait` is of now, whatever the interval.

Share answered within 30 s, per queue and hour of a day in Vilnius:

    /v1/kpis?kpi=service_level&threshold=30&step=1h&group_by=queue&site=vilnius-1
        &from=2026-11-21T00:00:00%2B02:00&to=2026-11-22T00:00:00%2B02:00

What was offered and what became of it, over the last 24 h, per site:

    /v1/kpis?kpi=offered,answered,abandoned,diverted,expired,waiting&group_by=site

Calls answered as an objective promises, per day of November:

    /v1/kpis?kpi=service_level,slo_events&objective=phone-80-in-20&step=1d
        &from=2026-11-01T00:00:00%2B02:00&to=2026-12-01T00:00:00%2B02:00

Matters resolved at the first contact, as far as it is known for good that the customer did not come back in 30 days:

    /v1/kpis?kpi=first_contact_resolution&within=30d&maturity=settled

An hour of 40 answered within 20 s out of 50, then one in which nobody came:

```json
{msgspec.json.format(_encode(_EXAMPLE), indent=2).decode()}
```
"""


def _list(description: str, example: str) -> Any:
    return Query(description=f"{description}; several are separated by commas", examples=[example.split(",")])


def _one(description: str, example: str | float, alias: str | None = None) -> Any:
    return Query(description=description, examples=[example], alias=alias)


@router.get(
    "/v1/kpis", summary="KPIs over an interval", response_model=Answer, responses=_RESPONSES, description=_DESCRIPTION
)
async def get_kpis(
    request: Request,
    here: Here,
    kpi: Annotated[_Kpis, _list("names of KPIs, see `/v1/catalogue`", "service_level,offered")],
    from_: Annotated[
        Time, _one("RFC 3339 with offset; 24 h before `to` unless told", "2026-11-21T09:00:00Z", "from")
    ] = None,
    to: Annotated[Time, _one("RFC 3339 with offset, exclusive; now unless told", "2026-11-21T11:00:00Z")] = None,
    step: Annotated[
        _Step, _one("`total`, `1m`, `1h`, or `1d` for days in the site's own time zone; total unless told", "1h")
    ] = None,
    site: Annotated[Labels, _list("only these sites", "vilnius-1")] = None,
    queue: Annotated[Labels, _list("only these queues", "tills")] = None,
    channel: Annotated[Channels, _list("only these channels", "pos")] = None,
    dimension: Annotated[
        Dimensions, _list("for what customers think: only what they say of these dimensions", "courtesy")
    ] = None,
    standard: Annotated[Labels, _list("for assessments: only these standards of conduct", "safety")] = None,
    kind: Annotated[Kinds, _list("for `availability`: only resources of these kinds", "equipment")] = None,
    group_by: Annotated[
        Grouping, _list("a result for each `site`, `queue`, `channel`, `dimension`, `standard`, `kind`", "site,queue")
    ] = None,
    objective: Annotated[
        _Objective,
        _one(
            "the objective by whose terms `service_level`, `slo_events` and `slo_breaches` are counted; "
            "without `threshold` and `formula`, which its terms say",
            "phone-80-in-20",
        ),
    ] = None,
    formula: Annotated[
        Formula, _one("variant of the KPIs that have some; their default unless told", "abandons_ignored")
    ] = None,
    threshold: Annotated[Threshold, _one("seconds, for `service_level`; 20 unless told", 30)] = None,
    within: Annotated[
        Within,
        _one(f"for {takers('within')}: how soon the customer came again; 7d unless told", "7d"),
    ] = None,
    maturity: Annotated[
        Maturity,
        _one(
            f"for {takers('maturity')}: whether the days of `within` have passed since the matter "
            "was closed; settled unless told",
            "settled",
        ),
    ] = None,
) -> Response:
    """Exact values over those who arrived from `from` up to `to`; described in full by `_DESCRIPTION`."""
    for name in request.query_params:
        if name not in _PARAMETERS:
            raise InvalidInput(f"is no parameter here; there are: {', '.join(_PARAMETERS)}", field=name)
    now = datetime.now(UTC)
    (chosen_step,) = choices_in([step or Step.TOTAL.value], [known.value for known in Step], "step")
    interval = interval_in(from_, to, now)
    choices = choices_of(formula, threshold, within, maturity, objective)
    asked = Asked(
        questions=await _questions(here, names_in(kpi), choices, interval),
        interval=interval,
        step=Step(chosen_step),
        selection=selection_in(site, queue, channel, dimension, standard, kind),
        group_by=choices_in(names_in(group_by), GROUPS, "group_by"),
    )
    check_facets(
        asked.questions,
        [name for name in FACETS if getattr(asked.selection, name)],
        [name for name in FACETS if name in asked.group_by],
    )
    return Response(await answer(here.rollups, asked, now), media_type="application/json")


async def _questions(here: Services, names: Iterable[str], choices: Choices, interval: Interval) -> list[Question]:
    names = tuple(names)
    is_of_objective = choices.objective or any(
        name in KPI_BY_NAME and KPI_BY_NAME[name].needs_objective for name in names
    )
    objectives = (await here.policies.latest()).objectives.all if is_of_objective else ()
    return ask(names, choices, objectives, microseconds(interval.end))


@router.get("/v1/catalogue", summary="What each KPI means")
async def get_catalogue() -> dict[str, list[dict[str, Any]]]:
    """Every KPI with its unit, its formulas and which way is better; every measure and metric behind them.

    `definition` is the formula that counts unless another of `formulas` is asked for by name. `parameters` are those
    of `GET /v1/kpis` that make a difference to the KPI, with their defaults and choices.
    """
    return {
        "kpis": [_described(kpi) for kpi in KPIS],
        "measures": [
            {"name": measure.name, "help": measure.help, "unit": measure.unit.value, "scope": measure.scope.value}
            for measure in MEASURES
        ],
        "metrics": [
            {
                "name": metric.name,
                "help": metric.help,
                "kind": metric.kind.value,
                "labels": list(metric.labels),
                "optional_labels": list(metric.optional),
            }
            for metric in METRICS
        ],
    }


def _described(kpi: Kpi) -> dict[str, Any]:
    return {
        "name": kpi.name,
        "help": kpi.help,
        "unit": kpi.unit,
        "better": kpi.better,
        "group": kpi.group,
        "dimension": kpi.dimension,
        "facet": kpi.facet or None,
        "shape": kpi.shape.value,
        "definition": kpi.formulas[kpi.default_formula].text,
        "formulas": {name: formula.text for name, formula in kpi.formulas.items() if name},
        "default_formula": kpi.default_formula or None,
        "parameters": {
            name: {"default": one.default, "choices": list(one.choices) or None, "required": one.required}
            for name, one in kpi.parameters.items()
        },
    }
