"""What there is now: the series, who is in them, the live totals and the sources' activity, read on one connection."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Numeric, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, LATE_LAGS_SECONDS, MEASURES, Unit
from service.core.event import EPOCH, SECOND_US, microseconds
from service.core.levels_now import LevelsKnown
from service.core.measure import STATE_IN_SERVICE, STATE_WAITING
from service.core.policy import Policy
from service.core.series import Series
from service.core.standing import Standing
from service.store.cohorts import Selection
from service.store.level_state import read_levels_now
from service.store.policies import latest_policy
from service.store.standings import read_standings
from service.store.tables import (
    live_cells,
    live_totals,
    objective_totals,
    open_visits,
    series,
    sites,
    source_activity,
    sources,
)

_YOUNG_MINUTES = 5
_PLACES = tuple(enumerate((measure.name for measure in MEASURES), 2))


@dataclass(frozen=True, slots=True)
class LiveState:
    """Who is in a series now; the longest wait in seconds, 0 where nobody waits."""

    series: Series
    waiting: int
    in_service: int
    longest_wait_seconds: float

    @property
    def is_idle_placeholder(self) -> bool:
        """Whether it says nothing: nobody is there, nor could be told where."""
        return self.series.is_placeholder and not self.waiting and not self.in_service


@dataclass(frozen=True, slots=True)
class Activity:
    """How punctual a source is at a site: its latest event, its late ones by lag, how far its clock was ahead.

    The latest event is None where all that it tells there is of resources and of those who serve.
    """

    source: str
    site: str
    last_event_at: datetime | None
    late: Mapping[str, int]
    skewed: int
    skew_seconds: float


@dataclass(frozen=True, slots=True)
class OpenMatters:
    """What is open of a site in a state, promises or complaints: since when, and when the next one falls due."""

    site: str
    state: int
    since: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All live numbers at one moment, by the number of the series.

    `states` of every series, sorted; `totals` by (series, class), then measure; `cells` by (series, histogram), the
    durations in each bucket; `promised` by (series, objective, class), the events and breaches. `at` is the moment,
    `policy` the one then in force, and `standings` say how each objective then stands in each series. `matters` are
    the promises and complaints that are open, `levels` what is known of resources and of those who serve.
    """

    states: Sequence[LiveState]
    totals: Mapping[tuple[int, int], Mapping[str, int]]
    cells: Mapping[tuple[int, int], Sequence[int]]
    activity: Sequence[Activity]
    promised: Mapping[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    standings: Sequence[Standing] = ()
    at: datetime = EPOCH
    matters: Sequence[OpenMatters] = ()
    levels: LevelsKnown = field(default_factory=LevelsKnown)


async def read_snapshot(connection: AsyncConnection, now: datetime, known: Policy) -> Snapshot:
    """All live numbers, read in the snapshot of a connection.

    `known` is the policy of an earlier snapshot: to make a thousand calendars again for each scrape would take long.
    """
    states = await read_states(connection, now, Selection())
    in_force = await latest_policy(connection, known)
    everywhere = [state.series for state in states]
    promised = await _read_promised(connection)
    judged = {(number, objective) for number, objective, _ in promised}
    return Snapshot(
        states,
        await _read_totals(connection),
        await _read_cells(connection),
        await _read_activity(connection),
        promised,
        in_force,
        await read_standings(connection, in_force, everywhere, microseconds(now), judged=judged),
        now,
        await _read_matters(connection),
        await read_levels_now(connection, in_force, microseconds(now)),
    )


async def show_newborn(connection: AsyncConnection, patience_seconds: float) -> frozenset[int]:
    """The series that a scraper sees for the first time, or that another saw less than `patience_seconds` ago.

    Those that it sees first are marked as shown. A series that nobody scraped for minutes is no newborn any more: its
    history must not look as if it happened now. Nor is one that was shown later than now, before the database's clock
    was set back: its counters have been seen above 0.
    """
    patience = func.make_interval(0, 0, 0, 0, 0, 0, patience_seconds)
    young = series.c.registered_at > func.now() - func.make_interval(0, 0, 0, 0, 0, _YOUNG_MINUTES)
    # In one order, so that two replicas that are scraped at once don't wait for each other in a circle.
    unseen = select(series.c.id).where(young, series.c.shown_at.is_(None)).order_by(series.c.id).with_for_update()
    await connection.execute(update(series).where(series.c.id.in_(unseen)).values(shown_at=func.now()))
    lately = series.c.shown_at.between(func.now() - patience, func.now())
    return frozenset(await connection.scalars(select(series.c.id).where(young, lately)))


async def read_states(connection: AsyncConnection, now: datetime, selection: Selection) -> list[LiveState]:
    """Who waits and who is in service, for each series selected, sorted."""
    visits = open_visits.c
    is_waiting, is_in_service = visits.state == STATE_WAITING, visits.state == STATE_IN_SERVICE
    there = (
        select(
            visits.series_id,
            func.count().filter(is_waiting).label("waiting"),
            func.count().filter(is_in_service).label("in_service"),
            func.min(visits.since).filter(is_waiting).label("since"),
        )
        .where(visits.expires_at > now)
        .group_by(visits.series_id)
        .subquery()
    )
    statement = (
        select(
            sites.c.name,
            series.c.queue,
            series.c.channel,
            series.c.id,
            series.c.facet,
            func.coalesce(there.c.waiting, 0),
            func.coalesce(there.c.in_service, 0),
            there.c.since,
        )
        .select_from(series.join(sites).outerjoin(there, there.c.series_id == series.c.id))
        .where(selection.condition())
    )
    found = []
    for site, queue, channel, number, facet, waiting, in_service, since in await connection.execute(statement):
        # An event may be a little ahead of the clock here.
        longest = 0.0 if since is None else max(0.0, (now - since).total_seconds())
        found.append(LiveState(Series(site, queue, channel, number, facet), waiting, in_service, longest))
    return sorted(found, key=lambda state: state.series)


async def _read_totals(connection: AsyncConnection) -> dict[tuple[int, int], dict[str, int]]:
    """Every measure of the live totals by (series, class), over all stripes."""
    totals = live_totals.c
    keys = (totals.series_id, totals["class"])
    # Counts are read as whole numbers: to read one as a decimal takes several times as long.
    sums = (
        cast(func.sum(totals[measure.name]), BigInteger if measure.unit is Unit.COUNT else Numeric)
        for measure in MEASURES
    )
    rows = await connection.execute(select(*keys, *sums).group_by(*keys))
    return {(row[0], row[1]): {name: int(row[place]) for place, name in _PLACES if row[place]} for row in rows}


async def _read_cells(connection: AsyncConnection) -> dict[tuple[int, int], list[int]]:
    """Live durations in each bucket by (series, histogram), over all stripes."""
    cells = live_cells.c
    keys = (cells.series_id, cells.histogram, cells.bucket)
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    statement = select(*keys, cast(func.sum(cells.amount), BigInteger)).group_by(*keys)
    for number, code, bucket, amount in await connection.execute(statement):
        counts = found[number, code]
        if not counts:
            counts.extend([0] * (len(HISTOGRAM_BY_CODE[code].bounds) + 1))
        counts[bucket] += amount
    return dict(found)


async def _read_promised(connection: AsyncConnection) -> dict[tuple[int, int, int], tuple[int, int]]:
    """Events and breaches by (series, objective, class), over all stripes."""
    totals = objective_totals.c
    keys = (totals.series_id, totals.objective_id, totals["class"])
    sums = (cast(func.sum(totals[name]), BigInteger) for name in ("events", "breaches"))
    rows = await connection.execute(select(*keys, *sums).group_by(*keys))
    return {(number, objective, class_): (events, breaches) for number, objective, class_, events, breaches in rows}


async def _read_matters(connection: AsyncConnection) -> list[OpenMatters]:
    """The promises and complaints that are open, sorted."""
    row = open_visits.c
    keys = (sites.c.name, row.state)
    statement = (
        select(*keys, func.min(row.since), func.min(row.expires_at))
        .join_from(open_visits, series, series.c.id == row.series_id)
        .join(sites, sites.c.id == series.c.site_id)
        .where(row.state > STATE_IN_SERVICE)
        .group_by(*keys)
        .order_by(*keys)
    )
    return [OpenMatters(*row) for row in await connection.execute(statement)]


async def _read_activity(connection: AsyncConnection) -> list[Activity]:
    """How punctual each source is at each site, sorted."""
    seen = source_activity.c
    counts = (seen.skewed, *(seen[f"late_{lag}"] for lag in LATE_LAGS_SECONDS))
    statement = (
        select(
            sources.c.name,
            sites.c.name,
            func.max(seen.last_event_at),
            func.max(seen.skew_us),
            *(cast(func.sum(count), BigInteger) for count in counts),
        )
        .join_from(source_activity, sources, sources.c.id == seen.source_id)
        .join(sites, sites.c.id == seen.site_id)
        .group_by(sources.c.name, sites.c.name)
        .order_by(sources.c.name, sites.c.name)
    )
    return [
        Activity(
            source,
            site,
            None if last is None else last.astimezone(UTC),
            dict(zip(LATE_LAGS_SECONDS, late, strict=True)),
            skewed,
            skew / SECOND_US,
        )
        for source, site, last, skew, skewed, *late in await connection.execute(statement)
    ]
