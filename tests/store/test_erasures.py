"""Erasures on a real PostgreSQL: the customer is nowhere, and every number is as before."""

import asyncio

import asyncpg
import pytest

from service.store.database import Database
from service.store.erasures import Erased, erase_customer
from service.store.ledger import Ledger
from service.store.registry import pseudonym
from tests.store.erasing import (
    ANNA,
    BEN,
    HISTORY,
    HOLDERS,
    RAW,
    data,
    event,
    names_agree,
    numbers,
    places,
    post,
    right_from_the_log,
    visit,
)
from tests.store.stored import scalar


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


async def test_what_the_planner_has_learned_of_a_customer_is_forgotten_too(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    """Its statistics are samples of what the tables hold: values that are frequent, and bounds of the others."""
    samples = (
        "SELECT count(*) FROM (SELECT s::text FROM pg_statistic s) known(line)"
        " WHERE strpos(line, $1) > 0 OR strpos(line, encode(convert_to($1, 'UTF8'), 'hex')) > 0"
    )
    await post(ledger, HISTORY)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("ANALYZE")
        assert await connection.fetchval(samples, ANNA) > 0
        await erase_customer(database, ANNA, actor="test")
        assert await connection.fetchval(samples, ANNA) == 0
        assert await connection.fetchval(samples, BEN) > 0
    finally:
        await connection.close()


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
    before = await data(database_url)
    assert await erase_customer(database, ANNA, actor="test") == Erased(0, 0, 0)
    assert await data(database_url) == before


async def test_erasing_again_finds_nothing(database: Database, ledger: Ledger, database_url: str) -> None:
    await post(ledger, HISTORY)
    results = await asyncio.gather(*(erase_customer(database, ANNA, actor="test") for _ in range(4)))
    assert sorted(results, key=lambda done: done.events) == [Erased()] * 3 + [Erased(5, 8, 3)]
    before = await data(database_url)
    assert await erase_customer(database, ANNA, actor="test") == Erased()
    assert await data(database_url) == before
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
