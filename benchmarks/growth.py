"""What a query, a scrape and a post cost with ten million events stored, against a hundred thousand."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta

from benchmarks.load import Connection, post_all
from benchmarks.month import POST_EVENTS, lines
from benchmarks.process import Running, postgres, service

SMALL, LARGE = 1, 115
"""How many copies of the real month, of 87,382 events, are stored: each 35 days before the one told last."""
REQUESTS = 30
_CONNECTIONS = 4
_DAYS_APART = 35
_TIME = b'"time":"'
_MONTH = "from=1999-01-01T00:00:00%2B02:00&to=1999-02-01T00:00:00%2B02:00"
_DAY = "from=1999-01-20T00:00:00%2B02:00&to=1999-01-21T00:00:00%2B02:00"
QUERIES = {
    "a day by hour, service level": f"/v1/kpis?kpi=service_level&threshold=20&step=1h&{_DAY}",
    "a day by hour, quantiles and means": f"/v1/kpis?kpi=wait_p90,average_handle_time&step=1h&group_by=queue&{_DAY}",
    "a month by day, service level": f"/v1/kpis?kpi=service_level&threshold=20&step=1d&group_by=queue&{_MONTH}",
    "a month by day, any threshold": f"/v1/kpis?kpi=service_level&threshold=25.5&step=1d&{_MONTH}",
    "a month by day, objective": f"/v1/kpis?kpi=service_level&objective=phone-80-in-20&step=1d&{_MONTH}",
    "a month, repeats": f"/v1/kpis?kpi=repeat_contact_rate,repeat_contacts&group_by=queue&{_MONTH}",
    "who waits now": "/v1/live",
    "scrape of /metrics/kpi": "/metrics/kpi",
}


def run() -> list[tuple[str, str]]:
    """Rows of the table: each request's time on both, and the ratio."""
    with postgres() as small_url, postgres() as large_url, service(small_url) as small, service(large_url) as large:
        return asyncio.run(_measure(small, large))


async def _measure(small: Running, large: Running) -> list[tuple[str, str]]:
    stored = [await _fill(small, SMALL), await _fill(large, LARGE)]
    rows = [("events stored", f"{stored[0]:,} and {stored[1]:,}")]
    async with Connection(small) as to_small, Connection(large) as to_large:
        for what, path in QUERIES.items():
            rows.append(await _compare(what, lambda one, path=path: one.get(path), to_small, to_large))
        fresh = {to_small: _fresh("s"), to_large: _fresh("l")}
        rows.append(await _compare("a post of one event", lambda one: one.post(next(fresh[one])), to_small, to_large))
    return rows


async def _fill(to: Running, copies: int) -> int:
    stored = 0
    for copy in range(copies):
        days: dict[bytes, bytes] = {}
        events = [_shifted(line, copy, days) for line in lines(f"{copy}-")]
        posts = ((b"\n".join(events[at : at + POST_EVENTS]), POST_EVENTS) for at in range(0, len(events), POST_EVENTS))
        load = await post_all(to, posts, _CONNECTIONS)
        if load.refused:
            raise RuntimeError(f"{load.refused} posts were refused")
        stored += len(events)
    return stored


def _shifted(line: bytes, copy: int, known: dict[bytes, bytes]) -> bytes:
    """An event as it would have been so many spans of days before; customers are others each time."""
    at = line.index(_TIME) + len(_TIME)
    day = line[at : at + 10]
    moved = known.get(day)
    if moved is None:
        then = date.fromisoformat(day.decode()) - timedelta(days=_DAYS_APART * copy)
        moved = known[day] = then.isoformat().encode()
    return (line[:at] + moved + line[at + 10 :]).replace(b'"customer":"', b'"customer":"%d-' % copy, 1)


def _fresh(label: str) -> Iterator[bytes]:
    yield from lines(f"fresh-{label}-")


async def _compare(
    what: str, ask: Callable[[Connection], Awaitable[object]], small: Connection, large: Connection
) -> tuple[str, str]:
    """Ask both in turns, so that both meet the same machine."""
    seconds: dict[Connection, list[float]] = {small: [], large: []}
    for turn in range(REQUESTS + 2):
        for one in (small, large):
            began = time.perf_counter()
            await ask(one)
            if turn >= 2:
                seconds[one].append(time.perf_counter() - began)
    few, many = (statistics.median(seconds[one]) * 1000 for one in (small, large))
    return what, f"{few:.1f} ms and {many:.1f} ms: ratio {many / few:.2f}"
