"""The ledger on a real PostgreSQL: exact under any delivery and any number of writers, all or nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.errors import Unavailable
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.verdicts import Outcome, Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.kpis import rows
from tests.reference.postings import deliveries, histories
from tests.reference.rollups import expected_cells, expected_rollups, punctual
from tests.reference.stories import homes, stories
from tests.reference.walk import MINUTE, gather, micros
from tests.store.arena import writers_at
from tests.store.stored import identity_gaps, scalar, stored_cells, stored_rollups

NOW_US = micros(NOW)
WRITERS = 3
WRITERS_SQL = "application_name = 'frontline-writer' AND datname = current_database()"
WAITING_WRITERS = f"SELECT count(*) FROM pg_stat_activity WHERE {WRITERS_SQL} AND wait_event_type = 'Lock'"
Event = dict[str, Any]


async def deliver(ledger: Ledger, batches: Sequence[Sequence[Event]]) -> list[Outcome]:
    outcomes = []
    for batch in batches:
        outcomes += await ledger.commit([Post(1, accept(batch, NOW_US))], NOW_US)
    return outcomes


class Arena:
    """A database that is emptied before each generated example, and some writers on it."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    async def play(self, lanes: Sequence[Sequence[Sequence[Event]]]) -> tuple[Any, ...]:
        """Let all writers deliver their batches at once; the rollups, cells, gaps, open visits and log that result."""
        async with writers_at(self.url, len(lanes)) as (database, *_, ledgers):
            await asyncio.gather(*(deliver(one, lane) for one, lane in zip(ledgers, lanes, strict=True)))
            opened = "SELECT array_agg(subject || state || since ORDER BY subject, state) FROM open_visits"
            logged = "SELECT array_agg(source || '/' || id ORDER BY source, id) FROM events"
            return (
                await stored_rollups(database),
                await stored_cells(database),
                await identity_gaps(database),
                await scalar(database, opened),
                await scalar(database, logged),
            )


@pytest.fixture(scope="module")
def arena(module_database_url: str) -> Iterator[Arena]:
    made = Arena(module_database_url)
    yield made
    made.runner.close()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_delivery_by_several_writers_at_once_gives_the_same(arena: Arena, data: st.DataObject) -> None:
    history = data.draw(histories())
    laid = rows(gather(history), NOW, {})
    log = sorted({f"{one['source']}/{one['id']}" for one in history})
    lanes: list[list[list[Event]]] = [[] for _ in range(WRITERS)]
    for batch in data.draw(deliveries(history)):
        lanes[data.draw(st.integers(0, WRITERS - 1))].append(batch)
    rollups, cells, gaps, opened, logged = arena.runner.run(arena.play(lanes))
    assert punctual(rollups) == expected_rollups(laid, NOW_US, stories(history, homes(laid), NOW_US))
    assert cells == expected_cells(laid)
    assert gaps == {}
    assert logged == log
    assert (rollups, cells, {}, opened, logged) == arena.runner.run(arena.play([[history]]))


def call(number: int, kind: str, second: int, **data: Any) -> Event:
    at = NOW.fromtimestamp(NOW.timestamp() - 3000 + number % 7 + second, NOW.tzinfo)
    return {
        "id": f"{number}-{kind}",
        "source": "acd",
        "type": f"interaction.{kind}",
        "time": at.isoformat(),
        "subject": f"call-{number}",
        "data": data,
    }


def calls(count: int) -> list[Event]:
    events = []
    for number in range(count):
        events.append(call(number, "queued", 0, site="bank", queue=f"q{number % 3}", channel="phone"))
        events.append(call(number, "answered", 10 + number % 50))
        events.append(call(number, "completed", 100, resolved=number % 2 == 0))
    return events


@pytest.fixture
async def writers(database: Database, registry: Registry) -> AsyncIterator[list[Ledger]]:
    opened = [
        Ledger(database, registry, Partitions(database), Policies(database), number=n, live_horizon_seconds=3600)
        for n in range(6)
    ]
    yield opened
    for one in opened:
        await one.close()


async def test_writers_that_meet_the_same_new_interactions_at_once_lose_nothing(
    database: Database, writers: list[Ledger]
) -> None:
    """Each event of a call goes to another writer, all at the same time, some of them to two."""
    events = calls(120)
    chance = random.Random(7)
    lanes: list[list[list[Event]]] = [[] for _ in writers]
    chance.shuffle(events)
    for start in range(0, len(events), 10):
        batch = events[start : start + 10]
        for lane in chance.sample(lanes, 2):
            lane.append(batch)
    outcomes = await asyncio.gather(*(deliver(one, lane) for one, lane in zip(writers, lanes, strict=True)))
    flat = [outcome for lane in outcomes for outcome in lane]
    assert sum(outcome.accepted for outcome in flat) == len(events)
    assert sum(outcome.duplicates for outcome in flat) == len(events)
    assert punctual(await stored_rollups(database)) == expected_rollups(rows(gather(events), NOW, {}), NOW_US)
    assert await identity_gaps(database) == {}
    assert await scalar(database, "SELECT count(*) FROM events") == len(events)


