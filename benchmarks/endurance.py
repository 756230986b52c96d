"""Memory of the service under steady load, for an hour: whether it stays where it is."""

import asyncio
import itertools
import logging
import os
import statistics
import time

from benchmarks.batches import CONNECTIONS
from benchmarks.figures import Row, figure, measured
from benchmarks.freshness import endless
from benchmarks.load import Load, post_all
from benchmarks.process import Running, postgres, service

SECONDS = 3600
EVENTS_A_SECOND = 2000
SAMPLE_SECONDS = 5
_REPORT_SAMPLES = 60
_log = logging.getLogger(__name__)


def run() -> list[Row]:
    """Load of a fixed rate for SECONDS, or as many as BENCH_SECONDS says, and a look at the memory all the while."""
    seconds = int(os.environ.get("BENCH_SECONDS", SECONDS))
    with postgres() as url, service(url) as running:
        load, memory = asyncio.run(_measure(running, seconds))
    quarter = len(memory) // 4
    first, last = statistics.median(memory[:quarter]), statistics.median(memory[-quarter:])
    ratio = last / first
    return [
        Row("load", f"{load.events:,} events in {load.seconds:,.0f} s, {load.refused} posts refused"),
        Row("99th percentile of a post of 500, ms", f"{load.quantile(0.99) * 1000:.0f}"),
        Row("resident memory, median of the first quarter, MiB", f"{first:.1f}"),
        Row("resident memory, median of the last quarter, MiB", f"{last:.1f}"),
        measured("ratio of the last quarter to the first", "memory", ratio, figure(ratio)),
        Row("most resident memory, MiB", f"{max(memory):.1f}"),
    ]


async def _measure(running: Running, seconds: int) -> tuple[Load, list[float]]:
    until = time.perf_counter() + seconds
    bodies = itertools.takewhile(lambda _: time.perf_counter() < until, endless())
    load = asyncio.create_task(post_all(running, bodies, CONNECTIONS, EVENTS_A_SECOND))
    memory: list[float] = []
    while not load.done():
        memory.append(running.resident_mib())
        if len(memory) % _REPORT_SAMPLES == 0:
            _log.info("%d s, %.1f MiB", len(memory) * SAMPLE_SECONDS, memory[-1])
        await asyncio.wait([load], timeout=SAMPLE_SECONDS)
    return load.result(), memory
