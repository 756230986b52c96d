"""Webhooks of sources in the database: which vendor sends to which, signed by what, and meant how."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from service.core.errors import NotFound
from service.core.event import LABEL
from service.store.access_tables import webhooks
from service.store.database import Database, translated
from service.store.tables import sources
from service.store.trail import note
from service.store.vault import Vault

_FRESH_SECONDS = 1.0
_REMEMBERED = 10_000
_SECRETS_FOR = "secrets of {}"
_NO_WEBHOOK = "there is no webhook at this address"
_NAME = re.compile(LABEL)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a vendor posts: the source, the sites that it may post for, and what the deliveries are read by.

    `secrets` are those valid now, the newest first; `public_url` is the address that the vendor was given.
    """

    source_id: int
    source: str
    sites: frozenset[str]
    vendor: str
    public_url: str
    secrets: tuple[str, ...]
    mapping: dict[str, Any]

    def may_post(self, site: str) -> bool:
        """Whether events for a site are taken from this source."""
        return "*" in self.sites or site in self.sites


class Webhooks:
    """Reads and writes of webhooks. What is read is remembered for a second."""

    def __init__(self, database: Database, vault: Vault, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._vault = vault
        self._monotonic = monotonic
        self._remembered: dict[str, tuple[float, Webhook | None]] = {}

    async def of(self, source: str) -> Webhook:
        """The webhook of a source. Raises NotFound, ConfigurationError, Unavailable."""
        if not _NAME.fullmatch(source):
            raise NotFound(_NO_WEBHOOK)
        at, found = self._remembered.get(source, (-_FRESH_SECONDS, None))
        if self._monotonic() - at >= _FRESH_SECONDS:
            found = await self._read(source)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[source] = (self._monotonic(), found)
        if found is None:
            raise NotFound(_NO_WEBHOOK)
        return found

    async def _read(self, source: str) -> Webhook | None:
        columns = (sources.c.id, sources.c.sites, webhooks.c.vendor, webhooks.c.public_url)
        wanted = select(*columns, webhooks.c.secrets, webhooks.c.mapping).join_from(webhooks, sources)
        with translated():
            async with self._database.engine.connect() as connection:
                row = (await connection.execute(wanted.where(sources.c.name == source))).one_or_none()
        if row is None:
            return None
        opened = self._vault.open(bytes(row.secrets), _SECRETS_FOR.format(row.id))
        secrets = msgspec.json.decode(opened, type=tuple[str, ...])
        return Webhook(row.id, source, frozenset(row.sites), row.vendor, row.public_url, secrets, row.mapping)

    async def put(
        self, source: str, *, vendor: str, public_url: str, secrets: tuple[str, ...] | None, mapping: Any, actor: str
    ) -> None:
        """Give a source its webhook, or change it; its secrets stay where None is given.

        Raises NotFound where there is no such source, or no secret to keep, and ConfigurationError without a key.
        """
        with translated():
            async with self._database.engine.begin() as connection:
                source_id = await connection.scalar(select(sources.c.id).where(sources.c.name == source))
                if source_id is None:
                    raise NotFound(f"there is no source named {source}")
                values: dict[str, Any] = {"vendor": vendor, "public_url": public_url, "mapping": mapping}
                if secrets is None:
                    known = select(webhooks.c.secrets).where(webhooks.c.source_id == source_id)
                    sealed = await connection.scalar(known)
                    if sealed is None:
                        raise NotFound(f"{source} has no webhook yet, so no secrets to keep; give them as secrets")
                    values["secrets"] = sealed
                else:
                    purpose = _SECRETS_FOR.format(source_id)
                    values["secrets"] = self._vault.seal(msgspec.json.encode(secrets), purpose)
                statement = insert(webhooks).values(source_id=source_id, **values)
                changed = {**values, "changed_at": func.now()}
                await connection.execute(statement.on_conflict_do_update(index_elements=["source_id"], set_=changed))
                new_secrets = None if secrets is None else len(secrets)
                await note(connection, actor, "put webhook", source, vendor=vendor, new_secrets=new_secrets)
        self._remembered.pop(source, None)

    async def listed(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """All webhooks as (source, vendor, public URL, mapping), by source."""
        wanted = select(sources.c.name, webhooks.c.vendor, webhooks.c.public_url, webhooks.c.mapping)
        with translated():
            async with self._database.engine.connect() as connection:
                rows = await connection.execute(wanted.join_from(webhooks, sources).order_by(sources.c.name))
                return [(row[0], row[1], row[2], row[3]) for row in rows]
