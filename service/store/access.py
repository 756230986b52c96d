"""Access in the database: sources, and keys with which something may be done.

Of a key its SHA-256 is stored. A key has 256 random bits, so a plain hash cannot be turned back, and what is searched
for and compared tells nothing of the key. A key is taken out of use, or given an end, while no writer is at work: once
that is answered, nothing that was posted with it is committed any more, by any process.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.access import Principal, Role
from service.core.errors import Conflict, NotFound
from service.store.access_tables import keys
from service.store.database import Database, translated
from service.store.policies import lock_policy
from service.store.tables import sources
from service.store.trail import ENVIRONMENT, note

KEY_UNKNOWN = "this key is not known, was revoked, or has come to its end"
_RANDOM_BYTES = 32
_HINT_LENGTH = 12
_GIVEN = "given"
"""In place of a hint, of a key that was not made here: it is not known how much of it can be told."""


@dataclass(frozen=True, slots=True)
class Source:
    """A registered source and the sites for which it may post."""

    id: int
    name: str
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is to be: its role, the source of one for ingest, when it ends, and what it may do in a second."""

    role: Role
    source: str | None = None
    expires_at: datetime | None = None
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as it is listed: never its secret."""

    id: int
    role: Role
    source: str | None
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    per_second: int | None
    replaces: int | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, with its secret, which is nowhere else."""

    entry: KeyEntry
    secret: str


