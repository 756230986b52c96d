"""Erasures while others write, or cut off: posts go on, and what they bring is erased or somebody new."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from service.core.errors import Unavailable
from service.store.database import Database
from service.store.erasures import Erased, erase_customer
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry, pseudonym
from tests.store.erasing import (
    ANNA,
    BEN,
    DAY,
    HISTORY,
    Event,
    dump,
    event,
    holding,
    names_agree,
    places,
    post,
    right_from_the_log,
    until_waiting,
    visit,
)
from tests.store.stored import scalar


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
