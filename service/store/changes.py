"""Changes made on purpose: kept as they are told, and read one for each name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select

from service.core.change import Change
from service.core.event import AsideData, Fact, Kind, microseconds
from service.core.vocabulary import TYPE_OF_KIND
from service.store.change_tables import changes
from service.store.database import Connection, Database, translated

_DECIDES = (changes.c.name, changes.c.at, changes.c.source_id, changes.c.source, changes.c.id)
_DECIDING = select(changes).prefix_with("DISTINCT ON (changes.name)").order_by(*_DECIDES).subquery()
_COLUMNS = ("source_id", "source", "id", "at", "name", "kind", "sites", "queues")
_COLUMN_LIST = ", ".join(_COLUMNS)
_KEY = _COLUMNS[:3]
_WRONG_SQL = f"""
SELECT {", ".join(f"coalesce(e.{name}, c.{name})" for name in _KEY)}, e.id IS NOT NULL, c.id IS NOT NULL
FROM (SELECT source_id, source, id, time AS at, data ->> 'name' AS name, data ->> 'kind' AS kind,
        CASE WHEN data ? 'sites' THEN ARRAY(SELECT jsonb_array_elements_text(data -> 'sites')) END AS sites,
        CASE WHEN data ? 'queues' THEN ARRAY(SELECT jsonb_array_elements_text(data -> 'queues')) END AS queues
    FROM events WHERE type = '{TYPE_OF_KIND[Kind.CHANGE_MADE]}' AND time >= $1) AS e
FULL JOIN (SELECT {_COLUMN_LIST} FROM changes WHERE at >= $1) AS c
    ON {" AND ".join(f"e.{name} = c.{name}" for name in _KEY)}
WHERE ({", ".join(f"e.{name}" for name in _COLUMNS)}) IS DISTINCT FROM ({", ".join(f"c.{name}" for name in _COLUMNS)})
ORDER BY 1, 2, 3
"""
_DELETE_SQL = "DELETE FROM changes WHERE source_id = $1 AND source = $2 AND id = $3"
_FROM_LOG_SQL = f"""
INSERT INTO changes ({_COLUMN_LIST})
SELECT source_id, source, id, time, data ->> 'name', data ->> 'kind',
    CASE WHEN data ? 'sites' THEN ARRAY(SELECT jsonb_array_elements_text(data -> 'sites')) END,
    CASE WHEN data ? 'queues' THEN ARRAY(SELECT jsonb_array_elements_text(data -> 'queues')) END
FROM events WHERE type = '{TYPE_OF_KIND[Kind.CHANGE_MADE]}' AND source_id = $1 AND source = $2 AND id = $3
"""


class WrongChange(NamedTuple):
    """A change that is not kept as the log tells it: the event's identity, and which of the two has it."""

    source_id: int
    source: str
    id: str
    in_log: bool
    kept: bool

    @property
    def detail(self) -> str:
        """What is wrong, for people."""
        if not self.kept:
            return "is in the log, and not among the changes"
        return "is kept otherwise than the log has it" if self.in_log else "is among the changes, and not in the log"


async def record(connection: Connection, made: Sequence[tuple[int, Fact]]) -> None:
    """Keep events of changes, each with the number of its registered source; they must be new."""
    if made:
        records = [
            (source_id, fact.source, fact.id, fact.at, data.name, data.kind, data.sites, data.queues)
            for source_id, fact in made
            if isinstance(data := fact.data, AsideData)
        ]
        await connection.copy_records_to_table("changes", records=records, columns=_COLUMNS)


async def wrong_changes(connection: Connection, kept_from_us: int) -> list[WrongChange]:
    """The changes that are kept otherwise than the log tells them, as far back as it does."""
    return [WrongChange(*row) for row in await connection.fetch(_WRONG_SQL, kept_from_us)]


async def mend_changes(connection: Connection, wrong: Sequence[WrongChange]) -> None:
    """Keep changes as the log tells them."""
    for one in wrong:
        await connection.execute(_DELETE_SQL, *one[:3])
        await connection.execute(_FROM_LOG_SQL, *one[:3])


class ChangeLog:
    """Reads of the changes in a database. All methods raise Unavailable where it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def named(self, name: str) -> Change | None:
        """The change of a name."""
        found = await self._read(_DECIDING.c.name == name)
        return found[0] if found else None

    async def all(
        self,
        *,
        sites: Sequence[str] = (),
        kinds: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Change]:
        """The changes from a moment up to another, the latest first; those at any of some sites, of some kinds."""
        conditions = []
        if sites:
            conditions.append(or_(_DECIDING.c.sites.is_(None), _DECIDING.c.sites.overlap(list(sites))))
        if kinds:
            conditions.append(_DECIDING.c.kind.in_(kinds))
        if since is not None:
            conditions.append(_DECIDING.c.at >= since)
        if until is not None:
            conditions.append(_DECIDING.c.at < until)
        return await self._read(*conditions, limit=limit)

    async def _read(self, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Change]:
        statement = select(_DECIDING).where(*conditions).order_by(_DECIDING.c.at.desc(), _DECIDING.c.name).limit(limit)
        with translated():
            async with self._database.engine.connect() as connection:
                return [_change(row) for row in await connection.execute(statement)]


def _change(row: Any) -> Change:
    sites, queues = (None if names is None else tuple(names) for names in (row.sites, row.queues))
    return Change(row.name, row.kind, microseconds(row.at), sites, queues)
