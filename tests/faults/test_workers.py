"""Faults of a service with several workers: a killed one is replaced, and none outlives the process that started it."""

import asyncio

import psutil

from tests.end_to_end.conftest import ServiceProcess
from tests.faults.conftest import MakeHarness
from tests.faults.harness import Harness
from tests.faults.moments import PATIENCE_SECONDS, acknowledged, posts_in_flight

_WORKERS = 2
_EVENTS_MEANWHILE = 300


def workers_of(service: ServiceProcess) -> list[psutil.Process]:
    assert service.process is not None
    children = psutil.Process(service.process.pid).children()
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]


async def kill_each_worker(harness: Harness) -> None:
    (service,) = harness.replicas
    for worker in workers_of(service):
        await posts_in_flight(harness)
        worker.kill()
        await acknowledged(harness, _EVENTS_MEANWHILE)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not replaced(service, worker):
                await asyncio.sleep(0.05)


def replaced(service: ServiceProcess, worker: psutil.Process) -> bool:
    try:
        found = workers_of(service)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return len(found) == _WORKERS and worker not in found


async def kill_parent(harness: Harness) -> None:
    (service,) = harness.replicas
    workers = workers_of(service)
    await posts_in_flight(harness)
    await asyncio.to_thread(service.kill)
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, PATIENCE_SECONDS)
    assert not alive, "a worker outlived its parent"
    await asyncio.to_thread(service.start)


async def test_nothing_is_lost_where_workers_are_killed(make_harness: MakeHarness, cycles: int) -> None:
    harness = await make_harness(1, "--workers", str(_WORKERS))
    for _ in range(cycles):
        await harness.survive(kill_each_worker)
        await harness.survive(kill_parent)
    assert harness.record.answers.keys() - {"202"}, "no client noticed"
