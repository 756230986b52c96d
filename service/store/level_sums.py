"""The integrals of a request: which levels it is about, and their time by group and point."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.catalogue.integrals import OF_RESOURCES, STAFFED_US
from service.core.event import MINUTE_US
from service.core.interval import Grid, Interval
from service.core.levels import (
    STAFFING,
    Integral,
    Level,
    LevelKey,
    Record,
    Resource,
    StateTimes,
    bounds_of,
    pieces,
    plain_us,
    record_of,
    resources,
)
from service.core.policy import Policy
from service.store.cohorts import Group, Selection
from service.store.level_reading import read_levels, read_records
from service.store.level_tables import levels
from service.store.tables import sites


class _Place(NamedTuple):
    """A resource, or the staffing of a queue, that takes part, and the labels of its group."""

    of: Resource
    group: Group


class LevelSums:
    """One request's integrals: `find` what has levels, `read` them, then put them together in `add_up`.

    Resources are of a site and of none of its queues and channels, staffing is of a queue and of none of its channels.
    """

    def __init__(self, connection: AsyncConnection, policy: Policy, interval: Interval, now_us: int) -> None:
        self._connection = connection
        self._policy = policy
        self._begin_us = interval.minutes.start * MINUTE_US
        self._until_us = min(now_us, interval.minutes.stop * MINUTE_US)
        self._places: list[_Place] = []
        self._records: Mapping[int, Record] = {}

    async def find(self, selection: Selection, group_by: Sequence[str], integrals: frozenset[str]) -> None:
        """What has levels, of all that is selected, and is heard of before the end of the interval."""
        conditions: list[ColumnElement[bool]] = [sites.c.name.in_(selection.site)] if selection.site else []
        found: list[Resource] = []
        if integrals & OF_RESOURCES and not (selection.queue or selection.channel):
            found = resources(await self._heard_of(levels.c.kind != STAFFING, *conditions))
            found = [one for one in found if not selection.kind or one.key.kind in selection.kind]
        if STAFFED_US in integrals and not (selection.channel or "channel" in group_by):
            of_queues = [levels.c.name.in_(selection.queue)] if selection.queue else []
            staffed = await self._heard_of(levels.c.kind == STAFFING, *conditions, *of_queues)
            found += [Resource(level.key, (level,)) for level in staffed]
        self._places = [_Place(one, _group(one.key, group_by)) for one in found]

    async def _heard_of(self, *conditions: ColumnElement[bool]) -> list[Level]:
        return await read_levels(self._connection, self._until_us, *conditions)

    @property
    def groups(self) -> set[Group]:
        """The groups that there are."""
        return {place.group for place in self._places}

    @property
    def zones(self) -> set[str]:
        """The time zones of the sites concerned."""
        return {self._zone(site) for site in {place.of.key.site for place in self._places}}

    async def read(self) -> None:
        """Read what happened to the levels."""
        known = [level for place in self._places for level in place.of.levels]
        starts = {level.key.site: self._begin_us for level in known}
        self._records = await read_records(self._connection, known, starts, self._until_us)

    def add_up(self, grid: Grid) -> Iterator[tuple[Group, int, Mapping[str, list[int]]]]:
        """The time of each site and group by term, in points from one on. With many levels this takes a while."""
        bounds = {zone: bounds_of(grid, zone) for zone in self.zones}
        states: dict[tuple[str, Group], StateTimes] = {}
        staffed: dict[tuple[str, Group], Integral] = {}
        for of, group in self._places:
            record = record_of(of, self._records)
            _, cuts = bounds[self._zone(of.key.site)]
            if record is None or not cuts:
                continue
            found = pieces(record, cuts[0], min(cuts[-1], self._until_us))
            key = of.key.site, group
            if of.key.kind == STAFFING:
                integral = staffed.get(key) or staffed.setdefault(key, Integral(cuts, plain_us))
                for piece in found:
                    integral.add(piece, piece.value)
            else:
                calendar = self._policy.calendar(of.key.site)
                (states.get(key) or states.setdefault(key, StateTimes(cuts, calendar))).add(found)
        for (site, group), times in states.items():
            yield group, bounds[self._zone(site)][0], times.total()
        for (site, group), one in staffed.items():
            yield group, bounds[self._zone(site)][0], {STAFFED_US: one.total()}

    def _zone(self, site: str) -> str:
        return self._policy.calendar(site).zone.key


def _group(key: LevelKey, group_by: Sequence[str]) -> Group:
    labels = {"site": key.site, "queue": key.name} if key.kind == STAFFING else {"site": key.site, "kind": key.kind}
    return tuple(labels.get(label, "") for label in group_by)
