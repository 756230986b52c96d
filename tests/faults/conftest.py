"""A PostgreSQL to be harmed, apart from that of the other tests, and the harness on it."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from service.store import schema
from service.store.database import Database
from service.store.embedded import EmbeddedPostgres
from tests.conftest import at_database
from tests.faults.harness import Harness, Server
from tests.faults.proxy import Proxy

CYCLES = "FRONTLINE_FAULT_CYCLES"

MakeHarness = Callable[[int], Awaitable[Harness]]


@pytest.fixture(scope="session")
def cycles() -> int:
    """How often each fault happens: once in the short form, as often as FRONTLINE_FAULT_CYCLES says in the long one."""
    return int(os.environ.get(CYCLES, "1"))


@pytest.fixture(scope="session")
def frail_folder() -> Iterator[Path]:
    """Where the PostgreSQL that is harmed keeps its data."""
    with tempfile.TemporaryDirectory(prefix="frontline-faults-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def frail_url(frail_folder: Path) -> Iterator[str]:
    """A PostgreSQL that is started again where it is killed, as it would be by systemd."""
    with EmbeddedPostgres(frail_folder) as embedded:
        embedded.keep_running()
        yield embedded.url


@pytest.fixture(scope="session")
def frail_template(frail_url: str) -> str:
    """The name of a migrated, empty database of that PostgreSQL."""

    async def make(name: str) -> None:
        await _execute(frail_url, f"CREATE DATABASE {name}")
        database = Database(at_database(frail_url, name))
        try:
            await schema.migrate(database)
        finally:
            await database.close()

    asyncio.run(make("frail_template"))
    return "frail_template"


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def make_harness(
    frail_folder: Path, frail_url: str, frail_template: str, tmp_path: Path
) -> AsyncIterator[MakeHarness]:
    """Starts so many replicas on a database of their own; they end with the test."""
    server_socket = f"{make_url(frail_url).query['host']}/.s.PGSQL.5432"
    async with AsyncExitStack() as ends:

        async def make(replicas: int) -> Harness:
            name = f"test_{uuid.uuid4().hex[:12]}"
            await _execute(frail_url, f"CREATE DATABASE {name} TEMPLATE {frail_template}")
            proxy = Proxy(server_socket)
            await proxy.start()
            ends.push_async_callback(proxy.stop)
            server = Server(frail_folder / "postgresql")
            harness = Harness(tmp_path, at_database(frail_url, name), server, proxy, replicas)
            ends.push_async_callback(harness.stop)
            await harness.start()
            return harness

        yield make
