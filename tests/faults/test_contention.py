"""Transactions in the way: others that take locks in the wrong order, and failures that ask to be tried again."""

import asyncio

import asyncpg

from service.store.database import Connection
from service.store.policies import POLICY_LOCK
from tests.faults.conftest import MakeHarness
from tests.faults.harness import Harness
from tests.faults.moments import PATIENCE_SECONDS, refused

_DEADLOCKS = 6
_FAILURES = 30
_UNTIL_THEY_WAIT_SECONDS = 0.05
_CUSTOMERS = "SELECT FROM customers ORDER BY customer DESC FOR UPDATE"
_INTERACTIONS = """
SELECT FROM interactions WHERE (source_id, subject) IN (SELECT source_id, subject FROM open_visits)
ORDER BY source_id DESC, subject DESC FOR UPDATE
"""
_POLICY = f"SELECT pg_advisory_xact_lock({POLICY_LOCK})"
_IN_THE_WRONG_ORDER = ((_CUSTOMERS, _INTERACTIONS), (_INTERACTIONS, _POLICY), (_CUSTOMERS, _POLICY))
_BALKING = """
CREATE OR REPLACE FUNCTION balk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < {share} THEN
        PERFORM nextval('balks');
        RAISE EXCEPTION 'balked' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END $$
"""
_BALKING_TABLES = ("event_keys", "interactions", "contacts", "rollups", "live_totals", "events")


async def take_locks_in_the_wrong_order(harness: Harness) -> None:
    connection = await asyncpg.connect(harness.database_url)
    try:
        # A waiter looks once whether it waits in a circle, after this time; the one that is here never does.
        await harness.server.execute("ALTER SYSTEM SET deadlock_timeout = '200ms'", "SELECT pg_reload_conf()")
        await connection.execute("SET deadlock_timeout = '10min'")
        enough = await _deadlocks(connection) + _DEADLOCKS
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _deadlocks(connection) < enough:
                for first, second in _IN_THE_WRONG_ORDER:
                    async with connection.transaction():
                        await connection.execute(first)
                        await asyncio.sleep(_UNTIL_THEY_WAIT_SECONDS)
                        await connection.execute(second)
    finally:
        await connection.close()
        await harness.server.execute("ALTER SYSTEM RESET deadlock_timeout", "SELECT pg_reload_conf()")


async def _deadlocks(connection: Connection) -> int:
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    return int(await connection.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


async def fail_to_serialize(harness: Harness) -> None:
    """Now and then at first, which the writer's tries outlast, and then always, which they do not."""
    connection = await asyncpg.connect(harness.database_url)
    try:
        await connection.execute("CREATE SEQUENCE IF NOT EXISTS balks")
        before = await connection.fetchval("SELECT nextval('balks')")
        await connection.execute(_BALKING.format(share=0.15))
        for table in _BALKING_TABLES:
            await connection.execute(
                f"CREATE OR REPLACE TRIGGER balk BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION balk()"
            )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await connection.fetchval("SELECT last_value FROM balks") < before + _FAILURES:
                await asyncio.sleep(0.01)
        await connection.execute(_BALKING.format(share=1))
        await refused(harness)
    finally:
        await connection.execute(_BALKING.format(share=0))
        await connection.close()


async def test_nothing_is_lost_in_deadlocks(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(2)
    for _ in range(cycles):
        await harness.survive(take_locks_in_the_wrong_order)


async def test_nothing_is_lost_where_transactions_fail_to_serialize(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(1)
    for _ in range(cycles):
        await harness.survive(fail_to_serialize)
