"""Erasures: a customer is forgotten, and no published number changes.

Wherever the customer's keyed hash stands, a random token that is kept nowhere else takes its place, so the contacts of
before stay linked to each other and to nobody, and the same person who comes again is somebody new.

The log is searched before anything is locked, for that takes as long as the log is long. Then, in one transaction, the
interactions are locked, the customer after them as writers do, and all places are changed. What writers have added
meanwhile the locked interactions tell, for their facts are the log's. Contacts that the customer has made meanwhile are
locked at last, without waiting, for their turn is over; where that can't be, the transaction is rolled back and tried
again. At the end the planner's statistics of these tables are made again, for they are samples of what was there.

Where retention has dropped months of the log, an interaction that is kept may hold facts that are there no more. Then
the facts of all interactions are searched too.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import asyncpg
import msgspec

from service.core.errors import Unavailable
from service.core.event import Fact
from service.store.bookings import LOCK_SQL, Booked, Changes, Contended, InteractionKey
from service.store.contacts import lock_customers
from service.store.database import Connection, Database, translated
from service.store.trail import NOTE_SQL

EventKey = tuple[int, str, str]

_TRIES = 20
_AT_ONCE = 1_000
_SECONDS = 6 * 3600.0
_PAUSE_SECONDS = 0.05

_FIND_SQL = """
SELECT tableoid, ctid, time, source_id, subject, source, id FROM events WHERE data ->> 'customer' = $1
"""
_FIND_AT_SQL = f"{_FIND_SQL} AND time = ANY ($2::timestamptz[])"
_REPLACE_SQL = """
UPDATE events SET data = jsonb_set(data, '{customer}', to_jsonb($2::text))
WHERE tableoid = $3 AND ctid = ANY ($4::tid[]) AND time BETWEEN $5 AND $6 AND data ->> 'customer' = $1
RETURNING source_id, source, id
"""
_FIND_IN_FACTS_SQL = """
SELECT source_id, subject FROM interactions
WHERE (SELECT kept_from IS NOT NULL FROM policy) AND position($1::bytea IN facts) > 0
"""
_CONTACTS_SQL = "SELECT source_id, subject FROM contacts WHERE customer = $1"
_LOCK_FREE_SQL = f"{LOCK_SQL} SKIP LOCKED"
_RENAME_CONTACTS_SQL = "UPDATE contacts SET customer = $2 WHERE customer = $1"
_RENAME_SQL = "UPDATE customers SET customer = $2 WHERE customer = $1"
_FORGET_SQL = "DELETE FROM customers WHERE customer = $1"
_SAMPLE_SQL = "ANALYZE events, interactions, contacts, customers"
"""The planner's statistics are samples of values, so they are taken again."""

_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_booked = msgspec.json.Decoder(Booked).decode


@dataclass(frozen=True, slots=True)
class Erased:
    """In how many interactions, events of the log and contacts a customer was replaced."""

    interactions: int = 0
    events: int = 0
    contacts: int = 0


class _Found(NamedTuple):
    """An event of the log that names the customer, and where the database keeps it: its partition, its place there."""

    partition: int
    place: tuple[int, int]
    time: int
    source_id: int
    subject: str
    source: str
    id: str

    @property
    def event(self) -> EventKey:
        return (self.source_id, self.source, self.id)

    @property
    def interaction(self) -> InteractionKey:
        return (self.source_id, self.subject)


