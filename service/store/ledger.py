"""The one transaction: events, interactions, rollups and live totals change together or not at all.

Locks are taken in one order by all writers, so that none waits for another in a circle: a stripe, the policy, the
events' keys, the interactions, the customers, each kind sorted. A new interaction is put in whole; where another
writer put it in meanwhile, the transaction is rolled back and tried again, and then finds it.

Most batches hold only events that are new. So their keys are copied in at first, which is the fastest way and fails
where one is there already; then, and for some batches after, the database is asked which of them are new.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg
import msgspec

from service.core.customer import ContactKey
from service.core.difference import Differences
from service.core.errors import NotAuthenticated, Unavailable
from service.core.event import MAX_EVENTS_PER_INTERACTION, SECOND_US, Accepted
from service.core.keys import is_aside
from service.core.stories.story import story_of
from service.core.vocabulary import TYPE_OF_KIND
from service.store.access import KEY_UNKNOWN
from service.store.batches import Facts, told_apart
from service.store.bookings import (
    LOCK_SQL,
    NOTHING_BOOKED,
    Booked,
    Changes,
    Contended,
    InteractionKey,
    Work,
    close_visits,
    facts_of,
    without,
)
from service.store.breaches import Breaches
from service.store.changes import record as record_changes
from service.store.contacts import due_contacts, rebook_contacts, settle_contacts
from service.store.database import Connection, Database, translated
from service.store.flush import flush_differences
from service.store.forgetting import forget_keys
from service.store.levels import record_levels
from service.store.partitions import Partitions
from service.store.policies import POLICY_LOCK, POLICY_VERSION_SQL, Policies
from service.store.punctuality import note_punctuality
from service.store.registry import Registry
from service.store.turn import Turn
from service.store.verdicts import FULL, EventKey, Outcome, Post, Refusal, outcomes_of

T = TypeVar("T")

STRIPES = 16
_STRIPE_LOCK = 0x53545250
_TIMER_LOCK = 0x54494D45
_TRIES = 8
_CAREFUL_BATCHES = 20

_FREE_STRIPE_SQL = f"""
SELECT stripe, pg_advisory_xact_lock_shared({POLICY_LOCK})
FROM generate_series($1::int, $1::int + {STRIPES - 1}) AS candidate,
LATERAL (SELECT candidate % {STRIPES} AS stripe) AS wrapped
WHERE pg_try_advisory_xact_lock({_STRIPE_LOCK}, stripe) LIMIT 1
"""
_WAIT_FOR_STRIPE_SQL = f"""
SELECT pg_advisory_xact_lock({_STRIPE_LOCK}, $1), pg_advisory_xact_lock_shared({POLICY_LOCK})
"""
_LAPSED_SQL = """
SELECT array(SELECT id FROM keys WHERE id = ANY ($1::int[]) AND (revoked_at IS NOT NULL OR expires_at <= now()))
"""
_NEW_KEYS_SQL = """
INSERT INTO event_keys (source_id, source, id)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING RETURNING source_id, source, id
"""
_HOLD_TIMER_SQL = f"""
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
    AND classid = 0 AND objid = {_TIMER_LOCK} AND granted)
