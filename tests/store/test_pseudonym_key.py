"""The pseudonym key: known again by its fingerprint, refused where it is another, rotated when asked."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from service.core.errors import ConfigurationError, Conflict
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.pseudonyms import fingerprint, key_in_use, rotate_key

ROTATE = "frontline keys rotate-pseudonym"


async def kept(url: str) -> dict[str, bytes]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0]: bytes(row[1]) for row in await connection.fetch("SELECT name, value FROM secrets")}
    finally:
        await connection.close()


async def put(url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def refused(call: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await call()
    assert ROTATE in str(caught.value)
    return str(caught.value)


async def test_a_key_is_made_once_and_stays(database: Database, database_url: str) -> None:
    made = await asyncio.gather(*(key_in_use(database, None) for _ in range(5)))
    assert len(set(made)) == 1
    assert len(made[0]) == 32
    assert await kept(database_url) == {
        "pseudonym_key": made[0],
        "pseudonym_key_fingerprint": fingerprint(made[0]),
    }


async def test_a_given_key_is_not_stored(database: Database, database_url: str) -> None:
    for _ in range(2):
        assert await key_in_use(database, "a given key") == b"a given key"
    assert await kept(database_url) == {"pseudonym_key_fingerprint": fingerprint(b"a given key")}
    assert b"given" not in fingerprint(b"a given key")


async def test_another_key_than_the_one_given_before_is_refused(database: Database, database_url: str) -> None:
    await key_in_use(database, "first")
    before = await kept(database_url)
    detail = await refused(lambda: key_in_use(database, "second"))
    assert "set it to that key" in detail
    assert "first" not in detail
    assert "second" not in detail
    assert "not set" in await refused(lambda: key_in_use(database, None))
    assert await kept(database_url) == before
    assert await key_in_use(database, "first") == b"first"


async def test_a_given_key_where_one_was_made_is_refused(database: Database, database_url: str) -> None:
    made = await key_in_use(database, None)
    assert "leave it unset" in await refused(lambda: key_in_use(database, "given"))
    assert await key_in_use(database, None) == made


async def test_of_replicas_that_start_at_once_with_different_keys_one_kind_starts(database: Database) -> None:
    given = ["first", "second", None] * 4
    results = await asyncio.gather(*(key_in_use(database, key) for key in given), return_exceptions=True)
    keys = {result for result in results if isinstance(result, bytes)}
    assert len(keys) == 1
    assert sum(isinstance(result, ConfigurationError) for result in results) == 8


async def test_a_key_that_was_made_before_there_were_fingerprints_is_the_one_in_use(
    database: Database, database_url: str
) -> None:
    await put(database_url, "INSERT INTO secrets VALUES ('pseudonym_key', $1)", b"m" * 32)
    await refused(lambda: key_in_use(database, "given"))
    assert await key_in_use(database, None) == b"m" * 32
    assert (await kept(database_url))["pseudonym_key_fingerprint"] == fingerprint(b"m" * 32)


async def test_rotation_from_a_made_key_to_a_given_one_and_back(database: Database, database_url: str) -> None:
    made = await key_in_use(database, None)
    assert await rotate_key(database, "given")
    assert await kept(database_url) == {"pseudonym_key_fingerprint": fingerprint(b"given")}
    assert await key_in_use(database, "given") == b"given"
    await refused(lambda: key_in_use(database, None))
    assert await rotate_key(database, None)
    again = await key_in_use(database, None)
    assert len(again) == 32
    assert again != made
    await refused(lambda: key_in_use(database, "given"))


async def test_rotation_from_given_to_given_and_back(database: Database) -> None:
    await key_in_use(database, "first")
    assert await rotate_key(database, "second")
    await refused(lambda: key_in_use(database, "first"))
    assert await key_in_use(database, "second") == b"second"
    assert await rotate_key(database, "first")
    assert await key_in_use(database, "first") == b"first"


async def test_rotation_of_a_made_key_makes_another(database: Database, database_url: str) -> None:
    made = await key_in_use(database, None)
    assert await rotate_key(database, None)
    again = await key_in_use(database, None)
    assert again != made
    assert made not in (await kept(database_url)).values()


async def test_rotation_to_the_key_in_use_changes_nothing(database: Database, database_url: str) -> None:
    await key_in_use(database, "given")
    before = await kept(database_url)
    assert not await rotate_key(database, "given")
    assert await kept(database_url) == before


async def test_no_rotation_while_a_service_runs(database: Database, ledger: Ledger, database_url: str) -> None:
    await key_in_use(database, "first")
    await ledger.connect()
    for given in ("second", None):
        with pytest.raises(Conflict, match="stop it everywhere"):
            await rotate_key(database, given)
    assert await key_in_use(database, "first") == b"first"
    await ledger.close()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await rotate_key(database, "second")
                break
            except Conflict:  # the server has not noticed yet
                await asyncio.sleep(0.05)
