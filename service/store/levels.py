"""Levels as they are written: changes, and the time that heartbeats cover, in the transaction that logs the events.

What is stored follows from the set of events alone. A writer locks the levels that it changes, by their numbers, after
everything else that it locks; so two that meet at one resource add to what the other one left.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from service.core.event import Fact, Kind
from service.core.levels import Beat, LevelKey, available_of, beat_of, key_of, union, value_of
from service.store.database import Connection
from service.store.level_registry import LevelRegistry

_LOCK_SQL = "SELECT id FROM levels WHERE id = ANY ($1::int[]) ORDER BY id FOR UPDATE"
_NOTE_SQL = """
UPDATE levels l SET first_at = least(l.first_at, n.first_at), heard_from = least(l.heard_from, n.heard_from),
    heard_at = greatest(l.heard_at, n.heard_at)
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
    AS n (id, first_at, heard_from, heard_at)
WHERE l.id = n.id AND (l.first_at IS NULL OR n.first_at < l.first_at OR n.heard_at IS NOT NULL)
"""
CHANGE_COLUMNS = ("level_id", "at", "source_id", "source", "id", "value", "available")
_ADD_CHANGES_SQL = f"""
INSERT INTO level_changes ({", ".join(CHANGE_COLUMNS)}, turns)
SELECT *, true FROM unnest($1::int[], $2::timestamptz[], $3::int[], $4::text[], $5::text[], $6::int[], $7::int[])
ON CONFLICT (level_id, at, source_id, source, id)
DO UPDATE SET value = excluded.value, available = excluded.available
"""
_ORDER = "at, source_id, source, id"
_BACK = "at DESC, source_id DESC, source DESC, id DESC"
TURNS_SQL = f"""
c.value <> coalesce((SELECT p.value FROM level_changes p WHERE p.level_id = c.level_id
    AND (p.at, p.source_id, p.source, p.id) < (c.at, c.source_id, c.source, c.id) ORDER BY {_BACK} LIMIT 1), 0)
"""
"""Whether a change `c` is one: before any a resource is up, and nobody serves."""
_TURN_SQL = f"""
WITH new AS (
    SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::int[], $4::text[], $5::text[])
        AS n (level_id, at, source_id, source, id)),
next AS (
    SELECT f.* FROM new n, LATERAL (
        SELECT level_id, {_ORDER} FROM level_changes c WHERE c.level_id = n.level_id
            AND (c.at, c.source_id, c.source, c.id) > (n.at, n.source_id, n.source, n.id)
        ORDER BY {_ORDER} LIMIT 1) AS f)
