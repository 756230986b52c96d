"""The trail of administration: who changed what, and when, written in the transaction that changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.access_tables import admin_actions
from service.store.database import Database, translated

NOTE_SQL = "INSERT INTO admin_actions (actor, action, target, detail) VALUES ($1, $2, $3, $4::text::jsonb)"
"""As `note`, for the connections of writers: actor, action, target, and the particulars as JSON."""
COMMAND_LINE = "command line"
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was done: by whom, what, to what, and the particulars, without secrets and personal data."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


async def note(connection: AsyncConnection, actor: str, action: str, target: str, **detail: Any) -> None:
    """Write that somebody does something, in the transaction in which it is done."""
    values = {"actor": actor, "action": action, "target": target, "detail": detail}
    await connection.execute(insert(admin_actions).values(values))


async def actions(database: Database, *, before: int | None, limit: int) -> Sequence[Action]:
    """What was done, the latest first; with `before`, what was done before the action of that number."""
    columns = admin_actions.c
    wanted = select(columns.id, columns.at, columns.actor, columns.action, columns.target, columns.detail)
    if before is not None:
        wanted = wanted.where(columns.id < before)
    with translated():
        async with database.engine.connect() as connection:
            rows = await connection.execute(wanted.order_by(columns.id.desc()).limit(limit))
            return [Action(*row) for row in rows]
