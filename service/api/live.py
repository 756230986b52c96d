"""`GET /v1/live`: who is there now, and `GET /v1/interactions/…`: the story of one interaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Response

from service.api.deps import Here
from service.api.errors import described
from service.api.parameters import Channels, Labels, selection_in
from service.core.catalogue.measures import HISTOGRAM_BY_CODE, MEASURE_BY_CODE
from service.core.codes import CELL_BASE, OBJECTIVE_COUNTS, cell_parts, objective_parts
from service.core.errors import NotFound
from service.core.event import MINUTE_US, SECOND_US, Fact, Kind, in_seconds, microseconds, moment
from service.core.keys import is_aside
from service.core.measure import expires_at
from service.core.vocabulary import TYPE_OF_KIND
from service.core.walk import ABANDONED, ANSWERED, DIVERTED, WAITING, Interaction, Visit, walk
from service.store.rollups import StoredInteraction

router = APIRouter(tags=["now"], responses=described(422, 503))
_encode = msgspec.json.Encoder().encode
_OUTCOMES = {WAITING: "waiting", ANSWERED: "answered", ABANDONED: "abandoned", DIVERTED: "diverted"}


@dataclass(frozen=True, slots=True)
class LiveEntry:
    """Who is in a series now. The longest wait is in seconds, 0 where nobody waits."""

    site: str
    queue: str
    channel: str
    waiting: int
    in_service: int
    longest_wait_seconds: float


@dataclass(frozen=True, slots=True)
class Live:
    """All known series at one moment, sorted by site, queue and channel."""

    at: datetime
    results: list[LiveEntry]


@dataclass(frozen=True, slots=True)
class VisitEntry:
    """One wait in one line and the service that followed; durations in seconds, null where not known or not over.

    `outcome` is waiting, answered, abandoned, diverted or expired.
    """

    queue: str
    arrival: datetime
    outcome: str
    wait_seconds: float | None
    service_seconds: float | None
    hold_seconds: float | None
    wrap_up_seconds: float | None
    left_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event as it is kept; its customer is a pseudonym."""

    time: datetime
    type: str
    id: str
    source: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BookingEntry:
    """What the interaction contributes to the numbers of one series and minute.

    Measures by name, sums of time in microseconds as they are added up; exact durations in seconds by histogram; the
    events and breaches of objectives.
    """

    site: str
    queue: str
    channel: str
    minute: datetime
    measures: dict[str, int]
    durations: dict[str, list[float]]
    objectives: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class InteractionEntry:
    """One customer's matter: where it stands, how it went, and what it counts for.

    `state` is waiting, in_service, ended, expired (silent for too long while it waited or was served), or no_visit
    where no event opened a visit.
    """

    source: str
    subject: str
    site: str | None
    queue: str | None
    channel: str | None
    customer: str | None
    topic: str | None
    arrival: datetime
    state: str
    visits: list[VisitEntry]
    completed: bool
    resolved: bool | None
    reopened: bool
    transferred: bool
    escalated: bool
    corrected: bool
    recovered: bool
    conflicts: int
    timeline: list[TimelineEntry]
    booking: list[BookingEntry]


@router.get("/v1/live", summary="Who waits and who is served now", response_model=Live)
async def get_live(
    here: Here,
    site: Annotated[Labels, Query(description="only these sites, separated by commas")] = None,
    queue: Annotated[Labels, Query(description="only these queues, separated by commas")] = None,
    channel: Annotated[Channels, Query(description="only these channels, separated by commas")] = None,
) -> Response:
    """Every known series, those at 0 too. Whoever's interaction was silent for too long counts no more."""
    now = datetime.now(UTC)
    selection = selection_in(site, queue, channel)
    entries = [
        LiveEntry(
            state.series.site,
            state.series.queue,
            state.series.channel,
            state.waiting,
            state.in_service,
            state.longest_wait_seconds,
        )
        for state in await here.rollups.live_state(now, selection)
        if not state.is_idle_placeholder and not state.series.facet
    ]
    return Response(_encode(Live(now, entries)), media_type="application/json")


