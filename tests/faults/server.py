"""A PostgreSQL to be harmed: where it is, and its processes."""

import signal
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from service.store import schema
from service.store.database import Database

_TEMPLATE = "frail_template"
_LINE_OF_SOCKETS = 4  # of the file postmaster.pid


@dataclass(frozen=True)
class Server:
    """An embedded PostgreSQL that is started again where it ends, as it would be by systemd."""

    data: Path
    """Its data folder, by a path that leads there from here."""
    sockets: Path
    """The folder of its socket, likewise."""

    @classmethod
    def at(cls, folder: Path, root: Path = Path("/")) -> "Server":
        """The server that runs in a folder of Frontline's data, of a process that sees all paths under `root`."""
        data = root / (folder / "postgresql").relative_to("/")
        sockets = (data / "postmaster.pid").read_text().splitlines()[_LINE_OF_SOCKETS]
        return cls(data, root / Path(sockets).relative_to("/"))

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:@/{database}?host={self.sockets}"

    @property
    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))

    def runs_anew(self, before: psutil.Process) -> bool:
        """Whether another server has taken the place of one that ended."""
        try:
            return bool(self.postmaster.pid != before.pid)
        except (FileNotFoundError, IndexError, psutil.NoSuchProcess):
            return False

    def freeze(self) -> list[psutil.Process]:
        """Stop it with all its connections, which stay open; those stopped, to be woken."""
        postmaster = self.postmaster
        postmaster.send_signal(signal.SIGSTOP)  # first, so that no more processes come
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        return processes

    async def fetch(self, query: str) -> Any:
        """The one value that a query answers."""
        connection = await asyncpg.connect(self.url())
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.url())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def new_database(self) -> str:
        """The name of a migrated, empty database, one more."""
        connection = await asyncpg.connect(self.url())
        try:
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", _TEMPLATE):
                await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
                await self._migrate(_TEMPLATE)
            name = f"test_{uuid.uuid4().hex[:12]}"
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        finally:
            await connection.close()
        return name

    async def _migrate(self, name: str) -> None:
        database = Database(self.url(name))
        try:
            await schema.migrate(database)
        finally:
            await database.close()
