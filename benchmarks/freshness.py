"""How long an event takes to `/metrics/kpi`, at half of the top rate, and whether memory stays where it is."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.batches import CONNECTIONS, post_month
from benchmarks.figures import Row
from benchmarks.load import Connection, post_all
from benchmarks.month import posts
from benchmarks.process import Running, postgres, service

SECONDS = 60
_PAUSE_SECONDS = 0.05
_COUNTER = b'frontline_queue_offered_total{channel="kiosk",queue="probe",site="probe"} '


def endless() -> Iterator[tuple[bytes, int]]:
    """The real month, again and again."""
    for number in itertools.count():
        yield from posts(f"load-{number}/")


async def _probe(number: int, connection: Connection) -> float:
    """Post one event and scrape until the page counts it; the seconds that this took."""
    event = (
        f'{{"id":"probe-{number}","source":"probe","type":"interaction.queued",'
        f'"time":"{datetime.now(UTC).isoformat()}","subject":"probe-{number}",'
        '"data":{"site":"probe","queue":"probe","channel":"kiosk"}}'
    )
    began = time.perf_counter()
    if await connection.post(event.encode()) != 202:
        raise RuntimeError("the probe was refused")
    while True:
        page = await connection.get("/metrics/kpi")
        found = page.partition(_COUNTER)[2].partition(b"\n")[0]
        if found and float(found) >= number:
            return time.perf_counter() - began


async def _measure(running: Running, rate: float) -> tuple[list[float], list[float], float]:
    delays: list[float] = []
    memory: list[float] = []
    until = time.perf_counter() + SECONDS
    bodies = itertools.takewhile(lambda _: time.perf_counter() < until, endless())
    load = asyncio.create_task(post_all(running, bodies, CONNECTIONS, rate))
    async with Connection(running) as connection:
        for number in itertools.count(1):
            if load.done():
                break
            delays.append(await _probe(number, connection))
            memory.append(running.resident_mib())
            await asyncio.sleep(_PAUSE_SECONDS)
    return delays, memory, (await load).rate


def run() -> list[Row]:
    """A minute of load at half of the top rate, with probes all the time."""
    with postgres() as url, service(url) as running:
        post_month(running, "warm-up/")
        top = post_month(running, "top/").rate
        delays, memory, rate = asyncio.run(_measure(running, top / 2))
    delays.sort()
    quarter = len(memory) // 4
    early, late = max(memory[quarter : 2 * quarter]), max(memory[-quarter:])
    return [
        Row("load while probing, events/s", f"{rate:,.0f}"),
        Row("probes: event posted to seen on /metrics/kpi", f"{len(delays)}"),
        Row("median, ms", f"{delays[len(delays) // 2] * 1000:.1f}"),
        Row("99th percentile, ms", f"{delays[int(len(delays) * 0.99)] * 1000:.1f}"),
        Row("largest, ms", f"{delays[-1] * 1000:.1f}"),
        Row(f"resident memory in the second quarter of {SECONDS} s, MiB", f"{early:.0f}"),
        Row("resident memory in the last quarter, MiB", f"{late:.0f}"),
    ]
