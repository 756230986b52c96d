"""A PostgreSQL to be harmed, apart from that of the other tests, and the harness on it."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from service.store.embedded import EmbeddedPostgres
from tests.faults.harness import Harness
from tests.faults.proxy import Proxy
from tests.faults.server import Server

CYCLES = "FRONTLINE_FAULT_CYCLES"


class MakeHarness(Protocol):
    """Starts so many replicas on a database of their own, of the server that all share or of another."""

    async def __call__(
        self, replicas: int, *arguments: str, server: Server | None = None, **settings: str
    ) -> Harness: ...


@pytest.fixture(scope="session")
def cycles() -> int:
    """How often each fault happens: once in the short form, as often as FRONTLINE_FAULT_CYCLES says in the long one."""
    return int(os.environ.get(CYCLES, "1"))


@pytest.fixture
def frail_folder() -> Iterator[Path]:
    """A folder for a PostgreSQL of the test's own."""
    with tempfile.TemporaryDirectory(prefix="frontline-faults-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def frail() -> Iterator[Server]:
    """A PostgreSQL that is started again where it is killed, as it would be by systemd."""
    with (
        tempfile.TemporaryDirectory(prefix="frontline-faults-", ignore_cleanup_errors=True) as folder,
        EmbeddedPostgres(Path(folder)) as embedded,
    ):
        embedded.keep_running()
        yield Server.at(Path(folder))


@pytest.fixture
async def make_harness(frail: Server, tmp_path: Path) -> AsyncIterator[MakeHarness]:
    """Makes harnesses, whose processes end with the test."""
    async with AsyncExitStack() as ends:

        async def make(replicas: int, *arguments: str, server: Server | None = None, **settings: str) -> Harness:
            harmed = server or frail
            database = await harmed.new_database()
            proxy = Proxy(str(harmed.sockets / ".s.PGSQL.5432"))
            await proxy.start()
            ends.push_async_callback(proxy.stop)
            harness = Harness(tmp_path, harmed, database, proxy, replicas, arguments, settings)
            ends.push_async_callback(harness.stop)
            await harness.start()
            return harness

        yield make
