"""Faults under load: whatever is killed, stopped or cut, what was acknowledged is there, and counted once."""

import asyncio
import contextlib
import re
import signal
from functools import partial

import httpx
import psutil
import pytest

from tests.end_to_end.conftest import ServiceProcess
from tests.faults.conftest import MakeHarness
from tests.faults.harness import POSTERS, Fault, Harness
from tests.faults.proxy import Cut

_PATIENCE_SECONDS = 60
_CUTS = 2
_HOLDS = re.compile("^frontline_timer_holder 1.0$", re.MULTILINE)
_MEASURED = re.compile("^frontline_timer_measured_total [1-9]", re.MULTILINE)


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
    async with asyncio.timeout(_PATIENCE_SECONDS):
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
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while harness.proxy.commits_left:
                await asyncio.sleep(0.01)
    async with asyncio.timeout(_PATIENCE_SECONDS):
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
    holder = await replica_that_tells(harness.replicas, _HOLDS)
    others = [replica for replica in harness.replicas if replica is not holder]
    await posts_in_flight(harness)
    await asyncio.to_thread(holder.kill)
    await replica_that_tells(others, _HOLDS)
    await replica_that_tells(others, _MEASURED)
    await asyncio.to_thread(holder.start)


async def replica_that_tells(replicas: list[ServiceProcess], what: re.Pattern[str]) -> ServiceProcess:
    """The replica that has this on its page of metrics, once one of these has."""
    async with asyncio.timeout(_PATIENCE_SECONDS), httpx.AsyncClient(timeout=30) as client:
        while True:
            for replica in replicas:
                if what.search((await client.get(f"{replica.url}/metrics", headers=replica.reading)).text):
                    return replica
            await asyncio.sleep(0.05)


async def posts_in_flight(harness: Harness) -> None:
    """Return at a moment at which most clients wait for an answer."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while harness.record.in_flight <= POSTERS // 2:
            await asyncio.sleep(0)


async def refused(harness: Harness) -> None:
    """Return once a post has been answered with 503."""
    before = harness.record.answers["503"]
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while harness.record.answers["503"] == before:
            await asyncio.sleep(0.01)


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
        await replica_that_tells(harness.replicas, _HOLDS)
        await harness.survive(kill_holder_of_the_timer)


async def test_nothing_is_lost_where_postgresql_stops_for_long(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(2)
    await harness.survive(partial(freeze_postgresql, seconds=60 if cycles > 1 else 5))
