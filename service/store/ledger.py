"""The one transaction: events, interactions, rollups and live totals change together or not at all.

Locks are taken in one order by all writers, so that none waits for another in a circle: a stripe, the events' keys,
then the interactions, each kind sorted. A new interaction is put in whole; where another writer put it in meanwhile,
the transaction is rolled back and tried again, and then finds it.

Most batches hold only events that are new. So their keys are copied in at first, which is the fastest way and fails
where one is there already; then, and for some batches after, the database is asked which of them are new.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg
import msgspec

from service.core.difference import Amounts, Differences
from service.core.errors import Unavailable
from service.core.event import TYPE_OF_KIND, Accepted, Fact
from service.core.measure import Booking, OpenVisit, measure, open_visits, series_of
from service.core.walk import Interaction, walk
from service.store.database import Connection, Database, translated
from service.store.flush import Punctuality, flush_differences, flush_punctuality
from service.store.partitions import Partitions
from service.store.registry import Registry

T = TypeVar("T")
InteractionKey = tuple[int, str]
EventKey = tuple[int, str, str]

STRIPES = 16
_STRIPE_LOCK = 0x53545250
_TIMER_LOCK = 0x54494D45
_TRIES = 8
_CAREFUL_BATCHES = 20

_FREE_STRIPE_SQL = f"""
SELECT stripe FROM generate_series($1::int, $1::int + {STRIPES - 1}) AS candidate,
LATERAL (SELECT candidate % {STRIPES} AS stripe) AS wrapped
WHERE pg_try_advisory_xact_lock({_STRIPE_LOCK}, stripe) LIMIT 1
"""  # noqa: S608
_NEW_KEYS_SQL = """
INSERT INTO event_keys (source_id, source, id)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING RETURNING source_id, source, id
"""
_LOCK_SQL = """
SELECT i.source_id, i.subject, i.facts, i.booking
FROM unnest($1::int[], $2::text[]) AS wanted (source_id, subject)
JOIN interactions i USING (source_id, subject)
ORDER BY i.source_id, i.subject FOR UPDATE OF i
"""
_UPDATE_SQL = """
UPDATE interactions i SET facts = new.facts, booking = new.booking
FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[]) AS new (source_id, subject, facts, booking)
WHERE i.source_id = new.source_id AND i.subject = new.subject
"""
_CLOSE_SQL = """
DELETE FROM open_visits o USING unnest($1::int[], $2::text[]) AS gone (source_id, subject)
WHERE o.source_id = gone.source_id AND o.subject = gone.subject
"""
_OPEN_SQL = """
INSERT INTO open_visits (source_id, subject, state, series_id, since, expires_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::smallint[], $4::int[], $5::timestamptz[], $6::timestamptz[])
"""
_HOLD_TIMER_SQL = f"""
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
    AND classid = 0 AND objid = {_TIMER_LOCK} AND granted)
