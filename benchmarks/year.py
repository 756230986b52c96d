"""A year up to today for a thousand sites: what answers take, by what is asked for."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.figures import Row
from benchmarks.load import Connection, post_all
from benchmarks.process import Running, postgres, service

SITES = 1000
DAYS = 365
REQUESTS = 7
_CONNECTIONS = 4
_POST_EVENTS = 1000
_QUEUES = (("tills", "pos"), ("billing", "phone"))
QUERIES = {
    "service level, all sites": "/v1/kpis?kpi=service_level&threshold=20",
    "service level by site": "/v1/kpis?kpi=service_level&threshold=20&group_by=site",
    "objective by site": "/v1/kpis?kpi=service_level&objective=phone-80-in-20&group_by=site",
    "offered by site": "/v1/kpis?kpi=offered&group_by=site",
    "mean wait, all sites": "/v1/kpis?kpi=average_wait",
    "wait_p90, all sites": "/v1/kpis?kpi=wait_p90",
    "longest wait, all sites": "/v1/kpis?kpi=max_wait",
}


OF_NOW = {"how all objectives stand": "/v1/objectives", "a scrape": "/metrics/kpi"}


def run() -> list[Row]:
    """Rows of the table."""
    with postgres() as url, service(url) as running:
        return asyncio.run(_measure(running))


async def _measure(to: Running) -> list[Row]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS)
    load = await post_all(to, _posts(first), _CONNECTIONS)
    rows = [Row("visits stored", f"{load.events:,} of {SITES:,} sites and {DAYS} days, at {load.rate:,.0f} a second")]
    async with Connection(to) as connection:
        for what, path in QUERIES.items():
            year = f"step=1d&from={first:%Y-%m-%dT00:00:00Z}&to={today:%Y-%m-%dT00:00:00Z}"
            answer, took = await _timed(connection, f"{path}&{year}")
            points = sum(len(result["points"]) for result in json.loads(answer)["results"])
            rows.append(Row(what, f"{points:,} points, {len(answer) / 1e6:.1f} MB: {took}"))
        for what, path in OF_NOW.items():
            answer, took = await _timed(connection, path)
            rows.append(Row(what, f"{len(answer) / 1e6:.1f} MB: {took}"))
    return rows


async def _timed(connection: Connection, path: str) -> tuple[bytes, str]:
    """The answer, and what it took."""
    seconds = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        answer = await connection.get(path)
        seconds.append(time.perf_counter() - began)
    return answer, f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s"


def _posts(first: datetime) -> Iterator[tuple[bytes, int]]:
    """A visit a day, site and queue, told in one event each; waits from 0 to 59 s, some of them given up."""
    events: list[bytes] = []
    for day in range(DAYS):
        for site in range(SITES):
            for queue, channel in _QUEUES:
                number = (day * SITES + site) * len(_QUEUES) + len(queue)
                wait = number * 7919 % 60
                events.append(_event(number, first + timedelta(days=day), f"site-{site:04}", queue, channel, wait))
                if len(events) == _POST_EVENTS:
                    yield b"\n".join(events), len(events)
                    events = []
    if events:
        yield b"\n".join(events), len(events)


def _event(number: int, day: datetime, site: str, queue: str, channel: str, wait: int) -> bytes:
    at = day + timedelta(hours=9, seconds=number % 36_000)
    outcome = "abandoned" if number % 10 == 0 else "answered"
    return (
        f'{{"id":"{number}-{queue}","source":"year","type":"interaction.recorded","time":"{at:%Y-%m-%dT%H:%M:%SZ}",'
        f'"subject":"{number}-{queue}","data":{{"site":"{site}","queue":"{queue}","channel":"{channel}",'
        f'"wait_seconds":{wait},"outcome":"{outcome}"}}}}'
    ).encode()
