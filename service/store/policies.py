"""The policy in the database: which one is in force, and changes to it.

Every writer's transaction holds the policy's lock, shared, and works by the version that it then reads; a change takes
the lock alone. So all bookings of a transaction are measured under one policy, in every process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.calendar import Calendar
from service.core.event import MINUTE_US, microseconds, moment
from service.core.judge import Objectives
from service.core.objective import About, Objective, Promise, Terms
from service.core.policy import ALWAYS_OPEN, Policy
from service.core.promises import changes_past, ends, succeed
from service.store.database import Database, translated
from service.store.tables import interactions, objectives, open_visits, policy, sites
from service.store.trail import ENVIRONMENT, note

POLICY_LOCK = 0x504F4C49
POLICY_VERSION_SQL = "SELECT version FROM policy"


class Policies:
    """Reads the policy, and remembers the latest version that was asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Policy(version=-1)

    @property
    def kept_from_us(self) -> int | None:
        """From when on events are kept, as far as is known here without asking; it only ever moves on."""
        return self._known.kept_from_us

    async def at(self, version: int) -> Policy:
        """The policy, which is known to be at a version and not to change now. Raises Unavailable."""
        if self._known.version != version:
            self._known = await self.current()
        return self._known

    async def latest(self) -> Policy:
        """The policy in force, which is read only where it is not the one that is remembered. Raises Unavailable."""
        with translated():
            async with self._database.engine.connect() as connection:
                version = (await connection.scalars(select(policy.c.version))).one()
        if self._known.version != version:
            self._known = await self.current()
        return self._known

    async def current(self) -> Policy:
        """The policy in force. Raises Unavailable."""
        with translated():
            async with self._database.engine.connect() as connection:
                snapshot = await connection.execution_options(isolation_level="REPEATABLE READ")
                return await read_policy(snapshot)

    async def publish(self, promises: Sequence[Promise], now_us: int) -> bool:
        """Put the objectives of a file in force; whether that changes anything is returned.

        Objectives that are not among them any more end with today: who arrived until then is judged by them still.
        Raises InvalidInput where one would silently change the past, and Unavailable.
        """
        with translated():
            async with self._database.engine.connect() as connection:
                if not (await _changes(connection, promises, now_us)).all:
                    return False
            async with self._database.engine.begin() as connection:
                await lock_policy(connection)
                changes = await _changes(connection, promises, now_us)
                for promise in changes.all:
                    await _keep(connection, promise)
                await note_change(connection, past=changes.past)
                names = sorted({promise.name for promise in changes.all})
                await note(connection, ENVIRONMENT, "publish objectives", "objectives", changed=names)
                return bool(changes.all)

    async def keep_from(self, kept_from_us: int) -> int:
        """Take no events any more from before a moment; where a later one is in force already, that one stays.

        The one that is in force then is returned. No writer commits an older event after that. Raises Unavailable.
        """
        with translated():
            async with self._database.engine.connect() as connection:
                before: datetime | None = await connection.scalar(select(policy.c.kept_from))
            if before is not None and microseconds(before) >= kept_from_us:
                return microseconds(before)
            async with self._database.engine.begin() as connection:
                await lock_policy(connection)
                later = func.greatest(policy.c.kept_from, moment(kept_from_us))
                statement = update(policy).values(version=policy.c.version + 1, kept_from=later)
                moved = await connection.scalars(statement.returning(policy.c.kept_from))
                return microseconds(moved.one())

    async def rebuild_wanted(self) -> bool:
        """Whether the past has yet to be measured by the policy in force. Raises Unavailable."""
        with translated():
            async with self._database.engine.connect() as connection:
                return bool(await connection.scalar(select(policy.c.rebuild_wanted)))


async def latest_policy(connection: AsyncConnection, known: Policy) -> Policy:
    """The policy in the snapshot of a connection, which is read only where it is not the one that is known."""
    version = (await connection.scalars(select(policy.c.version))).one()
    return known if known.version == version else await read_policy(connection)


async def read_policy(connection: AsyncConnection) -> Policy:
    """The policy, read in the snapshot of a connection."""
    version, kept_from = (await connection.execute(select(policy.c.version, policy.c.kept_from))).one()
    rows = await connection.execute(select(objectives).order_by(objectives.c.id))
    promised = [
        Objective(row.id, row.name, msgspec.convert(row.terms, tuple[Terms, ...]), msgspec.convert(row.about, About))
        for row in rows
    ]
    rows = await connection.execute(select(sites.c.name, sites.c.time_zone, sites.c.calendars, sites.c.patiences))
    known = rows.all()
    calendars = {site.name: calendar_of(site.time_zone, site.calendars) for site in known}
    patiences = {(site.name, queue): us for site in known for queue, us in site.patiences.items()}
    kept_from_us = None if kept_from is None else microseconds(kept_from)
    return Policy(version, Objectives(promised), calendars, kept_from_us, patiences)


def calendar_of(time_zone: str, versions: Sequence[Mapping[str, Any]]) -> Calendar:
    """The calendar of a site, as it is stored: versions of hours and holidays, each from a date or since ever."""
    return Calendar.of(
        time_zone,
        [(date.fromisoformat(one["from"]) if one["from"] else None, one["hours"], one["holidays"]) for one in versions],
    )


async def lock_policy(connection: AsyncConnection) -> None:
    """Wait until no writer works by the policy, and let none begin until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(POLICY_LOCK)))


async def note_change(connection: AsyncConnection, *, past: bool) -> None:
    """Let every writer read the policy again; `past` says whether bookings of the past would come out otherwise."""
    exists = await connection.scalar(select(literal(True)).select_from(interactions).limit(1))
    values: dict[str, Any] = {"version": policy.c.version + 1}
    if past and exists:
        values["rebuild_wanted"] = True
    await connection.execute(update(policy).values(values))
    # Those who wait may have another deadline now: the timer looks at all of them.
    await connection.execute(update(open_visits).values(due_at=open_visits.c.since))


class _Changes(NamedTuple):
    """What is to be stored of the objectives that change, and whether anyone who has arrived is judged otherwise."""

    all: Sequence[Promise]
    past: bool


async def _changes(connection: AsyncConnection, promises: Sequence[Promise], now_us: int) -> _Changes:
    known = await read_policy(connection)
    stored = {one.name: Promise(one.name, one.about, one.terms) for one in known.objectives.all}
    today = max(calendar.day_of(now_us // MINUTE_US) for calendar in (ALWAYS_OPEN, *known.calendars.values()))
    wanted = {}
    for promise in promises:
        before = stored[promise.name].terms if promise.name in stored else ()
        wanted[promise.name] = Promise(promise.name, promise.about, succeed(before, promise, today))
    for name, promise in stored.items():
        if name not in wanted:
            wanted[name] = replace(promise, terms=ends(promise.terms, today))
    changed = [promise for name, promise in wanted.items() if stored.get(name) != promise]
    past = any(changes_past(stored[one.name].terms if one.name in stored else (), one.terms, today) for one in changed)
    return _Changes(changed, past)


async def _keep(connection: AsyncConnection, promise: Promise) -> None:
    values = {"terms": msgspec.to_builtins(promise.terms), "about": msgspec.to_builtins(promise.about)}
    statement = insert(objectives).values(name=promise.name, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