OR pg_try_advisory_lock({_TIMER_LOCK})
"""  # noqa: S608
_DUE_SQL = """
SELECT DISTINCT source_id, subject FROM (
    SELECT source_id, subject FROM open_visits WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
) AS silent ORDER BY source_id, subject
"""
_KEY_COLUMNS = ("source_id", "source", "id")
_INTERACTION_COLUMNS = ("source_id", "subject", "facts", "booking")
_EVENT_COLUMNS = ("time", "received_at", "source_id", "source", "id", "type", "subject", "data")


class Post(msgspec.Struct, gc=False):
    """What one request asks to commit: events of one registered source, already admitted."""

    source_id: int
    events: list[Accepted]


class Outcome(msgspec.Struct, frozen=True):
    """How many events of a post are new, and how many were there before."""

    accepted: int
    duplicates: int


class Booked(msgspec.Struct, array_like=True):
    """What is kept with an interaction: its booking as (series, minute, amounts by code), open visits, peaks."""

    entries: list[tuple[int, int, dict[int, int]]]
    open: list[OpenVisit]
    peaks: dict[int, int]


class _Work(msgspec.Struct):
    """One interaction on its way through a transaction."""

    key: InteractionKey
    new_facts: list[Fact]
    facts: list[Fact]
    booked: Booked | None
    it: Interaction


_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_booked = msgspec.json.Decoder(Booked).decode
_encode = msgspec.json.Encoder().encode


class Contended(Exception):
    """Another writer put the same interaction in at the same moment."""


class SeenBefore(Exception):
    """Some events of a batch are in the log already."""


class Ledger:
    """One writer's access to the ledger; it holds a connection of its own, and is used by one task at a time."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        partitions: Partitions,
        *,
        number: int,
        live_horizon_seconds: int,
    ) -> None:
        self._database = database
        self._registry = registry
        self._partitions = partitions
        self._number = number
        self._horizon_us = live_horizon_seconds * 1_000_000
        self._connection: Connection | None = None
        self._careful = 0

    async def connect(self) -> Connection:
        """The connection, opened now where there is none. Raises Unavailable."""
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = self._connection = await self._database.connect_writer()
        return connection

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()

    async def commit(self, posts: Sequence[Post], now_us: int) -> list[Outcome]:
        """Commit posts in one transaction. Raises Unavailable: nothing is known to be done, resend all of it."""
        with translated():
            await self._partitions.ensure([event.fact.at for post in posts for event in post.events])
        return await self._retrying(lambda connection: self._commit(connection, posts, now_us))

    async def remeasure(self, keys: Sequence[InteractionKey], now_us: int) -> None:
        """Measure interactions again as of now, for what time alone has changed. Raises Unavailable."""
        await self._retrying(lambda connection: self._measure(connection, {key: [] for key in keys}, now_us))

    async def hold_timer(self) -> bool:
        """Whether this connection holds the timer's lock, taken now where it is free. Raises Unavailable."""
        connection = await self.connect()
        with translated():
            return bool(await connection.fetchval(_HOLD_TIMER_SQL))

    async def due(self, now_us: int, limit: int) -> list[InteractionKey]:
        """Interactions with a visit that has been open and silent for too long as of now. Raises Unavailable."""
        connection = await self.connect()
        with translated():
            return [(row[0], row[1]) for row in await connection.fetch(_DUE_SQL, now_us, limit)]

    async def _retrying(self, run: Callable[[Connection], Awaitable[T]]) -> T:
        for _ in range(_TRIES):
            connection = await self.connect()
            try:
                with translated():
                    async with connection.transaction():
                        return await run(connection)
            except SeenBefore:
                self._careful = _CAREFUL_BATCHES
            except (Contended, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                continue
            except Unavailable:
                await self.close()
                raise
        raise Unavailable("other writers hold the same interactions; try again")

    async def _commit(self, connection: Connection, posts: Sequence[Post], now_us: int) -> list[Outcome]:
        first: dict[EventKey, tuple[Post, Accepted]] = {}
        for post in posts:
            for event in post.events:
                first.setdefault((post.source_id, event.fact.source, event.fact.id), (post, event))
        stripe = await self._stripe(connection)
        first = await self._new_events(connection, first)
        accepted: dict[int, int] = {}
        facts: dict[InteractionKey, list[Fact]] = {}
        for post, event in first.values():
            accepted[id(post)] = accepted.get(id(post), 0) + 1
            facts.setdefault((post.source_id, event.subject), []).append(event.fact)
        if first:
            works = await self._measure(connection, facts, now_us, stripe)
            await self._log(connection, first)
            await self._punctuality(connection, works, stripe)
        return [Outcome(accepted.get(id(post), 0), len(post.events) - accepted.get(id(post), 0)) for post in posts]

    async def _new_events(
        self, connection: Connection, first: dict[EventKey, tuple[Post, Accepted]]
    ) -> dict[EventKey, tuple[Post, Accepted]]:
        """Those whose keys were not in the log; now they are."""
        keys = sorted(first)
        if self._careful:
            self._careful -= 1
            rows = await connection.fetch(_NEW_KEYS_SQL, *zip(*keys, strict=True))
            if len(rows) == len(keys):
                return first
            new = {(row[0], row[1], row[2]) for row in rows}
            self._careful = _CAREFUL_BATCHES
            return {key: value for key, value in first.items() if key in new}
        try:
            await connection.copy_records_to_table("event_keys", records=keys, columns=_KEY_COLUMNS)
        except asyncpg.UniqueViolationError as error:
            raise SeenBefore from error
        return first

    async def _stripe(self, connection: Connection) -> int:
        """A stripe that is this transaction's alone, so that no two writers ever meet at a row of the rollups."""
        stripe = await connection.fetchval(_FREE_STRIPE_SQL, self._number)
        if stripe is None:
            stripe = self._number % STRIPES
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _STRIPE_LOCK, stripe)
        return int(stripe)

    async def _measure(
        self,
        connection: Connection,
        facts: dict[InteractionKey, list[Fact]],
        now_us: int,
        stripe: int | None = None,
    ) -> list[_Work]:
        if stripe is None:
            stripe = await self._stripe(connection)
        works = await self._gather(connection, facts)
        await self._registry.ensure_series({key for work in works for key in series_of(work.it)})
        differences = Differences()
        changes = _Changes()
        for work in works:
            self._rebook(work, differences, changes, now_us)
        await changes.write(connection)
        await flush_differences(connection, differences, stripe)
        return works

    async def _gather(self, connection: Connection, facts: dict[InteractionKey, list[Fact]]) -> list[_Work]:
        keys = sorted(facts)
        rows = await connection.fetch(_LOCK_SQL, [key[0] for key in keys], [key[1] for key in keys])
        stored = {(row[0], row[1]): row for row in rows}
        works = []
        for key in keys:
            new = facts[key]
            row = stored.get(key)
            if row is None:
                works.append(_Work(key, new, new, None, walk(new)))
            else:
                both = _decode_facts(row[2]) + new
                works.append(_Work(key, new, both, _decode_booked(row[3]), walk(both)))
        return works

    def _rebook(self, work: _Work, differences: Differences, changes: "_Changes", now_us: int) -> None:
        series = self._registry.series
        booking = measure(work.it, series, now_us)
        opened = open_visits(work.it, series, now_us)
        old, peaks, was_open = _unpack(work.booked)
        peaks = differences.move(old, booking, work.it, peaks=peaks, horizon_us=now_us - self._horizon_us)
        entries = [(number, minute, amounts) for (number, minute), amounts in booking.items()]
        changes.add(work, _encode(work.facts), _encode(Booked(entries, opened, peaks)), was_open, opened)

    async def _log(self, connection: Connection, first: dict[EventKey, tuple[Post, Accepted]]) -> None:
        records = [
            (
                event.fact.at,
                event.fact.received_at,
                post.source_id,
                event.fact.source,
                event.fact.id,
                TYPE_OF_KIND[event.fact.kind],
                event.subject,
                _encode(event.fact.data).decode(),
            )
            for post, event in first.values()
        ]
        await connection.copy_records_to_table("events", records=records, columns=_EVENT_COLUMNS)

    async def _punctuality(self, connection: Connection, works: list[_Work], stripe: int) -> None:
        seen: dict[tuple[int, int], Punctuality] = {}
        for work in works:
            if work.it.site is None:
                continue
            series = self._registry.series[work.it.site, work.it.queue or "", work.it.channel or ""]
            key = (work.key[0], series)
            punctuality = seen.get(key)
            if punctuality is None:
                punctuality = seen[key] = Punctuality()
            punctuality.see(work.new_facts)
        await flush_punctuality(connection, seen, stripe)


