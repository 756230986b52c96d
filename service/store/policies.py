"""The policy in the database: which one is in force, and changes to it.

Every writer's transaction holds the policy's lock, shared, and works by the version that it then reads; a change takes
the lock alone. So all bookings of a transaction are measured under one policy, in every process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.calendar import Calendar
from service.core.objective import Objective, Objectives, Terms
from service.core.policy import Policy
from service.store.database import Database, translated
from service.store.tables import interactions, objectives, open_visits, policy, sites

POLICY_LOCK = 0x504F4C49
POLICY_VERSION_SQL = "SELECT version FROM policy"
_LONG_AGO_US = -(1 << 62)


class Policies:
    """Reads the policy, and remembers the latest version that was asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Policy(version=-1)

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

    async def publish(self, promised: Mapping[str, Sequence[Terms]], now_us: int) -> bool:
        """Put objectives in force, by their names; whether that changes anything is returned. Raises Unavailable.

        Terms that were in force and are not named any more end now: who arrived before is judged by them still.
        """
        with translated():
            async with self._database.engine.begin() as connection:
                if not _changed(await _stored_terms(connection), promised, now_us):
                    return False
            async with self._database.engine.begin() as connection:
                await lock_policy(connection)
                stored = await _stored_terms(connection)
                changed = _changed(stored, promised, now_us)
                for name, terms in changed.items():
                    await _keep_terms(connection, name, terms)
                past = any(changes_past(stored.get(name, ()), terms, now_us) for name, terms in changed.items())
                await note_change(connection, past=past)
                return bool(changed)

    async def rebuild_wanted(self) -> bool:
        """Whether the past has yet to be measured by the policy in force. Raises Unavailable."""
        with translated():
            async with self._database.engine.connect() as connection:
                return bool(await connection.scalar(select(policy.c.rebuild_wanted)))


async def read_policy(connection: AsyncConnection) -> Policy:
    """The policy, read in the snapshot of a connection."""
    version = (await connection.scalars(select(policy.c.version))).one()
    rows = await connection.execute(select(objectives).order_by(objectives.c.id))
    promised = [Objective(row.id, row.name, _terms(row.terms)) for row in rows]
    known = await connection.execute(select(sites.c.name, sites.c.time_zone, sites.c.calendars))
    calendars = {name: calendar_of(time_zone, versions) for name, time_zone, versions in known}
    return Policy(version, Objectives(promised), calendars)


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


def changes_past(old: Sequence[Terms], new: Sequence[Terms], now_us: int) -> bool:
    """Whether anyone who arrived before now is judged otherwise by new terms than by old ones."""
    before, after = Objective(0, "", tuple(old)), Objective(0, "", tuple(new))
    starts = {terms.start_us for terms in (*old, *new) if terms.start_us is not None and terms.start_us < now_us}
    return any(_judging(before.at(at)) != _judging(after.at(at)) for at in (*starts, _LONG_AGO_US))


def _judging(terms: Terms | None) -> Terms | None:
    """What decides how a visit is judged; None where it is not."""
    return None if terms is None or terms.ended else replace(terms, start_us=None, target=0.0)


async def _stored_terms(connection: AsyncConnection) -> dict[str, tuple[Terms, ...]]:
    rows = await connection.execute(select(objectives.c.name, objectives.c.terms))
    return {name: _terms(terms) for name, terms in rows}


async def _keep_terms(connection: AsyncConnection, name: str, terms: Sequence[Terms]) -> None:
    value = msgspec.to_builtins(terms)
    statement = insert(objectives).values(name=name, terms=value)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"terms": value}))


def _changed(
    stored: Mapping[str, tuple[Terms, ...]], promised: Mapping[str, Sequence[Terms]], now_us: int
) -> dict[str, tuple[Terms, ...]]:
    wanted = {name: tuple(terms) for name, terms in promised.items()}
    for name, terms in stored.items():
        if name not in wanted and not terms[-1].ended:
            wanted[name] = (*terms, replace(terms[-1], start_us=now_us, ended=True))
    return {name: terms for name, terms in wanted.items() if stored.get(name) != terms}


def _terms(value: Any) -> tuple[Terms, ...]:
    return msgspec.convert(value, tuple[Terms, ...])
