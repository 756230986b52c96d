"""Levels held against the log, and put right: changes and which of them turn, heartbeats, and what was heard first.

What is from before the moment from which events are kept is taken as given: it is kept for good, as sums are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from service.core.event import MIN_US, SECOND_US, AsideData, AsideFact, moment
from service.core.levels import KINDS_OF_LEVELS, Beat, union
from service.core.vocabulary import KIND_OF_TYPE, TYPE_OF_KIND
from service.store.database import Connection
from service.store.level_registry import LevelRegistry
from service.store.levels import (
    BEAT_COLUMNS,
    CHANGE_COLUMNS,
    TURNS_SQL,
    ChangeRow,
    add_changes,
    lock_levels,
    rows_of,
)
from service.store.scans import chunks

_TYPES = [TYPE_OF_KIND[kind] for kind in KINDS_OF_LEVELS]
_COLUMNS = ", ".join(CHANGE_COLUMNS)
_KEY = CHANGE_COLUMNS[:5]
_NAMES_SQL = "SELECT l.id, s.name, l.kind, l.name FROM levels l JOIN sites s ON s.id = l.site_id"
_LOG_SQL = "SELECT source_id, source, id, time, type, data FROM events WHERE type = ANY ($1::text[]) AND time >= $2"
_CREATE_SQL = """
CREATE TEMP TABLE audit_changes (level_id int, at timestamptz, source_id int, source text COLLATE "C",
    id text COLLATE "C", value int, available int) ON COMMIT DROP
"""
_GIVEN_SQL = f"INSERT INTO audit_changes SELECT {_COLUMNS} FROM level_changes WHERE at < $1"
_GIVEN_BEATS_SQL = "SELECT level_id, start_at, end_at FROM heartbeats WHERE start_at < $1"
_CHANGES_SQL = f"""
WITH right_ones AS (
    SELECT *, value <> coalesce(lag(value) OVER (PARTITION BY level_id ORDER BY at, source_id, source, id), 0) AS turns
    FROM audit_changes)
SELECT {", ".join(_KEY)}, e.value, e.available, e.turns, c.value, c.turns
FROM right_ones e FULL JOIN level_changes c USING ({", ".join(_KEY)})
WHERE (e.value, e.available, e.turns) IS DISTINCT FROM (c.value, c.available, c.turns)
"""
_BEATS_SQL = "SELECT level_id, start_at, end_at FROM heartbeats"
_FIRST_SQL = "SELECT level_id, min(at) FROM audit_changes GROUP BY level_id"
_LEVELS_SQL = "SELECT id, first_at, heard_from, heard_at FROM levels"
_DROP_CHANGES_SQL = """
DELETE FROM level_changes c
USING unnest($1::int[], $2::timestamptz[], $3::int[], $4::text[], $5::text[]) AS g (level_id, at, source_id, source, id)
WHERE c.level_id = g.level_id AND c.at = g.at AND c.source_id = g.source_id AND c.source = g.source AND c.id = g.id
"""
_TELL_TURNS_SQL = f"""
UPDATE level_changes c SET turns = {TURNS_SQL} WHERE level_id = ANY ($1::int[]) AND turns <> ({TURNS_SQL})
"""
_STORED_BEATS_SQL = f"{_BEATS_SQL} WHERE level_id = ANY ($1::int[])"
_DROP_BEATS_SQL = "DELETE FROM heartbeats WHERE level_id = ANY ($1::int[])"
_TELL_FIRST_SQL = """
UPDATE levels l SET
    first_at = least((SELECT min(at) FROM level_changes c WHERE c.level_id = l.id),
        (SELECT min(start_at) FROM heartbeats h WHERE h.level_id = l.id)),
    heard_from = (SELECT min(start_at) FROM heartbeats h WHERE h.level_id = l.id)