async def test_writers_do_not_wait_for_each_other_at_the_rollups(
    database: Database, writers: list[Ledger], database_url: str
) -> None:
    """While one transaction holds rows of a minute's rollup, another writer adds to the same minute."""
    first, second = writers[:2]
    await deliver(first, [calls(3)])
    held = await asyncpg.connect(database_url)
    try:
        async with held.transaction():
            await held.execute("SELECT pg_advisory_xact_lock(1398035024, 1)")
            await held.execute("SELECT * FROM rollups FOR UPDATE")
            await held.execute("SELECT * FROM live_totals FOR UPDATE")
            more = [{**event, "id": f"x{event['id']}", "subject": f"x{event['subject']}"} for event in calls(3)]
            await asyncio.wait_for(deliver(second, [more]), 20)
    finally:
        await held.close()
    assert await scalar(database, "SELECT sum(offered) FROM rollups") == 6


async def test_a_transaction_that_is_cut_off_leaves_nothing_behind(
    database: Database, ledger: Ledger, database_url: str
) -> None:
    events = calls(50)
    await deliver(ledger, [events[:3]])
    other = await asyncpg.connect(database_url)
    unfinished = other.transaction()
    await unfinished.start()
    try:
        # Someone has put the last of the keys in and not committed, so that the ledger waits in mid-transaction.
        await other.execute("INSERT INTO event_keys VALUES (1, 'acd', '9-queued')")
        commit = asyncio.create_task(deliver(ledger, [events]))
        async with asyncio.timeout(10):
            while not await other.fetchval(WAITING_WRITERS):
                await asyncio.sleep(0.01)
        await other.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WRITERS_SQL}")
        with pytest.raises(Unavailable):
            await commit
    finally:
        await unfinished.rollback()
        await other.close()
    assert await scalar(database, "SELECT count(*) FROM events") == 3
    await deliver(ledger, [events])
    assert punctual(await stored_rollups(database)) == expected_rollups(rows(gather(events), NOW, {}), NOW_US)


async def test_history_of_any_age_has_its_partition(database: Database, ledger: Ledger) -> None:
    years = (2, 5, 1899, 1969, 1970, 1999, 2024)
    events = [
        {
            "id": f"e{year}",
            "source": "archive",
            "type": "interaction.queued",
            "time": f"{year:04}-12-31T23:59:59.999999Z",
            "subject": f"s{year}",
            "data": {"site": "bank", "queue": "q", "channel": "phone"},
        }
        for year in years
    ]
    await deliver(ledger, [events])
    assert await scalar(database, "SELECT count(*) FROM events") == len(years)
    assert await scalar(database, "SELECT count(*) FROM events_before_1970") == 4
    assert await scalar(database, "SELECT sum(expired) FROM rollups") == len(years)


async def test_a_batch_of_many_minutes_is_added_whatever_each_of_them_holds(database: Database, ledger: Ledger) -> None:
    ends: tuple[tuple[tuple[str, dict[str, Any]], ...], ...] = (
        (("answered", {}), ("completed", {})),
        (("abandoned", {}),),
        (("answered", {}), ("completed", {"resolved": True, "wrap_up_seconds": 5})),
        (("diverted", {"to": "voicemail"}),),
        (("answered", {}), ("corrected", {"kind": "other"}), ("completed", {"resolved": False})),
    )
    begun = [call(n, "queued", -60 * n, site="bank", queue="q", channel="phone") for n in range(250)]
    ended = [
        {**call(number, kind, 10 * place - 60 * number), "data": data}
        for number in range(250)
        for place, (kind, data) in enumerate(ends[number % len(ends)], 1)
    ]
    await deliver(ledger, [begun, ended])
    expected = expected_rollups(rows(gather(begun + ended), NOW, {}), NOW_US)
    assert len(expected) == 250
    assert punctual(await stored_rollups(database)) == expected
    assert await identity_gaps(database) == {}


async def test_the_timer_expires_who_waits_in_silence(database: Database, writers: list[Ledger]) -> None:
    waiting = call(1, "queued", 0, site="bank", queue="q", channel="phone")
    await deliver(writers[0], [[waiting]])
    assert await scalar(database, "SELECT sum(waiting) FROM rollups") == 1
    arrived = micros(NOW.fromisoformat(waiting["time"]))
    limit = arrived + 240 * MINUTE
    assert await writers[1].due(limit - 1, 10) == []
    due = await writers[1].due(limit, 10)
    assert due == [(1, "call-1")]
    await writers[1].remeasure(due, limit)
    assert await scalar(database, "SELECT sum(expired) - sum(waiting) FROM rollups") == 1
    assert await scalar(database, "SELECT count(*) FROM open_visits") == 0
    assert await identity_gaps(database) == {}


async def test_one_process_at_a_time_holds_the_timer(writers: list[Ledger]) -> None:
    first, second = writers[:2]
    assert await first.hold_timer()
    assert await first.hold_timer()
    assert not await second.hold_timer()
    await first.close()
    async with asyncio.timeout(10):
        while not await second.hold_timer():
            await asyncio.sleep(0.05)


async def test_the_same_id_of_another_registered_source_is_another_event(database: Database, ledger: Ledger) -> None:
    events = accept(calls(1), NOW_US)
    outcomes = await ledger.commit([Post(1, events), Post(2, events)], NOW_US)
    assert outcomes == [Outcome(3, 0), Outcome(3, 0)]
    assert await scalar(database, "SELECT count(*) FROM interactions") == 2


async def test_a_duplicate_moves_nothing_even_with_other_content(database: Database, ledger: Ledger) -> None:
    await deliver(ledger, [calls(1)])
    before = await stored_rollups(database)
    other = {**calls(1)[0], "subject": "call-9", "time": "2020-01-01T00:00:00Z"}
    assert await deliver(ledger, [[other]]) == [Outcome(0, 1)]
    assert await stored_rollups(database) == before
