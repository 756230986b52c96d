"""Contacts in the database: put into their customer's chains, measured with their neighbours, settled by time.

A customer's chains are changed by one transaction at a time, which holds the lock on the customer's row. Only the
nearest neighbours of a changed place are read, so what a contact costs does not grow with the number of contacts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from service.core.catalogue.measures import Scope
from service.core.customer import (
    Contact,
    ContactKey,
    Link,
    Position,
    made_at,
    measure_contact,
    relink,
    settles_at,
)
from service.core.difference import Amounts, Differences, Origin
from service.core.judge import Judge
from service.core.measure import Booking
from service.core.retention import bare_subject
from service.store.breaches import Breaches
from service.store.database import Connection
from service.store.turn import Turn

CONTACT_COLUMNS = (
    *("source_id", "subject", "customer", "topic", "arrival", "known_at", "series_id", "in_store"),
    *("closed_at", "resolved", "reopened_at", "agent"),
    *("previous_at", "next_at", "previous_visit_at", "previous_agent", "due_at", "booking"),
)
_LISTED = ", ".join(f"c.{name}" for name in CONTACT_COLUMNS)
_TYPES = (
    *("int", "text", "text", "text", "timestamptz", "timestamptz", "int", "bool"),
    *("timestamptz", "bool", "timestamptz", "text"),
    *("timestamptz", "timestamptz", "timestamptz", "text", "timestamptz", "bytea"),
)
_ARRAYS = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(_TYPES, 1))

_LOCK_CUSTOMERS_SQL = """
INSERT INTO customers (customer) SELECT unnest($1::text[])
ON CONFLICT (customer) DO UPDATE SET customer = excluded.customer WHERE false
"""
_OWN_SQL = f"""
SELECT {_LISTED} FROM unnest($1::int[], $2::text[]) AS wanted (source_id, subject)
JOIN contacts c USING (source_id, subject)
"""


def _nearest(condition: str) -> str:
    """For each place the contacts before and after it in a chain."""
    place = "(p.arrival, p.source_id, p.subject)"
    contact = "(c.arrival, c.source_id, c.subject)"
    sides = (("<", "DESC"), (">", "ASC"))
    selects = " UNION ALL ".join(
        f"(SELECT {_LISTED} FROM contacts c WHERE {condition} AND {contact} {comparison} {place} "
        f"ORDER BY c.arrival {way}, c.source_id {way}, c.subject {way} LIMIT 1)"
        for comparison, way in sides
    )
    return f"""
    SELECT {_LISTED} FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])
        AS p (customer, topic, arrival, source_id, subject), LATERAL ({selects}) AS c
    """


_TOPIC_NEIGHBOURS_SQL = _nearest("c.customer = p.customer AND c.topic = p.topic")
_STORE_NEIGHBOURS_SQL = _nearest("c.customer = p.customer AND c.in_store")
_DELETE_SQL = """
DELETE FROM contacts c USING unnest($1::int[], $2::text[]) AS gone (source_id, subject)
WHERE c.source_id = gone.source_id AND c.subject = gone.subject
"""
_UPDATE_SQL = f"""
UPDATE contacts c SET {", ".join(f"{name} = new.{name}" for name in CONTACT_COLUMNS[2:])}
FROM unnest({_ARRAYS}) AS new ({", ".join(CONTACT_COLUMNS)})
WHERE c.source_id = new.source_id AND c.subject = new.subject
"""
_BARE_SQL = """
UPDATE contacts c SET subject = bare.renamed, bare = true
FROM unnest($1::int[], $2::text[], $3::text[]) AS bare (source_id, subject, renamed)
WHERE c.source_id = bare.source_id AND c.subject = bare.subject
"""
_DUE_SQL = """
SELECT source_id, subject, customer FROM contacts WHERE due_at <= $1 ORDER BY due_at LIMIT $2
"""


class Move(NamedTuple):
    """What an interaction said of its customer before, and what it says now."""

    key: ContactKey
    old: Contact | None
    new: Contact | None


class _Booked(msgspec.Struct, array_like=True, gc=False):
    """What is kept of a contact's contribution: its booking as (series, minute, amounts by code), and peaks."""

    entries: list[tuple[int, int, dict[int, int]]]
    peaks: dict[int, int]


