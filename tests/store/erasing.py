"""A history of two customers, and all that a database holds of them."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from service.core.catalogue.measures import MEASURES, Scope
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.registry import pseudonym
from service.store.verdicts import Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.rollups import expected_rollups
from tests.reference.rows import rows
from tests.reference.walk import gather, micros
from tests.store.stored import identity_gaps, stored_rollups

Event = dict[str, Any]
NOW_US = micros(NOW)
RAW = "loyalty-8812"
ANNA = pseudonym(b"key", RAW)
BEN = pseudonym(b"key", "+370 600 00000")
OF_CONTACTS = {measure.name for measure in MEASURES if measure.scope is Scope.CONTACT}
HOLDERS = {"customers", "contacts", "interactions"}
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'frontline-writer' AND datname = current_database() AND wait_event_type = 'Lock'
"""


def event(subject: str, kind: str, minutes_ago: float, customer: str | None = None, **data: Any) -> Event:
    place = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "topic": "returns"} | data
    known = {name: value for name, value in place.items() if value is not None}
    return {
        "id": f"{subject}-{kind}-{minutes_ago}",
        "source": "till-3",
        "type": f"interaction.{kind}",
        "time": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "subject": subject,
        "data": known | ({"customer": customer} if customer else {}),
    }


def visit(subject: str, minutes_ago: float, customer: str, **data: Any) -> list[Event]:
    return [
        event(subject, "queued", minutes_ago, customer, **data),
        event(subject, "answered", minutes_ago - 1, customer),
        event(subject, "completed", minutes_ago - 2, resolved=True),
    ]


DAY = 24 * 60
HISTORY = [
    *visit("a1", 40 * DAY, ANNA),
    *visit("a2", 39.5 * DAY, ANNA),
    *visit("a3", 2 * DAY, ANNA, site="kaunas-1", channel="phone"),
    *visit("b1", 3 * DAY, BEN),
    *visit("b2", 1 * DAY, BEN),
    # Begun by Ben, who is its customer, and ended by Anna.
    event("both", "queued", 70, BEN),
    event("both", "completed", 60, ANNA),
    # At no site that is known, so no contact.
    event("nowhere", "reopened", 50, ANNA, site=None, queue=None, channel=None, topic=None),
]


async def post(ledger: Ledger, events: Iterable[Event]) -> None:
    await ledger.commit([Post(1, accept(events, NOW_US))], NOW_US)


async def dump(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace UNION"
            " SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relispartition"
        )
        return {
            table: sorted(_text(row) for row in await connection.fetch(f"SELECT * FROM {table}"))
            for (table,) in map(tuple, tables)
        }
    finally:
        await connection.close()


async def data(url: str) -> dict[str, list[str]]:
    """The same without the trail of administration, which tells of every erasure."""
    whole = await dump(url)
    whole.pop("admin_actions")
    return whole


def _text(row: Iterable[Any]) -> str:
    return repr([value.decode(errors="replace") if isinstance(value, bytes) else value for value in row])


async def places(url: str, needle: str) -> set[str]:
    """The tables in which a text stands; partitions of the log count as the log."""
    found = {table for table, lines in (await dump(url)).items() if any(needle in line for line in lines)}
    return {"events" if table.startswith("events_") else table for table in found}


async def numbers(url: str) -> dict[str, list[str]]:
    """All that is stored but for who the customers are: their order and their names are left out."""
    whole = await data(url)
    customers = {line.strip("[]'") for line in whole.pop("customers")}
    anybody = re.compile("|".join(map(re.escape, customers)) or "$^")
    return {table: sorted(anybody.sub("somebody", line) for line in lines) for table, lines in whole.items()}


async def names_agree(database: Database) -> None:
    """The log, the interactions' facts, their bookings and the contacts name the same customers everywhere."""
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        logged = await raw.fetch("SELECT subject, id, data ->> 'customer' FROM events")
        kept = await raw.fetch("SELECT subject, facts, booking FROM interactions")
        contacts = await raw.fetch("SELECT subject, customer FROM contacts")
        anchors = {row[0] for row in await raw.fetch("SELECT customer FROM customers")}
    facts = [(row[0], fact[2], fact[4].get("customer")) for row in kept for fact in json.loads(row[1])]
    assert Counter(map(tuple, logged)) == Counter(facts)
    booked = {row[0]: json.loads(row[2])[3] for row in kept}
    assert {row[0]: row[1] for row in contacts} == {
        subject: contact[0] for subject, contact in booked.items() if contact is not None
    }
    assert {row[1] for row in contacts} <= anchors


async def right_from_the_log(database: Database, history: list[Event]) -> None:
    """What contacts count for is what the reference makes of the events, with the customers that the log names."""
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        named = {row[0]: row[1] for row in await raw.fetch("SELECT id, data ->> 'customer' FROM events")}
    told = [one | {"data": one["data"] | {"customer": named[one["id"]]}} for one in history]
    for one in told:
        if one["data"]["customer"] is None:
            del one["data"]["customer"]
    expected = expected_rollups(rows(gather(told), NOW), NOW_US)
    assert of_contacts(await stored_rollups(database)) == of_contacts(expected)
    assert await identity_gaps(database) == {}


def of_contacts(rollups: dict[Any, dict[str, int]]) -> dict[Any, dict[str, int]]:
    found = {
        place: {name: amount for name, amount in amounts.items() if name in OF_CONTACTS}
        for place, amounts in rollups.items()
    }
    return {place: amounts for place, amounts in found.items() if amounts}


@asynccontextmanager
async def holding(url: str, statement: str, *values: Any) -> AsyncIterator[asyncpg.Connection]:
    """Hold the locks of a statement while the context is open."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(statement, *values)
            yield connection
    finally:
        await connection.close()


async def until_waiting(url: str, task: "asyncio.Task[Any]", count: int = 1) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(WAITING) < count:
                assert not task.done(), "it should be waiting"
                await asyncio.sleep(0.01)
    finally:
        await connection.close()
