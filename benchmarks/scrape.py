"""`/metrics/kpi` with 1,000 sites: its text against prometheus_client's, a scrape, and posts while it is scraped."""

import asyncio
import gc
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from benchmarks.figures import Row, measured, ratio
from benchmarks.load import Connection, post_all
from benchmarks.process import Running, postgres, service
from service.core.budget import Spend, allowed_parts
from service.core.catalogue.measures import HISTOGRAMS, MEASURES
from service.core.difference import Class
from service.core.event import DAY_US, microseconds
from service.core.judge import Objectives
from service.core.objective import Objective
from service.core.policy import Policy
from service.core.series import Series
from service.core.standing import Standing
from service.exporter import encode, families
from service.files import promises_in, shipped_objectives
from service.store.live import Activity, LiveState, Snapshot
from tests.by_library import by_library

SITES = 1000
LINES = (("tills", "pos"), ("sales", "phone"))
VISITS = 5
ROUNDS = 5
SCRAPES = 10
POSTS = 200
_CONNECTIONS = 4
_AT = datetime(2026, 3, 31, 12, tzinfo=UTC)
_TODAY = microseconds(_AT) // DAY_US


def snapshot() -> Snapshot:
    """A till and a telephone line at each site, with the objectives that are shipped, and all of it in use."""
    objectives = [
        Objective(number, promise.name, promise.terms)
        for number, promise in enumerate(promises_in(shipped_objectives()), 1)
    ]
    states = [
        LiveState(Series(f"site-{site:04}", *line, site * len(LINES) + place), site % 7, site % 3, site / 8)
        for site in range(SITES)
        for place, line in enumerate(LINES)
    ]
    every = [state.series for state in states]
    return Snapshot(
        states,
        {(one.id, class_.value): _totals(one, class_) for one in every for class_ in (Class.LIVE, Class.BACKFILLED)},
        {
            (one.id, histogram.code): [one.id % 50 * bucket for bucket in range(len(histogram.bounds) + 1)]
            for one in every
            for histogram in HISTOGRAMS
        },
        [Activity("acd", f"site-{site:04}", _AT, {"1m": 3, "1h": 2, "1d": 1}, 5, 0.25) for site in range(SITES)],
        {
            (one.id, objective.number, Class.LIVE.value): (9 * one.id, one.id)
            for one in every
            for objective in objectives
            if objective.terms[0].covers(one.site, one.queue, one.channel)
        },
        Policy(1, Objectives(objectives)),
        [standing for one in every for objective in objectives for standing in _standings(objective, one)],
        _AT,
    )


def _totals(one: Series, class_: Class) -> dict[str, int]:
    """Some of everything, live; of what was imported, a few measures."""
    return {
        measure.name: one.id * 1_000 + measure.code if class_ is Class.LIVE or measure.code < 10 else 0
        for measure in MEASURES
    }


def _standings(objective: Objective, one: Series) -> Sequence[Standing]:
    (terms,) = objective.terms
    if not terms.covers(one.site, one.queue, one.channel):
        return ()
    days = terms.window.around(_TODAY)
    spend = Spend(1000 + one.id, one.id, allowed_parts(terms.target) * (1000 + one.id), 100, 10)
    return (Standing(objective, terms, one, days, 0.5, spend, spend if objective.settles else None),)


def _by_library(taken: Snapshot) -> bytes:
    return by_library(families(taken))


def run() -> list[Row]:
    """Rows of the table."""
    with postgres() as url, service(url) as running:
        return [*_text(), *asyncio.run(_scrapes(running))]


def _text() -> list[Row]:
    """Both make the text of one snapshot, in turns."""
    taken = snapshot()
    page = encode(taken)
    if page != _by_library(taken):
        raise RuntimeError("the two pages differ")
    ours, library = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(encode, taken))
        library.append(_seconds(_by_library, taken))
    memory = [f"{_megabytes(make, taken):.0f} MB" for make in (encode, _by_library)]
    return [
        Row(
            "sites, series, samples",
            f"{SITES:,}, {len(taken.states):,}, {_samples(page):,} in {len(page) / 1e6:.1f} MB",
        ),
        Row(
            "the text, and by prometheus_client",
            f"{statistics.median(ours):.3f} s and {statistics.median(library):.3f} s",
        ),
        ratio("ratio, median of rounds", "text-by-library", library, ours),
        Row("memory at most, and by prometheus_client", " and ".join(memory)),
    ]


async def _scrapes(to: Running) -> list[Row]:
    await post_all(to, _bodies(), _CONNECTIONS)
    async with Connection(to) as scraper, Connection(to) as till:
        page = await scraper.get("/metrics/kpi")
        scrapes = [await _took(scraper.get("/metrics/kpi")) for _ in range(SCRAPES)]
        events = _events("alone", datetime.now(UTC))
        alone = [await _took(_post(till, next(events))) for _ in range(POSTS)]
        beside: list[float] = []
        scraping = asyncio.create_task(_again_and_again(scraper))
        events = _events("beside", datetime.now(UTC))
        while not scraping.done():
            beside.append(await _took(_post(till, next(events))))
        await scraping
    return [
        measured(
            "a scrape over HTTP, database included",
            "scrape-seconds",
            statistics.median(scrapes),
            f"{_samples(page):,} samples: {_median_and_longest(scrapes)}",
        ),
        Row("a post of one event, nobody scrapes", _median_and_longest(alone)),
        Row("the same, scrapes without a pause", _median_and_longest(beside)),
    ]


async def _post(till: Connection, event: bytes) -> None:
    if await till.post(event) != 202:
        raise RuntimeError("a post was refused")


async def _again_and_again(scraper: Connection) -> None:
    for _ in range(SCRAPES):
        await scraper.get("/metrics/kpi")


def _bodies() -> Iterator[tuple[bytes, int]]:
    """Some visits of the last minutes in every line of every site."""
    events = list(islice(_events("first", datetime.now(UTC)), VISITS * SITES * len(LINES)))
    for start in range(0, len(events), 1000):
        part = events[start : start + 1000]
        yield b"\n".join(part), len(part)


def _events(label: str, now: datetime) -> Iterator[bytes]:
    for number in count():
        queue, channel = LINES[number % len(LINES)]
        site = number // len(LINES) % SITES
        at = now - timedelta(seconds=number % 1800)
        yield (
            f'{{"id":"{label}-{number}","source":"scrape","type":"interaction.recorded","subject":"{label}-{number}",'
            f'"time":"{at:%Y-%m-%dT%H:%M:%SZ}","data":{{"site":"site-{site:04}","queue":"{queue}",'
            f'"channel":"{channel}","wait_seconds":{number % 59},"service_seconds":{number % 397},'
            f'"outcome":"answered","resolved":true}}}}'
        ).encode()


async def _took(asked: Awaitable[object]) -> float:
    began = time.perf_counter()
    await asked
    return time.perf_counter() - began


def _median_and_longest(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds) * 1000:,.0f} ms, longest {max(seconds) * 1000:,.0f} ms"


def _samples(page: bytes) -> int:
    return sum(not line.startswith(b"#") for line in page.splitlines())


def _seconds(make: Callable[[Snapshot], bytes], taken: Snapshot) -> float:
    gc.collect()
    began = time.perf_counter()
    make(taken)
    return time.perf_counter() - began


def _megabytes(make: Callable[[Snapshot], bytes], taken: Snapshot) -> float:
    """What it takes at most, the page itself included."""
    tracemalloc.start()
    try:
        make(taken)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
