"""What a transaction of retention forgets: interactions whose events are all too old, contacts, customers.

Sums are not touched. A contact stays behind its interaction, *bare*, for as long as another that is kept may be its
neighbour. Locks are taken as writers take them: interactions, then customers, each kind sorted; who waits for an
interaction that is forgotten meanwhile finds none, and begins another.
"""

from collections.abc import Iterable, Sequence

import msgspec

from service.core.event import Fact
from service.core.measure import Booking
from service.core.retention import NEIGHBOUR_US
from service.store.bookings import LOCK_SQL, Booked, InteractionKey
from service.store.breaches import Breaches
from service.store.contacts import decode_booking, lay_bare, lock_customers
from service.store.database import Connection
from service.store.partitions import BEFORE_1970

Place = tuple[int, int]
"""Where the database keeps a row of a partition."""

_CONTACTS_SQL = """
SELECT c.source_id, c.subject, c.due_at, c.booking
FROM unnest($1::int[], $2::text[]) AS wanted (source_id, subject) JOIN contacts c USING (source_id, subject)
"""
_DELETE_SQL = """
DELETE FROM interactions i USING unnest($1::int[], $2::text[]) AS gone (source_id, subject)
WHERE i.source_id = gone.source_id AND i.subject = gone.subject
"""
_DELETE_KEYS_SQL = """
DELETE FROM event_keys k USING unnest($1::int[], $2::text[], $3::text[]) AS gone (source_id, source, id)
WHERE k.source_id = gone.source_id AND k.source = gone.source AND k.id = gone.id
"""
_DELETE_EVENTS_SQL = f"DELETE FROM {BEFORE_1970} WHERE ctid = ANY ($1::tid[]) AND time < $2"
_UNNEEDED = "bare AND greatest(arrival, closed_at) < $1"
_UNNEEDED_SQL = f"SELECT source_id, subject, customer FROM contacts WHERE {_UNNEEDED} LIMIT $2"
_DELETE_CONTACTS_SQL = f"""
DELETE FROM contacts c USING unnest($2::int[], $3::text[]) AS gone (source_id, subject)
WHERE c.source_id = gone.source_id AND c.subject = gone.subject AND {_UNNEEDED}
RETURNING c.source_id, c.subject, c.booking
"""
_LOCK_CUSTOMERS_SQL = "SELECT customer FROM customers WHERE customer = ANY ($1::text[]) ORDER BY customer FOR UPDATE"
_DELETE_CUSTOMERS_SQL = """
DELETE FROM customers p WHERE customer = ANY ($1::text[])
AND NOT EXISTS (SELECT FROM contacts c WHERE c.customer = p.customer)
"""

_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_booked = msgspec.json.Decoder(Booked).decode


class Forgotten(msgspec.Struct):
    """How much was forgotten."""

    interactions: int = 0
    events: int = 0
    contacts: int = 0
    customers: int = 0

    def add(self, more: "Forgotten") -> None:
        """Count more."""
        self.interactions += more.interactions
        self.events += more.events
        self.contacts += more.contacts
        self.customers += more.customers


async def forget_interactions(
    connection: Connection, keys: Sequence[InteractionKey], kept_from_us: int
) -> tuple[int, set[InteractionKey]]:
    """Forget those of the interactions all of whose facts are older than a moment.

    How many these are is returned, and which have to stay because time alone still changes what they count for.
    """
    old: dict[InteractionKey, Booked] = {}
    left: set[InteractionKey] = set()
    for source_id, subject, facts, booking in await connection.fetch(LOCK_SQL, *zip(*keys, strict=True)):
        if max((fact.at for fact in _decode_facts(facts)), default=kept_from_us) < kept_from_us:
            old[source_id, subject] = _decode_booked(booking)
    contacts = {key: booked.contact for key, booked in old.items() if booked.contact is not None}
    await lock_customers(connection, sorted({contact.customer for contact in contacts.values()}))
    bookings: dict[InteractionKey, Booking] = {}
    if contacts:
        for source_id, subject, due_at, booking in await connection.fetch(_CONTACTS_SQL, *zip(*contacts, strict=True)):
            bookings[source_id, subject] = decode_booking(booking)[0]
            if due_at is not None:
                left.add((source_id, subject))
    left |= {key for key, booked in old.items() if booked.open}
    gone = {key: booked for key, booked in old.items() if key not in left}
    if not gone:
        return 0, left
    breaches = Breaches()
    for key, booked in gone.items():
        breaches.note(key, booked.booking, {})
    bare = {key: booking for key, booking in bookings.items() if key in gone}
    await lay_bare(connection, bare, breaches, kept_from_us)
    await breaches.write(connection, is_repair=False)
    await connection.execute(_DELETE_SQL, *zip(*gone, strict=True))
    return len(gone), left


async def forget_keys(connection: Connection, keys: Iterable[tuple[int, str, str]]) -> None:
    """Forget which events were there, by registered source, source and id: what is too old is not taken anyway."""
    await connection.execute(_DELETE_KEYS_SQL, *zip(*sorted(keys), strict=True))


async def forget_events_before_1970(connection: Connection, places: Sequence[Place], kept_from_us: int) -> None:
    """Delete events from where they were found; one that was moved since is found by the next search."""
    await connection.execute(_DELETE_EVENTS_SQL, places, kept_from_us)


async def forget_contacts(connection: Connection, kept_from_us: int, limit: int) -> int:
    """Forget bare contacts that are no neighbours of any that is kept; how many is returned."""
    needed_from_us = kept_from_us - NEIGHBOUR_US
    rows = await connection.fetch(_UNNEEDED_SQL, needed_from_us, limit)
    if not rows:
        return 0
    await lock_customers(connection, sorted({row[2] for row in rows}))
    keys = [(row[0], row[1]) for row in rows]
    breaches = Breaches()
    for source_id, subject, booking in await connection.fetch(
        _DELETE_CONTACTS_SQL, needed_from_us, *zip(*keys, strict=True)
    ):
        breaches.note((source_id, subject), decode_booking(booking)[0], {})
    await breaches.write(connection, is_repair=False)
    return len(rows)


async def forget_customers(connection: Connection, customers: Sequence[str]) -> int:
    """Forget those of the customers who have no contact; how many is returned."""
    await connection.execute(_LOCK_CUSTOMERS_SQL, customers)
    done = await connection.execute(_DELETE_CUSTOMERS_SQL, customers)
    return int(done.rpartition(" ")[2])
