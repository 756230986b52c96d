"""The read side: KPIs' sums over intervals, who waits now, the live totals, and single interactions.

Whatever is read together is read in one repeatable-read snapshot, so that its numbers agree with each other.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.catalogue.measures import HISTOGRAM_BY_CODE
from service.core.event import Fact
from service.core.interval import Grid, Interval, Step, grid
from service.core.kpi import Needs, Sums
from service.store.cohorts import Selection, Statements, zones
from service.store.database import Database, translated
from service.store.ledger import Booked
from service.store.live import (
    LiveState,
    Series,
    Snapshot,
    read_activity,
    read_cells,
    read_series,
    read_states,
    read_totals,
    show_newborn,
)
from service.store.tables import interactions, sources

Group = tuple[str, ...]

_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_booked = msgspec.json.Decoder(Booked).decode


@dataclass(frozen=True, slots=True)
class Gathered:
    """Sums by group and number of the point; a group is there if it has rollups in the interval."""

    grid: Grid
    groups: dict[Group, dict[int, Sums]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredInteraction:
    """An interaction as it is stored: its facts, its booking, and the series that the booking speaks of."""

    facts: list[Fact]
    booked: Booked
    series: Mapping[int, Series]


class Rollups:
    """Reads of a database. All methods raise Unavailable where it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def gather(
        self, interval: Interval, step: Step, selection: Selection, group_by: Sequence[str], needs: Needs
    ) -> Gathered:
        """Add up what is needed of the cohorts of an interval, per group and step.

        `group_by` is a subset of site, queue and channel; without it there is one group, the empty one, data or not.
        Raises InvalidInput where there would be too many points.
        """
        async with self._snapshot() as connection:
            known: set[str] = set()
            if step is Step.DAY:
                known = set(await connection.scalars(zones(selection)))
            cut = grid(interval, step, known)
            statements = Statements(cut, selection, group_by)
            reading = _Reading(connection, cut, len(group_by))
            if needs.measures or group_by:
                await reading.measures(statements, sorted(needs.measures))
            if needs.thresholds_us:
                await reading.thresholds(statements, sorted(needs.thresholds_us))
            if needs.histograms:
                await reading.buckets(statements, sorted(needs.histograms))
            if needs.longest:
                await reading.longest(statements)
        found = reading.sums
        if not group_by:
            found.setdefault((), {})
        return Gathered(cut, {group: found[group] for group in sorted(found)})

    async def live_state(self, now: datetime, selection: Selection | None = None) -> list[LiveState]:
        """Who waits and who is in service, for each series selected, sorted."""
        async with self._snapshot() as connection:
            return await read_states(connection, now, selection or Selection())

    async def snapshot(self, now: datetime) -> Snapshot:
        """All live numbers. What it costs depends on the number of series and of those who are there now."""
        async with self._snapshot() as connection:
            return Snapshot(
                await read_states(connection, now, Selection()),
                await read_totals(connection),
                await read_cells(connection),
                await read_activity(connection),
            )

    async def show_newborn(self, patience_seconds: float) -> frozenset[int]:
        """The series to show at 0 once more, by number, because a scraper has not seen them yet; see `show_newborn`."""
        with translated():
            async with self._database.engine.begin() as connection:
                return await show_newborn(connection, patience_seconds)

    async def interaction(self, source: str, subject: str) -> StoredInteraction | None:
        """What is stored of an interaction, which the name of its registered source and its subject identify."""
        statement = (
            select(interactions.c.facts, interactions.c.booking)
            .join_from(interactions, sources, sources.c.id == interactions.c.source_id)
            .where(sources.c.name == source, interactions.c.subject == subject)
        )
        async with self._snapshot() as connection:
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                return None
            booked = _decode_booked(row.booking)
            numbers = {number for number, _, _ in booked.entries}
            known = await read_series(connection, numbers) if numbers else []
            return StoredInteraction(_decode_facts(row.facts), booked, {one.id: one for one in known})

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            async with self._database.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


class _Reading:
    """Runs the statements of one request and puts their rows together, by group and point."""

    def __init__(self, connection: AsyncConnection, cut: Grid, labels: int) -> None:
        self.sums: dict[Group, dict[int, Sums]] = {}
        self._connection = connection
        self._labels = labels
        self._number: dict[object, int] | None = None
        if cut.step in (Step.MINUTE, Step.HOUR):
            self._number = {start: number for number, start in enumerate(cut.starts)}

    async def measures(self, statements: Statements, names: Sequence[str]) -> None:
        for sums, values in await self._rows(statements.measures(names)):
            sums.measures = dict(zip(names, map(int, values), strict=True))

    async def thresholds(self, statements: Statements, limits: Sequence[int]) -> None:
        for sums, values in await self._rows(statements.thresholds(limits)):
            sums.answered_within = dict(zip(limits, values[::2], strict=True))
            sums.abandoned_within = dict(zip(limits, values[1::2], strict=True))

    async def buckets(self, statements: Statements, names: Sequence[str]) -> None:
        for sums, (code, bucket, number) in await self._rows(statements.buckets(names)):
            histogram = HISTOGRAM_BY_CODE[code]
            counts = sums.buckets.setdefault(histogram.name, [0] * (len(histogram.bounds) + 1))
            counts[bucket] += number

    async def longest(self, statements: Statements) -> None:
        for sums, (longest,) in await self._rows(statements.longest()):
            sums.longest_us = longest

    async def _rows(self, statement: Select[Any]) -> list[tuple[Sums, Sequence[Any]]]:
        rows = await self._connection.execute(statement)
        return [(self._at(row), row[self._labels + 1 :]) for row in rows]

    def _at(self, row: Sequence[Any]) -> Sums:
        points = self.sums.setdefault(tuple(row[: self._labels]), {})
        point = row[self._labels]
        return points.setdefault(point if self._number is None else self._number[point], Sums())
