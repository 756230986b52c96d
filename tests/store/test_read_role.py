"""Who may read the views for reports sees nothing else, and keeps that over later versions of the schema."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic.config import Config
from click.testing import CliRunner

from service.cli import main
from service.core.errors import ConfigurationError
from service.store import reports, schema
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.registry import Registry
from service.store.report_views import VIEWS
from tests.store.reported import happen
from tests.store.stored import fetch, scalar

Connection = asyncpg.Connection
PLACES = sorted(f"report.{view.name}" for view in VIEWS)
STALE = "COMMENT ON SCHEMA report IS 'of another version'"


async def change(database: Database, *statements: str) -> None:
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


@pytest.fixture
async def role(database: Database) -> AsyncIterator[str]:
    """A role that may log in and has no rights; its name needs quoting."""
    name = f"Reader {uuid.uuid4().hex[:12]}"
    await change(database, f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'of the reader'")
    yield name
    await change(database, f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')


@pytest.fixture
async def reader(database: Database, database_url: str, role: str) -> AsyncIterator[Connection]:
    """A connection of the role, after it was let read."""
    await reports.let_read(database, role)
    connection = await asyncpg.connect(database_url, user=role, password="of the reader")
    yield connection
    await connection.close()


async def readable(reader: Connection) -> list[str]:
    """Every table, partition, view and sequence of the database that the role gets an answer from."""
    found = await reader.fetch(
        "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
        " AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1"
    )
    seen = []
    assert len(found) > len(PLACES) + 20
    for (name,) in found:
        try:
            await reader.fetch(f"SELECT * FROM {name} LIMIT 1")
        except asyncpg.InsufficientPrivilegeError:
            continue
        seen.append(name)
    return seen


async def test_the_role_reads_the_views_and_nothing_else(
    database: Database, registry: Registry, ledger: Ledger, reader: Connection
) -> None:
    await happen(database, registry, ledger)
    assert await readable(reader) == PLACES
    for place in PLACES:
        assert await reader.fetch(f"SELECT * FROM {place} LIMIT 1"), place


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE report.sites SET time_zone = 'UTC'",
        "DELETE FROM report.sites",
        "INSERT INTO report.sites (site) VALUES ('x')",
        "CREATE TABLE report.mine (x int)",
        "CREATE VIEW report.mine AS SELECT 1",
        "CREATE TABLE public.mine (x int)",
        "COPY sites TO '/dev/null'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
async def test_the_role_changes_nothing(reader: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute(statement)


async def test_no_customer_and_no_agent_is_in_any_view(
    database: Database, registry: Registry, ledger: Ledger, reader: Connection
) -> None:
    await happen(database, registry, ledger)
    customers = {row[0] for row in await fetch(database, "SELECT customer FROM customers")}
    subjects = {row[0] for row in await fetch(database, "SELECT subject FROM interactions")}
    assert len(customers) > 300
    assert len(subjects) > 500
    shown = {str(value) for place in PLACES for row in await reader.fetch(f"SELECT * FROM {place}") for value in row}
    assert not shown & (customers | subjects)


async def test_letting_read_twice_changes_nothing(database: Database, role: str, reader: Connection) -> None:
    rights = (
        "SELECT nspacl::text, (SELECT string_agg(relacl::text, ',' ORDER BY relname) FROM pg_class"
        " WHERE relnamespace = n.oid AND relkind = 'v') FROM pg_namespace n WHERE nspname = 'report'"
    )
    before = await fetch(database, rights)
    await reports.let_read(database, role)
    assert await fetch(database, rights) == before
    assert role in before[0][0]


async def test_a_role_that_could_not_connect_may(database: Database, database_url: str, role: str) -> None:
    await change(database, f"REVOKE CONNECT ON DATABASE {database.url.database} FROM PUBLIC")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(database_url, user=role, password="of the reader")
    await reports.let_read(database, role)
    connection = await asyncpg.connect(database_url, user=role, password="of the reader")
    assert await connection.fetchval("SELECT count(*) FROM report.sites") == 0
    await connection.close()


async def test_a_role_that_is_not_there_is_told(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"no role nobody; .* CREATE ROLE nobody LOGIN"):
        await reports.let_read(database, "nobody")


@pytest.mark.parametrize(
    "right",
    [
        'GRANT SELECT ON keys TO "{}"',
        'GRANT SELECT (hash) ON keys TO "{}"',
        'GRANT DELETE ON keys TO "{}"',
        'GRANT pg_read_all_data TO "{}"',
        'ALTER ROLE "{}" SUPERUSER',
        'ALTER TABLE keys OWNER TO "{}"',
    ],
)
async def test_a_role_that_would_see_more_is_refused(database: Database, role: str, right: str) -> None:
    owner = await scalar(database, "SELECT current_user")
    await change(database, right.format(role))
    try:
        with pytest.raises(ConfigurationError, match=r"has rights on \d+ tables?, such as \w+"):
            await reports.let_read(database, role)
    finally:
        await change(database, f'ALTER TABLE keys OWNER TO "{owner}"')
    assert role not in str(await scalar(database, "SELECT nspacl::text FROM pg_namespace WHERE nspname = 'report'"))


async def test_views_of_this_version_stay_as_they_are(database: Database) -> None:
    numbers = "SELECT oid FROM pg_class WHERE relnamespace = 'report'::regnamespace ORDER BY 1"
    before = await fetch(database, numbers)
    assert len(before) == len(VIEWS)
    await schema.migrate(database)
    assert await fetch(database, numbers) == before


async def test_a_view_that_is_missing_is_made_again(database: Database, reader: Connection) -> None:
    await change(database, "DROP VIEW report.objective_months")
    await schema.migrate(database)
    assert await readable(reader) == PLACES


async def test_a_measure_that_is_new_finds_its_way_into_the_views(database: Database, reader: Connection) -> None:
    """A version that knew neither the measure nor the columns made of it."""
    await change(
        database,
        "DROP VIEW report.kpi_days",
        "ALTER TABLE rollups_daily DROP COLUMN escalated",
        "CREATE VIEW report.kpi_days AS SELECT 1 AS day",
        STALE,
    )
    with pytest.raises(ConfigurationError, match="run `frontline migrate`"):
        await schema.check(database)
    await schema.migrate(database)
    await schema.check(database)
    assert await reader.fetch("SELECT escalated, escalation_rate FROM report.kpi_days") == []


async def test_views_stand_in_no_migrations_way(
    database: Database, reader: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade(config: Config, _revision: str) -> None:
        connection = config.attributes["connection"]
        connection.exec_driver_sql("ALTER TABLE rollups_daily ALTER offered TYPE numeric")
        connection.exec_driver_sql("ALTER TABLE objective_rollups_daily RENAME TO before")
        connection.exec_driver_sql("CREATE TABLE objective_rollups_daily (LIKE before INCLUDING ALL)")
        connection.exec_driver_sql("DROP TABLE before")

    monkeypatch.setattr(schema.command, "upgrade", upgrade)
    await change(database, STALE)
    await schema.migrate(database)
    assert await readable(reader) == PLACES


async def test_what_others_made_of_the_views_is_named(database: Database) -> None:
    await change(database, "CREATE VIEW mine AS SELECT * FROM report.sites", STALE)
    with pytest.raises(ConfigurationError, match=r"view mine depends on view report\.sites; drop that, migrate"):
        await schema.migrate(database)
    await change(database, "DROP VIEW mine")
    await schema.migrate(database)


def test_the_command_lets_a_role_read(database_url: str, role: str) -> None:
    for _ in range(2):
        done = CliRunner().invoke(main, ["migrate", "--read-role", role], env={"FRONTLINE_DATABASE_URL": database_url})
        assert done.exit_code == 0, done.output
        assert f"{role} may read the views of the schema report" in done.output


def test_the_command_ends_with_a_line_where_there_is_no_such_role(database_url: str) -> None:
    done = CliRunner().invoke(main, ["migrate", "--read-role", "nobody"], env={"FRONTLINE_DATABASE_URL": database_url})
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith("Error: the database has no role nobody")