_decode = msgspec.json.Decoder(_Booked).decode
_encode = msgspec.json.Encoder().encode
Row = tuple[Any, ...]
"""A contact as a row of its table."""


async def rebook_contacts(
    connection: Connection, moves: Sequence[Move], differences: Differences, breaches: Breaches, turn: Turn
) -> None:
    """Carry out what changed about contacts, and add the differences and breaches that it makes."""
    if not moves:
        return
    await lock_customers(connection, _customers(moves))
    stored = await _own(connection, [move.key for move in moves if move.old is not None])
    rechained = [move for move in moves if _chains(move.old) != _chains(move.new)]
    before = await _neighbours(connection, rechained) | stored
    links = {key: link_of(row) for key, row in before.items()}
    gone: list[tuple[Position, Contact]] = []
    for move in moves:
        link = links.get(move.key)
        if link is not None:
            gone.append((link.position, link.contact))
        if move.new is None:
            links.pop(move.key, None)
        elif link is None:
            links[move.key] = Link(move.key, move.new)
        else:
            link.contact = move.new
    moved = {move.key for move in rechained}
    for key in moved & links.keys():
        links[key].previous_visit_at = None
    relink(links.values(), [place for place in gone if place[0][1:] in moved], moved)
    await _remeasure(links.values(), differences, breaches, turn)
    removed = [move.key for move in moves if move.new is None and move.key in stored]
    for key in removed:
        rebook_contact(link_of(stored[key]), {}, (), differences, breaches, turn.horizon_us)
    await _write(connection, before, links, removed, turn.now_us)


async def settle_contacts(
    connection: Connection,
    due: Sequence[tuple[ContactKey, str]],
    differences: Differences,
    breaches: Breaches,
    turn: Turn,
) -> None:
    """Measure contacts again as of now, for what time alone has changed; `due` names them and their customers."""
    locked = sorted({customer for _, customer in due})
    await lock_customers(connection, locked)
    before = await _own(connection, [key for key, _ in due])
    links = {key: link_of(row) for key, row in before.items()}
    # One that has another customer by now is due again.
    links = {key: link for key, link in links.items() if link.contact.customer in locked}
    await _remeasure(links.values(), differences, breaches, turn)
    await _write(connection, before, links, [], turn.now_us)


async def due_contacts(connection: Connection, now_us: int, limit: int) -> list[tuple[ContactKey, str]]:
    """The contacts that time alone changes by now, and their customers."""
    return [((row[0], row[1]), row[2]) for row in await connection.fetch(_DUE_SQL, now_us, limit)]


async def lay_bare(
    connection: Connection, contacts: Mapping[ContactKey, Booking], breaches: Breaches, kept_from_us: int
) -> None:
    """Leave contacts, given with their bookings, behind as neighbours of others; their interactions are forgotten."""
    rows = [(*key, bare_subject(key[1], kept_from_us)) for key in contacts]
    for source_id, subject, renamed in rows:
        booking = contacts[source_id, subject]
        breaches.note((source_id, subject), booking, {})
        breaches.note((source_id, renamed), {}, booking)
    if rows:
        await connection.execute(_BARE_SQL, *zip(*rows, strict=True))


async def lock_customers(connection: Connection, customers: Sequence[str]) -> None:
    """Hold the rows of customers, given in order, until the transaction ends; new ones are put in."""
    await connection.execute(_LOCK_CUSTOMERS_SQL, customers)


def _customers(moves: Iterable[Move]) -> list[str]:
    return sorted({contact.customer for move in moves for contact in (move.old, move.new) if contact is not None})


def _chains(contact: Contact | None) -> tuple[object, ...] | None:
    """What decides where a contact is in which chains, and what the next one there sees of it."""
    if contact is None:
        return None
    return contact.customer, contact.topic, contact.arrival, contact.in_store, contact.agent


