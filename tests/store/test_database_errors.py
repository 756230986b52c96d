"""What PostgreSQL says when it cannot do its work becomes Unavailable: nothing is done, and it may be tried again."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.core.errors import Unavailable
from service.store.database import Database, translated

DISK_FULL = "53100"
IO_ERROR = "58030"
CRASH_SHUTDOWN = "57P02"
SERIALIZATION = "40001"
DEADLOCK = "40P01"
DIVISION = "22012"


def raising(sqlstate: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{sqlstate}'; END $$"


async def through_the_engine(database: Database, sqlstate: str) -> None:
    with translated():
        async with database.engine.begin() as connection:
            await connection.execute(text(raising(sqlstate)))


async def through_a_writer(database: Database, sqlstate: str) -> None:
    connection = await database.connect_writer()
    try:
        with translated():
            await connection.execute(raising(sqlstate))
    finally:
        await connection.close()


@pytest.mark.parametrize("sqlstate", [DISK_FULL, IO_ERROR, CRASH_SHUTDOWN])
@pytest.mark.parametrize("way", [through_the_engine, through_a_writer])
async def test_a_server_that_cannot_work_is_away(
    way: Callable[[Database, str], Awaitable[None]], database: Database, sqlstate: str
) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await way(database, sqlstate)


@pytest.mark.parametrize("sqlstate", [SERIALIZATION, DEADLOCK])
async def test_a_transaction_in_the_way_is_told_to_who_asked_and_to_the_writer_that_tries_again(
    database: Database, sqlstate: str
) -> None:
    with pytest.raises(Unavailable):
        await through_the_engine(database, sqlstate)
    with pytest.raises(asyncpg.TransactionRollbackError):
        await through_a_writer(database, sqlstate)


async def test_a_fault_of_our_own_stays_one(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await through_the_engine(database, DIVISION)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await through_a_writer(database, DIVISION)
