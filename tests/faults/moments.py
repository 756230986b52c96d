"""Moments to wait for, in which a fault is worst or has been noticed."""

import asyncio
import re
from collections.abc import Sequence

import httpx

from tests.end_to_end.conftest import ServiceProcess
from tests.faults.harness import POSTERS, Harness

PATIENCE_SECONDS = 60
HOLDS = re.compile("^frontline_timer_holder 1.0$", re.MULTILINE)
"""What the page of metrics says where one process runs the timer."""
MEASURED = re.compile("^frontline_timer_measured_total [1-9]", re.MULTILINE)
"""What it says once the timer has had something to do."""


async def replica_that_tells(replicas: Sequence[ServiceProcess], what: re.Pattern[str]) -> ServiceProcess:
    """The replica that has this on its page of metrics, once one of these has."""
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(timeout=30) as client:
        while True:
            for replica in replicas:
                if what.search((await client.get(f"{replica.url}/metrics", headers=replica.reading)).text):
                    return replica
            await asyncio.sleep(0.05)


async def posts_in_flight(harness: Harness) -> None:
    """Return at a moment at which most clients wait for an answer."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while harness.record.in_flight <= POSTERS // 2:
            await asyncio.sleep(0)


async def refused(harness: Harness) -> None:
    """Return once a post has been answered with 503."""
    before = harness.record.answers["503"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while harness.record.answers["503"] == before:
            await _load(harness)


async def acknowledged(harness: Harness, events: int) -> None:
    """Return once so many more events have been acknowledged."""
    enough = len(harness.record.acknowledged) + events
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(harness.record.acknowledged) < enough:
            await _load(harness)


async def _load(harness: Harness) -> None:
    """Let the clients go on for a moment, unless one of them was told what he must not be."""
    assert not harness.record.complaints, harness.record.complaints
    await asyncio.sleep(0.01)
