"""Erasures on a real PostgreSQL: the customer is nowhere, every number is as before, and posts go on meanwhile."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from service.core.catalogue.measures import MEASURES, Scope
from service.core.errors import Unavailable
from service.store.database import Database
from service.store.erasures import Erased, erase_customer
from service.store.ledger import Ledger, Post
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry, pseudonym
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.rollups import expected_rollups
from tests.reference.rows import rows
from tests.reference.walk import gather, micros
from tests.store.stored import identity_gaps, scalar, stored_rollups

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


def _text(row: Iterable[Any]) -> str:
    return repr([value.decode(errors="replace") if isinstance(value, bytes) else value for value in row])


async def places(url: str, needle: str) -> set[str]:
    """The tables in which a text stands; partitions of the log count as the log."""
    found = {table for table, lines in (await dump(url)).items() if any(needle in line for line in lines)}
    return {"events" if table.startswith("events_") else table for table in found}


async def numbers(url: str) -> dict[str, list[str]]:
    """All that is stored but for who the customers are: their order and their names are left out."""
    whole = await dump(url)
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


async def test_a_customer_is_nowhere_and_no_number_changes(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    await post(ledger, HISTORY)
    assert await places(database_url, ANNA) == {"events", *HOLDERS}
    before = await numbers(database_url)
    done = await erase_customer(database, ANNA, actor="test")
    assert done == Erased(interactions=5, events=8, contacts=3)
    assert await places(database_url, ANNA) == set()
    assert await places(database_url, RAW) == set()
    assert await numbers(database_url) == before
    # Ben is there as before, and those of before are still one customer to each other.
    assert await places(database_url, BEN) == {"events", *HOLDERS}
    assert await scalar(database, "SELECT count(DISTINCT customer) FROM contacts") == 2
    assert await scalar(database, "SELECT count(DISTINCT data ->> 'customer') FROM events") == 2
    await names_agree(database)
    await right_from_the_log(database, HISTORY)


async def test_the_token_is_random_and_like_a_pseudonym(database: Database, ledger: Ledger) -> None:
    await post(ledger, visit("a1", 30, ANNA))
    await erase_customer(database, ANNA, actor="test")
    first = await scalar(database, "SELECT DISTINCT customer FROM contacts")
    await post(ledger, visit("a2", 20, ANNA))
    await erase_customer(database, ANNA, actor="test")
    tokens = await scalar(database, "SELECT array_agg(DISTINCT customer) FROM contacts")
    assert len(tokens) == 2
    assert first in tokens
    assert all(len(token) == 32 and int(token, 16) for token in tokens)
    assert await scalar(database, "SELECT count(*) FROM customers") == 2


async def test_who_comes_again_is_somebody_new(database: Database, ledger: Ledger, database_url: str) -> None:
    repeats = "SELECT sum(repeat_contacts_1d) FROM rollups"
    history = visit("a1", 300, ANNA) + visit("a2", 200, ANNA)
    await post(ledger, history)
    assert await scalar(database, repeats) == 1
    await erase_customer(database, ANNA, actor="test")
    again = visit("a3", 100, ANNA)
    await post(ledger, again)
    assert await scalar(database, repeats) == 1
    assert await scalar(database, "SELECT previous_at IS NULL FROM contacts WHERE subject = 'a3'")
    # The old ones are still each other's repeat, and one that comes late moves no number of theirs.
    await post(ledger, visit("a4", 250, ANNA))
    assert await scalar(database, repeats) == 2
    history += again + visit("a4", 250, ANNA)
    await right_from_the_log(database, history)
    # An event of a forgotten interaction that comes only now is of the new one; the earliest name decides as ever.
    late = [event("a2", "reopened", 150, ANNA), event("a1", "transferred", 310, ANNA)]
    await post(ledger, late)
    await names_agree(database)
    await right_from_the_log(database, history + late)


async def test_a_customer_who_is_not_known_changes_nothing(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    await post(ledger, visit("b1", 30, BEN))
    before = await dump(database_url)
    assert await erase_customer(database, ANNA, actor="test") == Erased(0, 0, 0)
    assert await dump(database_url) == before


async def test_erasing_again_finds_nothing(database: Database, ledger: Ledger, database_url: str) -> None:
    await post(ledger, HISTORY)
    results = await asyncio.gather(*(erase_customer(database, ANNA, actor="test") for _ in range(4)))
    assert sorted(results, key=lambda done: done.events) == [Erased()] * 3 + [Erased(5, 8, 3)]
    before = await dump(database_url)
    assert await erase_customer(database, ANNA, actor="test") == Erased()
    assert await dump(database_url) == before
    await names_agree(database)


async def test_many_customers_of_the_same_interactions_are_erased_at_once(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    people = [pseudonym(b"key", f"person {number}") for number in range(8)]
    history = [
        event(f"s{subject:02}", kind, subject * 20 + number, person)
        for subject in range(20)
        for number, person in enumerate(people)
        for kind in ("queued", "completed")
    ]
    await post(ledger, history)
    results = await asyncio.gather(*(erase_customer(database, person, actor="test") for person in people))
    assert all((done.interactions, done.events) == (20, 40) for done in results)
    for person in people:
        assert await places(database_url, person) == set()
    await names_agree(database)
    await right_from_the_log(database, history)


async def test_more_interactions_than_are_locked_at_once(
    database: Database, ledger: Ledger, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.erasures._AT_ONCE", 7)
    history = [one for number in range(50) for one in visit(f"a{number}", 60 + number, ANNA)]
    await post(ledger, history)
    assert await erase_customer(database, ANNA, actor="test") == Erased(50, 100, 50)
    assert await places(database_url, ANNA) == set()
    await names_agree(database)


async def test_what_is_posted_between_the_search_and_the_locks_is_erased_too(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    """An event of an interaction that was found, of one that was not, and a new contact."""
    await post(ledger, HISTORY)
    lock = "SELECT * FROM interactions WHERE subject = 'a1' FOR UPDATE"
    async with holding(database_url, lock):
        erasing = asyncio.create_task(erase_customer(database, ANNA, actor="test"))
        await until_waiting(database_url, erasing)
        slipped = [*visit("a9", 30, ANNA), event("a3", "reopened", 20, ANNA), event("b1", "reopened", 10, ANNA)]
        await post(ledger, slipped)
    done = await erasing
    assert done == Erased(interactions=6, events=11, contacts=4)
    # In Ben's interaction, which nobody had locked, she is somebody new.
    assert await places(database_url, ANNA) == {"events", "interactions"}
    assert await scalar(database, f"SELECT id FROM events WHERE data ->> 'customer' = '{ANNA}'") == "b1-reopened-10"
    await names_agree(database)
    await right_from_the_log(database, HISTORY + slipped)
    assert await erase_customer(database, ANNA, actor="test") == Erased(1, 1, 0)
    assert await places(database_url, ANNA) == set()
    await names_agree(database)


async def test_a_writer_that_waits_for_the_customer_meets_somebody_new(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    await post(ledger, HISTORY)
    # Whoever holds the customer's row lets the erasure come so far that all interactions are locked.
    async with holding(database_url, "SELECT * FROM customers WHERE customer = $1 FOR UPDATE", ANNA):
        erasing = asyncio.create_task(erase_customer(database, ANNA, actor="test"))
        await until_waiting(database_url, erasing)
        more = [event("a2", "reopened", 5, ANNA), *visit("a9", 4, ANNA)]
        posting = asyncio.create_task(post(ledger, more))
        await until_waiting(database_url, posting, 2)
    assert await erasing == Erased(interactions=5, events=8, contacts=3)
    await posting
    assert await scalar(database, f"SELECT count(*) FROM events WHERE data ->> 'customer' = '{ANNA}'") == 3
    assert await scalar(database, f"SELECT count(*) FROM contacts WHERE customer = '{ANNA}'") == 1
    await names_agree(database)
    await right_from_the_log(database, HISTORY + more)


async def test_a_writer_that_holds_the_customer_is_waited_for(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    await post(ledger, HISTORY)
    more = visit("a9", DAY, ANNA, channel="phone")
    # The new contact's neighbour is held, so the writer has read the customer's chain and not yet changed it.
    async with holding(database_url, "SELECT * FROM contacts WHERE subject = 'a3' FOR UPDATE"):
        posting = asyncio.create_task(post(ledger, more))
        await until_waiting(database_url, posting)
        erasing = asyncio.create_task(erase_customer(database, ANNA, actor="test"))
        await until_waiting(database_url, erasing, 2)
    await posting
    assert await erasing == Erased(interactions=6, events=10, contacts=4)
    assert await places(database_url, ANNA) == set()
    await names_agree(database)
    await right_from_the_log(database, HISTORY + more)


async def test_events_that_the_database_moves_meanwhile_are_found_again(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    cleo = pseudonym(b"key", "Cleo")
    await post(ledger, visit("b0", 90, BEN) + visit("a0", 80, ANNA) + visit("c0", 70, cleo) + visit("a1", 60, ANNA))
    # What was Ben's is written anew behind the others, and its old place is free once the table is packed.
    await erase_customer(database, BEN, actor="test")
    connection = await asyncpg.connect(database_url)
    try:
        async with holding(database_url, "SELECT * FROM interactions WHERE subject = 'a0' FOR UPDATE"):
            erasing = asyncio.create_task(erase_customer(database, ANNA, actor="test"))
            await until_waiting(database_url, erasing)
            await connection.execute("VACUUM FULL events")
        assert await erasing == Erased(interactions=2, events=4, contacts=2)
    finally:
        await connection.close()
    assert await places(database_url, ANNA) == set()
    await names_agree(database)


async def test_one_that_is_cut_off_has_done_nothing(database: Database, ledger: Ledger, database_url: str) -> None:
    await post(ledger, HISTORY)
    before = await dump(database_url)
    # It has locked and changed the interactions when it is cut off, and waits for the contacts.
    async with holding(database_url, "SELECT * FROM contacts FOR UPDATE") as other:
        erasing = asyncio.create_task(erase_customer(database, ANNA, actor="test"))
        await until_waiting(database_url, erasing)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'frontline-writer' AND wait_event_type = 'Lock' AND datname = current_database()"
        )
        with pytest.raises(Unavailable):
            await erasing
    assert await dump(database_url) == before
    assert await erase_customer(database, ANNA, actor="test") == Erased(interactions=5, events=8, contacts=3)


@pytest.fixture
async def writers(database: Database, registry: Registry) -> AsyncIterator[list[Ledger]]:
    opened = [
        Ledger(database, registry, Partitions(database), Policies(database), number=n, live_horizon_seconds=3600)
        for n in range(4)
    ]
    yield opened
    for one in opened:
        await one.close()


async def test_posts_go_on_while_customers_are_erased(
    database: Database, writers: list[Ledger], database_url: str
) -> None:
    """Each event of an interaction goes to another writer; two customers are erased again and again meanwhile."""
    history: list[Event] = []
    for number in range(160):
        customer = (ANNA, BEN)[number % 2]
        other = (BEN, ANNA, ANNA)[number % 3]
        topic = ("returns", "delivery")[number % 5 == 0]
        place = {"channel": ("pos", "phone")[number % 3 == 0], "topic": topic}
        history.append(event(f"s{number % 60}", "queued", 9_000 - 40 * number, customer, **place))
        history.append(event(f"s{number % 60}", "answered", 8_999 - 40 * number, other, **place))
        history.append(event(f"s{number % 60}", "completed", 8_990 - 40 * number, customer, resolved=number % 4 == 0))
        if number % 7 == 0:
            history.append(event(f"n{number}", "reopened", 30, ANNA, site=None, queue=None, channel=None))
    lanes = [history[start::4] for start in range(4)]
    done: list[Erased] = []
    finished = asyncio.Event()

    async def write(ledger: Ledger, lane: list[Event]) -> None:
        for start in range(0, len(lane), 3):
            await post(ledger, lane[start : start + 3])

    async def erase(customer: str) -> None:
        while not finished.is_set():
            done.append(await erase_customer(database, customer, actor="test"))

    async with asyncio.timeout(120):
        erasing = [asyncio.create_task(erase(customer)) for customer in (ANNA, BEN)]
        await asyncio.gather(*(write(one, lane) for one, lane in zip(writers, lanes, strict=True)))
        finished.set()
        await asyncio.gather(*erasing)
    assert sum(one.events > 0 for one in done) > 4, "nothing was erased while posts went on"
    assert await scalar(database, "SELECT count(*) FROM events") == len(history)
    await names_agree(database)
    await right_from_the_log(database, history)
    for customer in (ANNA, BEN):
        await erase_customer(database, customer, actor="test")
        assert await places(database_url, customer) == set()
    await names_agree(database)
    await right_from_the_log(database, history)
