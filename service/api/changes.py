"""`GET /v1/changes`: what was changed on purpose, and `…/effect`: what that did to a KPI."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from service.api.deps import Here
from service.api.effect_answer import ChangeEntry, EffectEntry, change_entry, effect_entry
from service.api.errors import described
from service.api.kpi_choices import Formula, Maturity, Threshold, Within, choices_of, takers
from service.api.parameters import (
    Channels,
    Dimensions,
    Labels,
    Time,
    choices_in,
    is_label,
    names_in,
    one_of,
    selection_in,
    some_of,
    time_in,
)
from service.core.catalogue.kpi import Shape
from service.core.catalogue.kpis import KPI_BY_NAME, KPIS
from service.core.errors import InvalidInput, NotFound
from service.core.quality import LABELS_OF_FACETS
from service.core.question import Choices, Question, ask, check_facets
from service.core.spans import MAX_WEEKS
from service.core.vocabulary import ChangeKind
from service.effects import compared

router = APIRouter(tags=["changes"], responses=described(422, 503))
_encode = msgspec.json.Encoder().encode

_SPANS = {f"{weeks}w": weeks for weeks in range(1, MAX_WEEKS + 1)}
_COMPARABLE = tuple(
    kpi.name for kpi in KPIS if kpi.shape in (Shape.RATIO, Shape.MEAN, Shape.COUNT) and not kpi.needs_objective
)
_KINDS = get_args(ChangeKind)
_OTHER_SHAPES = {
    Shape.QUANTILE: "is a quantile",
    Shape.MAXIMUM: "is a maximum",
    Shape.NOW: "is of now",
}
_Kinds = Annotated[list[str] | None, some_of(_KINDS)]
_Span = Annotated[str | None, one_of(_SPANS)]
_Kpi = Annotated[str, one_of(_COMPARABLE)]
_EFFECT_PARAMETERS = (
    *("kpi", "span", "formula", "threshold", "within", "maturity"),
    *("queue", "channel", "dimension", "standard"),
)
_LIST_PARAMETERS = ("site", "kind", "from", "to", "limit")
_EXAMPLE = """{
  "change": {"name": "greeting-course", "kind": "training", "at": "2026-10-05T06:00:00Z",
             "sites": ["vilnius-1", "vilnius-2"], "queues": null},
  "kpi": "service_level", "formula": "abandons_hurt", "definition": "A<=T / (A + B)", "unit": "ratio",
  "better": "higher", "threshold": 20.0, "within": null, "maturity": null, "span": "4w",
  "before": {"first_date": "2026-09-07", "last_date": "2026-10-04"},
  "after": {"first_date": "2026-10-06", "last_date": "2026-11-02"},
  "changed": {"sites": ["vilnius-1", "vilnius-2"], "queues": ["drive-thru", "tills"],
    "before": {"value": 0.712, "numerator": 5980, "denominator": 8399, "days": 28},
    "after": {"value": 0.771, "numerator": 6490, "denominator": 8418, "days": 28}},
  "unchanged": {"sites": ["riga-1"], "queues": ["tills"],
    "before": {"value": 0.733, "numerator": 3112, "denominator": 4246, "days": 28},
    "after": {"value": 0.739, "numerator": 3120, "denominator": 4222, "days": 28}},
  "effect": 0.053, "low": 0.024, "high": 0.082, "level": 0.95, "verdict": "better", …
}"""
_DESCRIPTION = f"""
What a change did to a KPI: the whole weeks right after it, less as many right before it, so that weekdays are alike.

Where there are sites that the change is not about, the same of these is taken off (difference in differences); a change
of some queues is held against the same queues elsewhere, or else the others of its sites. A count is one per site and
day, and is held against what it would be, had it grown like that of the unchanged. Left out are the day of the change,
days on which a site was closed, with the same weekday of the other span, and unchanged sites at which something else
was changed meanwhile. `notes` tell what was, and what else to think of.

`low` and `high` hold the effect with 95 % confidence: they follow from how much days differ, and allow for days that
resemble the one before. Where too little is known, `verdict` is `too_little_data`, and `lacking` says of what.

    /v1/changes/greeting-course/effect?kpi=service_level&threshold=20&span=4w