@router.get(
    "/v1/interactions/{source}/{subject:path}",
    summary="The story of one interaction",
    response_model=InteractionEntry,
    responses=described(404),
)
async def get_interaction(
    here: Here,
    source: Annotated[str, Path(description="the registered source that posted it", examples=["pos-vendor"])],
    subject: Annotated[str, Path(description="the subject of its events", examples=["order-4711"])],
) -> Response:
    """State, visits, events in the order of the walk, and what it contributes to the KPIs."""
    # The database cannot even be asked for a NUL character.
    stored = None if "\0" in source + subject or is_aside(subject) else await here.rollups.interaction(source, subject)
    if stored is None:
        raise NotFound(f"there is no interaction {subject} of a source {source}")
    entry = _told(source, subject, stored, microseconds(datetime.now(UTC)))
    return Response(_encode(entry), media_type="application/json")


def _told(source: str, subject: str, stored: StoredInteraction, now_us: int) -> InteractionEntry:
    it = walk(stored.facts)
    silent = now_us >= expires_at(it)
    return InteractionEntry(
        source=source,
        subject=subject,
        site=it.site,
        queue=it.queue,
        channel=it.channel,
        customer=it.customer,
        topic=it.topic,
        arrival=moment(it.arrival),
        state=_state(it, silent=silent),
        visits=[_visit(visit, silent=silent) for visit in it.visits],
        completed=Kind.COMPLETED.value in it.first_at,
        resolved=it.resolved,
        reopened=Kind.REOPENED.value in it.first_at,
        transferred=Kind.TRANSFERRED.value in it.first_at,
        escalated=Kind.ESCALATED.value in it.first_at,
        corrected=Kind.CORRECTED.value in it.first_at,
        recovered=Kind.RECOVERED.value in it.first_at,
        conflicts=it.conflicts,
        timeline=[_event(fact) for fact in sorted(stored.facts)],
        booking=_booking(stored),
    )


def _state(it: Interaction, *, silent: bool) -> str:
    if not it.visits:
        return "no_visit"
    if it.waiting is None and it.serving is None:
        return "ended"
    if silent:
        return "expired"
    return "in_service" if it.waiting is None else "waiting"


def _visit(visit: Visit, *, silent: bool) -> VisitEntry:
    service = None
    if visit.outcome == ANSWERED and visit.ended_at is not None and visit.left_at is not None:
        service = visit.ended_at - visit.left_at - visit.hold_us
    expired = visit.outcome == WAITING and silent
    return VisitEntry(
        queue=visit.queue,
        arrival=moment(visit.opened_at),
        outcome="expired" if expired else _OUTCOMES[visit.outcome],
        wait_seconds=in_seconds(visit.wait_us),
        service_seconds=in_seconds(service),
        hold_seconds=in_seconds(visit.hold_us if service is not None else None),
        wrap_up_seconds=in_seconds(visit.wrap_up_us if service is not None else None),
        left_at=None if visit.left_at is None else moment(visit.left_at),
        ended_at=None if visit.ended_at is None else moment(visit.ended_at),
    )


def _event(fact: Fact) -> TimelineEntry:
    data = msgspec.to_builtins(fact.data)
    return TimelineEntry(moment(fact.at), TYPE_OF_KIND[fact.kind], fact.id, fact.source, data)


def _booking(stored: StoredInteraction) -> list[BookingEntry]:
    entries: dict[tuple[int, int], BookingEntry] = {}
    for booking in stored.bookings:
        for (number, minute), amounts in booking.items():
            entry = entries.get((number, minute))
            if entry is None:
                series = stored.series[number]
                place = (series.site, series.queue, series.channel, moment(minute * MINUTE_US))
                entry = entries[number, minute] = BookingEntry(*place, {}, {}, {})
            for code, amount in amounts.items():
                _tell(entry, code, amount, stored.objectives)
    return list(entries.values())


def _tell(entry: BookingEntry, code: int, amount: int, objectives: Mapping[int, str]) -> None:
    """Add what a code counts to the entry, by its name."""
    if code < 0:
        number, place = objective_parts(code)
        counts = entry.objectives.setdefault(objectives[number], {"events": 0, "breaches": 0})
        counts[OBJECTIVE_COUNTS[place]] = amount
    elif code < CELL_BASE:
        entry.measures[MEASURE_BY_CODE[code].name] = amount
    else:
        histogram, duration = cell_parts(code)
        seconds = entry.durations.setdefault(HISTOGRAM_BY_CODE[histogram].name, [])
        seconds.extend([duration / SECOND_US] * amount)
