"""`GET /v1/quality`: the quality index of each dimension of service, with its parts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from service.api.deps import Here
from service.api.errors import described
from service.api.parameters import Labels, selection_in
from service.core.event import DAY_US, microseconds
from service.core.quality_index import Index, Part, quality_index

router = APIRouter(tags=["objectives"], responses=described(422, 503))
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class PartEntry:
    """An objective of the dimension, over its window; of one that is told apart, what is of the dimension.

    `value` is to be held against `target`, as of `/v1/objectives`; null without events. `status` is `met`, `breached`,
    or `no_data` where there were fewer than `minimum_events`; what is not settled yet does not count.
    """

    objective: str
    title: str
    kpi: str
    value: float | None
    target: float
    at_most: bool
    events: int
    minimum_events: int
    window: str
    status: str


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A dimension: `met` of the `judged` parts are met, and `index` is their share, null where none is judged.

    `without_objective` are the KPIs of the dimension of which nothing is promised, which the index does not know.
    """

    dimension: str
    index: float | None
    met: int
    judged: int
    parts: list[PartEntry]
    without_objective: list[str]


@dataclass(frozen=True, slots=True)
class Quality:
    """All ten dimensions at one moment, at `sites`, or everywhere where those are empty."""

    at: datetime
    sites: tuple[str, ...]
    dimensions: list[IndexEntry]


@router.get("/v1/quality", summary="The quality index of each dimension, with its parts", response_model=Quality)
async def get_quality(
    here: Here,
    site: Annotated[Labels, Query(description="only at these sites, separated by commas")] = None,
) -> Response:
    """The share of a dimension's objectives that are met, each over its own window; nothing is weighted.

    Of several sites, an objective is met where the sum of their breaches is within the sum of their budgets.
    """
    now = datetime.now(UTC)
    selection = selection_in(site, None, None)
    policy, standings = await here.rollups.standings(selection, microseconds(now))
    found = quality_index(policy.objectives.all, standings, microseconds(now) // DAY_US)
    answer = Quality(now, selection.site, [_index(one) for one in found])
    return Response(_encode(answer), media_type="application/json")


def _index(one: Index) -> IndexEntry:
    return IndexEntry(
        one.dimension.value,
        one.value,
        one.met,
        one.judged,
        [_part(part) for part in one.parts],
        [kpi.name for kpi in one.without_objective],
    )


def _part(part: Part) -> PartEntry:
    terms, at_most = part.terms, part.terms.is_at_most
    target = part.spend.target(at_most=at_most)
    return PartEntry(
        objective=part.objective.name,
        title=part.objective.about.title,
        kpi=terms.kpi,
        value=part.spend.value(at_most=at_most),
        target=terms.stated_target if target is None else target,
        at_most=at_most,
        events=part.spend.events,
        minimum_events=terms.minimum_events,
        window=terms.window.name,
        status=part.status.value,
    )
