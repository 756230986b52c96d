"""Reading whole tables, some thousand rows at a time."""

from collections.abc import AsyncIterator
from typing import Any

from service.store.bookings import InteractionKey
from service.store.database import Connection

AT_ONCE = 5_000


async def chunks(connection: Connection, statement: str, *values: Any) -> AsyncIterator[list[Any]]:
    """The rows of a statement, within a transaction."""
    cursor = await connection.cursor(statement, *values)
    while rows := await cursor.fetch(AT_ONCE):
        yield rows


async def groups(
    connection: Connection, statement: str, *values: Any
) -> AsyncIterator[tuple[InteractionKey, list[Any]]]:
    """The rows of each interaction; the statement sorts by registered source and subject, its first columns."""
    key: InteractionKey | None = None
    group: list[Any] = []
    async for rows in chunks(connection, statement, *values):
        for row in rows:
            if key != (row[0], row[1]):
                if key is not None:
                    yield key, group
                key, group = (row[0], row[1]), []
            group.append(row)
    if key is not None:
        yield key, group
