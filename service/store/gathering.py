"""Gathering what a request needs: the statements run, and what they answer put together by group and point."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.calendar import Calendar
from service.core.catalogue.measures import HISTOGRAM_BY_NAME
from service.core.interval import Grid, Step
from service.core.kpi import Needs, Sums
from service.core.pieces import Pieces, Span, day_span, pieces, whole
from service.core.window import date_of, number_of
from service.store.cohorts import Cut, Group, Member
from service.store.level_sums import LevelSums
from service.store.statements import Statement, Statements
from service.store.tallies import LONGEST, WAITS, Key, longest_waits, tallies


class Zones:
    """The pieces that each time zone makes of an interval.

    `added` has nothing taken away, `fewest` reads the fewest minutes, `minutes` has minutes alone. Points that are no
    days, and lie within days, have minutes alone anyway.
    """

    def __init__(self, grid: Grid, names: Collection[str]) -> None:
        self.calendars = {name: Calendar.of(name) for name in names}
        minutes = grid.interval.minutes
        self.minutes: Mapping[str, Pieces] = dict.fromkeys(names, whole(minutes))
        self.added = self.fewest = self.minutes
        if grid.step in (Step.DAY, Step.TOTAL):
            self.added = {name: pieces(minutes, one, subtract=False) for name, one in self.calendars.items()}
            self.fewest = {name: pieces(minutes, one, subtract=True) for name, one in self.calendars.items()}


class Gathering:
    """One request's numbers: `read` them on a connection, then put them together in `sums`."""

    def __init__(
        self,
        connection: AsyncConnection,
        grid: Grid,
        zones: Zones,
        members: Sequence[Member],
        levels: LevelSums | None,
    ) -> None:
        self.groups: list[Group] = sorted({member.group for member in members} | (levels.groups if levels else set()))
        self._levels = levels
        self._connection = connection
        self._grid = grid
        self._zones = zones
        self._members = members
        numbers = {group: number for number, group in enumerate(self.groups)}
        self._group_of = [numbers[member.group] for member in members]
        self._statements = Statements(grid, _origin(grid, zones))
        self._answers: list[tuple[tuple[Key, ...], Sequence[Sequence[Any]]]] = []

    async def read(self, needs: Needs) -> None:
        """Run all statements."""
        fewest, in_minutes = self._cut(self._zones.fewest), self._cut(self._zones.minutes)
        for tally in tallies(needs):
            cut = fewest if tally.days else in_minutes
            keys = tuple(tally.numbers)
            days, spans = cut.days(), cut.spans()
            if days["series"]:
                await self._run(keys, self._statements.over_days(tally, days, len(self.groups)))
            if spans["series"]:
                await self._run(keys, self._statements.over_spans(tally, spans))
        if needs.longest:
            await self._read_longest()
        if self._levels:
            await self._levels.read()

    def sums(self) -> dict[Group, Sums]:
        """What was read, by group. With many numbers this takes a while."""
        points = len(self._grid.starts)
        found = [Sums(points) for _ in self.groups]
        for keys, rows in self._answers:
            for group, at, *numbers in rows:
                for key, amounts in zip(keys, numbers, strict=True):
                    if key == LONGEST:
                        _raise(found[group], at, amounts)
                    else:
                        _add(_column(found[group], key), at, amounts)
        by_group = dict(zip(self.groups, found, strict=True))
        for group_, first, times in self._levels.add_up(self._grid) if self._levels else ():
            for term, amounts in times.items():
                _add(_column(by_group[group_], term), range(first, first + len(amounts)), amounts)
        return by_group

    async def _read_longest(self) -> None:
        """The longest waits: of each day as it is known, but of days from which one was taken back, in its minutes."""
        cut = self._cut(self._zones.added)
        days = cut.days()
        stale: list[tuple[int, date]] = []
        if days["series"]:
            rows = await self._connection.execute(*self._statements.stale(WAITS, days))
            stale = [(number, day) for number, day in rows]
            longest = self._statements.over_days(longest_waits(stale), days, len(self.groups))
            await self._run((LONGEST,), longest)
        zone_of = {member.series: member.zone for member in self._members}
        again: dict[int, list[Span]] = {}
        for number, day in stale:
            calendar = self._zones.calendars[zone_of[number]]
            again.setdefault(number, []).append(day_span(calendar, number_of(day)))
        spans = cut.spans(again)
        if spans["series"]:
            await self._run((LONGEST,), self._statements.longest_in(WAITS, spans))

    def _cut(self, by_zone: Mapping[str, Pieces]) -> Cut:
        return Cut(self._members, self._group_of, by_zone, self._statements.rulers)

    async def _run(self, keys: tuple[Key, ...], statement: Statement) -> None:
        rows = (await self._connection.execute(*statement)).all()
        self._answers.append((keys, rows))


def _origin(grid: Grid, zones: Zones) -> date:
    """The local date of the first point, where the points are days."""
    for name, calendar in zones.calendars.items():
        days = grid.days.get(name)
        if days is not None:
            return date_of(calendar.day_of(grid.interval.minutes[0]) - days.first_point)
    return date_of(0)


def _column(sums: Sums, key: Key) -> list[int]:
    if isinstance(key, str):
        column = sums.terms.get(key)
        if column is None:
            column = sums.terms[key] = [0] * sums.points
        return column
    name, bucket = key
    columns = sums.buckets.get(name)
    if columns is None:
        columns = sums.buckets[name] = [[0] * sums.points for _ in range(len(HISTOGRAM_BY_NAME[name].bounds) + 1)]
    return columns[bucket]


def _add(column: list[int], points: Sequence[int], amounts: Sequence[Any]) -> None:
    # A sum of time comes as a Decimal, for it may exceed 64 bits.
    whole_ones = amounts if isinstance(amounts[0], int) else map(int, amounts)
    for point, amount in zip(points, whole_ones, strict=True):
        column[point] += amount


def _raise(sums: Sums, points: Sequence[int], amounts: Sequence[int]) -> None:
    if not sums.longest_us:
        sums.longest_us = [None] * sums.points
    longest = sums.longest_us
    for point, amount in zip(points, amounts, strict=True):
        before = longest[point]
        if before is None or amount > before:
            longest[point] = amount