WHERE id = ANY ($1::int[])
"""
_TELL_HEARD_SQL = """
UPDATE levels SET heard_at = $2::timestamptz WHERE id = $1 AND heard_at IS NOT DISTINCT FROM $3::timestamptz
"""

_decode = msgspec.json.Decoder(AsideData).decode
_Beats = dict[int, list[Beat]]


@dataclass(slots=True)
class LevelGaps:
    """What is stored of levels otherwise than the log says.

    `missing` changes are not there or others, `extra` ones are there and in no event; `beats` has what heartbeats
    cover and what is stored, `heard_at` the latest of them and what is stored, by the number of the level; `levels` are
    the numbers of all that have to be looked at.
    """

    missing: list[ChangeRow] = field(default_factory=list)
    extra: list[tuple[int, int, int, str, str]] = field(default_factory=list)
    beats: dict[int, tuple[list[Beat], list[Beat]]] = field(default_factory=dict)
    heard_at: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    levels: set[int] = field(default_factory=set)
    told: list[tuple[str, str]] = field(default_factory=list)
    events: int = 0


async def find_level_gaps(connection: Connection, registry: LevelRegistry, kept_from_us: int) -> LevelGaps:
    """Compute all that is kept of levels again from the log, in the snapshot of a connection, and compare."""
    gaps = LevelGaps()
    names = {row[0]: "/".join(row[1:]) for row in await connection.fetch(_NAMES_SQL)}
    await connection.execute(_CREATE_SQL)
    await connection.execute(_GIVEN_SQL, kept_from_us)
    beats: _Beats = {}
    heard_at: dict[int, int] = {}
    for number, start, end in await connection.fetch(_GIVEN_BEATS_SQL, kept_from_us):
        beats.setdefault(number, []).append((start, end))
    async for rows in chunks(connection, _LOG_SQL, _TYPES, kept_from_us):
        facts = [
            (source_id, AsideFact(at, KIND_OF_TYPE[type_], id_, source, _decode(data), at))
            for source_id, source, id_, at, type_, data in rows
        ]
        await registry.ensure_of(facts)
        made = rows_of(facts, registry.ids)
        await connection.copy_records_to_table("audit_changes", records=made.changes, columns=CHANGE_COLUMNS)
        for number, found in made.beats.items():
            beats[number] = union((*beats.get(number, ()), *found))
            heard_at[number] = max(made.heard_at[number], heard_at.get(number, MIN_US))
        gaps.events += len(facts)
    await _find_changes(connection, gaps, names)
    await _find_beats(connection, gaps, names, beats)
    await _find_notes(connection, gaps, names, beats, heard_at, kept_from_us)
    return gaps


async def _find_changes(connection: Connection, gaps: LevelGaps, names: Mapping[int, str]) -> None:
    for row in await connection.fetch(_CHANGES_SQL):
        number, at, source_id, source, id_, value, available, turns, stored, stored_turns = row
        key = (number, at, source_id, source, id_)
        detail = f"the change by {source}/{id_} is {stored}, not {value}"
        if value is None:
            gaps.extra.append(key)
            detail = f"a change by {source}/{id_} is in no event"
        elif stored is None or stored != value:
            gaps.missing.append((*key, value, available))
        elif turns != stored_turns:
            detail = f"the change by {source}/{id_} is taken for {'none' if turns else 'one'}"
        else:
            gaps.missing.append((*key, value, available))
        _tell(gaps, names, number, f"{detail}, at {moment(at):%Y-%m-%dT%H:%M:%SZ}")


async def _find_beats(connection: Connection, gaps: LevelGaps, names: Mapping[int, str], right: _Beats) -> None:
    stored: _Beats = {}
    async for rows in chunks(connection, _BEATS_SQL):
        for number, start, end in rows:
            stored.setdefault(number, []).append((start, end))
    for number in sorted(right.keys() | stored.keys()):
        here, there = union(right.get(number, ())), sorted(stored.get(number, ()))
        if here != there:
            gaps.beats[number] = here, there
            _tell(gaps, names, number, f"its heartbeats cover {_told(here)}, and {_told(there)} are stored")


async def _find_notes(
    connection: Connection,
    gaps: LevelGaps,
    names: Mapping[int, str],
    beats: _Beats,
    heard_at: Mapping[int, int],
    kept_from_us: int,
) -> None:
    """What is noted of levels themselves."""
    first = {row[0]: row[1] for row in await connection.fetch(_FIRST_SQL)}
    heard = {number: min(start for start, _ in found) for number, found in beats.items()}
    for number, at in heard.items():
        first[number] = min(at, first.get(number, at))
    for number, first_at, heard_from, stored in await connection.fetch(_LEVELS_SQL):
        given = stored if stored is not None and stored < kept_from_us else None
        right = heard_at.get(number, given)
        if right != stored:
            gaps.heard_at[number] = right, stored
            _tell(gaps, names, number, "its latest heartbeat is another")
        if (first_at, heard_from) != (first.get(number), heard.get(number)):
            _tell(gaps, names, number, "is first heard of at another time")


async def mend_levels(connection: Connection, gaps: LevelGaps) -> None:
    """Put right what differs. What came after the snapshot stays, as far as it can be told from what was wrong."""
    await lock_levels(connection, gaps.levels)
    if gaps.extra:
        await connection.execute(_DROP_CHANGES_SQL, *zip(*gaps.extra, strict=True))
    await add_changes(connection, gaps.missing)
    await connection.execute(_TELL_TURNS_SQL, sorted(gaps.levels))
    numbers = sorted(gaps.beats)
    now: _Beats = {}
    for number, start, end in await connection.fetch(_STORED_BEATS_SQL, numbers):
        now.setdefault(number, []).append((start, end))
    await connection.execute(_DROP_BEATS_SQL, numbers)
    await connection.copy_records_to_table("heartbeats", records=_mended(gaps, now), columns=BEAT_COLUMNS)
    await connection.execute(_TELL_FIRST_SQL, sorted(gaps.levels))
    await connection.executemany(_TELL_HEARD_SQL, [(number, *both) for number, both in gaps.heard_at.items()])


def _mended(gaps: LevelGaps, now: _Beats) -> Iterator[tuple[int, int, int]]:
    for number, (right, stored) in gaps.beats.items():
        later = set(now.get(number, ())).difference(stored)
        for beat in union((*right, *later)):
            yield (number, *beat)


def _tell(gaps: LevelGaps, names: Mapping[int, str], number: int, detail: str) -> None:
    gaps.levels.add(number)
    gaps.told.append((names.get(number, "?"), detail))


def _told(beats: Sequence[Beat]) -> str:
    return f"{sum(end - start for start, end in beats) / SECOND_US} s in {len(beats)} pieces"