def key_hash(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def new_secret(role: Role) -> str:
    """A new secret key, such as `fl_ingest_…`."""
    return f"fl_{role}_{secrets.token_urlsafe(_RANDOM_BYTES)}"


_COLUMNS = (
    *(keys.c.id, keys.c.role, sources.c.name, keys.c.hint, keys.c.created_at),
    *(keys.c.expires_at, keys.c.revoked_at, keys.c.per_second, keys.c.replaces),
)


class Access:
    """Reads and writes of sources and keys. `actor` is who does it, for the trail of administration."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_source(
        self, name: str, sites: Sequence[str], *, actor: str, terms: KeyTerms | None = None
    ) -> NewKey:
        """Register a source; its first key is returned. Raises Conflict where it exists."""
        try:
            with translated():
                async with self._database.engine.begin() as connection:
                    await connection.execute(insert(sources).values(name=name, sites=list(sites)))
                    await note(connection, actor, "create source", name, sites=list(sites))
                    return await _make_key(connection, terms or KeyTerms(Role.INGEST, name), actor)
        except IntegrityError as error:
            raise Conflict(
                f"a source named {name} exists; POST /v1/admin/sources/{name}/keys makes a new key for it"
            ) from error

    async def list_sources(self) -> list[Source]:
        """All registered sources, by name."""
        wanted = select(sources.c.id, sources.c.name, sources.c.sites).order_by(sources.c.name)
        with translated():
            async with self._database.engine.connect() as connection:
                return [Source(row.id, row.name, tuple(row.sites)) for row in await connection.execute(wanted)]

    async def create_key(self, terms: KeyTerms, *, actor: str) -> NewKey:
        """A further key. Raises NotFound where its source is not registered."""
        with translated():
            async with self._database.engine.begin() as connection:
                return await _make_key(connection, terms, actor)

    async def rotate_key(
        self, key_id: int, overlap: timedelta, *, actor: str, expires_at: datetime | None = None
    ) -> NewKey:
        """A key in the place of another, which ends after the overlap, if not before. Raises NotFound.

        The new one ends when it is told to, whenever the other was to end.
        """
        with translated():
            async with self._database.engine.begin() as connection:
                await lock_policy(connection)
                row = (await connection.execute(_listed().where(keys.c.id == key_id, _is_valid()))).one_or_none()
                if row is None:
                    raise _not_valid(key_id)
                old = _entry(row)
                ends = func.least(keys.c.expires_at, func.now() + overlap)  # the least of null and a time is the time
                await connection.execute(update(keys).where(keys.c.id == key_id).values(expires_at=ends))
                terms = KeyTerms(old.role, old.source, expires_at, old.per_second)
                overlap_seconds = int(overlap.total_seconds())
                await note(connection, actor, "rotate key", f"key {key_id}", overlap_seconds=overlap_seconds)
                return await _make_key(connection, terms, actor, replaces=key_id)

    async def revoke_key(self, key_id: int, *, actor: str) -> None:
        """Take a key out of use. Raises NotFound."""
        revoked = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=func.now())
        with translated():
            async with self._database.engine.begin() as connection:
                await lock_policy(connection)
                if not (await connection.execute(revoked)).rowcount:
                    raise _not_valid(key_id)
                await note(connection, actor, "revoke key", f"key {key_id}")

    async def keep_key(self, secret: str, role: Role) -> None:
        """Make sure that a key from the environment is known; one that was revoked stays so."""
        values = {**_stored(secret, _GIVEN), "role": role}
        statement = insert(keys).values(values).on_conflict_do_nothing().returning(keys.c.id)
        with translated():
            async with self._database.engine.begin() as connection:
                key_id = await connection.scalar(statement)
                if key_id is not None:
                    await note(connection, ENVIRONMENT, "create key", f"key {key_id}", role=role)

    async def list_keys(self) -> list[KeyEntry]:
        """All keys, the oldest first, without their secrets."""
        with translated():
            async with self._database.engine.connect() as connection:
                return [_entry(row) for row in await connection.execute(_listed().order_by(keys.c.id))]

    async def principal(self, hashed: bytes) -> Principal | None:
        """Who a key, given by its hash, speaks for; None where it is unknown, revoked or at its end."""
        columns = (keys.c.hash, keys.c.id, keys.c.role, keys.c.source_id, sources.c.name, sources.c.sites)
        wanted = select(*columns, keys.c.per_second).outerjoin_from(keys, sources)
        with translated():
            async with self._database.engine.connect() as connection:
                row = (await connection.execute(wanted.where(keys.c.hash == hashed, _is_valid()))).one_or_none()
        if row is None or not hmac.compare_digest(bytes(row.hash), hashed):
            return None
        sites = frozenset(row.sites or ())
        return Principal(row.id, Role(row.role), row.source_id or 0, row.name or "", sites, row.per_second)


async def _make_key(connection: AsyncConnection, terms: KeyTerms, actor: str, replaces: int | None = None) -> NewKey:
    source_id = None
    if terms.source is not None:
        source_id = await connection.scalar(select(sources.c.id).where(sources.c.name == terms.source))
        if source_id is None:
            raise NotFound(f"there is no source named {terms.source}")
    secret = new_secret(terms.role)
    values = {
        **_stored(secret, f"{secret[:_HINT_LENGTH]}…"),
        "role": terms.role,
        "source_id": source_id,
        "expires_at": terms.expires_at,
        "per_second": terms.per_second,
        "replaces": replaces,
    }
    key_id = (await connection.scalars(insert(keys).values(values).returning(keys.c.id))).one()
    entry = _entry((await connection.execute(_listed().where(keys.c.id == key_id))).one())
    particulars: dict[str, Any] = {"role": terms.role, "source": terms.source, "replaces": replaces}
    ends = None if terms.expires_at is None else terms.expires_at.isoformat()
    await note(connection, actor, "create key", f"key {key_id}", **particulars, expires_at=ends)
    return NewKey(entry, secret)


def _listed() -> Any:
    return select(*_COLUMNS).outerjoin_from(keys, sources)


def _entry(row: Any) -> KeyEntry:
    return KeyEntry(row[0], Role(row[1]), *row[2:])


def _is_valid() -> ColumnElement[bool]:
    return keys.c.revoked_at.is_(None) & or_(keys.c.expires_at.is_(None), keys.c.expires_at > func.now())


def _not_valid(key_id: int) -> NotFound:
    return NotFound(f"there is no valid key with the number {key_id}")


def _stored(secret: str, hint: str) -> dict[str, Any]:
    return {"hash": key_hash(secret), "hint": hint}
