"""Disks that get full: a small filesystem with an embedded PostgreSQL on it, and a full device in place of its log.

Only a filesystem without room is a full disk to PostgreSQL in every respect: its log cannot grow, nor its tables, nor
what it notes of itself. One is made in namespaces of users and mounts, which takes no privilege where the kernel allows
them; the process in them is not root, whoever started it, as PostgreSQL wants it. A container often does not allow
them. What can be had everywhere is the kernel's own full device: in place of the files of PostgreSQL's log that are to
come it fails each write with the same error.
"""

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.faults.apart import postgres_apart
from tests.faults.server import Server

_SIZE = "256m"
_NOBODY = "65534"
_APART = (
    *("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"),
    *("--keep-caps", "--mount", "--propagation", "private"),
)
_CHUNK = bytes(1 << 20)
_FULL = Path("/dev/full")
_CURRENT = "SELECT pg_walfile_name(pg_current_wal_lsn())"
_FILES_TO_COME = 64
_FILES_OF_A_SERIES = 0x100  # of 16 MiB each


class Disk(Protocol):
    """Where a PostgreSQL keeps its data."""

    server: Server
    has_tables: bool
    """Whether there is no room for tables either, where there is none for the log."""

    async def fill(self) -> None:
        """Leave no room."""

    def free(self) -> None:
        """Make room again."""


def can_be_small() -> bool:
    """Whether this machine lets us make a filesystem."""
    try:
        made = subprocess.run([*_APART, "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return made.returncode == 0


class SmallDisk:
    """A small filesystem, which a file fills to the last byte."""

    has_tables = True

    def __init__(self, server: Server, place: Path) -> None:
        self.server = server
        self._ballast = place / "ballast"

    async def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(_CHUNK):
                pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A PostgreSQL on a small filesystem at `folder`, which no other process sees there."""
    with postgres_apart(folder, under=_APART, size=_SIZE) as (server, place):
        yield SmallDisk(server, place)


class FullDevice:
    """A log of which the files to come are the kernel's full device."""

    has_tables = False

    def __init__(self, server: Server) -> None:
        self.server = server
        self._log = server.data / "pg_wal"

    async def fill(self) -> None:
        for name in _after(await self.server.fetch(_CURRENT)):
            ahead = self._log / f"{name}.full"
            ahead.symlink_to(_FULL)
            ahead.replace(self._log / name)

    def free(self) -> None:
        for path in self._log.iterdir():
            if path.is_symlink():
                path.unlink()


def _after(name: str) -> Iterator[str]:
    """The names of the files of a log that come after one."""
    timeline, number = name[:8], int(name[8:16], 16) * _FILES_OF_A_SERIES + int(name[16:], 16)
    for coming in range(number + 1, number + 1 + _FILES_TO_COME):
        yield f"{timeline}{coming // _FILES_OF_A_SERIES:08X}{coming % _FILES_OF_A_SERIES:08X}"
