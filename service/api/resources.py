"""`GET /v1/resources`: which tills, lines and doors work now, and since when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from service.api.deps import Here
from service.api.errors import described
from service.api.parameters import Kinds, Labels, choices_in, names_in, selection_in, some_of
from service.core.event import moment
from service.core.levels import STATES
from service.core.levels_now import ResourceNow

router = APIRouter(tags=["now"], responses=described(422, 503))
_encode = msgspec.json.Encoder().encode
_States = Annotated[list[str] | None, some_of(STATES)]


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    """A resource: how it stands and since when, when it was first heard of, and what its heartbeats say.

    `last_heartbeat` and `silent_from` are null where it never sent one; from `silent_from` on, if none comes before,
    it is down. A heartbeat that names no resource is of the site, which stands here by its own name.
    """

    site: str
    resource: str
    kind: str
    state: str
    since: datetime
    first_event: datetime
    last_heartbeat: datetime | None
    silent_from: datetime | None


@dataclass(frozen=True, slots=True)
class Resources:
    """All resources asked for at one moment, sorted by site, kind and name."""

    at: datetime
    results: list[ResourceEntry]


@router.get("/v1/resources", summary="What works now", response_model=Resources)
async def get_resources(
    here: Here,
    site: Annotated[Labels, Query(description="only these sites, separated by commas")] = None,
    kind: Annotated[Kinds, Query(description="only resources of these kinds, separated by commas")] = None,
    state: Annotated[_States, Query(description="only those in these states, separated by commas")] = None,
) -> Response:
    """Every resource of which an event has told, and how it stands: up, degraded or down."""
    now = datetime.now(UTC)
    chosen = selection_in(site, None, None, kind=kind)
    states = choices_in(names_in(state), STATES, "state")
    entries = [
        _told(found)
        for found in await here.rollups.resources(chosen.site, now)
        if (not chosen.kind or found.resource.key.kind in chosen.kind) and (not states or found.state in states)
    ]
    return Response(_encode(Resources(now, entries)), media_type="application/json")


def _told(found: ResourceNow) -> ResourceEntry:
    site, kind, name = found.resource.key
    return ResourceEntry(
        site,
        name,
        kind,
        found.state,
        moment(found.since_us),
        moment(found.resource.first_us),
        _moment(found.resource.heard_at_us),
        _moment(found.covered_until_us),
    )


def _moment(us: int | None) -> datetime | None:
    return None if us is None else moment(us)
