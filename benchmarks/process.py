"""The service as a process of its own, on an embedded PostgreSQL in a folder that is removed at the end."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from service.store import schema
from service.store.database import Database
from service.store.embedded import EmbeddedPostgres

_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A running service: where it listens, its process, its database, and the keys to post and to read."""

    host: str
    port: int
    process: int
    database_url: str
    key: str
    read_key: str = ""
    admin_key: str = ""

    def resident_mib(self) -> float:
        """Its resident memory, in MiB."""
        for line in Path(f"/proc/{self.process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the process has ended")


def installed(program: str, package: str) -> str:
    """The path of a program that Debian's package brings. Raises RuntimeError where it is not installed."""
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not installed; `apt-get install {package}` brings it")
    return path


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres() -> Iterator[str]:
    """A migrated embedded PostgreSQL, removed at the end; its URL."""
    with (
        tempfile.TemporaryDirectory(prefix="frontline-bench-", ignore_cleanup_errors=True) as folder,
        EmbeddedPostgres(Path(folder)) as embedded,
    ):
        asyncio.run(_migrate(embedded.url))
        yield embedded.url


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await schema.migrate(database)
    finally:
        await database.close()


def processor_seconds(process: int, *, children: bool = False) -> float:
    """What a process has taken of the processors so far; with its children, those that have ended too."""
    found = psutil.Process(process)
    if not children:
        return float(sum(found.cpu_times()[:2]))
    return float(sum(sum(one.cpu_times()[:4]) for one in (found, *found.children())))


async def postgres_process(url: str) -> int:
    """The process of a PostgreSQL server on this machine that started all its others."""
    connection = await asyncpg.connect(url)
    try:
        return int(psutil.Process(await connection.fetchval("SELECT pg_backend_pid()")).ppid())
    finally:
        await connection.close()


@contextmanager
def command(arguments: Sequence[str], port: int, path: str, **settings: str) -> Iterator[int]:
    """A server process until the context ends, once it answers on a path; its process id."""
    process = subprocess.Popen(
        arguments, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(port, path, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(port: int, path: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the server ended at its start")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server is not ready")


@contextmanager
def service(database_url: str, arguments: Sequence[str] = (), **settings: str) -> Iterator[Running]:
    """The service on a database, with a source registered; `arguments` start it, else `frontline serve` does."""
    port = free_port()
    admin_key, read_key = secrets.token_hex(16), secrets.token_hex(16)
    start = list(arguments) or [sys.executable, "-m", "service", "serve", "--port", "{port}"]
    start = [part.format(port=port) for part in start]
    settings = {
        "FRONTLINE_DATABASE_URL": database_url,
        "FRONTLINE_ADMIN_KEY": admin_key,
        "FRONTLINE_READ_KEY": read_key,
        "FRONTLINE_LOG_LEVEL": "WARNING",
        **settings,
    }
    with command(start, port, "/readyz", **settings) as process:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/admin/sources",
            data=json.dumps({"name": f"bench-{port}", "sites": ["*"]}).encode(),
            headers={"Authorization": f"Bearer {admin_key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            key = json.load(answer)["key"]
        yield Running("127.0.0.1", port, process, database_url, key, read_key, admin_key)
