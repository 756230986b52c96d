"""Levels on a real PostgreSQL: the same rows and answers for any delivery, and as a walk over every second has them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.event import SECOND_US, microseconds
from service.core.interval import Interval, Step
from service.core.kpi import Needs
from service.core.levels import LevelKey
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.level_registry import LevelRegistry
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from service.store.verdicts import Post
from tests import level_histories as histories
from tests.books import accept
from tests.level_histories import BEGIN, HOURS, SECONDS, Event
from tests.store.arena import writers_at
from tests.store.stored import fetch

NOW = BEGIN + timedelta(seconds=SECONDS)
NOW_US = microseconds(NOW)
LANES = 3
INTEGRALS = Needs(integrals=frozenset({"open_us", "up_us", "degraded_us", "staffed_us"}))
Told = Mapping[tuple[str, ...], Mapping[str, list[int]]]


async def rows(database: Database) -> dict[str, list[Any]]:
    """All that is kept of levels, by their names."""
    named = "SELECT l.site_id, l.kind, l.name"
    return {
        "levels": await fetch(database, f"{named}, first_at, heard_from, heard_at FROM levels l ORDER BY 1, 2, 3"),
        "changes": await fetch(
            database,
            f"{named}, at, source_id, source, c.id, value, available, turns FROM level_changes c "
            "JOIN levels l ON l.id = c.level_id ORDER BY 1, 2, 3, 4, 5, 6, 7",
        ),
        "beats": await fetch(
            database,
            f"{named}, start_at, end_at FROM heartbeats h JOIN levels l ON l.id = h.level_id ORDER BY 1, 2, 3, 4",
        ),
    }


async def told(database: Database, step: Step, skipped: int) -> Told:
    """The integrals up to now, without so many minutes at the beginning."""
    interval = Interval(BEGIN + timedelta(minutes=skipped), NOW + timedelta(hours=1))
    gathered = await Rollups(database).gather(
        interval, step, Selection(), ("site", "queue", "kind"), INTEGRALS, now=NOW
    )
    return {group: sums.terms for group, sums in gathered.groups.items() if sums.terms}


def walked(history: Sequence[Event], step: Step, skipped: int) -> Told:
    """The same by (site, queue, kind), by a walk over every second."""
    begin = 60 * skipped
    length = 60 if step is Step.MINUTE else SECONDS + 3600 - begin
    points = (SECONDS + 3600 - begin) // length
    found: dict[tuple[str, ...], dict[str, list[int]]] = {}

    def add(key: tuple[str, ...], term: str, second: int, amount: int) -> None:
        terms = found.setdefault(key, {name: [0] * points for name in ("open_us", "up_us", "degraded_us")})
        terms.setdefault(term, [0] * points)[second // length] += amount * SECOND_US

    for (site, kind, _), by_second in histories.states(history).items():
        for second, state in enumerate(by_second[begin:SECONDS]):
            if state is not None:
                is_open = histories.is_open(site, begin + second)
                add((site, "", kind), "open_us", second, is_open)
                add((site, "", kind), "up_us", second, is_open and state == "up")
                add((site, "", kind), "degraded_us", second, is_open and state == "degraded")
    staffed: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for (site, queue), numbers in histories.staffed(history).items():
        starts = range(begin, begin + points * length, length)
        amounts = [sum(numbers[at : min(at + length, SECONDS)]) * SECOND_US for at in starts]
        staffed[site, queue, ""] = {"staffed_us": amounts}
    return found | staffed


def standing(history: Sequence[Event]) -> dict[tuple[str, str, str], tuple[str | None, int]]:
    """How each resource stands now, and since which second, by a walk over every one."""
    found = {}
    for key, by_second in histories.states(history).items():
        since = SECONDS
        while since and by_second[since - 1] == by_second[SECONDS]:
            since -= 1
        found[key] = by_second[SECONDS], since
    return found


class Arena:
    """A database that is emptied before each example, and some writers on it."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    async def play(
        self, lanes: Sequence[Sequence[Sequence[Event]]], step: Step, skipped: int
    ) -> tuple[Any, Told, dict[tuple[str, str, str], tuple[str, int]]]:
        """Let all writers deliver at once; the rows that result, the integrals, and how resources stand now."""
        async with writers_at(self.url, len(lanes)) as (database, registry, _, ledgers):
            for site, hours in HOURS.items():
                more: dict[str, Any] = {"holidays": None, "since": None, "queues": [], "actor": "test"}
                await registry.put_site(site, time_zone="UTC", hours=hours, **more)
            await asyncio.gather(*(deliver(one, lane) for one, lane in zip(ledgers, lanes, strict=True)))
            now = {
                one.resource.key: (one.state, (one.since_us - microseconds(BEGIN)) // SECOND_US)
                for one in await Rollups(database).resources((), NOW)
            }
            return await rows(database), await told(database, step, skipped), now


async def deliver(ledger: Ledger, batches: Sequence[Sequence[Event]]) -> None:
    for batch in batches:
        await ledger.commit([Post(1, accept(batch, NOW_US))], NOW_US)


@pytest.fixture(scope="module")
def arena(module_database_url: str) -> Iterator[Arena]:
    made = Arena(module_database_url)
    yield made
    made.runner.close()


@settings(max_examples=60)
@given(st.data(), histories.histories, st.sampled_from([Step.MINUTE, Step.TOTAL]), st.integers(0, 15))
def test_any_delivery_makes_the_same_rows_and_the_answers_of_a_walk_over_every_second(
    arena: Arena, data: st.DataObject, history: list[Event], step: Step, skipped: int
) -> None:
    plain = arena.runner.run(arena.play([[history]], step, skipped))
    at_once = arena.runner.run(arena.play(data.draw(histories.deliveries(history, LANES)), step, skipped))
    assert at_once == plain
    _, integrals, now = plain
    assert integrals == walked(history, step, skipped)
    assert now == standing(history)


def change(number: int, second: int, state: str = "down", **data: Any) -> Event:
    """A change of till-1 of shop-1."""
    at = (BEGIN + timedelta(seconds=second)).isoformat()
    given = {"site": "shop-1", "resource": "till-1", "kind": "equipment", "state": state} | data
    return {"id": f"c{number}", "source": "scada", "type": "availability.changed", "time": at, "data": given}


def beat(number: int, second: float, **data: Any) -> Event:
    """A heartbeat of till-1 of shop-1."""
    at = (BEGIN + timedelta(seconds=second)).isoformat()
    given = {"site": "shop-1", "resource": "till-1"} | data
    return {"id": f"h{number}", "source": "scada", "type": "heartbeat", "time": at, "data": given}


async def test_heartbeats_that_go_on_make_one_row(database: Database, ledger: Ledger) -> None:
    await deliver(ledger, [[beat(n, 20 * n)] for n in range(40)])
    assert len((await rows(database))["beats"]) == 1
    await deliver(ledger, [[beat(50, 1160)], [beat(51, 960, interval_seconds=200)]])
    assert [(row[3], row[4]) for row in (await rows(database))["beats"]] == [
        (BEGIN, BEGIN + timedelta(seconds=900)),
        (BEGIN + timedelta(seconds=960), BEGIN + timedelta(seconds=1280)),
    ]
    await deliver(ledger, [[beat(52, 900)]])
    assert len((await rows(database))["beats"]) == 1


async def test_a_change_that_changes_nothing_does_not_turn(database: Database, ledger: Ledger) -> None:
    await deliver(ledger, [[change(1, 10, "up"), change(2, 20), change(3, 30), change(4, 50, "up")]])
    assert [row[-1] for row in (await rows(database))["changes"]] == [False, True, False, True]
    await deliver(ledger, [[change(5, 25, "up")]])
    assert [row[-1] for row in (await rows(database))["changes"]] == [False, True, True, True, True]


async def test_what_writers_do_at_once_is_all_there(database: Database, registry: Registry) -> None:
    """Two writers meet at the same resource again and again, and at its first event too."""
    ledgers = [
        Ledger(database, registry, Partitions(database), Policies(database), number=n, live_horizon_seconds=3600)
        for n in range(4)
    ]
    try:
        lanes = [
            [beat(100 * n + lane, 5 * (4 * n + lane)), change(100 * n + lane, 5 * n, "up" if n % 2 else "down")]
            for lane in range(4)
            for n in range(12)
        ]
        await asyncio.gather(*(deliver(one, lanes[lane * 12 : lane * 12 + 12]) for lane, one in enumerate(ledgers)))
    finally:
        for one in ledgers:
            await one.close()
    found = await rows(database)
    assert [(row[3], row[4]) for row in found["beats"]] == [(BEGIN, BEGIN + timedelta(seconds=355))]
    assert len(found["changes"]) == 48
    states = [(row[3], row[7]) for row in found["changes"]]
    turns = [row[-1] for row in found["changes"]]
    assert turns == [value != before for (_, value), (_, before) in zip(states, [(BEGIN, 0), *states], strict=False)]


async def test_a_site_has_so_many_resources_and_queues(database: Database, registry: Registry) -> None:
    levels = LevelRegistry(database, registry.site_id, max_queues=2, max_resources=3)
    await registry.ensure_series({("shop-1", "tills", "pos", "")})
    wanted = [LevelKey("shop-1", "equipment", f"till-{n}") for n in range(5)]
    queues = [LevelKey("shop-1", "staffing", name) for name in ("tills", "desk", "door")]
    await levels.ensure([*wanted, LevelKey("shop-1", "channel", "till-1"), *queues])
    kept = [tuple(row) for row in await fetch(database, "SELECT kind, name FROM levels ORDER BY kind, name")]
    assert kept == [
        *(("channel", "till-1"), ("equipment", "other"), ("equipment", "till-0"), ("equipment", "till-1")),
        *(("equipment", "till-2"), ("staffing", "desk"), ("staffing", "other"), ("staffing", "tills")),
    ]
    assert levels.ids[wanted[3]] == levels.ids[wanted[4]] != levels.ids[wanted[2]]
