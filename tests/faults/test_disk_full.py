"""PostgreSQL's disk is full: posts are refused, it ends in a panic, and all heals once there is room again."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import MakeHarness
from tests.faults.disks import Disk, FullDevice, can_be_small, small_disk
from tests.faults.harness import Harness
from tests.faults.moments import PATIENCE_SECONDS, refused
from tests.faults.server import Server

_PANICS = 2
_NEXT_FILE = "SELECT pg_logical_emit_message(true, 'faults', repeat('x', 1000)), pg_switch_wal()"
_DISKS = ["device", "filesystem"] if can_be_small() else ["device"]


@pytest.fixture(params=_DISKS)
def disk(request: pytest.FixtureRequest, frail: Server, frail_folder: Path) -> Iterator[Disk]:
    """A disk to be filled: the kernel's full device, and a real filesystem where this machine lets us make one."""
    if request.param == "device":
        yield FullDevice(frail)
        return
    with small_disk(frail_folder) as small:
        yield small


async def fill_disk(harness: Harness, disk: Disk) -> None:
    await disk.fill()
    try:
        if disk.has_tables:
            await refused(harness)  # there is room in the log yet, and none in the tables
        for _ in range(_PANICS):
            await panic(harness)
            await refused(harness)
    finally:
        disk.free()


async def panic(harness: Harness) -> None:
    """Return once the server has no room to go on with its log, which ends all its connections."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await harness.server.execute(_NEXT_FILE)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return


async def test_nothing_is_lost_where_the_disk_is_full(make_harness: MakeHarness, cycles: int, disk: Disk) -> None:
    harness = await make_harness(1, server=disk.server)
    for _ in range(cycles):
        await harness.survive(partial(fill_disk, disk=disk))
