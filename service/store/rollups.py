"""The read side: KPIs' sums over intervals, who waits now, the live totals, and single interactions.

Whatever is read together is read in one repeatable-read snapshot, so that its numbers agree with each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import and_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.event import Fact, Kind, microseconds
from service.core.interval import Grid, Interval, Step, grid
from service.core.kpi import Needs, Sums
from service.core.levels_now import ResourceNow
from service.core.measure import Booking
from service.core.policy import Policy
from service.core.series import Series
from service.core.standing import Standing
from service.store.bookings import Booked
from service.store.causes import StoredBreach, read_breaches
from service.store.cohorts import Group, Selection, read_members, with_numbers
from service.store.contacts import decode_booking
from service.store.database import Database, translated
from service.store.gathering import Gathering, Zones
from service.store.level_state import read_resources
from service.store.level_sums import LevelSums
from service.store.live import LiveState, Snapshot, read_snapshot, read_states, show_newborn
from service.store.month import Month, read_month
from service.store.policies import latest_policy
from service.store.series import read_series
from service.store.standings import read_standings
from service.store.tables import contacts, interactions, objectives, series, sources

_PLANNER = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '32MB', true)")
"""How many series a statement is about matters for its plan, and an answer should not be put together on disk."""
_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_booked = msgspec.json.Decoder(Booked).decode


@dataclass(frozen=True, slots=True)
class Gathered:
    """Sums by group, which come sorted; a group is there if anything was booked to it in the interval."""

    grid: Grid
    groups: Mapping[Group, Sums]


@dataclass(frozen=True, slots=True)
class StoredInteraction:
    """An interaction as it is stored: its facts, and what it counts for, by itself and as a customer's contact.

    `series` and `objectives` tell what the numbers in the bookings mean: series, and the names of objectives.
    """

    facts: list[Fact]
    bookings: list[Booking]
    series: Mapping[int, Series]
    objectives: Mapping[int, str]


class Rollups:
    """Reads of a database. All methods raise Unavailable where it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._policy = Policy(version=-1)

    async def gather(
        self,
        interval: Interval,
        step: Step,
        selection: Selection,
        group_by: Sequence[str],
        needs: Needs,
        *,
        now: datetime | None = None,
        check_points: Callable[[int], None] | None = None,
    ) -> Gathered:
        """Add up what is needed of the cohorts of an interval, per group and step.

        `group_by` is a subset of site, queue, channel and kind; without it there is one group, the empty one, data or
        not. Integrals end `now`, where it is told.
        `check_points` is told how many points there will be in all groups, before they are read, and may raise.
        Raises InvalidInput where there would be too many points in a group.
        """
        async with self._snapshot() as connection:
            await connection.execute(_PLANNER)
            members = await read_members(connection, selection, group_by)
            levels = None
            if needs.integrals:
                self._policy = await latest_policy(connection, self._policy)
                levels = LevelSums(connection, self._policy, interval, microseconds(now or interval.end))
                await levels.find(selection, group_by, needs.integrals)
            names = {member.zone for member in members} | (levels.zones if levels else set())
            cut = grid(interval, step, names)
            zones = Zones(cut, names)
            if group_by:
                members = await with_numbers(connection, members, zones.added)
            gathering = Gathering(connection, cut, zones, members, levels)
            if check_points is not None:
                check_points(len(gathering.groups) * len(cut.starts))
            await gathering.read(needs)
        # Putting a year by day of a thousand sites together takes a while, in which posts should go on.
        groups = await asyncio.to_thread(gathering.sums)
        if not group_by and not groups:
            groups[()] = Sums(len(cut.starts))
        return Gathered(cut, groups)

    async def live_state(self, now: datetime, selection: Selection | None = None) -> list[LiveState]:
        """Who waits and who is in service, for each series selected, sorted."""
        async with self._snapshot() as connection:
            return await read_states(connection, now, selection or Selection())

    async def resources(self, sites: Collection[str], now: datetime) -> list[ResourceNow]:
        """How each resource of some sites stands now, of all where none is named; sorted."""
        async with self._snapshot() as connection:
            return await read_resources(connection, sites, microseconds(now))

    async def snapshot(self, now: datetime) -> Snapshot:
        """All live numbers. What it costs depends on the number of series and of those who are there now."""
        async with self._snapshot() as connection:
            found = await read_snapshot(connection, now, self._policy)
        self._policy = found.policy
        return found

    async def standings(
        self, selection: Selection, now_us: int, days: range | None = None
    ) -> tuple[Policy, list[Standing]]:
        """How each objective stands in each series selected, over its current window or the days given.

        With the policy by which that is so.
        """
        async with self._snapshot() as connection:
            policy = await latest_policy(connection, self._policy)
            series = await read_series(connection, selection.condition())
            found = await read_standings(connection, policy, series, now_us, days)
        self._policy = policy
        return policy, found

    async def month(self, selection: Selection, now_us: int, days: range) -> Month:
        """What a report on the days of a month tells, in the series selected."""
        async with self._snapshot() as connection:
            found = await read_month(connection, self._policy, selection, now_us, days)
        self._policy = found.policy
        return found

    async def breaches(
        self, objective: int, selection: Selection, interval: Interval, limit: int
    ) -> list[StoredBreach]:
        """The latest breaches of an objective that arrived in an interval, each with its interaction's facts."""
        async with self._snapshot() as connection:
            return await read_breaches(connection, objective, selection, interval, limit)

    async def show_newborn(self, patience_seconds: float) -> frozenset[int]:
        """The series to show at 0 once more, by number, because a scraper has not seen them yet; see `show_newborn`."""
        with translated():
            async with self._database.engine.begin() as connection:
                return await show_newborn(connection, patience_seconds)

    async def interaction(self, source: str, subject: str) -> StoredInteraction | None:
        """What is stored of an interaction, which the name of its registered source and its subject identify."""
        is_contact = and_(
            contacts.c.source_id == interactions.c.source_id, contacts.c.subject == interactions.c.subject
        )
        statement = (
            select(interactions.c.facts, interactions.c.booking, contacts.c.booking.label("contact"))
            .join_from(interactions, sources, sources.c.id == interactions.c.source_id)
            .outerjoin(contacts, is_contact)
            .where(sources.c.name == source, interactions.c.subject == subject)
        )
        async with self._snapshot() as connection:
            row = (await connection.execute(statement)).one_or_none()
            facts = [] if row is None else [one for one in _decode_facts(row.facts) if one.kind != Kind.ATTACHED]
            if row is None or not facts:
                return None
            bookings = [_decode_booked(row.booking).booking]
            if row.contact is not None:
                bookings.append(decode_booking(row.contact)[0])
            numbers = {number for booking in bookings for number, _ in booking}
            known = await read_series(connection, series.c.id.in_(numbers)) if numbers else []
            names = await connection.execute(select(objectives.c.id, objectives.c.name))
            return StoredInteraction(
                facts, bookings, {one.id: one for one in known}, {row.id: row.name for row in names}
            )

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            async with self._database.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
