"""What vendors sent and nobody could read or map: kept, sealed, until it is read again or has come to its end."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from service.core.errors import ConfigurationError
from service.store.access_tables import unread
from service.store.database import Database, translated
from service.store.tables import sources
from service.store.vault import Vault

_SEALED_FOR = "unread of {}"


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A part of a delivery as it is sealed: the headers that it is read by, and its body."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A part that is kept: its number, and what it is; None where it was sealed with another key than that of now."""

    id: int
    part: Part | None


@dataclass(frozen=True, slots=True)
class UnreadEntry:
    """A part as it is listed: whose, since when and until when, and why it could not be read; not what it says."""

    id: int
    source: str
    received_at: datetime
    expires_at: datetime
    code: str
    detail: str
    size_bytes: int


class UnreadParts:
    """Reads and writes of unread parts. Raises Unavailable, and ConfigurationError without a key to seal with."""

    def __init__(self, database: Database, vault: Vault, *, keep_days: int) -> None:
        self._database = database
        self._vault = vault
        self._keep = timedelta(days=keep_days)

    async def keep(self, source_id: int, headers: Mapping[str, str], parts: Sequence[tuple[str, str, bytes]]) -> int:
        """Keep parts, each as (code, detail, body), once; how many are new is returned."""
        if not parts:
            return 0
        rows = []
        for code, detail, body in parts:
            content = msgspec.msgpack.encode(Part(dict(headers), body))
            rows.append(
                {
                    "source_id": source_id,
                    "expires_at": func.now() + self._keep,
                    "code": code,
                    "detail": detail,
                    "digest": hashlib.sha256(content).digest(),
                    "size_bytes": len(body),
                    "sealed": self._vault.seal(content, _SEALED_FOR.format(source_id)),
                }
            )
        with translated():
            async with self._database.engine.begin() as connection:
                kept = await connection.execute(insert(unread).values(rows).on_conflict_do_nothing())
                return int(kept.rowcount)

    async def listed(self, source: str | None, *, before: int | None, limit: int) -> list[UnreadEntry]:
        """What is kept, the latest first; with `before`, what came before the part of that number."""
        columns = (unread.c.id, sources.c.name, unread.c.received_at, unread.c.expires_at)
        wanted = select(*columns, unread.c.code, unread.c.detail, unread.c.size_bytes).join_from(unread, sources)
        if source is not None:
            wanted = wanted.where(sources.c.name == source)
        if before is not None:
            wanted = wanted.where(unread.c.id < before)
        with translated():
            async with self._database.engine.connect() as connection:
                rows = await connection.execute(wanted.order_by(unread.c.id.desc()).limit(limit))
                return [UnreadEntry(*row) for row in rows]

    async def of(self, source_id: int, *, after: int, limit: int) -> list[Kept]:
        """Parts of a source, the oldest first, behind the one of a number."""
        wanted = select(unread.c.id, unread.c.sealed).where(unread.c.source_id == source_id, unread.c.id > after)
        with translated():
            async with self._database.engine.connect() as connection:
                rows = (await connection.execute(wanted.order_by(unread.c.id).limit(limit))).all()
        return [Kept(row.id, self._opened(bytes(row.sealed), source_id)) for row in rows]

    def _opened(self, sealed: bytes, source_id: int) -> Part | None:
        try:
            content = self._vault.open(sealed, _SEALED_FOR.format(source_id))
        except ConfigurationError:
            return None
        return msgspec.msgpack.decode(content, type=Part)

    async def explain(self, number: int, code: str, detail: str) -> None:
        """Why a part could not be read this time."""
        with translated():
            async with self._database.engine.begin() as connection:
                await connection.execute(update(unread).where(unread.c.id == number).values(code=code, detail=detail))

    async def drop(self, number: int) -> None:
        """Keep a part no longer, for it has been read."""
        with translated():
            async with self._database.engine.begin() as connection:
                await connection.execute(delete(unread).where(unread.c.id == number))

    async def expire(self) -> int:
        """Drop what has come to its end; how many is returned."""
        with translated():
            async with self._database.engine.begin() as connection:
                gone = await connection.execute(delete(unread).where(unread.c.expires_at <= func.now()))
                return int(gone.rowcount)
