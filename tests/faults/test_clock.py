"""A clock is set an hour ahead and an hour back under load: that of the service, and that of PostgreSQL."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.faults.apart import postgres_apart
from tests.faults.clock import Clock
from tests.faults.conftest import MakeHarness
from tests.faults.harness import Harness
from tests.faults.moments import PATIENCE_SECONDS, acknowledged
from tests.faults.server import Server

_HOUR_SECONDS = 3600
_FAR = timedelta(minutes=30)
_EVENTS = 300
_REJECTIONS = 20
_CLOCK_HERE = re.compile("clock here, ([^;]+);")


@pytest.fixture
def clock_of_postgresql(frail_folder: Path) -> Clock:
    return Clock(frail_folder / "clock")


@pytest.fixture
def server(frail_folder: Path, clock_of_postgresql: Clock) -> Iterator[Server]:
    """A PostgreSQL with a clock of its own."""
    with postgres_apart(frail_folder, environment=clock_of_postgresql.environment) as (server, _):
        yield server


async def step_clock_of_service(harness: Harness, clock: Clock) -> None:
    harness.record.clocks_differ = True
    clock.step(_HOUR_SECONDS)
    await acknowledged(harness, _EVENTS)
    taken_back = taken_back_breaches(harness)
    async with asyncio.timeout(PATIENCE_SECONDS):
        # By this clock whoever waits is past every deadline, until his answer comes.
        while taken_back_breaches(harness) == taken_back:
            await asyncio.sleep(0.05)
    clock.step(-_HOUR_SECONDS)
    enough = len(harness.record.rejections) + _REJECTIONS
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(harness.record.rejections) < enough:
            await asyncio.sleep(0.01)
    told = _CLOCK_HERE.search(harness.record.rejections[-1].detail)
    assert told is not None
    assert datetime.now(UTC) - datetime.fromisoformat(told[1]) > _FAR
    clock.step(0)
    await acknowledged(harness, _EVENTS)


def taken_back_breaches(harness: Harness) -> float:
    return harness.scraper.total("frontline_corrections_total", measure="slo_breaches", direction="down")


async def step_clock_of_postgresql(harness: Harness, clock: Clock) -> None:
    for ahead in (_HOUR_SECONDS, -_HOUR_SECONDS):
        clock.step(ahead)
        assert abs(await harness.server.fetch("SELECT clock_timestamp()") - datetime.now(UTC)) > _FAR
        await acknowledged(harness, _EVENTS)
    clock.step(0)
    await acknowledged(harness, _EVENTS)


async def step_clocks(harness: Harness, service: Clock, postgresql: Clock) -> None:
    rejected = len(harness.record.rejections)
    await step_clock_of_postgresql(harness, postgresql)
    assert len(harness.record.rejections) == rejected, "events are judged by the clock of PostgreSQL"
    await step_clock_of_service(harness, service)


async def test_nothing_is_lost_where_clocks_are_set(
    make_harness: MakeHarness, cycles: int, tmp_path: Path, server: Server, clock_of_postgresql: Clock
) -> None:
    clock_of_service = Clock(tmp_path / "clock")
    harness = await make_harness(1, server=server, **clock_of_service.environment)
    for _ in range(cycles):
        await harness.survive(partial(step_clocks, service=clock_of_service, postgresql=clock_of_postgresql))
    assert harness.record.answers["422"], "no event was rejected for its time"
    (service,) = harness.replicas
    assert await asyncio.to_thread(service.stop) == 0  # a killed one would leave its clock's memory behind