OR pg_try_advisory_lock({_TIMER_LOCK})
"""
_DUE_SQL = """
SELECT DISTINCT source_id, subject FROM (
    SELECT source_id, subject FROM open_visits WHERE due_at <= $1 ORDER BY due_at LIMIT $2
) AS due ORDER BY source_id, subject
"""
_KEY_COLUMNS = ("source_id", "source", "id")
_EVENT_COLUMNS = ("time", "received_at", "source_id", "source", "id", "type", "subject", "data")


_decode_booked = msgspec.json.Decoder(Booked).decode
_encode = msgspec.json.Encoder().encode


class SeenBefore(Exception):
    """Some events of a batch are in the log already."""


class Ledger:
    """One writer's access to the ledger; it holds a connection of its own, and is used by one task at a time."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        partitions: Partitions,
        policies: Policies,
        *,
        number: int,
        live_horizon_seconds: int,
    ) -> None:
        self._database = database
        self._registry = registry
        self._partitions = partitions
        self._policies = policies
        self._number = number
        self._horizon_us = live_horizon_seconds * SECOND_US
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

    async def commit(self, posts: Sequence[Post], now_us: int) -> list[Outcome | NotAuthenticated]:
        """Commit posts in one transaction; what became of each is returned.

        A post whose key has been taken out of use since it was let in is not committed. Raises Unavailable: nothing is
        known to be done, resend all of it.
        """
        with translated():
            times = [event.fact.at for post in posts for event in post.events]
            await self._partitions.ensure(times, self._policies.kept_from_us)
        return await self._retrying(lambda connection: self._commit(connection, posts, now_us))

    async def remeasure(self, keys: Sequence[InteractionKey], now_us: int) -> None:
        """Measure interactions again as of now, for what time alone has changed. Raises Unavailable."""

        async def run(connection: Connection, turn: Turn) -> None:
            nothing: Facts = {key: [] for key in keys}
            asides = {key: nothing.pop(key) for key in keys if is_aside(key[1])}
            works = await self._gather(connection, nothing, asides, {})
            await close_visits(connection, works, keys)
            await self.rebook(connection, works, turn)

        await self.transact(run, now_us)

    async def settle(self, due: Sequence[tuple[ContactKey, str]], now_us: int) -> None:
        """Measure contacts, each with its customer, again as of now. Raises Unavailable."""

        async def run(connection: Connection, turn: Turn) -> None:
            differences, breaches = Differences(), Breaches()
            await settle_contacts(connection, due, differences, breaches, turn)
            await self.flush(connection, differences, breaches, turn)

        await self.transact(run, now_us)

    async def transact(self, run: Callable[[Connection, Turn], Awaitable[T]], now_us: int) -> T:
        """Do something in a transaction of its own, tried again where others are in the way. Raises Unavailable."""

        async def begun(connection: Connection) -> T:
            return await run(connection, await self._begin(connection, now_us))

        return await self._retrying(begun)

    async def hold_timer(self) -> bool:
        """Whether this connection holds the timer's lock, taken now where it is free. Raises Unavailable."""
        connection = await self.connect()
        with translated():
            return bool(await connection.fetchval(_HOLD_TIMER_SQL))

    async def due_contacts(self, now_us: int, limit: int) -> list[tuple[ContactKey, str]]:
        """Contacts, each with its customer, that time alone changes by now. Raises Unavailable."""
        connection = await self.connect()
        with translated():
            return await due_contacts(connection, now_us, limit)

    async def due(self, now_us: int, limit: int) -> list[InteractionKey]:
        """Interactions with a visit that time alone changes by now. Raises Unavailable."""
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

    async def _commit(
        self, connection: Connection, posts: Sequence[Post], now_us: int
    ) -> list[Outcome | NotAuthenticated]:
        turn = await self._begin(connection, now_us)
        kept_from_us = turn.policy.kept_from_us
        lapsed = set(await connection.fetchval(_LAPSED_SQL, [post.key_id for post in posts]))
        first: dict[EventKey, tuple[Post, Accepted]] = {}
        for post in posts:
            for event in post.events if post.key_id not in lapsed else ():
                if kept_from_us is None or event.fact.at >= kept_from_us:
                    first.setdefault((post.source_id, event.fact.source, event.fact.id), (post, event))
        first = await self._new_events(connection, first)
        batch = told_apart(first.values())
        refused: dict[EventKey, Refusal] = {}
        if first:
            works = await self._gather(connection, batch.interactions, batch.asides, refused)
            await self._leave_out(connection, first, refused)
            await self._know_series(works)
            await self._log(connection, first)
            await record_changes(connection, batch.changes)
            await note_punctuality(connection, self._registry, works, batch.levels, turn.stripe)
            await self.rebook(connection, works, turn)
        if batch.levels:
            # At last, because others wait for the same resources until this transaction ends.
            await record_levels(connection, self._registry.levels, batch.levels)
        outcomes = outcomes_of(posts, first, refused, kept_from_us)
        return [
            NotAuthenticated(KEY_UNKNOWN) if post.key_id in lapsed else outcome
            for post, outcome in zip(posts, outcomes, strict=True)
        ]

    async def _leave_out(
        self, connection: Connection, first: dict[EventKey, tuple[Post, Accepted]], refused: dict[EventKey, Refusal]
    ) -> None:
        """Take events that were refused out of those that are committed, so that they are new when they come again."""
        if refused:
            await forget_keys(connection, refused)
            for key in refused:
                del first[key]

    async def _new_events(
        self, connection: Connection, first: dict[EventKey, tuple[Post, Accepted]]
    ) -> dict[EventKey, tuple[Post, Accepted]]:
        """Those whose keys were not in the log; now they are."""
        if not first:
            return first
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

    async def _begin(self, connection: Connection, now_us: int) -> Turn:
        """A stripe that is this transaction's alone, so that no two writers ever meet at a row of the rollups.

        And the policy, which nobody can change before the transaction ends.
        """
        row = await connection.fetchrow(_FREE_STRIPE_SQL, self._number)
        if row is None:
            stripe = self._number % STRIPES
            await connection.execute(_WAIT_FOR_STRIPE_SQL, stripe)
        else:
            stripe = row[0]
        version = await connection.fetchval(POLICY_VERSION_SQL)
        return Turn(stripe, await self._policies.at(version), now_us, now_us - self._horizon_us, self._registry)

    async def rebook(self, connection: Connection, works: Sequence[Work], turn: Turn) -> None:
        """Put what interactions count for now in the place of what they counted for."""
        await self._know_series(works)
        differences, breaches = Differences(), Breaches()
        changes = Changes()
        for work in works:
            self._rebook(work, differences, breaches, changes, turn)
        await changes.write(connection)
        await self.flush(connection, differences, breaches, turn)
        if changes.moves:
            # At last, because other lanes wait for the same customers until this transaction ends.
            differences, breaches = Differences(), Breaches()
            await rebook_contacts(connection, changes.moves, differences, breaches, turn)
            await self.flush(connection, differences, breaches, turn)

    async def _know_series(self, works: Sequence[Work]) -> None:
        await self._registry.ensure_series({key for work in works for key in work.story.series_keys()})

    async def flush(self, connection: Connection, differences: Differences, breaches: Breaches, turn: Turn) -> None:
        """Add differences to the sums, and write which breaches there are."""
        await breaches.write(connection, is_repair=turn.is_repair)
        numbers = {number for number, _ in differences.rollups}
        keys = await self._registry.keys_of(numbers)
        calendars = {number: turn.policy.calendar(keys[number][0]) for number in numbers}
        await flush_differences(connection, differences, turn.stripe, calendars)

    async def _gather(
        self,
        connection: Connection,
        facts: Facts,
        asides: Facts,
        refused: dict[EventKey, Refusal],
    ) -> list[Work]:
        """Lock stories and put new facts to those that they have; what goes over the limit is `refused`.

        Interactions come first, in `facts`; then what is beside them, in `asides`, and what is about one of them.
        """
        works = await self._lock(connection, facts, refused)
        attached = {(work.key[0], key) for work in works for key in work.story.attached}
        if not asides and not attached:
            return works
        beside = await self._lock(
            connection,
            {
                key: [fact for fact in asides.get(key, ()) if (key[0], fact.source, fact.id) not in refused]
                for key in attached | asides.keys()
            },
            refused,
        )
        works = [left for work in works if (left := without(work, refused)) is not None]
        homes = {work.key: work.story.home for work in works}
        for work in beside:
            known = None if work.booked is None else work.booked.home
            work.home = homes.get((work.key[0], work.story.about or ""), known)
            work.story.stand_at(work.home)
        return works + beside

    async def _lock(self, connection: Connection, facts: Facts, refused: dict[EventKey, Refusal]) -> list[Work]:
        if not facts:
            return []
        keys = sorted(facts)
        rows = await connection.fetch(LOCK_SQL, [key[0] for key in keys], [key[1] for key in keys])
        stored = {(row[0], row[1]): row for row in rows}
        works = []
        for key in keys:
            row = stored.get(key)
            present = [] if row is None else facts_of(key[1], row[2])
            new = facts[key]
            room = max(0, MAX_EVENTS_PER_INTERACTION - len(present))
            if len(new) > room:
                refused.update({(key[0], fact.source, fact.id): FULL for fact in new[room:]})
                new = new[:room]
                if not new:
                    continue
            both = present + new
            if both:
                booked = None if row is None else _decode_booked(row[3])
                works.append(Work(key, new, both, booked, story_of(key[1], both)))
        return works

    def _rebook(self, work: Work, differences: Differences, breaches: Breaches, changes: Changes, turn: Turn) -> None:
        series, story, now_us = self._registry.series, work.story, turn.now_us
        booking = story.booking(series, now_us, turn.policy)
        opened = story.opened(series, now_us, turn.policy)
        kept = work.booked or NOTHING_BOOKED
        before = kept.booking
        breaches.note(work.key, before, booking)
        origin = story.origin(now_us, turn.policy)
        peaks = differences.move(before, booking, origin, peaks=kept.peaks, horizon_us=turn.horizon_us)
        kept_now = Booked.of(booking, opened, peaks, story.contact(series), work.home)
        changes.add(work.key, work.facts, work.booked, kept_now)

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