async def _own(connection: Connection, keys: Sequence[ContactKey]) -> dict[ContactKey, Row]:
    if not keys:
        return {}
    rows = await connection.fetch(_OWN_SQL, *zip(*keys, strict=True))
    return {(row[0], row[1]): tuple(row) for row in rows}


async def _neighbours(connection: Connection, moves: Sequence[Move]) -> dict[ContactKey, Row]:
    """The nearest contacts, as they are stored, to every place that is left or taken."""
    places = [
        (contact.customer, contact.topic, contact.arrival, *move.key, contact.in_store)
        for move in moves
        for contact in (move.old, move.new)
        if contact is not None
    ]
    found: dict[ContactKey, Row] = {}
    for statement, wanted in (
        (_TOPIC_NEIGHBOURS_SQL, places),
        (_STORE_NEIGHBOURS_SQL, [place for place in places if place[-1]]),
    ):
        if wanted:
            columns = list(zip(*wanted, strict=True))[:-1]
            for row in await connection.fetch(statement, *columns):
                found[row[0], row[1]] = tuple(row)
    return found


def link_of(row: Row) -> Link:
    """A contact from a row of its table, whose columns are `CONTACT_COLUMNS`."""
    booking, peaks = decode_booking(row[17])
    return Link(
        key=(row[0], row[1]),
        contact=Contact(*row[2:12]),
        previous_at=row[12],
        next_at=row[13],
        previous_visit_at=row[14],
        previous_agent=row[15],
        booking=booking,
        peaks=peaks,
    )


def decode_booking(kept: bytes) -> tuple[Booking, Amounts]:
    """A contact's booking and its peaks, as they are kept."""
    booked = _decode(kept)
    return {(series, minute): amounts for series, minute, amounts in booked.entries}, booked.peaks


def row_of(link: Link, now_us: int) -> Row:
    """A contact as a row of its table."""
    entries = [(series, minute, amounts) for (series, minute), amounts in link.booking.items()]
    return (
        *link.key,
        *msgspec.structs.astuple(link.contact),
        link.previous_at,
        link.next_at,
        link.previous_visit_at,
        link.previous_agent,
        settles_at(link.contact, now_us),
        _encode(_Booked(entries, link.peaks)),
    )


async def _remeasure(links: Collection[Link], differences: Differences, breaches: Breaches, turn: Turn) -> None:
    keys = await turn.series.keys_of({link.contact.series for link in links})
    for link in links:
        contact = link.contact
        judges = turn.policy.judging(Scope.CONTACT, keys[contact.series], contact.arrival)
        booking = measure_contact(link, turn.now_us, judges)
        rebook_contact(link, booking, judges, differences, breaches, turn.horizon_us)


def rebook_contact(
    link: Link,
    booking: Booking,
    judges: Sequence[Judge],
    differences: Differences,
    breaches: Breaches,
    horizon_us: int,
) -> None:
    """Put a booking in the place of the one that a contact has; `judges` are those that it was made by."""
    if booking == link.booking:
        return
    made = made_at(link, judges)
    origin = Origin(min(made.values()), max(made.values()), lambda: made)
    breaches.note(link.key, link.booking, booking)
    link.peaks = differences.move(link.booking, booking, origin, peaks=link.peaks, horizon_us=horizon_us)
    link.booking = booking


async def _write(
    connection: Connection,
    before: Mapping[ContactKey, Row],
    links: Mapping[ContactKey, Link],
    removed: Sequence[ContactKey],
    now_us: int,
) -> None:
    inserted: list[Row] = []
    updated: list[Row] = []
    for key, link in links.items():
        row = row_of(link, now_us)
        if key not in before:
            inserted.append(row)
        elif row != before[key]:
            updated.append(row)
    if removed:
        await connection.execute(_DELETE_SQL, *zip(*removed, strict=True))
    if updated:
        await connection.execute(_UPDATE_SQL, *zip(*updated, strict=True))
    if inserted:
        await connection.copy_records_to_table("contacts", records=inserted, columns=CONTACT_COLUMNS)
