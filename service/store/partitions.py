"""The monthly partitions of the event log: made when the first event of a month comes, and dropped whole."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import asyncpg
from sqlalchemy import text

from service.core.event import microseconds, moment
from service.store.database import Connection, Database, translated

BEFORE_1970 = "events_before_1970"
"""The partition of all that happened before 1970; it is never dropped."""

_PARTITION_LOCK = 0x50415254
_NAME = "events_%Y_%m"
_DROP_MILLISECONDS = 100
_PARTITIONS_SQL = """
SELECT child.relname FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname = 'events'
"""


class Partitions:
    """Which months have a partition. What is older than 1970 shares one, so their number stays bounded."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spans: list[tuple[int, int]] = []
        self._known: set[str] = set()
        self._making = asyncio.Lock()

    async def ensure(self, times_us: Iterable[int], kept_from_us: int | None = None) -> None:
        """Make sure that every month of the times, at least one, in microseconds since 1970, has a partition.

        Those of which it is known here that they are not kept need none.
        """
        times = sorted(times_us)
        if any(first <= times[0] and times[-1] < end for first, end in self._spans):
            return
        first_kept = max(0, kept_from_us or 0)
        missing = {_month(at) for at in times if at >= first_kept and not self._covered(at)}
        if not missing:
            return
        async with self._making:
            for month in sorted(missing):
                if _span_us(month) not in self._spans:
                    await self._make(month)
                    self._spans.append(_span_us(month))

    def _covered(self, at: int) -> bool:
        return any(first <= at < end for first, end in self._spans)

    async def _make(self, month: datetime) -> None:
        name = f"{month:{_NAME}}"
        if name in self._known:
            return
        with translated():
            async with self._database.engine.begin() as connection:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PARTITION_LOCK})
                self._known = set((await connection.scalars(text(_PARTITIONS_SQL))).all())
                if name in self._known:
                    return
                # Attaching locks the log less than creating a partition in place: writers go on.
                await connection.execute(text(f"CREATE TABLE {name} (LIKE events INCLUDING ALL)"))
                await connection.execute(
                    text(
                        f"ALTER TABLE events ATTACH PARTITION {name} "
                        f"FOR VALUES FROM ('{month.isoformat()}') TO ('{_next(month).isoformat()}')"
                    )
                )
        self._known.add(name)


async def partitions_before(connection: Connection, kept_from_us: int) -> list[str]:
    """The monthly partitions that end before a moment, or at it, the oldest first."""
    names = [str(row[0]) for row in await connection.fetch(_PARTITIONS_SQL)]
    months = {name: datetime.strptime(name, _NAME).replace(tzinfo=UTC) for name in names if name != BEFORE_1970}
    return sorted(name for name, month in months.items() if _span_us(month)[1] <= kept_from_us)


async def drop_partition(connection: Connection, name: str) -> bool:
    """Drop a partition, unless something reads or writes the log right now: whether it could is returned.

    It has to have the whole log for a moment. Waiting for that would hold up all writers, so it hardly waits.
    """
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {_DROP_MILLISECONDS}")
            await connection.execute(f"DROP TABLE IF EXISTS {name}")
    except asyncpg.LockNotAvailableError:
        return False
    return True


def _month(at_us: int) -> datetime:
    at = moment(at_us)
    return datetime(at.year, at.month, 1, tzinfo=UTC)


def _next(month: datetime) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def _span_us(month: datetime) -> tuple[int, int]:
    return microseconds(month), microseconds(_next(month))
