"""Which series a request is about, and the minutes and local days that make up its interval for each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.event import MINUTE_US, moment
from service.core.pieces import Pieces, Span
from service.core.quality import LABELS_OF_FACETS, facet
from service.core.window import date_of
from service.store.tables import series, sites

Group = tuple[str, ...]

LABELS: dict[str, ColumnElement[str]] = {
    "site": sites.c.name,
    "queue": series.c.queue,
    "channel": series.c.channel,
    **{
        label: case(
            (series.c.facet.startswith(facet(label, "")), func.substr(series.c.facet, len(label) + 2)), else_=""
        )
        for label in LABELS_OF_FACETS
    },
}
"""The columns that tell series apart, by the name of their label."""

# A subquery of its own, so that a series costs a look into the index, however much was booked to it.
_WITH_DAYS_SQL = """
SELECT member.place
FROM unnest(CAST(:series AS int[]), CAST(:groups AS int[]), CAST(:first AS date[]), CAST(:last AS date[]))
    AS member (series_id, place, first, last)
WHERE (SELECT true FROM rollups_daily AS t
    WHERE t.series_id = member.series_id AND t.day BETWEEN member.first AND member.last LIMIT 1)
"""
_WITH_MINUTES_SQL = """
SELECT member.place
FROM unnest(CAST(:series AS int[]), CAST(:groups AS int[]), CAST(:starts AS timestamptz[]),
    CAST(:stops AS timestamptz[])) AS member (series_id, place, start, stop)
WHERE (SELECT true FROM rollups AS t
    WHERE t.series_id = member.series_id AND t.minute >= member.start AND t.minute < member.stop LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """The series asked for: those whose labels are among the values given; nothing given is any.

    `kind` is of resources, which are counted in no series.
    """

    site: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    dimension: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()

    def condition(self) -> ColumnElement[bool]:
        """The condition on series and sites."""
        wanted = {name: getattr(self, name) for name in LABELS}
        return and_(literal(True), *(LABELS[name].in_(values) for name, values in wanted.items() if values))


@dataclass(frozen=True, slots=True)
class Member:
    """A series that takes part: its number, the labels of its group, and the time zone of its site."""

    series: int
    group: Group
    zone: str


@dataclass(frozen=True, slots=True)
class Cut:
    """An interval, cut for each of its members; `groups` are the numbers of the members' groups, `rulers` of zones.

    Its parts are given as columns by name, a row for each member and piece, ready to be sent to PostgreSQL.
    """

    members: Sequence[Member]
    groups: Sequence[int]
    pieces: Mapping[str, Pieces]
    rulers: Mapping[str, int] = field(default_factory=dict)

    def days(self) -> dict[str, list[Any]]:
        """The whole local days: the number of the series, that of the group, the first and the last date."""
        ends = {zone: (date_of(cut.days[0]), date_of(cut.days[-1])) for zone, cut in self.pieces.items() if cut.days}
        rows = [
            (member.series, group, *ends[member.zone])
            for member, group in zip(self.members, self.groups, strict=True)
            if member.zone in ends
        ]
        return _columns(("series", "groups", "first", "last"), rows)

    def spans(self, more: Mapping[int, Sequence[Span]] | None = None) -> dict[str, list[Any]]:
        """The minutes: the numbers of series, group and ruler, the sign, the first minute and the end.

        `more` are further spans by the number of the series.
        """
        more = more or {}
        rows = [
            (member.series, group, self.rulers.get(member.zone, 0), span.sign, span.start, span.stop)
            for member, group in zip(self.members, self.groups, strict=True)
            for span in (*self.pieces[member.zone].spans, *more.get(member.series, ()))
        ]
        found = _columns(("series", "groups", "rulers", "signs", "starts", "stops"), rows)
        moments = {minute: _moment(minute) for minute in {*found["starts"], *found["stops"]}}
        for ends in ("starts", "stops"):
            found[ends] = [moments[minute] for minute in found[ends]]
        return found


async def read_members(connection: AsyncConnection, selection: Selection, group_by: Sequence[str]) -> list[Member]:
    """The series selected, whether or not anything was booked to them."""
    statement = (
        select(series.c.id, sites.c.time_zone, *(LABELS.get(name, literal("")) for name in group_by))
        .select_from(series.join(sites, sites.c.id == series.c.site_id))
        .where(selection.condition())
    )
    return [Member(number, tuple(labels), zone) for number, zone, *labels in await connection.execute(statement)]


async def with_numbers(
    connection: AsyncConnection, members: Sequence[Member], pieces: Mapping[str, Pieces]
) -> list[Member]:
    """The members to which anything was booked in the interval; `pieces` must take nothing away."""
    places = range(len(members))
    in_days = Cut(members, places, pieces).days()
    found = set(await connection.scalars(text(_WITH_DAYS_SQL), in_days)) if in_days["series"] else set()
    left = [place for place in places if place not in found]
    in_minutes = Cut([members[place] for place in left], left, pieces).spans()
    if in_minutes["series"]:
        found.update(await connection.scalars(text(_WITH_MINUTES_SQL), in_minutes))
    return [members[place] for place in sorted(found)]


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _moment(minute: int) -> datetime:
    try:
        return moment(minute * MINUTE_US)
    except OverflowError:  # the end of the last minute of all
        return datetime.max.replace(tzinfo=UTC)
