"""`GET /v1/objectives`: how each objective stands, and `…/breaches`: which interactions are behind that."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response

from service.api.deps import Here
from service.api.errors import described
from service.api.parameters import Channels, Labels, Places, Time, choices_in, interval_in, names_in, selection_in
from service.core.budget import Spend
from service.core.calendar import Calendar
from service.core.catalogue.metrics import SERIES
from service.core.errors import NotFound
from service.core.event import DAY_US, MINUTE_US, in_seconds, microseconds, moment
from service.core.keys import told
from service.core.objective import Objective
from service.core.quality import DIMENSION, STANDARD
from service.core.reason import Cause, cause
from service.core.standing import Place
from service.core.stories.story import subject_told
from service.core.window import date_of
from service.overview import Overview, overviews
from service.store.causes import StoredBreach

router = APIRouter(tags=["objectives"], responses=described(422, 503))
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Figure:
    """What an objective comes to; null where there is no data, or no budget.

    `value` is the KPI, of a quantile the share that does not exceed the threshold, to be held against `target`: what
    was promised of these very events, where targets differ or have changed too. Breaches must not exceed
    `allowed_breaches`, the budget. Of that `budget_left` is the share that is left, below 0 where it is overspent, and
    `projected_budget_left` the share that will be at the window's end, if it goes on as in the last two days.
    """

    value: float | None
    target: float | None
    events: int
    breaches: int
    allowed_breaches: float
    budget_left: float | None
    projected_budget_left: float | None


@dataclass(frozen=True, slots=True)
class PlaceEntry:
    """How an objective stands at a site, or in one of its queues and channels; what is not told apart is null.

    `threshold` in seconds and `target` are those promised there now. `provisional` is of cases for which the customer
    may still come back; null where all are settled at once.
    """

    site: str | None
    queue: str | None
    channel: str | None
    threshold: float | None
    target: float
    status: str
    settled: Figure
    provisional: Figure | None


@dataclass(frozen=True, slots=True)
class WindowEntry:
    """Whole local days, the last included; `elapsed` is the share that is over after today."""

    name: str
    first_date: date
    last_date: date
    elapsed: float


@dataclass(frozen=True, slots=True)
class ObjectiveEntry:
    """An objective: what it promises, how it stands everywhere, and the worst places, the worst first.

    `status` is `met`, `at_risk` (it is met, and will not be at the window's end if it goes on so), `breached` (the
    budget is overspent), or `no_data` (there were fewer than `minimum_events`). `target` is the least that `kpi` has to
    be, or the most, where `at_most`. Empty filters take any value.
    """

    name: str
    title: str
    description: str
    owner: str
    severity: str
    runbook: str
    kpi: str
    definition: str
    formula: str | None
    threshold: float | None
    within: str | None
    target: float
    at_most: bool
    sites: tuple[str, ...]
    queues: tuple[str, ...]
    channels: tuple[str, ...]
    dimensions: tuple[str, ...]
    standards: tuple[str, ...]
    opening_hours_only: bool
    minimum_events: int
    window: WindowEntry
    status: str
    settled: Figure
    provisional: Figure | None
    worst: list[PlaceEntry]


@dataclass(frozen=True, slots=True)
class Standings:
    """All objectives at one moment, by name."""

    at: datetime
    objectives: list[ObjectiveEntry]


@dataclass(frozen=True, slots=True)
class BreachEntry:
    """An interaction that is a breach, or a promise, feedback or an assessment. Times are in UTC.

    `arrival` is that of the visit or of the interaction, else when it was due or came. `subject` and `href` are of the
    interaction that it is about; where there is none, `subject` says what it is, and `href` is null. `reason` says what
    was not kept. `seconds` is the duration that was too long, and `threshold` the longest that was promised; null where
    it is about no duration.
    """

    source: str
    subject: str
    site: str
    queue: str
    channel: str
    arrival: datetime
    customer: str | None
    reason: str
    seconds: float | None
    threshold: float | None
    href: str | None


@dataclass(frozen=True, slots=True)
class BreachList:
    """The latest breaches of those who arrived from `since` up to `until`; `more` says that there are others."""

    objective: str
    since: datetime
    until: datetime
    more: bool
    breaches: list[BreachEntry]


@router.get("/v1/objectives", summary="How each objective stands", response_model=Standings)
async def get_objectives(
    here: Here,
    site: Annotated[Labels, Query(description="only at these sites, separated by commas")] = None,
    queue: Annotated[Labels, Query(description="only in these queues, separated by commas")] = None,
    channel: Annotated[Channels, Query(description="only in these channels, separated by commas")] = None,
    worst: Annotated[int, Query(description="so many of the worst sites", ge=0, le=1000)] = 5,
    by: Annotated[
        Places, Query(description="what tells the worst apart: `site`, `queue`, `channel`; `site` unless told")
    ] = None,
) -> Response:
    """Over the current window of each: exact sums of whole local days, in each site's own time zone.

    The figure of several sites is that of their sums. Late events and corrections move it until the window ends, and
    after that too: `frontline report` says what a past month comes to now.
    """
    now = datetime.now(UTC)
    selection = selection_in(site, queue, channel)
    policy, standings = await here.rollups.standings(selection, microseconds(now))
    today = microseconds(now) // DAY_US
    told_by = choices_in(names_in(by), SERIES, "by") or ("site",)
    entries = [
        _objective(one, worst)
        for one in overviews(sorted(policy.objectives.all, key=lambda one: one.name), standings, today, told_by)
    ]
    return Response(_encode(Standings(now, entries)), media_type="application/json")


@router.get(
    "/v1/objectives/{name}/breaches",
    summary="The interactions behind a figure",
    response_model=BreachList,
    responses=described(404),
)
async def get_breaches(
    here: Here,
    name: Annotated[str, Path(description="the objective", examples=["phone-80-in-20"])],
    site: Annotated[Labels, Query(description="only at these sites, separated by commas")] = None,
    queue: Annotated[Labels, Query(description="only in these queues, separated by commas")] = None,
    channel: Annotated[Channels, Query(description="only in these channels, separated by commas")] = None,
    since: Annotated[
        Time,
        Query(description="RFC 3339 with offset; 24 h before `until` unless told", examples=["2026-11-21T00:00:00Z"]),
    ] = None,
    until: Annotated[Time, Query(description="RFC 3339 with offset, exclusive; now unless told")] = None,
    limit: Annotated[int, Query(description="so many of the latest", ge=1, le=1000)] = 100,
) -> Response:
    """The latest first, by the time of arrival. Customers are pseudonyms; each leads to its story by `href`."""
    now = datetime.now(UTC)
    policy = await here.policies.latest()
    known = {objective.name: objective for objective in policy.objectives.all}
    if name not in known:
        raise NotFound(f"there is no objective {name}; there are: {', '.join(sorted(known)) or 'none'}")
    interval = interval_in(since, until, now, ("since", "until"))
    selection = selection_in(site, queue, channel)
    found = await here.rollups.breaches(known[name].number, selection, interval, limit + 1)
    calendars = {one.series.site: policy.calendar(one.series.site) for one in found}
    entries = [_breach(known[name], one, calendars[one.series.site], microseconds(now)) for one in found[:limit]]
    answer = BreachList(name, interval.start, interval.end, len(found) > limit, entries)
    return Response(_encode(answer), media_type="application/json")


def _objective(one: Overview, worst: int) -> ObjectiveEntry:
    about, terms, whole = one.objective.about, one.terms, one.whole
    return ObjectiveEntry(
        name=one.objective.name,
        title=about.title,
        description=about.description,
        owner=about.owner,
        severity=about.severity.value,
        runbook=about.runbook,
        kpi=terms.kpi,
        definition=terms.definition,
        formula=terms.formula or None,
        threshold=terms.threshold_seconds,
        within=terms.within or None,
        target=terms.stated_target,
        at_most=terms.is_at_most,
        sites=terms.sites,
        queues=terms.queues,
        channels=terms.channels,
        dimensions=terms.facet_values(DIMENSION),
        standards=terms.facet_values(STANDARD),
        opening_hours_only=terms.open_only,
        minimum_events=terms.minimum_events,
        window=WindowEntry(terms.window.name, date_of(one.days[0]), date_of(one.days[-1]), whole.elapsed),
        status=whole.status.value,
        settled=_figure(whole, whole.settled),
        provisional=None if whole.provisional is None else _figure(whole, whole.provisional),
        worst=[_place(place) for place in one.places[:worst]],
    )


def _place(place: Place) -> PlaceEntry:
    return PlaceEntry(
        place.site,
        place.queue,
        place.channel,
        place.terms.threshold_seconds,
        place.terms.stated_target,
        place.status.value,
        _figure(place, place.settled),
        None if place.provisional is None else _figure(place, place.provisional),
    )


def _figure(place: Place, spend: Spend) -> Figure:
    at_most = place.terms.is_at_most
    return Figure(
        value=spend.value(at_most=at_most),
        target=spend.target(at_most=at_most),
        events=spend.events,
        breaches=spend.breaches,
        allowed_breaches=spend.allowed,
        budget_left=spend.left_ratio,
        projected_budget_left=spend.projected_left_ratio(place.elapsed, place.terms.minimum_events),
    )


def _breach(objective: Objective, one: StoredBreach, calendar: Calendar, now_us: int) -> BreachEntry:
    minute = one.minute_us // MINUTE_US
    terms = (objective.at(calendar.day_of(minute)) or objective.terms[0]).of_site(one.series.site)
    subject = subject_told(one.subject, one.facts)
    found: Cause = cause(terms, one.facts, one.series.queue, minute, now_us)
    return BreachEntry(
        source=one.source,
        subject=subject if subject is not None else told(one.subject),
        site=one.series.site,
        queue=one.series.queue,
        channel=one.series.channel,
        arrival=moment(found.arrival_us),
        customer=found.customer,
        reason=found.reason,
        seconds=in_seconds(found.duration_us),
        threshold=terms.threshold_seconds,
        href=None if subject is None else f"/v1/interactions/{one.source}/{subject}",
    )
