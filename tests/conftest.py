"""A real PostgreSQL for every test that needs one: a clone of a migrated template database each."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from service.store import schema
from service.store.database import Database
from service.store.embedded import EmbeddedPostgres
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry

# A busy machine is no reason to fail: neither an example nor making one has a time that it may take.
settings.register_profile("frontline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("frontline")

TEMPLATE = "frontline_template"
DATA = Path(__file__).parent / "data"


def at_database(url: str, name: str) -> str:
    """The same server's URL, leading to another database."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


async def _administer(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await schema.migrate(database)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server: the one of FRONTLINE_TEST_DATABASE_URL, else an embedded one for this session."""
    given = os.environ.get("FRONTLINE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="frontline-test-", ignore_cleanup_errors=True) as folder,
        EmbeddedPostgres(Path(folder)) as embedded,
    ):
        yield embedded.url


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """The name of a migrated, empty database."""
    asyncio.run(_administer(postgres_url, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(_migrate(at_database(postgres_url, TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A migrated database of the test module's own, which those that use it empty before."""
    name = f"module_{uuid.uuid4().hex[:12]}"
    asyncio.run(_administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield at_database(postgres_url, name)
    asyncio.run(_administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database_url(postgres_url: str, template: str) -> AsyncIterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    await _administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield at_database(postgres_url, name)
    await _administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's database, opened."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def registry(database: Database) -> Registry:
    """The test's registry, with room for ten sites."""
    return Registry(database, max_sites=10, max_queues_per_site=10)


@pytest.fixture
async def ledger(database: Database, registry: Registry) -> AsyncIterator[Ledger]:
    """One writer on the test's database."""
    opened = Ledger(database, registry, Partitions(database), Policies(database), number=0, live_horizon_seconds=3600)
    yield opened
    await opened.close()
