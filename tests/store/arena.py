"""A database that is emptied before each world, and some writers on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from sqlalchemy import text

from service.core.event import duration_us
from service.store.database import Database
from service.store.findings import Report
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.telemetry import Telemetry
from service.timer import Timer
from tests.promised import promised
from tests.reference.worlds import World, final
from tests.store.proof import audit
from tests.store.stored import (
    TABLES,
    identity_gaps,
    stored_cells,
    stored_days,
    stored_objectives,
    stored_rollups,
)

WRITERS = 3


class Stage(NamedTuple):
    """What a world is told to: several writers, and a timer with a ledger of its own."""

    database: Database
    registry: Registry
    policies: Policies
    ledgers: list[Ledger]
    timing: Ledger
    timer: Timer

    async def audit(self, now: int) -> Report:
        """What an audit as of a moment sees."""
        return await audit(self.database, self.registry, now)

    async def stored(self, world: World) -> dict[str, Any]:
        """What is stored in the end."""
        return {
            "rollups": await stored_rollups(self.database),
            "days": await stored_days(self.database),
            "cells": await stored_cells(self.database),
            "objectives": await stored_objectives(self.database),
            "gaps": await identity_gaps(self.database),
            "audit": await self.audit(final(world)),
        }


class Writers(NamedTuple):
    """An emptied database and some writers on it."""

    database: Database
    registry: Registry
    policies: Policies
    ledgers: list[Ledger]


@asynccontextmanager
async def writers_at(url: str, many: int = 1) -> AsyncIterator[Writers]:
    """Empty the database at a URL, and open it."""
    database = Database(url)
    registry = Registry(database, max_sites=10, max_queues_per_site=10)
    policies = Policies(database)
    ledgers = [
        Ledger(database, registry, Partitions(database), policies, number=n, live_horizon_seconds=3600)
        for n in range(many)
    ]
    try:
        async with database.engine.begin() as connection:
            await connection.execute(text(f"TRUNCATE {TABLES}"))
        yield Writers(database, registry, policies, ledgers)
    finally:
        for ledger in ledgers:
            await ledger.close()
        await database.close()


class Arena:
    """A database of its own, and the loop in which all of it runs."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    @asynccontextmanager
    async def stage(self, world: World) -> AsyncIterator[Stage]:
        """An empty database that knows what a world promises, and when its sites are open."""
        async with writers_at(self.url, WRITERS + 1) as (database, registry, policies, (*ledgers, timing)):
            async with database.engine.begin() as connection:
                await connection.execute(text("TRUNCATE objectives"))
                await connection.execute(text("UPDATE sites SET time_zone = 'UTC', calendars = '[]', patiences = '{}'"))
                await connection.execute(
                    text("UPDATE policy SET version = version + 1, rebuild_wanted = false, kept_from = NULL")
                )
            for site, zone in world["zones"].items():
                await registry.put_site(
                    site,
                    time_zone=zone,
                    hours=world["hours"][site],
                    holidays=world["holidays"][site],
                    since=None,
                    queues=[],
                    actor="test",
                    patiences={
                        queue: duration_us(seconds) for queue, seconds in world["patience"].get(site, {}).items()
                    },
                )
            await policies.publish(promised(world["objectives"]), final(world))
            timer = Timer(timing, Telemetry())
            yield Stage(database, registry, policies, ledgers, timing, timer)
