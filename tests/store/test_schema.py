"""Migrations: repeated, at once, and what a service refuses to work on."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import inspect

from service.commands.migrate import wait_until_current
from service.core.catalogue.measures import MEASURES
from service.core.errors import ConfigurationError
from service.store import schema
from service.store.database import Database, parse_url
from service.store.tables import metadata
from tests.conftest import at_database


@pytest.fixture
async def empty(postgres_url: str) -> AsyncIterator[Database]:
    """A database in which nothing is."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    administrator = await asyncpg.connect(postgres_url)
    await administrator.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    database = Database(at_database(postgres_url, name))
    yield database
    await database.close()
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


async def run(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(statement)


async def snapshot(database: Database) -> object:
    async with database.engine.connect() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        return [tuple(row) for row in rows]


async def test_a_database_is_refused_until_it_is_migrated(empty: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"at nothing, .* run `frontline migrate`"):
        await schema.check(empty)
    revision = await schema.migrate(empty)
    assert revision
    await schema.check(empty)


async def test_migrating_twice_changes_nothing(empty: Database) -> None:
    first = await schema.migrate(empty)
    before = await snapshot(empty)
    await run(empty, "INSERT INTO sites (name) VALUES ('kept')")
    assert await schema.migrate(empty) == first
    assert await snapshot(empty) == before
    async with empty.engine.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT name FROM sites")).all() == [("kept",)]


async def test_several_migrate_at_once(empty: Database) -> None:
    others = [Database(empty.url.render_as_string(hide_password=False)) for _ in range(3)]
    try:
        revisions = await asyncio.gather(*(schema.migrate(database) for database in (empty, *others)))
    finally:
        for database in others:
            await database.close()
    assert len(set(revisions)) == 1
    await schema.check(empty)


@pytest.mark.parametrize("table", ["rollups", "live_totals"])
async def test_a_table_that_lacks_a_measure_is_refused_and_migrating_adds_it(empty: Database, table: str) -> None:
    await schema.migrate(empty)
    before = await snapshot(empty)
    measure = MEASURES[-1].name
    await run(empty, f"ALTER TABLE {table} DROP COLUMN {measure}")
    with pytest.raises(ConfigurationError, match="run `frontline migrate`"):
        await schema.check(empty)
    await schema.migrate(empty)
    await schema.check(empty)
    assert await snapshot(empty) == before


async def test_an_older_schema_is_refused(empty: Database) -> None:
    await schema.migrate(empty)
    await run(empty, "DELETE FROM alembic_version")
    with pytest.raises(ConfigurationError, match="run `frontline migrate`"):
        await schema.check(empty)


async def test_an_old_server_is_refused(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_OLDEST", "99")
    monkeypatch.setattr(schema, "_OLDEST_NUMBER", 990_000)
    with pytest.raises(ConfigurationError, match="older than 99"):
        await schema.migrate(empty)
    assert await snapshot(empty) == []


async def test_the_tables_are_as_the_code_sees_them(empty: Database) -> None:
    await schema.migrate(empty)
    async with empty.engine.connect() as connection:
        found = await connection.run_sync(
            lambda sync: {
                table: {
                    column["name"]: (column["type"].compile(sync.dialect), column["nullable"])
                    for column in inspect(sync).get_columns(table)
                }
                for table in inspect(sync).get_table_names()
            }
        )
        dialect = connection.dialect
    for table in metadata.sorted_tables:
        declared = {column.name: column for column in table.columns}
        assert set(found[table.name]) == set(declared), table.name
        for name, column in declared.items():
            expected = column.type.compile(dialect).partition(" COLLATE")[0]
            assert found[table.name][name][0].partition(" COLLATE")[0] == expected, (table.name, name)
            assert found[table.name][name][1] == column.nullable, (table.name, name)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is no URL"),
        ("", "is no URL"),
        ("mysql://db/frontline", "names mysql"),
        ("sqlite:///x.db", "names sqlite"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        parse_url(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_any_driver_of_postgresql_may_be_named(scheme: str) -> None:
    url = parse_url(f"{scheme}://user:p%40ss@db:5433/frontline?application_name=x")
    assert url.drivername == "postgresql+asyncpg"
    assert (url.username, url.password, url.host, url.port, url.database) == ("user", "p@ss", "db", 5433, "frontline")
    assert "p@ss" not in str(url)


@pytest.mark.parametrize("mode", ["disable", "prefer"])
async def test_what_a_url_says_of_tls_is_understood_by_readers_and_writers(database_url: str, mode: str) -> None:
    database = Database(f"{database_url}&sslmode={mode}")
    await schema.check(database)
    writer = await database.connect_writer()
    assert await writer.fetchval("SELECT 1") == 1
    await writer.close()
    await database.close()


async def test_who_waits_for_a_migration_goes_on_once_another_has_done_it(empty: Database) -> None:
    url = empty.url.render_as_string(hide_password=False)
    waiting = asyncio.create_task(wait_until_current(url))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await schema.migrate(empty)
    await asyncio.wait_for(waiting, 30)
