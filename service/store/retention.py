"""Retention: partitions of the log are dropped, what hung on them is forgotten, and no number changes.

First it is put in force that nothing older than a moment is taken. Then each partition before it is gone through,
some interactions a transaction, and dropped when nothing needs it any more; an interaction with an event that is kept
is kept whole. At last go contacts that are no neighbours of any that is kept, and customers who have none. It may
stop at any point: what is done is done, and the rest is found again.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from service.core.event import HOUR_US, MINUTE_US
from service.core.retention import kept_from
from service.store.bookings import InteractionKey
from service.store.database import Connection, Database, translated
from service.store.forgetting import (
    Forgotten,
    forget_contacts,
    forget_customers,
    forget_events_before_1970,
    forget_interactions,
    forget_keys,
)
from service.store.ledger import Ledger
from service.store.partitions import BEFORE_1970, drop_partition, partitions_before
from service.store.policies import Policies
from service.store.scans import chunks, groups
from service.store.turn import Turn

_log = logging.getLogger(__name__)

_INTERACTIONS_AT_ONCE = 500
_EVENTS_AT_ONCE = 5_000
_CLOCK_SQL = "SELECT clock_timestamp()"
_EVENTS_SQL = """
SELECT * FROM (
    SELECT source_id, subject, source, id, ctid FROM {name} WHERE time < $1
    UNION ALL
    SELECT source_id, (data ->> 'about') COLLATE "C", source, id, NULL FROM {name}
    WHERE time < $1 AND data ->> 'about' IS NOT NULL
) AS told ORDER BY source_id, subject
"""
_CUSTOMERS_SQL = """
SELECT customer FROM customers p WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.customer = p.customer)
"""


class _Part(NamedTuple):
    """Some interactions of a partition, whole, and their events in it: (source_id, subject, source, id, place)."""

    keys: Sequence[InteractionKey]
    events: Sequence[Any]


class Retention:
    """Keeps what is not older than so many days, by whole months in UTC. One process at a time may carry it out.

    It has a ledger of its own, which it closes when there is nothing to do. `kept_from_us` is the moment from which on
    events are kept, as it was last seen.
    """

    def __init__(self, database: Database, policies: Policies, ledger: Ledger, *, days: int) -> None:
        self._database = database
        self._policies = policies
        self._ledger = ledger
        self._days = days
        self._work: AsyncGenerator[Forgotten, None] | None = None
        self._step: asyncio.Task[Forgotten | None] | None = None
        self._next_us = -math.inf
        self._swept_us: int | None = None
        self.kept_from_us: int | None = None

    async def go_on(self, now_us: int, seconds: float) -> Forgotten:
        """Do for so many seconds at most what is to be done as of a moment; what was forgotten is returned.

        What takes longer goes on by itself, and is looked after by the next call. Once all is done, it begins again
        after an hour; where something was in the way, after a minute. Raises Unavailable.
        """
        done, work = Forgotten(), self._work
        if work is None:
            # A clock that was set back must not put it off.
            if self._next_us - HOUR_US <= now_us < self._next_us:
                return done
            self._next_us = now_us + HOUR_US
            work = self._work = self._all(now_us)
        until = time.monotonic() + seconds
        while True:
            if self._step is None:
                self._step = asyncio.create_task(_next(work))
            left = until - time.monotonic()
            await asyncio.wait({self._step}, timeout=None if left == math.inf else max(0.0, left))
            if not self._step.done():
                return done
            step, self._step = self._step, None
            if step.exception() is not None:
                self._work, self._next_us = None, now_us + MINUTE_US
            more = step.result()
            if more is None:
                self._work = None
                return done
            done.add(more)

    async def stop(self) -> None:
        """Stop, wherever it is."""
        step, self._step = self._step, None
        work, self._work = self._work, None
        if step is not None:
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        if work is not None:
            with contextlib.suppress(Exception):
                await work.aclose()

    async def _all(self, now_us: int) -> AsyncGenerator[Forgotten, None]:
        """Everything that is to be done as of a moment, one transaction at a time."""
        connection = await self._database.connect_writer(for_scans=True)
        try:
            with translated():
                # Of two clocks the earlier one counts, so that one that is ahead makes nothing forgotten.
                earlier_us = min(now_us, await connection.fetchval(_CLOCK_SQL))
                kept_from_us = await self._policies.keep_from(kept_from(earlier_us, self._days))
                self.kept_from_us = kept_from_us
                for name in [*await partitions_before(connection, kept_from_us), BEFORE_1970]:
                    async for done in self._partition(connection, name, kept_from_us, now_us):
                        yield done
                if self._swept_us != kept_from_us:
                    async for done in self._people(connection, kept_from_us, now_us):
                        yield done
                    self._swept_us = kept_from_us
        finally:
            connection.terminate()
            await self._ledger.close()

    async def _partition(
        self, connection: Connection, name: str, kept_from_us: int, now_us: int
    ) -> AsyncIterator[Forgotten]:
        """Forget the interactions of a partition, then it."""
        total, left = Forgotten(), 0
        async with connection.transaction():
            async for part in _parts(connection, name, kept_from_us):
                run = partial(_forget, name=name, part=part, kept_from_us=kept_from_us)
                gone, staying = await self._ledger.transact(run, now_us)
                total.add(Forgotten(interactions=gone, events=len(part.events)))
                left += staying
                yield Forgotten(interactions=gone)
        if name != BEFORE_1970 and not left and not await drop_partition(connection, name):
            self._next_us = now_us + MINUTE_US
            _log.info("%s is to be dropped, but the log is in use; it is tried again in a minute", name)
            return
        if name != BEFORE_1970 or total.events:
            self._swept_us = None
            told = "something is still due, so it stays" if left else "it is gone"
            _log.info("retention, %s: %d interactions and %d events; %s", name, total.interactions, total.events, told)
        if not left:
            yield Forgotten(events=total.events)

    async def _people(self, connection: Connection, kept_from_us: int, now_us: int) -> AsyncIterator[Forgotten]:
        """Forget contacts that are needed no more, and customers who have none."""
        total = Forgotten()
        forget = partial(_forget_contacts, kept_from_us=kept_from_us)
        while contacts := await self._ledger.transact(forget, now_us):
            total.add(Forgotten(contacts=contacts))
            yield Forgotten(contacts=contacts)
        async with connection.transaction():
            async for rows in chunks(connection, _CUSTOMERS_SQL):
                unknown = partial(_forget_customers, customers=[row[0] for row in rows])
                customers = await self._ledger.transact(unknown, now_us)
                total.add(Forgotten(customers=customers))
                yield Forgotten(customers=customers)
        _log.info("retention: %d contacts and %d customers", total.contacts, total.customers)


async def _next(work: AsyncGenerator[Forgotten, None]) -> Forgotten | None:
    return await anext(work, None)


async def _parts(connection: Connection, name: str, kept_from_us: int) -> AsyncIterator[_Part]:
    """A partition's events from before a moment, by interaction.

    All of them are read in one snapshot, so that an erasure, which moves rows about, lets none be missed.
    """
    keys: list[InteractionKey] = []
    events: list[Any] = []
    async for key, group in groups(connection, _EVENTS_SQL.format(name=name), kept_from_us):
        keys.append(key)
        # An interaction that something is about is gone through too, for that may be all that is known of it.
        events += [row for row in group if row[4] is not None]
        if len(keys) >= _INTERACTIONS_AT_ONCE or len(events) >= _EVENTS_AT_ONCE:
            yield _Part(keys, events)
            keys, events = [], []
    if keys:
        yield _Part(keys, events)


async def _forget(connection: Connection, _turn: Turn, *, name: str, part: _Part, kept_from_us: int) -> tuple[int, int]:
    """Forget interactions, their events' keys and where these don't go with their partition the events.

    How many interactions were forgotten is returned, and how many have to stay for now.
    """
    await forget_keys(connection, {(row[0], row[2], row[3]) for row in part.events})
    gone, left = await forget_interactions(connection, part.keys, kept_from_us)
    if name == BEFORE_1970:
        places = [row[4] for row in part.events if (row[0], row[1]) not in left]
        await forget_events_before_1970(connection, places, kept_from_us)
    return gone, len(left)


async def _forget_contacts(connection: Connection, _turn: Turn, *, kept_from_us: int) -> int:
    return await forget_contacts(connection, kept_from_us, _INTERACTIONS_AT_ONCE)


async def _forget_customers(connection: Connection, _turn: Turn, *, customers: Sequence[str]) -> int:
    return await forget_customers(connection, customers)
