"""Levels as they are read: which there are, and what is known of them in an interval.

What that costs depends on the levels and on how often they turned in the interval, not on how much was ever told: the
change in force at its beginning is one look into an index, and heartbeats that went on are one row.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, ColumnElement, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.event import MIN_US, moment
from service.core.levels import Level, LevelKey, Record
from service.store.level_tables import levels
from service.store.tables import sites

_MICROSECONDS = "CAST(extract(epoch FROM {}) * 1000000 AS bigint)"
_LEVELS = "unnest(CAST(:ids AS int[]), CAST(:starts AS timestamptz[])) AS w (id, start)"
_ORDER = "at, source_id, source, t.id"
# A row for each level and not for each change, as the driver's work grows with rows.
_CHANGES_SQL = f"""
SELECT w.id, c.ats, c.vals FROM {_LEVELS}, LATERAL (
    SELECT array_agg({_MICROSECONDS.format("at")} ORDER BY {_ORDER}) AS ats, array_agg(value ORDER BY {_ORDER}) AS vals
    FROM (
        (SELECT at, source_id, source, id, value FROM level_changes
            WHERE level_id = w.id AND turns AND at <= w.start
            ORDER BY at DESC, source_id DESC, source DESC, id DESC LIMIT 1)
        UNION ALL
        SELECT at, source_id, source, id, value FROM level_changes
        WHERE level_id = w.id AND turns AND at > w.start AND at < :stop) AS t
) AS c WHERE c.ats IS NOT NULL
"""
_BEATS_SQL = f"""
SELECT w.id, h.starts, h.ends FROM {_LEVELS}, LATERAL (
    SELECT array_agg({_MICROSECONDS.format("start_at")} ORDER BY start_at) AS starts,
        array_agg({_MICROSECONDS.format("end_at")} ORDER BY start_at) AS ends
    FROM (
        (SELECT start_at, end_at FROM heartbeats WHERE level_id = w.id AND start_at <= w.start
            ORDER BY start_at DESC LIMIT 1)
        UNION ALL
        SELECT start_at, end_at FROM heartbeats WHERE level_id = w.id AND start_at > w.start AND start_at < :stop) AS t
) AS h WHERE h.starts IS NOT NULL
"""
_TIMES = [
    literal_column(_MICROSECONDS.format(f"levels.{name}"), BigInteger)
    for name in ("first_at", "heard_from", "heard_at")
]


async def read_levels(connection: AsyncConnection, until_us: int, *conditions: ColumnElement[bool]) -> list[Level]:
    """The levels that are heard of before a moment, of which conditions on levels and sites are true."""
    statement = (
        select(sites.c.name, levels.c.id, levels.c.kind, levels.c.name, *_TIMES)
        .join_from(levels, sites)
        .where(levels.c.first_at < moment(until_us), *conditions)
    )
    return [
        Level(number, LevelKey(site, kind, name), first, heard_from, heard_at)
        for site, number, kind, name, first, heard_from, heard_at in await connection.execute(statement)
    ]


async def read_records(
    connection: AsyncConnection, known: Iterable[Level], starts_us: Mapping[str, int], until_us: int
) -> dict[int, Record]:
    """What is known of levels from the moment that is given for the site of each, and before another, by number."""
    starts = [(level, max(level.first_us, starts_us[level.key.site])) for level in known]
    return await _records(connection, [(level, start) for level, start in starts if start < until_us], until_us)


async def read_records_at(
    connection: AsyncConnection, known: Iterable[Level], moments_us: Mapping[int, int]
) -> dict[int, Record]:
    """What is in force of levels at the moment that is given for the number of each, by number."""
    wanted = [(level, moments_us[level.id]) for level in known if level.first_us <= moments_us[level.id]]
    return await _records(connection, wanted, MIN_US)


_Wanted = Sequence[tuple[Level, int]]


async def _records(connection: AsyncConnection, wanted: _Wanted, until_us: int) -> dict[int, Record]:
    changes = await _read(connection, _CHANGES_SQL, wanted, until_us)
    heard = [(level, start) for level, start in wanted if level.heard_from_us is not None]
    beats = await _read(connection, _BEATS_SQL, heard, until_us)
    return {
        level.id: Record(level.first_us, changes.get(level.id, ()), level.heard_from_us, beats.get(level.id, ()))
        for level, _ in wanted
    }


async def _read(
    connection: AsyncConnection, statement: str, wanted: _Wanted, until_us: int
) -> dict[int, Sequence[tuple[int, int]]]:
    """Pairs of numbers by the number of the level."""
    if not wanted:
        return {}
    starts = [moment(start) for _, start in wanted]
    values = {"ids": [level.id for level, _ in wanted], "starts": starts, "stop": moment(until_us)}
    rows = await connection.execute(text(statement), values)
    return {number: list(zip(ones, others, strict=True)) for number, ones, others in rows}
