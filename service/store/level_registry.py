"""The numbers by which resources and the staffing of queues are known, and how many of them a site may have."""

import time
from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy import CompoundSelect, Executable, Select, insert, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.event import Fact
from service.core.levels import STAFFING, LevelKey, key_of
from service.core.series import OTHER
from service.store.database import Database, translated
from service.store.level_tables import levels
from service.store.tables import series

MAX_RESOURCES_PER_SITE = 200
_OVERFLOW_SECONDS = 10.0
_OVERFLOW_REMEMBERED = 10_000

SiteIds = Callable[[AsyncConnection, str], Awaitable[tuple[int, bool]]]
"""Gives the number of a site, and whether it is that of `other` because there are too many; see `Registry.site_id`."""


class LevelRegistry:
    """Gives levels their numbers, which never change, and remembers them."""

    def __init__(
        self,
        database: Database,
        site_id: SiteIds,
        *,
        max_queues: int,
        max_resources: int = MAX_RESOURCES_PER_SITE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._site_id = site_id
        self._max_queues = max_queues
        self._max_resources = max_resources
        self.ids: dict[LevelKey, int] = {}
        self._overflow: set[LevelKey] = set()
        self._monotonic = monotonic
        self._looked = monotonic()

    async def ensure(self, wanted: Iterable[LevelKey]) -> None:
        """Give every level a number in `self.ids`. A resource or queue that goes over the limit has that of `other`.

        Raises Unavailable.
        """
        is_time = self._monotonic() - self._looked > _OVERFLOW_SECONDS
        if self._overflow and (is_time or len(self._overflow) > _OVERFLOW_REMEMBERED):
            self._looked = self._monotonic()
            self.forget_overflow()
        missing = sorted({key for key in wanted if key not in self.ids})
        if not missing:
            return
        with translated():
            async with self._database.engine.begin() as connection:
                found = {key: await self._number(connection, key) for key in missing}
        for key, (number, over) in found.items():
            self.ids[key] = number
            if over:
                self._overflow.add(key)

    async def ensure_of(self, facts: Iterable[tuple[int, Fact]]) -> None:
        """Give a number to every level that facts, each of a registered source, are about. Raises Unavailable."""
        await self.ensure({key_of(fact) for _, fact in facts})

    def forget_overflow(self) -> None:
        """Look again, at their next event, whether what went to `other` has been registered since."""
        for key in self._overflow:
            self.ids.pop(key, None)
        self._overflow.clear()

    async def _number(self, connection: AsyncConnection, key: LevelKey) -> tuple[int, bool]:
        site_id, over = await self._site_id(connection, key.site)
        name = key.name
        if await _find(connection, site_id, key.kind, name) is None:
            is_queue = key.kind == STAFFING
            names: Executable = _queues(site_id) if is_queue else _resources(site_id)
            known = {str(row[0]) for row in await connection.execute(names)}
            limit = self._max_queues if is_queue else self._max_resources
            if name not in known and len(known) >= limit:
                over, name = True, OTHER
        found = await _find(connection, site_id, key.kind, name)
        return await _add(connection, site_id, key.kind, name) if found is None else found, over


def _resources(site_id: int) -> Select[tuple[str]]:
    """The names of the resources that a site has."""
    return select(levels.c.name).where(levels.c.site_id == site_id, levels.c.kind != STAFFING).distinct()


def _queues(site_id: int) -> CompoundSelect[tuple[str]]:
    """The names of the queues that a site has, whether anyone came to them or only served there."""
    staffed = select(levels.c.name).where(levels.c.site_id == site_id, levels.c.kind == STAFFING)
    return union(select(series.c.queue).where(series.c.site_id == site_id, series.c.queue != ""), staffed)


async def _find(connection: AsyncConnection, site_id: int, kind: str, name: str) -> int | None:
    statement = select(levels.c.id).where(levels.c.site_id == site_id, levels.c.kind == kind, levels.c.name == name)
    found = await connection.scalar(statement)
    return None if found is None else int(found)


async def _add(connection: AsyncConnection, site_id: int, kind: str, name: str) -> int:
    statement = insert(levels).values(site_id=site_id, kind=kind, name=name).returning(levels.c.id)
    return int((await connection.scalars(statement)).one())
