"""A history over several months, and retention carried out on it."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from service.store.database import Database
from service.store.findings import Finding
from service.store.forgetting import Forgotten
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry, pseudonym
from service.store.retention import Retention
from service.store.verdicts import Outcome, Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.walk import micros
from tests.store.proof import findings
from tests.store.stored import fetch

Event = dict[str, Any]
NOW_US = micros(NOW)
DAYS = 45
KEPT_FROM = datetime(2025, 2, 1, tzinfo=UTC)
"""What is kept at NOW under DAYS."""
KEPT_FROM_US = micros(KEPT_FROM)
ANNA, BEN, CLIO, DORA = (pseudonym(b"key", name) for name in ("anna", "ben", "clio", "dora"))
SUMS = (
    *("rollups", "rollup_cells", "objective_rollups", "rollups_daily", "buckets_daily", "objective_rollups_daily"),
    *("objective_totals", "live_totals", "live_cells", "source_activity", "series"),
)
"""The tables of numbers, of which retention must not touch a row."""


def event(subject: str, kind: str, at: datetime, /, **data: Any) -> Event:
    """An event at a till."""
    return {
        "id": f"{subject}-{kind}-{at:%m%d%H%M%S}",
        "source": "till-3",
        "type": f"interaction.{kind}",
        "time": at.isoformat(),
        "subject": subject,
        "data": {"site": "vilnius-1", "queue": "tills", "channel": "pos", **data},
    }


def visit(subject: str, at: datetime, customer: str, *, resolved: bool = True) -> list[Event]:
    """Someone who waited 24 seconds and was served."""
    return [
        event(subject, "queued", at, customer=customer),
        event(subject, "answered", at + timedelta(seconds=24)),
        event(subject, "completed", at + timedelta(minutes=2), resolved=resolved),
    ]


def day(text: str) -> datetime:
    """Nine o'clock on a date."""
    return datetime.fromisoformat(f"{text}T09:00:00+00:00")


HISTORY = [
    event("moon", "recorded", datetime(1969, 7, 20, 20, 17, tzinfo=UTC), wait_seconds=30, customer=BEN),
    *visit("y2k", day("1999-12-31"), BEN),
    *visit("n1", day("2024-11-05"), ANNA),
    *visit("n3", day("2024-12-01"), DORA),
    *visit("n2", day("2024-12-20"), ANNA, resolved=False),
    *visit("j1", day("2025-01-10"), CLIO),
    *visit("j2", day("2025-01-20"), ANNA),
    event("lost", "queued", day("2025-01-15")),
    # The month ends while this one waits; another one was recorded only after it was all over.
    event("spans", "queued", KEPT_FROM - timedelta(minutes=5), customer=BEN),
    event("spans", "answered", KEPT_FROM + timedelta(minutes=1)),
    event("told-late", "recorded", KEPT_FROM + timedelta(minutes=7), wait_seconds=3600, service_seconds=60),
    *visit("f1", day("2025-02-05"), ANNA),
    *visit("m1", day("2025-03-02"), ANNA),
    *visit("m2", day("2025-03-30"), CLIO),
    event("waits", "queued", NOW - timedelta(minutes=3)),
]
OLD = {"moon", "y2k", "n1", "n2", "n3", "j1", "j2", "lost"}
"""Those of which nothing is kept."""
KEPT = {"spans", "told-late", "f1", "m1", "m2", "waits"}


async def post(ledger: Ledger, events: Iterable[Event], now_us: int = NOW_US) -> Outcome:
    """Commit events of the one registered source."""
    (outcome,) = await ledger.commit([Post(1, accept(events, now_us))], now_us)
    assert isinstance(outcome, Outcome)
    return outcome


async def retain(database: Database, ledger: Ledger, days: int = DAYS, now_us: int = NOW_US) -> Forgotten:
    """Carry retention out to its end."""
    return await Retention(database, Policies(database), ledger, days=days).go_on(now_us, math.inf)


async def audited(database: Database, registry: Registry, now_us: int = NOW_US) -> list[Finding]:
    """What an audit finds."""
    return await findings(database, registry, now_us)


async def numbers(database: Database) -> dict[str, list[str]]:
    """Every row of the tables of numbers, as it stands."""
    return {name: sorted(map(repr, await fetch(database, f"SELECT t.* FROM {name} t"))) for name in SUMS}


async def subjects(database: Database, table: str = "interactions") -> set[str]:
    """The interactions that a table names."""
    return {row[0] for row in await fetch(database, f"SELECT subject FROM {table}")}


async def partitions(database: Database) -> set[str]:
    """The partitions of the log."""
    rows = await fetch(
        database,
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class p ON p.oid = inhparent"
        " WHERE p.relname = 'events'",
    )
    return {row[0] for row in rows}


async def tables_with(url: str, needle: str) -> set[str]:
    """The tables of the whole database in which a text stands, in any column of any row."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm', 'p')"
            " AND relnamespace IN ('public'::regnamespace, 'report'::regnamespace)"
        )
        found = set()
        for (name,) in map(tuple, names):
            for row in await connection.fetch(f"SELECT * FROM {name}"):
                texts = [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in row]
                if any(needle in text for text in texts):
                    found.add(name)
        return found
    finally:
        await connection.close()