```json
{_EXAMPLE}
```
"""


@dataclass(frozen=True, slots=True)
class ChangeList:
    """Changes, the latest first; `more` says that there are others."""

    changes: list[ChangeEntry]
    more: bool


def _listing(description: str, example: str) -> Any:
    return Query(description=f"{description}; several are separated by commas", examples=[example.split(",")])


@router.get("/v1/changes", summary="What was changed on purpose", response_model=ChangeList)
async def get_changes(
    request: Request,
    here: Here,
    site: Annotated[Labels, _listing("only changes at these sites, or at all", "vilnius-1")] = None,
    kind: Annotated[_Kinds, _listing("only these kinds", "training")] = None,
    from_: Annotated[
        Time, Query(description="RFC 3339 with offset", examples=["2026-11-01T00:00:00Z"], alias="from")
    ] = None,
    to: Annotated[Time, Query(description="RFC 3339 with offset, exclusive")] = None,
    limit: Annotated[int, Query(description="so many of the latest", ge=1, le=1000)] = 100,
) -> Response:
    """The latest first. Of several events with one name the earliest tells what the change is."""
    _check_parameters(request, _LIST_PARAMETERS)
    since, until = (time_in(value, field) if value else None for value, field in ((from_, "from"), (to, "to")))
    if since is not None and until is not None and since >= until:
        raise InvalidInput("must be earlier than to", field="from", code="contradiction")
    found = await here.changes.all(
        sites=selection_in(site, None, None).site,
        kinds=choices_in(names_in(kind), _KINDS, "kind"),
        since=since,
        until=until,
        limit=limit + 1,
    )
    answer = ChangeList([change_entry(one) for one in found[:limit]], len(found) > limit)
    return Response(_encode(answer), media_type="application/json")


@router.get(
    "/v1/changes/{name}/effect",
    summary="What a change did to a KPI",
    response_model=EffectEntry,
    responses=described(404),
    description=_DESCRIPTION,
)
async def get_effect(
    request: Request,
    here: Here,
    name: Annotated[str, Path(description="the change", examples=["greeting-course"])],
    kpi: Annotated[_Kpi, Query(description="a ratio, a mean or a count, see `/v1/catalogue`", examples=["csat"])],
    span: Annotated[
        _Span, Query(description="whole weeks on either side; as many as there are, up to 8, unless told")
    ] = None,
    formula: Annotated[Formula, Query(description="variant of the KPIs that have some")] = None,
    threshold: Annotated[Threshold, Query(description="seconds, for `service_level`; 20 unless told")] = None,
    within: Annotated[Within, Query(description=f"for {takers('within')}; 7d unless told")] = None,
    maturity: Annotated[Maturity, Query(description=f"for {takers('maturity')}; settled unless told")] = None,
    queue: Annotated[Labels, _listing("only these queues, changed or not", "tills")] = None,
    channel: Annotated[Channels, _listing("only these channels", "pos")] = None,
    dimension: Annotated[Dimensions, _listing("for what customers think: only of these dimensions", "courtesy")] = None,
    standard: Annotated[Labels, _listing("for assessments: only these standards of conduct", "safety")] = None,
) -> Response:
    """What a change did to a KPI; described in full by `_DESCRIPTION`."""
    _check_parameters(request, _EFFECT_PARAMETERS)
    (weeks,) = choices_in([span], _SPANS, "span") if span else (None,)
    question = _question(kpi, choices_of(formula, threshold, within, maturity))
    selection = selection_in(None, queue, channel, dimension, standard)
    check_facets([question], [label for label in LABELS_OF_FACETS if getattr(selection, label)], [])
    change = await here.changes.named(name) if is_label(name) else None
    if change is None:
        raise NotFound(f"there is no change {name}; GET /v1/changes lists them")
    found = await compared(
        change,
        question,
        selection,
        None if weeks is None else _SPANS[weeks],
        here.rollups,
        here.changes,
        await here.policies.latest(),
        datetime.now(UTC),
    )
    return Response(_encode(effect_entry(change, question, found)), media_type="application/json")


def _question(name: str, choices: Choices) -> Question:
    kpi = KPI_BY_NAME.get(name)
    if kpi is not None and name not in _COMPARABLE:
        what = "is counted of an objective" if kpi.needs_objective else _OTHER_SHAPES[kpi.shape]
        raise InvalidInput(
            f"{name} {what}, which days do not add up to; take a ratio, a mean or a count: {', '.join(_COMPARABLE)}",
            field="kpi",
            code="contradiction",
        )
    (question,) = ask([name], choices)
    return question


def _check_parameters(request: Request, known: tuple[str, ...]) -> None:
    for name in request.query_params:
        if name not in known:
            raise InvalidInput(f"is no parameter here; there are: {', '.join(known)}", field=name)
