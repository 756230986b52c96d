"""Posts of 500 events, durable and measured, against plain inserts of the same rows over one connection."""

import asyncio
import json
import time
from datetime import datetime

import asyncpg

from benchmarks.figures import Row, rate, ratio
from benchmarks.load import Load, post_all
from benchmarks.month import POST_EVENTS, lines, posts
from benchmarks.process import Running, postgres, service

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
    """Rounds of both, in turn; medians and their ratio."""
    ours, plain = [], []
    with postgres() as url, service(url) as running:
        asyncio.run(make_plain_table(url))
        post_month(running, "warm-up/")
        for number in range(ROUNDS):
            label = f"round-{number}/"
            rows = plain_rows(label)
            plain.append(asyncio.run(insert_plain(url, rows)))
            ours.append(post_month(running, label).rate)
        memory = running.resident_mib()
    return [
        rate(f"posts of {POST_EVENTS}, {CONNECTIONS} connections, events/s", ours),
        rate("plain inserts of the same rows, one connection, rows/s", plain),
        ratio("ratio, median of rounds", "batches-by-inserts", ours, plain),
        Row("resident memory of the service after that, MiB", f"{memory:.0f}"),
    ]
