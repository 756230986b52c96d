"""The monthly partitions of the event log, made when an event of a month comes for the first time."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import text

from service.core.event import microseconds, moment
from service.store.database import Database, translated

_PARTITION_LOCK = 0x50415254
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

    async def ensure(self, times_us: Iterable[int]) -> None:
        """Make sure that every month of the times, at least one, in microseconds since 1970, has a partition."""
        times = sorted(times_us)
        if any(first <= times[0] and times[-1] < end for first, end in self._spans):
            return
        missing = {_month(at) for at in times if at >= 0 and not self._covered(at)}
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
        name = f"events_{month:%Y_%m}"
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


def _month(at_us: int) -> datetime:
    at = moment(at_us)
    return datetime(at.year, at.month, 1, tzinfo=UTC)


def _next(month: datetime) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def _span_us(month: datetime) -> tuple[int, int]:
    return microseconds(month), microseconds(_next(month))