UPDATE level_changes c SET turns = {TURNS_SQL}
FROM (SELECT * FROM new UNION SELECT * FROM next) AS t
WHERE c.level_id = t.level_id AND c.at = t.at AND c.source_id = t.source_id AND c.source = t.source AND c.id = t.id
"""
_TOUCHED_SQL = """
SELECT h.level_id, h.start_at, h.end_at
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS n (level_id, start_at, end_at), LATERAL (
    (SELECT * FROM heartbeats h WHERE h.level_id = n.level_id AND h.start_at <= n.start_at
        ORDER BY h.start_at DESC LIMIT 1)
    UNION ALL
    SELECT * FROM heartbeats h WHERE h.level_id = n.level_id AND h.start_at > n.start_at AND h.start_at <= n.end_at
) AS h WHERE h.end_at >= n.start_at
"""
_DROP_BEATS_SQL = """
DELETE FROM heartbeats h USING unnest($1::int[], $2::timestamptz[]) AS gone (level_id, start_at)
WHERE h.level_id = gone.level_id AND h.start_at = gone.start_at
"""
_LENGTHEN_SQL = """
UPDATE heartbeats h SET end_at = n.end_at
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS n (level_id, start_at, end_at)
WHERE h.level_id = n.level_id AND h.start_at = n.start_at
"""
BEAT_COLUMNS = ("level_id", "start_at", "end_at")

Levelled = tuple[int, Fact]
"""The number of a registered source, and a fact of a level that it tells."""
ChangeRow = tuple[int, int, int, str, str, int, int | None]
"""A change as CHANGE_COLUMNS have it."""


class Rows(NamedTuple):
    """What facts make of each level, by its number: changes, what heartbeats cover, and when the latest one came."""

    changes: list[ChangeRow]
    beats: dict[int, list[Beat]]
    heard_at: dict[int, int]


def rows_of(facts: Iterable[Levelled], ids: Mapping[LevelKey, int]) -> Rows:
    """The rows that facts make."""
    changes: list[ChangeRow] = []
    beats: dict[int, list[Beat]] = {}
    heard_at: dict[int, int] = {}
    for source_id, fact in facts:
        number = ids[key_of(fact)]
        if fact.kind == Kind.HEARTBEAT:
            beats.setdefault(number, []).append(beat_of(fact))
            heard_at[number] = max(fact.at, heard_at.get(number, fact.at))
        else:
            changes.append((number, fact.at, source_id, fact.source, fact.id, value_of(fact), available_of(fact)))
    return Rows(sorted(changes), {number: union(found) for number, found in sorted(beats.items())}, heard_at)


async def record_levels(connection: Connection, registry: LevelRegistry, facts: Sequence[Levelled]) -> None:
    """Put facts that are new to what is stored of their levels. Raises Unavailable."""
    await registry.ensure_of(facts)
    rows = rows_of(facts, registry.ids)
    await lock_levels(connection, {*rows.beats, *(change[0] for change in rows.changes)})
    await add_changes(connection, rows.changes)
    await _add_beats(connection, rows.beats)
    await _note(connection, rows)


async def lock_levels(connection: Connection, numbers: Iterable[int]) -> None:
    """Let nobody else change some levels before the transaction ends."""
    await connection.execute(_LOCK_SQL, sorted(numbers))


async def add_changes(connection: Connection, changes: Sequence[ChangeRow]) -> None:
    """Add changes of levels that are locked, and tell anew which of them turn, and of those right after them."""
    if changes:
        await connection.execute(_ADD_CHANGES_SQL, *zip(*changes, strict=True))
        await tell_turns(connection, [change[:5] for change in changes])


async def tell_turns(connection: Connection, keys: Sequence[tuple[int, int, int, str, str]]) -> None:
    """Tell anew of changes, and of those right after them, which are other than the ones before them."""
    await connection.execute(_TURN_SQL, *zip(*keys, strict=True))


async def _note(connection: Connection, rows: Rows) -> None:
    """Note when levels are first heard of, and their first and latest heartbeats."""
    first: dict[int, int] = {}
    for change in rows.changes:
        first[change[0]] = min(change[1], first.get(change[0], change[1]))
    heard = {number: beats[0][0] for number, beats in rows.beats.items()}
    for number, at in heard.items():
        first[number] = min(at, first.get(number, at))
    numbers = sorted(first)
    found = (first, heard, rows.heard_at)
    await connection.execute(_NOTE_SQL, numbers, *([times.get(number) for number in numbers] for times in found))


async def _add_beats(connection: Connection, beats: Mapping[int, Sequence[Beat]]) -> None:
    """Put the time that heartbeats cover to what was covered; what goes on makes a row longer, and no other row."""
    wanted = [(number, *beat) for number, of_level in beats.items() for beat in of_level]
    if not wanted:
        return
    stored: dict[int, set[Beat]] = {}
    for number, start, end in await connection.fetch(_TOUCHED_SQL, *zip(*wanted, strict=True)):
        stored.setdefault(number, set()).add((start, end))
    gone, longer, new = [], [], []
    for number, of_level in beats.items():
        before = dict(stored.get(number, ()))
        after = dict(union((*before.items(), *of_level)))
        gone += [(number, start) for start in before if start not in after]
        longer += [(number, start, end) for start, end in after.items() if start in before and before[start] != end]
        new += [(number, start, end) for start, end in after.items() if start not in before]
    if gone:
        await connection.execute(_DROP_BEATS_SQL, *zip(*gone, strict=True))
    if longer:
        await connection.execute(_LENGTHEN_SQL, *zip(*longer, strict=True))
    if new:
        await connection.copy_records_to_table("heartbeats", records=new, columns=BEAT_COLUMNS)
