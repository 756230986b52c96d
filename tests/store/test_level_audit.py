"""What is kept of levels is held against the log and made again from it; what retention has forgotten is given."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.core.event import microseconds
from service.store.database import Database
from service.store.findings import Finding
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.rebuild import Rebuild
from service.store.registry import Registry
from service.store.verdicts import Post
from tests.books import accept
from tests.level_histories import BEGIN, Event
from tests.store.proof import findings, rebuild_by
from tests.store.retained import retain
from tests.store.stored import fetch

NOW = BEGIN + timedelta(hours=1)
NOW_US = microseconds(NOW)
Audited = Callable[[], Awaitable[list[Finding]]]
TABLES = ("levels", "level_changes", "heartbeats")


def told(number: int, type_: str, minute: float, **data: Any) -> Event:
    at = (BEGIN + timedelta(minutes=minute)).isoformat()
    return {"id": f"e{number}", "source": "scada", "type": type_, "time": at, "data": {"site": "shop-1"} | data}


TILL, LINE = {"resource": "till-1", "kind": "equipment"}, {"resource": "line-1"}
HISTORY = [
    told(1, "availability.changed", 1, state="up", **TILL),
    told(2, "availability.changed", 5, state="down", **TILL),
    told(3, "availability.changed", 6, state="down", **TILL),
    told(4, "availability.changed", 9, state="up", **TILL),
    *(told(10 + n, "heartbeat", n / 2, interval_seconds=45, **LINE) for n in range(20)),
    told(40, "heartbeat", 30),
    told(50, "staffing.changed", 2, queue="tills", staffed=3, available=1),
    told(51, "staffing.changed", 8, queue="tills", staffed=2),
]


@pytest.fixture
def policies(database: Database) -> Policies:
    return Policies(database)


@pytest.fixture
async def teller(database: Database, ledger: Ledger) -> Ledger:
    """A ledger that was told the history."""
    async with database.engine.begin() as connection:
        await connection.execute(text("INSERT INTO sources (name, sites) VALUES ('scada', '{*}')"))
    await ledger.commit([Post(1, accept(HISTORY, NOW_US))], NOW_US)
    return ledger


@pytest.fixture
def audited(teller: Ledger, database: Database, registry: Registry) -> Audited:
    return lambda: findings(database, registry, NOW_US)


@pytest.fixture
def rebuild(teller: Ledger, database: Database, registry: Registry) -> Rebuild:
    return rebuild_by(teller, database, registry, NOW_US)


async def everything(database: Database) -> list[Any]:
    return [sorted(map(str, await fetch(database, f"SELECT * FROM {table}"))) for table in TABLES]


async def execute(database: Database, *statements: str) -> None:
    async with database.engine.begin() as connection:
        for statement in statements:
            assert (await connection.execute(text(statement))).rowcount > 0, statement


async def test_what_was_told_is_proven(audited: Audited, database: Database) -> None:
    assert await audited() == []
    assert [len(of_table) for of_table in await everything(database)] == [4, 6, 2]


TAMPERED = {
    "a state": ("UPDATE level_changes SET value = 1 WHERE id = 'e2'", "shop-1/equipment/till-1"),
    "how many are free": ("UPDATE level_changes SET available = 2 WHERE id = 'e50'", "shop-1/staffing/tills"),
    "which change turns": ("UPDATE level_changes SET turns = true WHERE id = 'e3'", "shop-1/equipment/till-1"),
    "a change that is gone": ("DELETE FROM level_changes WHERE id = 'e51'", "shop-1/staffing/tills"),
    "a change that nobody told": (
        "INSERT INTO level_changes SELECT level_id, at, source_id, source, 'e0', 2, NULL, true FROM level_changes "
        "WHERE id = 'e4'",
        "shop-1/equipment/till-1",
    ),
    "heartbeats that are gone": ("DELETE FROM heartbeats WHERE end_at > start_at + interval '2 min'", "shop-1//line-1"),
    "heartbeats that go on": ("UPDATE heartbeats SET end_at = end_at + interval '1 s'", "shop-1//line-1"),
    "two pieces that touch": (
        "INSERT INTO heartbeats SELECT level_id, end_at, end_at + interval '1 s' FROM heartbeats",
        "shop-1/site/shop-1",
    ),
    "a first event": ("UPDATE levels SET first_at = first_at - interval '1 h'", "shop-1/staffing/tills"),
    "a first heartbeat": ("UPDATE levels SET heard_from = NULL WHERE kind = 'site'", "shop-1/site/shop-1"),
    "a latest heartbeat": ("UPDATE levels SET heard_at = heard_from WHERE kind = ''", "shop-1//line-1"),
    "a level that is gone": ("DELETE FROM level_changes", "shop-1/equipment/till-1"),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_whatever_is_tampered_with_is_found_by_name_and_made_again(
    what: str, audited: Audited, rebuild: Rebuild, database: Database
) -> None:
    before = await everything(database)
    statement, where = TAMPERED[what]
    await execute(database, statement)
    found = await audited()
    assert ("level", where) in {(one.what, one.where) for one in found}
    assert {one.what for one in found} == {"level"}
    report = await rebuild.run()
    assert {one.where for one in report.findings} == {one.where for one in found}
    assert report.events == len(HISTORY)
    assert await audited() == []
    assert await everything(database) == before


async def test_an_event_that_is_gone_from_the_log_is_missed(audited: Audited, database: Database) -> None:
    await execute(database, "DELETE FROM events WHERE id = 'e2'")
    assert {(one.what, one.where) for one in await audited()} == {
        ("level", "shop-1/equipment/till-1"),
        ("event", "scada/scada/e2"),
    }


async def test_heartbeats_that_come_while_it_is_mended_stay(
    audited: Audited, rebuild: Rebuild, database: Database, teller: Ledger
) -> None:
    await execute(database, "DELETE FROM heartbeats", "UPDATE level_changes SET value = 0")

    async def beat() -> None:
        for number in range(30):
            event = told(100 + number, "heartbeat", 10 + number, interval_seconds=50, **LINE)
            await teller_of_its_own.commit([Post(1, accept([event], NOW_US))], NOW_US)

    teller_of_its_own = Ledger(
        database, teller._registry, teller._partitions, Policies(database), number=3, live_horizon_seconds=3600
    )
    try:
        await asyncio.gather(rebuild.run(), beat())
    finally:
        await teller_of_its_own.close()
    await rebuild.run()
    assert await audited() == []


async def test_retention_forgets_events_and_changes_no_level(
    database: Database, ledger: Ledger, registry: Registry
) -> None:
    """What was told of a month that is forgotten stays in force, and in the numbers of that month."""
    months = [BEGIN - timedelta(days=30 * n) for n in range(6)]
    events = [
        event | {"id": f"{event['id']}-{n}", "time": _moved(event, at)}
        for n, at in enumerate(months)
        for event in HISTORY
    ]
    await ledger.commit([Post(1, accept(events, NOW_US))], NOW_US)
    before = await everything(database)
    await retain(database, ledger, days=45, now_us=NOW_US)
    left = await fetch(database, "SELECT count(*), min(time) FROM events")
    assert 0 < left[0][0] < len(events) - 2 * len(HISTORY)
    assert (await fetch(database, "SELECT count(*) FROM event_keys"))[0][0] == left[0][0]
    assert await everything(database) == before
    assert await findings(database, registry, NOW_US) == []


def _moved(event: Event, begin: datetime) -> str:
    return (datetime.fromisoformat(event["time"]) - BEGIN + begin).isoformat()


async def test_what_is_forgotten_is_given_and_what_follows_is_proven(
    audited: Audited, database: Database, policies: Policies
) -> None:
    before = await everything(database)
    await policies.keep_from(microseconds(BEGIN + timedelta(minutes=7)))
    await execute(
        database,
        f"DELETE FROM events WHERE time < '{(BEGIN + timedelta(minutes=7)).isoformat()}'",
        "DELETE FROM event_keys k WHERE NOT EXISTS (SELECT FROM events e WHERE e.id = k.id)",
    )
    assert await audited() == []
    assert await everything(database) == before
    await execute(database, "UPDATE level_changes SET value = 1 WHERE id = 'e4'")
    assert [(one.what, one.where) for one in await audited()] == [("level", "shop-1/equipment/till-1")]
