"""Posts of 500 events, durable and measured, against plain inserts of the same rows over one connection."""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from benchmarks.figures import Row, rate, ratio
from benchmarks.load import Load, post_all
from benchmarks.month import EVENTS, POST_EVENTS, lines, posts
from benchmarks.process import Running, postgres, postgres_process, processor_seconds, service

ROUNDS = 5
CONNECTIONS = 4

_PLAIN_TABLE = """
CREATE TABLE plain (
    time timestamptz NOT NULL, received_at timestamptz NOT NULL, source_id integer NOT NULL,
    source text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, type text NOT NULL,
    subject text COLLATE "C" NOT NULL, data jsonb NOT NULL, PRIMARY KEY (source_id, source, id))
"""
_PLAIN_INSERT = """
INSERT INTO plain (time, received_at, source_id, source, id, type, subject, data)
SELECT time, now(), 1, source, id, type, subject, data
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
    AS rows (time, source, id, type, subject, data)
ON CONFLICT DO NOTHING
"""

Columns = list[list[object]]


def plain_rows(label: str) -> list[Columns]:
    """The same events as columns of arrays, `POST_EVENTS` at a time."""
    rows = []
    for line in lines(label):
        event = json.loads(line)
        at = datetime.fromisoformat(event["time"])
        data = json.dumps(event["data"], separators=(",", ":"))
        rows.append((at, event["source"], event["id"], event["type"], event["subject"], data))
    return [
        [list(column) for column in zip(*rows[start : start + POST_EVENTS], strict=True)]
        for start in range(0, len(rows), POST_EVENTS)
    ]


async def insert_plain(url: str, batches: list[Columns]) -> float:
    """Insert batches one after the other, each its own transaction; rows a second."""
    connection = await asyncpg.connect(url)
    try:
        began = time.perf_counter()
        for batch in batches:
            await connection.execute(_PLAIN_INSERT, *batch)
        return sum(len(batch[0]) for batch in batches) / (time.perf_counter() - began)
    finally:
        await connection.close()


async def make_plain_table(url: str) -> None:
    """The table that the plain inserts go into."""
    connection = await asyncpg.connect(url)
    await connection.execute(_PLAIN_TABLE)
    await connection.close()


def post_month(to: Running, label: str, connections: int = CONNECTIONS) -> Load:
    """Post the month once, as fast as it goes."""
    bodies = list(posts(label))
    return asyncio.run(post_all(to, bodies, connections))


def run() -> list[Row]:
    """Rounds of both, in turn; medians and their ratio, and what both take of the processors."""
    ours, plain = Side(), Side()
    with postgres() as url, service(url) as running:
        server = asyncio.run(postgres_process(url))
        asyncio.run(make_plain_table(url))
        post_month(running, "warm-up/")
        for number in range(ROUNDS):
            label = f"round-{number}/"
            rows = plain_rows(label)
            with plain.measured(os.getpid(), server):
                plain.rates.append(asyncio.run(insert_plain(url, rows)))
            with ours.measured(running.process, server):
                ours.rates.append(post_month(running, label).rate)
        memory = running.resident_mib()
    return [
        rate(f"posts of {POST_EVENTS}, {CONNECTIONS} connections, events/s", ours.rates),
        rate("plain inserts of the same rows, one connection, rows/s", plain.rates),
        ratio("ratio, median of rounds", "batches-by-inserts", ours.rates, plain.rates),
        Row("processor time of an event, of the service and of PostgreSQL, µs", ours.processors),
        Row("processor time of a plain row, of its client and of PostgreSQL, µs", plain.processors),
        Row("resident memory of the service after that, MiB", f"{memory:.0f}"),
    ]


@dataclass(slots=True)
class Side:
    """One of two that are measured: its rates, and what its own process and PostgreSQL's took for an event, in µs."""

    rates: list[float] = field(default_factory=list)
    taken: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def measured(self, process: int, server: int) -> Iterator[None]:
        """What is run inside is measured."""
        before = processor_seconds(process), processor_seconds(server, children=True)
        yield
        after = processor_seconds(process), processor_seconds(server, children=True)
        self.taken.append(((after[0] - before[0]) / EVENTS * 1e6, (after[1] - before[1]) / EVENTS * 1e6))

    @property
    def processors(self) -> str:
        """The medians of both."""
        return " and ".join(f"{statistics.median(column):.1f}" for column in zip(*self.taken, strict=True))