async def erase_customer(database: Database, customer: str, *, actor: str) -> Erased:
    """Forget a customer, given by the keyed hash, as of now.

    Raises Unavailable: nothing is done, or all but the samples, and doing it again does no harm.
    The trail of administration tells that `actor` did it, and in how many places, but not whom.

    Every event that was committed before the call is covered. One that is committed while it runs either is too, or
    is the first of somebody new.
    """
    connection = await database.connect_writer()
    try:
        with translated():
            found = await _find(connection, _FIND_SQL, customer)
            held = await connection.fetch(_FIND_IN_FACTS_SQL, customer.encode(), timeout=_SECONDS)
            known = {event.interaction for event in found} | {(row[0], row[1]) for row in held}
            for _ in range(_TRIES):
                try:
                    async with connection.transaction():
                        erased = await _erase(connection, customer, found, known)
                        counts = msgspec.json.encode(erased).decode()
                        await connection.execute(NOTE_SQL, actor, "erase customer", "a customer", counts)
                except (Contended, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                    await asyncio.sleep(_PAUSE_SECONDS)
                else:
                    await connection.execute(_SAMPLE_SQL, timeout=_SECONDS)
                    return erased
    finally:
        connection.terminate()
    raise Unavailable("the customer's contacts are being changed all the time; try again")


async def _find(connection: Connection, statement: str, *values: object) -> list[_Found]:
    return [_Found(*row) for row in await connection.fetch(statement, *values, timeout=_SECONDS)]


async def _erase(
    connection: Connection, customer: str, found: Sequence[_Found], holding: Set[InteractionKey]
) -> Erased:
    token = secrets.token_hex(16)
    mentions: dict[EventKey, int] = {}
    known = holding | await _contacts(connection, customer)
    interactions = await _replace_in_interactions(connection, LOCK_SQL, known, customer, token, mentions)
    await lock_customers(connection, [customer])
    contacts = await _contacts(connection, customer)
    late = contacts - known
    interactions += await _replace_in_interactions(connection, _LOCK_FREE_SQL, late, customer, token, mentions)
    await connection.execute(_RENAME_CONTACTS_SQL, customer, token, timeout=_SECONDS)
    if contacts:
        await connection.execute(_RENAME_SQL, customer, token)
    else:
        await connection.execute(_FORGET_SQL, customer)
    events = await _replace_in_log(connection, found, customer, token)
    missed = {event: at for event, at in mentions.items() if event not in events}
    if missed:
        # Added between the search and the locks, so nearly always of this month: one partition is searched again.
        added = await _find(connection, _FIND_AT_SQL, customer, sorted(set(missed.values())))
        events |= await _replace_in_log(connection, [one for one in added if one.event in missed], customer, token)
    return Erased(interactions, len(events), len(contacts))


async def _contacts(connection: Connection, customer: str) -> set[InteractionKey]:
    rows = await connection.fetch(_CONTACTS_SQL, customer, timeout=_SECONDS)
    return {(row[0], row[1]) for row in rows}


async def _replace_in_interactions(
    connection: Connection,
    lock: str,
    wanted: Iterable[InteractionKey],
    customer: str,
    token: str,
    mentions: dict[EventKey, int],
) -> int:
    """Lock interactions and replace the customer in them; in how many is returned.

    The events that named the customer are put into `mentions`, with their times. Raises Contended where a lock that
    does not wait cannot be had.
    """
    count = 0
    keys = sorted(wanted)
    for start in range(0, len(keys), _AT_ONCE):
        batch = keys[start : start + _AT_ONCE]
        rows = await connection.fetch(lock, *zip(*batch, strict=True))
        if lock is _LOCK_FREE_SQL and len(rows) < len(batch):
            raise Contended
        changes = Changes()
        for source_id, subject, kept_facts, kept_booking in rows:
            facts, booked = _decode_facts(kept_facts), _decode_booked(kept_booking)
            named = [fact for fact in facts if fact.data.customer == customer]
            contact = booked.contact
            if contact is not None and contact.customer == customer:
                contact = msgspec.structs.replace(contact, customer=token)
            elif not named:
                continue
            for fact in named:
                fact.data.customer = token
                mentions[source_id, fact.source, fact.id] = fact.at
            changes.add((source_id, subject), facts, booked, msgspec.structs.replace(booked, contact=contact))
            count += 1
        # The moves that are noted here are made for all contacts at once: the chains move as they are.
        await changes.write(connection)
    return count


async def _replace_in_log(connection: Connection, found: Sequence[_Found], customer: str, token: str) -> set[EventKey]:
    """Replace the customer in events where they were found; those that were there still are returned."""
    replaced: set[EventKey] = set()
    by_partition = sorted(found, key=lambda event: (event.partition, event.time))
    for partition, group in groupby(by_partition, key=lambda event: event.partition):
        events = list(group)
        places = [event.place for event in events]
        span = (events[0].time, events[-1].time)
        rows = await connection.fetch(_REPLACE_SQL, customer, token, partition, places, *span, timeout=_SECONDS)
        replaced.update((row[0], row[1], row[2]) for row in rows)
    return replaced