def _unpack(booked: Booked | None) -> tuple[Booking, Amounts, list[OpenVisit]]:
    if booked is None:
        return {}, {}, []
    booking = {(series, minute): amounts for series, minute, amounts in booked.entries}
    return booking, booked.peaks, booked.open


class _Changes:
    """The rows of interactions and open visits that a transaction writes, column by column."""

    def __init__(self) -> None:
        self._inserted: list[tuple[int, str, bytes, bytes]] = []
        self._updated: list[tuple[int, str, bytes, bytes]] = []
        self._closed: list[InteractionKey] = []
        self._opened: list[tuple[object, ...]] = []

    def add(
        self, work: _Work, facts: bytes, booking: bytes, was_open: list[OpenVisit], opened: list[OpenVisit]
    ) -> None:
        source_id, subject = work.key
        rows = self._inserted if work.booked is None else self._updated
        rows.append((source_id, subject, facts, booking))
        if was_open == opened:
            return
        if was_open:
            self._closed.append(work.key)
        for visit in opened:
            self._opened.append((source_id, subject, visit.state, visit.series, visit.since_us, visit.expires_us))

    async def write(self, connection: Connection) -> None:
        """Write all of it. Raises Contended where another writer has put one of the new interactions in."""
        if self._inserted:
            try:
                await connection.copy_records_to_table(
                    "interactions", records=self._inserted, columns=_INTERACTION_COLUMNS
                )
            except asyncpg.UniqueViolationError as error:
                raise Contended from error
        if self._updated:
            await connection.execute(_UPDATE_SQL, *zip(*self._updated, strict=True))
        if self._closed:
            await connection.execute(_CLOSE_SQL, *zip(*self._closed, strict=True))
        if self._opened:
            await connection.execute(_OPEN_SQL, *zip(*self._opened, strict=True))
