"""Ten times the posts that a process can take: what becomes of those that it accepts, of the others, and of itself.

The capacity is measured first, from connections that post as fast as they are answered. Then posts come at that rate,
and at ten times of it, from processes of their own (`benchmarks.flood`), which do not wait for answers.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from benchmarks.batches import post_month
from benchmarks.figures import Row
from benchmarks.flood import Outcome, Plan
from benchmarks.load import Connection
from benchmarks.month import POST_EVENTS
from benchmarks.process import Running, postgres, service
from benchmarks.singles import drive

TIMES = 10
SECONDS = 10
BATCH_CONNECTIONS = 400
SINGLE_CONNECTIONS = 800
PROBES = 100
_SETTLED_PROBES = 5
_PATIENCE_SECONDS = 60
_SAMPLE_SECONDS = 0.05


def run() -> list[Row]:
    """Posts of many events, then posts of one, each to a service of its own."""
    rows: list[Row] = []
    with postgres() as url, service(url) as running:
        post_month(running, "warm-up/")
        rate = post_month(running, "capacity/").rate / POST_EVENTS
        rows += _measure(running, f"posts of {POST_EVENTS}", POST_EVENTS, rate, BATCH_CONNECTIONS, processes=1)
    with postgres() as url, service(url) as running:
        rate = drive(running.port, running.key, "capacity")[0]
        rows += _measure(running, "single posts", 1, rate, SINGLE_CONNECTIONS, processes=1)
    return rows


def _measure(to: Running, what: str, batch: int, rate: float, connections: int, *, processes: int) -> list[Row]:
    ordinary = asyncio.run(_probe(to, "before", PROBES))
    before = to.resident_mib()
    once = _flood(to, f"a{batch}", batch, rate, connections, processes)
    with _peak(to) as peak:
        flooded = _flood(to, f"b{batch}", batch, rate * TIMES, connections, processes)
        healed = flooded.drain_seconds + asyncio.run(_healed(to, ordinary))
    due, answered = flooded.due, sum(len(one) for one in flooded.latencies.values())
    accepted = sorted(flooded.latencies.get("202", [0.0]))
    refused = sorted(
        seconds for status, some in flooded.latencies.items() if status in {"429", "503"} for seconds in some
    )
    strange = {status: len(some) for status, some in flooded.latencies.items() if status not in {"202", "429", "503"}}
    return [
        Row(f"{what}: capacity, posts/s", f"{rate:,.0f}"),
        Row(
            "accepted when they come at 1 and at 10 times of it, posts/s",
            f"{_rate(once):,.0f} and {_rate(flooded):,.0f}",
        ),
        Row("ratio", f"{_rate(flooded) / _rate(once):.2f}"),
        Row("accepted at 1 time, p50, p99, largest, ms", _quantiles(sorted(once.latencies.get("202", [0.0])))),
        Row("accepted at 10 times, p50, p99, largest, ms", _quantiles(accepted)),
        Row("refused at 10 times, p50, p99, largest, ms", _quantiles(refused)),
        Row(
            "of those due: accepted, refused, closed, not sent",
            ", ".join(f"{part / due:.1%}" for part in (len(accepted), len(refused), flooded.closed, flooded.unsent)),
        ),
        Row("other answers", str(strange or "none")),
        Row("answers a second at 10 times", f"{answered / flooded.seconds:,.0f}"),
        Row("resident memory before, largest, after, MiB", f"{before:.0f}, {peak[0]:.0f}, {to.resident_mib():.0f}"),
        Row("an ordinary probe, median, ms", f"{ordinary * 1000:.1f}"),
        Row("from the end of the flood until a probe is ordinary again, s", f"{healed:.1f}"),
    ]


def _rate(of: Outcome) -> float:
    return of.count("202") / of.seconds


def _quantiles(ordered: list[float]) -> str:
    if not ordered:
        return "none"
    return ", ".join(f"{ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1000:,.0f}" for q in (0.5, 0.99, 1))


def _flood(to: Running, label: str, batch: int, posts: float, connections: int, processes: int) -> Outcome:
    """Flood from several processes at once; what came of all of them."""
    started = []
    for number in range(processes):
        plan = Plan(
            to.host,
            to.port,
            to.key,
            f"{label}{number}",
            batch,
            posts / processes,
            SECONDS,
            connections // processes,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.flood"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        started.append(process)
    together = Outcome()
    for process in started:
        assert process.stdout is not None
        outcome = Outcome(**json.loads(process.stdout.read()))
        if process.wait() != 0:
            raise RuntimeError("a process that floods has failed")
        together.due += outcome.due
        together.unsent += outcome.unsent
        together.closed += outcome.closed
        together.seconds = max(together.seconds, outcome.seconds)
        together.drain_seconds = max(together.drain_seconds, outcome.drain_seconds)
        for status, latencies in outcome.latencies.items():
            together.latencies.setdefault(status, []).extend(latencies)
    return together


@contextmanager
def _peak(of: Running) -> Iterator[list[float]]:
    """The largest resident memory while the context is open, in MiB."""
    largest = [of.resident_mib()]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            largest[0] = max(largest[0], of.resident_mib())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield largest
    finally:
        ended.set()
        watching.join()


async def _post_one(connection: Connection, name: str) -> tuple[int, float]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = (
        f'{{"id":"{name}","source":"probe","type":"interaction.queued","time":"{now}","subject":"{name}",'
        '"data":{"site":"probe","queue":"probe","channel":"kiosk"}}'
    )
    began = time.perf_counter()
    status = await connection.post(event.encode())
    return status, time.perf_counter() - began


async def _probe(to: Running, label: str, count: int) -> float:
    """The median latency of single posts, one after the other, in seconds."""
    async with Connection(to) as connection:
        return statistics.median([(await _post_one(connection, f"{label}-{n}"))[1] for n in range(count)])


async def _healed(to: Running, ordinary: float) -> float:
    """Seconds from now until some posts in a row take no more than twice the ordinary time."""
    began = time.perf_counter()
    well_since, well = began, 0
    async with Connection(to) as connection:
        number = 0
        while well < _SETTLED_PROBES and time.perf_counter() - began < _PATIENCE_SECONDS:
            number += 1
            sent = time.perf_counter()
            status, seconds = await _post_one(connection, f"after-{sent}-{number}")
            if status == 202 and seconds <= 2 * ordinary:
                well += 1
                well_since = sent if well == 1 else well_since
            else:
                well = 0
    return well_since - began
