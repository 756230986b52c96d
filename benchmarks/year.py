"""A year by day for a thousand sites: what the answer takes, by what is asked for."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.load import Connection, post_all
from benchmarks.process import Running, postgres, service

SITES = 1000
DAYS = 365
REQUESTS = 7
_CONNECTIONS = 4
_POST_EVENTS = 1000
_FIRST = datetime(2025, 1, 1, 9, tzinfo=UTC)
_QUEUES = (("tills", "pos"), ("billing", "phone"))
_YEAR = "step=1d&from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"
QUERIES = {
    "service level, all sites": f"/v1/kpis?kpi=service_level&threshold=20&{_YEAR}",
    "service level by site": f"/v1/kpis?kpi=service_level&threshold=20&group_by=site&{_YEAR}",
    "objective by site": f"/v1/kpis?kpi=service_level&objective=phone-80-in-20&group_by=site&{_YEAR}",
    "offered by site": f"/v1/kpis?kpi=offered&group_by=site&{_YEAR}",
    "mean wait, all sites": f"/v1/kpis?kpi=average_wait&{_YEAR}",
    "wait_p90, all sites": f"/v1/kpis?kpi=wait_p90&{_YEAR}",
    "longest wait, all sites": f"/v1/kpis?kpi=max_wait&{_YEAR}",
}


def run() -> list[tuple[str, str]]:
    """Rows of the table."""
    with postgres() as url, service(url) as running:
        return asyncio.run(_measure(running))


async def _measure(to: Running) -> list[tuple[str, str]]:
    load = await post_all(to, _posts(), _CONNECTIONS)
    rows = [("visits stored", f"{load.events:,} of {SITES:,} sites and {DAYS} days, at {load.rate:,.0f} a second")]
    async with Connection(to) as connection:
        for what, path in QUERIES.items():
            seconds = []
            for _ in range(REQUESTS):
                began = time.perf_counter()
                answer = await connection.get(path)
                seconds.append(time.perf_counter() - began)
            points = sum(len(result["points"]) for result in json.loads(answer)["results"])
            took = f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s"
            rows.append((what, f"{points:,} points, {len(answer) / 1e6:.1f} MB: {took}"))
    return rows


def _posts() -> Iterator[tuple[bytes, int]]:
    """A visit a day, site and queue, told in one event each; waits from 0 to 59 s, some of them given up."""
    events: list[bytes] = []
    for day in range(DAYS):
        for site in range(SITES):
            for queue, channel in _QUEUES:
                number = (day * SITES + site) * len(_QUEUES) + len(queue)
                wait = number * 7919 % 60
                events.append(_event(number, day, f"site-{site:04}", queue, channel, wait))
                if len(events) == _POST_EVENTS:
                    yield b"\n".join(events), len(events)
                    events = []
    if events:
        yield b"\n".join(events), len(events)


def _event(number: int, day: int, site: str, queue: str, channel: str, wait: int) -> bytes:
    at = _FIRST + timedelta(days=day, seconds=number % 36_000)
    outcome = "abandoned" if number % 10 == 0 else "answered"
    return (
        f'{{"id":"{number}-{queue}","source":"year","type":"interaction.recorded","time":"{at:%Y-%m-%dT%H:%M:%SZ}",'
        f'"subject":"{number}-{queue}","data":{{"site":"{site}","queue":"{queue}","channel":"{channel}",'
        f'"wait_seconds":{wait},"outcome":"{outcome}"}}}}'
    ).encode()
