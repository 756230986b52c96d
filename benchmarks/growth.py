"""What a query, a scrape and posts cost with ten million events of 1,000 sites stored, against a hundred thousand.

On the way there, at 100 thousand, 1 million and 10 million, a scrape against what prometheus-sql-exporter takes for
the same KPIs from the same events (rivals/sql_exporter.py).
"""

import asyncio
import logging
import re
import statistics
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial

import asyncpg

from benchmarks.figures import Row, figure, measured, ratio
from benchmarks.load import Connection, post_all
from benchmarks.month import POST_EVENTS, lines
from benchmarks.process import Running, postgres, service
from benchmarks.rivals.sql_exporter import refreshed, total

SIZES = {"100k": 1, "1M": 12, "10M": 115}
"""How many copies of the real month, of 87,382 events, are stored: each 35 days before the one told last."""
SITES = 1000
REQUESTS = 30
SCRAPES = 3
ROUNDS = 5
_CONNECTIONS = 8
_DAYS_APART = 35
_TIME = b'"time":"'
_LINE = re.compile(rb'"site":"bank","queue":"[a-z]+"')
_log = logging.getLogger(__name__)
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


def run() -> list[Row]:
    """Rows of the table: both exporters by size, then each request's time on few and on many events, and the ratio."""
    with postgres() as small_url, postgres() as large_url, service(small_url) as small, service(large_url) as large:
        return asyncio.run(_measure(small, large))


async def _measure(small: Running, large: Running) -> list[Row]:
    few = await _fill(small, range(SIZES["100k"]))
    rows = []
    copies = many = 0
    for size, wanted in SIZES.items():
        many += await _fill(large, range(copies, wanted))
        copies = wanted
        rows += await _against_sql(large, size, many)
    rows.append(Row("events stored", f"{few:,} and {many:,}"))
    async with Connection(small) as to_small, Connection(large) as to_large:
        for what, path in QUERIES.items():
            rows.append(await _compare(what, partial(Connection.get, path=path), to_small, to_large))
        fresh = {to_small: _fresh("s"), to_large: _fresh("l")}
        rows.append(await _compare("a post of one event", lambda one: one.post(next(fresh[one])), to_small, to_large))
    rows.append(await _throughput(small, large))
    return rows


async def _fill(to: Running, copies: Iterable[int]) -> int:
    stored = 0
    for copy in copies:
        stored += (await _post_month(to, copy, f"{copy}-"))[0]
        if copy % 10 == 0:
            _log.info("copy %d of the month is stored", copy)
    return stored


async def _post_month(to: Running, copy: int, label: str) -> tuple[int, float]:
    """Post a copy of the month; how many events it has, and how many went in a second."""
    days: dict[bytes, bytes] = {}
    events = [_shifted(line, copy, days) for line in lines(label)]
    posts = ((b"\n".join(events[at : at + POST_EVENTS]), POST_EVENTS) for at in range(0, len(events), POST_EVENTS))
    load = await post_all(to, posts, _CONNECTIONS)
    return len(events), load.rate


async def _against_sql(to: Running, size: str, stored: int) -> list[Row]:
    """Both exporters in turn, on the same database, after PostgreSQL has looked at its tables."""
    await _vacuum(to.database_url)
    ours, theirs = [], []
    async with Connection(to) as scraper:
        await scraper.get("/metrics/kpi")
        for _ in range(SCRAPES):
            began = time.perf_counter()
            samples = _samples(await scraper.get("/metrics/kpi"))
            ours.append(time.perf_counter() - began)
            seconds, page = await asyncio.to_thread(refreshed, to.database_url)
            theirs.append(seconds)
    told = sum(total(page, name) for name in ("offered", "answered", "abandoned", "completed"))
    if told != stored:
        raise RuntimeError(f"the SQL exporter counts {told} of {stored} events")
    middle = statistics.median(ours)
    return [
        measured(
            f"{stored:,} events: a scrape of {SITES:,} sites, {samples:,} samples",
            f"scrape-at-{size}",
            middle,
            f"{figure(middle)} s",
        ),
        Row(f"the SQL exporter, {_samples(page):,} samples", f"{figure(statistics.median(theirs))} s"),
        ratio("times as fast, median of rounds", f"scrape-by-sql-at-{size}", theirs, ours),
    ]


async def _vacuum(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _samples(page: bytes) -> int:
    return sum(not line.startswith(b"#") for line in page.splitlines())


async def _throughput(small: Running, large: Running) -> Row:
    """The month once more, again and again, into both in turn."""
    few: list[float] = []
    many: list[float] = []
    for number in range(ROUNDS):
        for to, rates in ((small, few), (large, many)):
            rates.append((await _post_month(to, 0, f"again-{number}-"))[1])
    what = f"posts of {POST_EVENTS}: {statistics.median(few):,.0f} and {statistics.median(many):,.0f} events/s"
    return ratio(what, "throughput-at-10M", many, few)


def _shifted(line: bytes, copy: int, known: dict[bytes, bytes]) -> bytes:
    """An event as it would have been so many spans of days before, at one of the sites and of another customer."""
    at = line.index(_TIME) + len(_TIME)
    day = line[at : at + 10]
    moved = known.get(day)
    if moved is None:
        then = date.fromisoformat(day.decode()) - timedelta(days=_DAYS_APART * copy)
        moved = known[day] = then.isoformat().encode()
    line = (line[:at] + moved + line[at + 10 :]).replace(b'"customer":"', b'"customer":"%d-' % copy, 1)
    return _LINE.sub(b'"site":"site-%04d","queue":"calls"' % (zlib.crc32(line) % SITES), line)


def _fresh(label: str) -> Iterator[bytes]:
    yield from lines(f"fresh-{label}-")


async def _compare(
    what: str, ask: Callable[[Connection], Awaitable[object]], small: Connection, large: Connection
) -> Row:
    """Ask both in turns, so that both meet the same machine."""
    seconds: dict[Connection, list[float]] = {small: [], large: []}
    for turn in range(REQUESTS + 2):
        for one in (small, large):
            began = time.perf_counter()
            await ask(one)
            if turn >= 2:
                seconds[one].append(time.perf_counter() - began)
    few, many = (statistics.median(seconds[one]) * 1000 for one in (small, large))
    return Row(what, f"{few:.1f} ms and {many:.1f} ms: ratio {many / few:.2f}")
