"""Faults under load: whatever is killed, stopped or cut, what was acknowledged is there, and counted once."""

import asyncio
import contextlib
import signal
from functools import partial

import psutil
import pytest

from tests.faults.conftest import MakeHarness
from tests.faults.harness import Fault, Harness
from tests.faults.moments import HOLDS, MEASURED, PATIENCE_SECONDS, posts_in_flight, refused, replica_that_tells
from tests.faults.proxy import Cut

_CUTS = 2


async def kill_service(harness: Harness) -> None:
    (service,) = harness.replicas
    await posts_in_flight(harness)
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)


async def kill_postgresql(harness: Harness) -> None:
    postmaster = harness.server.postmaster
    await posts_in_flight(harness)
    postmaster.kill()
    await refused(harness)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not harness.server.runs_anew(postmaster):
            await asyncio.sleep(0.05)


async def freeze_postgresql(harness: Harness, seconds: float = 1) -> None:
    await posts_in_flight(harness)
    frozen = harness.server.freeze()
    try:
        await refused(harness)
        await asyncio.sleep(seconds)
    finally:
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


async def cut_connections(harness: Harness) -> None:
    for when in Cut:
        harness.proxy.cut(when, _CUTS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while harness.proxy.commits_left:
                await asyncio.sleep(0.01)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(_CUTS):
            while not harness.proxy.cut_all():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)


async def restart_in_turn(harness: Harness) -> None:
    for replica in harness.replicas:
        await posts_in_flight(harness)
        assert await asyncio.to_thread(replica.stop) == 0, replica.log
        await asyncio.to_thread(replica.start)


async def kill_holder_of_the_timer(harness: Harness) -> None:
    holder = await replica_that_tells(harness.replicas, HOLDS)
    others = [replica for replica in harness.replicas if replica is not holder]
    await posts_in_flight(harness)
    await asyncio.to_thread(holder.kill)
    await replica_that_tells(others, HOLDS)
    await replica_that_tells(others, MEASURED)
    await asyncio.to_thread(holder.start)


@pytest.mark.parametrize("fault", [kill_service, kill_postgresql, freeze_postgresql, restart_in_turn])
async def test_nothing_is_lost(make_harness: MakeHarness, cycles: int, fault: Fault) -> None:
    harness = await make_harness(1)
    for _ in range(cycles):
        await harness.survive(fault)
    assert harness.record.answers.keys() - {"202"}, "no client noticed"


async def test_nothing_is_lost_where_connections_are_cut(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(1)
    for _ in range(cycles):
        await harness.survive(cut_connections)
    committed_unheard = len(harness.record.acknowledged) - harness.record.accepted
    assert committed_unheard > 0, "no commit was made of which its writer did not hear"


async def test_nothing_is_lost_while_replicas_come_and_go(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(2)
    for _ in range(cycles):
        await harness.survive(restart_in_turn)
        await replica_that_tells(harness.replicas, HOLDS)
        await harness.survive(kill_holder_of_the_timer)


async def test_nothing_is_lost_where_postgresql_stops_for_long(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(2)
    await harness.survive(partial(freeze_postgresql, seconds=60 if cycles > 1 else 5))
