"""Retention that is cut off anywhere, and beside writers, erasures, audits and rebuilds at work."""

import asyncio
import contextlib
import math
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from service.core.errors import ConfigurationError, Unavailable
from service.store import forgetting, retention
from service.store.database import Database
from service.store.erasures import erase_customer
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.retention import Retention
from service.telemetry import Telemetry
from service.timer import Timer
from tests.reference.walk import SECOND, instant
from tests.store.proof import rebuild_by
from tests.store.retained import (
    ANNA,
    BEN,
    CLIO,
    DAYS,
    HISTORY,
    KEPT,
    KEPT_FROM,
    KEPT_FROM_US,
    NOW_US,
    Event,
    audited,
    event,
    numbers,
    partitions,
    post,
    retain,
    subjects,
    visit,
)
from tests.store.stored import fetch, identity_gaps
from tests.terms import answered_within, promises


@pytest.fixture
async def told(database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger that knows the history; what is forgotten of it is forgotten in the smallest steps."""
    monkeypatch.setattr(retention, "_INTERACTIONS_AT_ONCE", 1)
    await Policies(database).publish(promises(till=answered_within(20 * SECOND, 0.9)), NOW_US)
    await post(ledger, HISTORY)
    await Timer(ledger, Telemetry()).tick(NOW_US)
    return ledger


async def is_all_forgotten(database: Database) -> None:
    assert await subjects(database) == KEPT
    assert await partitions(database) == {"events_2025_02", "events_2025_03", "events_before_1970"}
    assert await subjects(database, "contacts WHERE bare") == {"j1\x012025-02", "j2\x012025-02"}


async def test_it_may_end_after_any_step(told: Ledger, database: Database, registry: Registry) -> None:
    before = await numbers(database)
    steps = 0
    is_done = False
    while not is_done:
        work = Retention(database, Policies(database), told, days=DAYS)._all(NOW_US)
        steps += 1
        for _ in range(steps):
            is_done = await anext(work, None) is None
        await work.aclose()
        assert await numbers(database) == before
        assert await audited(database, registry) == []
    assert steps > 5
    await is_all_forgotten(database)


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (retention, "partitions_before"),
        (retention, "forget_keys"),
        (retention, "forget_interactions"),
        (retention, "forget_events_before_1970"),
        (retention, "drop_partition"),
        (retention, "forget_contacts"),
        (retention, "forget_customers"),
        (forgetting, "lay_bare"),
        (forgetting, "lock_customers"),
    ],
)
async def test_it_may_crash_in_the_middle_of_any_step(
    where: Any, name: str, told: Ledger, database: Database, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await numbers(database)
    done: Callable[..., Any] = getattr(where, name)
    calls = 0
    last = 0

    async def crashing(*args: Any, **more: Any) -> Any:
        nonlocal calls
        result = await done(*args, **more)
        calls += 1
        if calls > last:
            raise Crash
        return result

    monkeypatch.setattr(where, name, crashing)
    crashes = 0
    while True:
        calls, last = 0, crashes
        try:
            await retain(database, told)
            break
        except Crash:
            crashes += 1
            assert await numbers(database) == before
            assert await audited(database, registry) == []
    assert crashes > 0
    await is_all_forgotten(database)
    assert await audited(database, registry) == []


async def test_a_lost_connection_is_no_more_than_a_pause(told: Ledger, database: Database, registry: Registry) -> None:
    work = Retention(database, Policies(database), told, days=DAYS)
    work._work = work._all(NOW_US)
    for _ in range(3):
        await anext(work._work)
    cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name IN ('frontline-writer', 'frontline-audit')"""
    assert len(await fetch(database, cut)) >= 2
    with pytest.raises(Unavailable):
        await work.go_on(NOW_US, math.inf)
    assert await audited(database, registry) == []
    await work.go_on(NOW_US + 60 * SECOND, math.inf)
    await is_all_forgotten(database)


def young(deal: random.Random, number: int) -> list[Event]:
    """Something that is posted from the moment on from which events are kept, to what is old or new."""
    at = KEPT_FROM + timedelta(seconds=deal.randrange(58 * 86400 - 600))
    customer = deal.choice((ANNA, BEN, CLIO, "dora"))
    old = deal.choice(("j1", "j2", "n1", "lost", "spans", "told-late"))
    return deal.choice(
        (
            visit(f"new-{number}", at, customer),
            [event(old, "reopened", at, customer=customer)],
            [event(old, "held", at), event(f"new-{number}", "queued", at, customer=customer)],
            [event("f1", "corrected", at, kind="refund", customer=customer)],
        )
    )


def old(deal: random.Random, number: int) -> list[Event]:
    """A visit of the months before."""
    at = KEPT_FROM - timedelta(seconds=deal.randrange(120 * 86400))
    return visit(f"old-{number}", at, deal.choice((ANNA, BEN, CLIO)))


class Beside:
    """Writers, and what became of what they posted."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self.deal = random.Random(20250331)  # no secret
        self.database = database
        self.registry = registry
        self.accepted: dict[str, Event] = {one["id"]: one for one in HISTORY}
        self.refused = 0
        self.over = asyncio.Event()

    async def write(self, writer: Ledger, first: int) -> None:
        """Post old and young until retention is over, some of it twice."""
        number = first
        while not self.over.is_set() or number < first + 60:
            number += 1
            events = [*young(self.deal, number), *old(self.deal, number), *self.deal.choice(([], HISTORY[:7]))]
            for _ in range(1 if number % 7 else 2):
                outcome = await post(writer, events)
                rejected = {events[one.index]["id"] for one in outcome.rejected}
                assert {one.code for one in outcome.rejected} <= {"too_old"}
                self.refused += len(rejected)
                self.accepted.update({one["id"]: one for one in events if one["id"] not in rejected})

    async def retain(self, timing: Ledger, forgetting: Ledger) -> None:
        """Run the timer until nothing is left to be forgotten."""
        timer = Timer(timing, Telemetry(), Retention(self.database, Policies(self.database), forgetting, days=DAYS))
        await asyncio.sleep(0.2)
        now_us = NOW_US
        while len(await partitions(self.database)) > 3 or await _old(self.database):
            await timer.tick(now_us)
            now_us += 61 * SECOND
        self.over.set()
        await timer.stop()

    async def look(self) -> None:
        """Audit and erase."""
        while not self.over.is_set():
            with contextlib.suppress(ConfigurationError):  # while the policy is changing
                assert await audited(self.database, self.registry) == []
            await erase_customer(self.database, self.deal.choice((ANNA, BEN)), actor="test")
            await asyncio.sleep(0.05)

    async def rebuild(self, ledger: Ledger) -> None:
        """Make everything again, once it has begun."""
        while (await Policies(self.database).latest()).kept_from_us is None:
            await asyncio.sleep(0.01)
        await rebuild_by(ledger, self.database, self.registry, NOW_US).run()


async def test_writers_erasures_audits_and_a_rebuild_go_on_beside_it(
    told: Ledger, database: Database, registry: Registry
) -> None:
    others = [
        Ledger(database, registry, Partitions(database), Policies(database), number=n, live_horizon_seconds=3600)
        for n in range(1, 7)
    ]
    *writers, timing, away, rebuilding = others
    await told.close()
    beside = Beside(database, registry)
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for place, writer in enumerate(writers):
            group.create_task(beside.write(writer, 1000 * place))
        group.create_task(beside.retain(timing, away))
        group.create_task(beside.look())
        group.create_task(beside.rebuild(rebuilding))
    assert beside.refused, "nothing was posted after it began"
    kept = [name for name, one in beside.accepted.items() if instant(one["time"]) >= KEPT_FROM_US]
    assert sorted(row[0] for row in await fetch(database, "SELECT id FROM events")) == sorted(kept)
    assert await identity_gaps(database) == {}
    assert await audited(database, registry) == []
    for ledger in others:
        await ledger.close()


async def _old(database: Database) -> bool:
    """Whether anything is left that is to be forgotten."""
    if (await Policies(database).latest()).kept_from_us != KEPT_FROM_US:
        return True
    sql = f"SELECT count(*) FROM events WHERE time < '{KEPT_FROM.isoformat()}'"
    return bool((await fetch(database, sql))[0][0])
