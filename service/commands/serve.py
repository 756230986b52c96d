"""`frontline serve`: the service."""

import asyncio
import logging
import os
import resource
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

import click
import uvicorn
from uvicorn.supervisors import Multiprocess

from service import logs
from service.app import create_app
from service.commands.database import database_url
from service.commands.migrate import bring_up_to_date, check
from service.connections import Bounds, Connection
from service.core.objective import Promise
from service.files import promises_in, shipped_objectives
from service.settings import Settings
from service.store.clock import system_clock_us
from service.store.database import Database
from service.store.policies import Policies
from service.telemetry import MULTIPROCESS_VARIABLE

_EXAMPLES = """\b
Examples:
  frontline serve
  frontline serve --port 8080
  FRONTLINE_DATABASE_URL=postgresql://frontline@db/frontline frontline serve --host 0.0.0.0 --workers 2
"""
_log = logging.getLogger(__name__)
_ADMIN_KEY_FILE = "admin-key"
_ENCRYPTION_KEY_FILE = "encryption-key"
_KEEP_ALIVE_SECONDS = 65
_OTHER_FILES = 200  # PostgreSQL's, those of metrics, and the hundred connections in reserve


@click.command("serve", epilog=_EXAMPLES)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def command(host: str, port: int, workers: int) -> None:
    """Serve the API.

    Without FRONTLINE_DATABASE_URL a PostgreSQL is started under FRONTLINE_DATA_DIR (.frontline) and migrated. A
    server's database must have been migrated with `frontline migrate`.
    """
    settings = Settings.read()
    logs.configure(settings.log_level)
    for variable in settings.guessable:
        _log.warning("%s is short enough to be guessed; make one at random, as `openssl rand -hex 24` does", variable)
    # What is wrong with the file is told in a line, before anything is started.
    promises = promises_in(settings.objectives or shipped_objectives())
    settings = replace(settings, read_key_required=settings.reading_needs_key)
    with database_url(settings, keep_running=True) as url:
        if settings.database_url is None:
            asyncio.run(bring_up_to_date(url))
            encryption_key = settings.encryption_key or _encryption_key(settings)
            admin_key = settings.admin_key or _admin_key(settings)
            settings = replace(settings, admin_key=admin_key, encryption_key=encryption_key)
        asyncio.run(check(url, settings.pseudonym_key))
        asyncio.run(_publish(url, promises))
        bounds = Bounds(settings.client_seconds, _KEEP_ALIVE_SECONDS, settings.max_connections, settings.metrics_port)
        _allow_files(settings.max_connections)
        config = uvicorn.Config(
            create_app(settings, url) if workers == 1 else "service.app:from_environment",
            factory=workers > 1,
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            access_log=False,
            http=partial(Connection, bounds=bounds),  # type: ignore[arg-type]  # it is called, and nothing else
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=settings.drain_seconds,
            server_header=False,
            proxy_headers=False,
        )
        if workers == 1:
            _serve_one(config, settings)
        else:
            _serve_many(config, settings, url)


def _allow_files(connections: int) -> None:
    """Let a process have so many connections open; where it may not, a new one waits in the kernel."""
    least = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < least:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(least, hard), hard))
        if hard < least:
            _log.warning("a process may open %d files, too few for FRONTLINE_MAX_CONNECTIONS=%d", hard, connections)


async def _publish(url: str, promises: Sequence[Promise]) -> None:
    """Put the objectives of the file in force."""
    database = Database(url)
    try:
        policies = Policies(database)
        if await policies.publish(promises, system_clock_us()) and await policies.rebuild_wanted():
            _log.warning("objectives have changed for the past too; `frontline rebuild` measures it by them")
    finally:
        await database.close()


def _admin_key(settings: Settings) -> str:
    """The admin key that the data folder keeps, made and printed when there is none."""
    path = settings.data_dir / _ADMIN_KEY_FILE
    if path.exists():
        return path.read_text().strip()
    key = f"fl_admin_{secrets.token_urlsafe(32)}"
    _keep(path, key)
    sys.stdout.write(f"Your admin key, shown this once and kept in {path}:\n\n    {key}\n\n")
    sys.stdout.flush()
    return key


def _encryption_key(settings: Settings) -> str:
    """The encryption key that the data folder keeps, made when there is none."""
    path = settings.data_dir / _ENCRYPTION_KEY_FILE
    if not path.exists():
        _keep(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


def _keep(path: Path, secret: str) -> None:
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")


class _Server(uvicorn.Server):
    """A server that stops to be ready some time before it closes its door, if asked to."""

    delay_seconds = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take note of a signal: become unready at once, and close the door after the delay."""
        parts = getattr(getattr(self.config.app, "state", None), "services", None)
        if parts is None or self.delay_seconds == 0 or not parts.ready:
            super().handle_exit(sig, frame)
            return
        parts.ready = False
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self.delay_seconds, super().handle_exit, sig, frame)


def _serve_one(config: uvicorn.Config, settings: Settings) -> None:
    # The server raises a signal again once it is down; the database has to be closed after that.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = _Server(config)
    server.delay_seconds = settings.shutdown_delay_seconds
    server.run(_listeners(config, settings) if settings.metrics_port else None)
    if not server.started:
        raise click.ClickException("the service did not start")


def _listeners(config: uvicorn.Config, settings: Settings) -> list[socket.socket]:
    """The sockets to listen on: that of the API, and that of metrics where it is asked for."""
    listeners = [config.bind_socket()]
    if settings.metrics_port:
        beside = uvicorn.Config(config.app, host=config.host, port=settings.metrics_port, log_config=None)
        listeners.append(beside.bind_socket())
    return listeners


def _serve_many(config: uvicorn.Config, settings: Settings, url: str) -> None:
    os.environ["FRONTLINE_DATABASE_URL"] = url
    os.environ["FRONTLINE_READ_KEY_REQUIRED"] = str(settings.read_key_required)
    if settings.admin_key:
        os.environ["FRONTLINE_ADMIN_KEY"] = settings.admin_key
    if settings.encryption_key:
        os.environ["FRONTLINE_ENCRYPTION_KEY"] = settings.encryption_key
    folder = tempfile.mkdtemp(prefix="frontline-metrics-")
    os.environ[MULTIPROCESS_VARIABLE] = folder
    try:
        Multiprocess(config, sockets=_listeners(config, settings)).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
