"""Whole worlds on a real PostgreSQL: sites with hours, objectives, sources that share customers, and time that passes.

Several writers post at once and the timer ticks between and beside them; in the end every number is the reference's,
and an audit finds nothing.
"""

import asyncio
import os
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from service.store.audit import auditing
from service.store.database import Database
from service.store.ledger import Ledger, Post
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.telemetry import Telemetry
from service.timer import Timer
from tests.books import accept
from tests.conftest import at_database
from tests.promised import promised
from tests.reference.rollups import by_local_day, expected_cells, expected_objectives, expected_rollups, punctual
from tests.reference.worlds import World, calendars, final, world_rows, worlds
from tests.store.stored import (
    TABLES,
    identity_gaps,
    stored_cells,
    stored_days,
    stored_objectives,
    stored_rollups,
)

WRITERS = 3
EXAMPLES = int(os.environ.get("FRONTLINE_WORLDS", "120"))


class Arena:
    """A database that is emptied before each world, and some writers on it."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    async def play(self, world: World, deal: Any) -> dict[str, Any]:
        """Tell a world to several writers; what is stored in the end."""
        database = Database(self.url)
        registry = Registry(database, max_sites=10, max_queues_per_site=10)
        policies = Policies(database)
        ledgers = [
            Ledger(database, registry, Partitions(database), policies, number=n, live_horizon_seconds=3600)
            for n in range(WRITERS + 1)
        ]
        timer = Timer(ledgers.pop(), Telemetry())
        try:
            async with database.engine.begin() as connection:
                await connection.execute(text(f"TRUNCATE {TABLES}, objectives"))
                await connection.execute(text("UPDATE sites SET time_zone = 'UTC', calendars = '[]'"))
                await connection.execute(text("UPDATE policy SET version = version + 1, rebuild_wanted = false"))
            for site, zone in world["zones"].items():
                await registry.put_site(
                    site,
                    time_zone=zone,
                    hours=world["hours"][site],
                    holidays=world["holidays"][site],
                    since=None,
                    queues=[],
                    actor="test",
                )
            await policies.publish(promised(world["objectives"]), final(world))
            await self._tell(world, ledgers, timer, deal)
            async with auditing(
                database, registry, policies, lambda: final(world), lambda _stage, _report: None
            ) as audit:
                await audit.run()
            return {
                "rollups": await stored_rollups(database),
                "days": await stored_days(database),
                "cells": await stored_cells(database),
                "objectives": await stored_objectives(database),
                "gaps": await identity_gaps(database),
                "audit": audit.report,
            }
        finally:
            await timer.stop()
            for ledger in ledgers:
                await ledger.close()
            await database.close()

    async def _tell(self, world: World, ledgers: list[Ledger], timer: Timer, deal: Any) -> None:
        numbers = {name: number for number, name in enumerate(world["registrations"], 1)}
        for step in world["steps"]:
            if step[0] == "tick":
                await timer.tick(step[1])
                continue
            _, registration, events, now = step
            lanes: list[list[Any]] = [[] for _ in ledgers]
            for event in events:
                deal.choice(lanes).append(event)
            is_ticking = deal.random() < 0.3
            posts = [
                ledger.commit([Post(numbers[registration], accept(lane, now))], now)
                for ledger, lane in zip(ledgers, lanes, strict=True)
                if lane
            ]
            await asyncio.gather(*posts, *([timer.tick(now)] if is_ticking else []))


@pytest.fixture(scope="module")
def arena(postgres_url: str, template: str) -> Iterator[Arena]:
    name = f"arena_{uuid.uuid4().hex[:8]}"

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(administer(f"CREATE DATABASE {name} TEMPLATE {template}"))
    made = Arena(at_database(postgres_url, name))
    yield made
    made.runner.close()
    asyncio.run(administer(f"DROP DATABASE {name} WITH (FORCE)"))


# A world is told to three writers on a database, too slowly for shrinking to pay: what fails is shown as it was drawn.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(world=worlds(), deal=st.randoms(use_true_random=False))
@pytest.mark.timeout(0 if EXAMPLES > 1000 else 300)
def test_every_number_is_the_reference_s(arena: Arena, world: World, deal: Any) -> None:
    laid, now = world_rows(world), final(world)
    stored = arena.runner.run(arena.play(world, deal))
    expected = expected_rollups(laid, now=now)
    assert punctual(stored["rollups"]) == expected
    assert punctual(stored["days"]) == by_local_day(expected, world["zones"])
    assert stored["cells"] == expected_cells(laid)
    assert stored["objectives"] == expected_objectives(laid, world["objectives"], calendars(world), now)
    assert stored["gaps"] == {}
    assert stored["audit"].findings == []
