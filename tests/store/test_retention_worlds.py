"""Whole worlds with retention at any moment: every number is what it would be if nothing were ever forgotten.

The twin that forgets nothing is the reference. It is told the events that were accepted; those that came for an
interaction that was forgotten are another interaction's there too.
"""

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from service.core.catalogue.measures import MEASURES, Scope
from service.store.retention import Retention
from service.store.verdicts import Outcome, Post
from tests.books import accept
from tests.reference.encounters import NOW_US
from tests.reference.histories import written
from tests.reference.rollups import Place, expected_cells, expected_objectives, expected_rollups, punctual
from tests.reference.rows import Row
from tests.reference.walk import DAY, MINUTE, Event, Key, gather, instant
from tests.reference.worlds import REGISTRATIONS, World, calendars, final, laid_out, worlds
from tests.store.arena import Arena, Stage
from tests.store.stored import fetch, stored_rollups

EXAMPLES = int(os.environ.get("FRONTLINE_WORLDS", "40"))
OF_CONTACTS = {measure.name for measure in MEASURES if measure.scope is Scope.CONTACT}
T = TypeVar("T")


class Twin:
    """What was accepted, by registered source, under the names that interactions have where nothing is forgotten."""

    def __init__(self) -> None:
        self.told: defaultdict[int, list[Event]] = defaultdict(list)
        self.kept_from = -math.inf
        self.forgotten = 0
        self._lives: defaultdict[Key, int] = defaultdict(int)
        self._there: set[Key] = set()

    async def tell(self, stage: Stage, number: int, events: list[Event], now: int) -> None:
        """Post events, and take those that must be accepted."""
        old = [index for index, one in enumerate(events) if instant(one["time"]) < self.kept_from]
        (outcome,) = await stage.ledgers[0].commit([Post(number, accept(events, now))], now)
        assert isinstance(outcome, Outcome)
        assert [one.index for one in outcome.rejected] == old
        for index, one in enumerate(events):
            if index not in old:
                lives = self._lives[number, one["subject"]] if "subject" in one else 0
                self.told[number].append({**one, "subject": one["subject"] + "'" * lives} if lives else one)
        self._there = await self._stored(stage)

    async def retain(self, stage: Stage, retention: Retention, now: int) -> None:
        """Carry retention out; no sum changes, and an audit finds nothing."""
        before = await stored_rollups(stage.database)
        await retention.go_on(now, math.inf)
        assert await stored_rollups(stage.database) == before
        self.kept_from = (await stage.policies.latest()).kept_from_us or -math.inf
        there = await self._stored(stage)
        for key in self._there - there:
            self._lives[key] += 1
            self.forgotten += 1
        self._there = there
        assert (await stage.audit(now)).findings == []

    async def _stored(self, stage: Stage) -> set[Key]:
        return {(row[0], row[1]) for row in await fetch(stage.database, "SELECT source_id, subject FROM interactions")}

    def rows(self, world: World) -> list[Row]:
        """What the reference makes of all of it."""
        gathered: dict[Key, list[Event]] = {}
        for number, events in self.told.items():
            gathered |= gather(events, number)
        return laid_out(world, gathered)


class Plan(NamedTuple):
    """A past of so many days ago is told before a world, and retention is carried out in between and now and then."""

    past: World
    ago: int
    between: int
    days: int


def _plans(pasts: st.SearchStrategy[World]) -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        pasts,
        st.sampled_from((33, 45, 58, 59, 61, 75, 90)),
        st.sampled_from((0, 1, 29, 31, 62)),
        st.sampled_from((31, 31, 31, 1, 60, 400)),
    )


plans = _plans(worlds(of_interactions_only=True))


def steps(plan: Plan, world: World) -> Iterator[tuple[int, list[Event], int]]:
    """What is posted by which registered source at which time, and without events what is a tick."""
    shift = plan.ago * DAY
    for step in plan.past["steps"]:
        if step[0] == "tick":
            yield 0, [], step[1] - shift
        else:
            yield _number(step[1]), [_long_ago(one, shift) for one in step[2]], step[3] - shift
    first = NOW_US - min(plan.ago, plan.between) * DAY
    yield 0, [], first
    for step in world["steps"]:
        if step[0] == "tick":
            yield 0, [], max(first, step[1])
        else:
            yield _number(step[1]), step[2], max(first, step[3])


def _number(registration: str) -> int:
    return REGISTRATIONS.index(registration) + 1


def _long_ago(one: Event, shift: int) -> Event:
    """The event at another time, and under another name, for it isn't one of the world's."""
    data = {
        name: _earlier(value, shift) if name.endswith("_at") or name == "due" else value
        for name, value in one["data"].items()
    }
    if "feedback" in data:
        data["feedback"] = f"past-{data['feedback']}"
    return {**one, "id": f"past-{one['id']}", "time": _earlier(one["time"], shift), "data": data}


def _earlier(time: str, shift: int) -> str:
    return written(instant(time) - shift)


async def play(arena: Arena, world: World, deal: Any, plan: Plan) -> tuple[Twin, dict[str, Any]]:
    """Tell the past and a world, with retention now and then; the twin, and what is stored in the end."""
    twin = Twin()
    async with arena.stage(world) as stage:
        for number, events, now in steps(plan, world):
            if events:
                await twin.tell(stage, number, events, now)
            else:
                await stage.timer.tick(now)
            if deal.random() < (0.2 if events else 0.5):
                await twin.retain(stage, Retention(stage.database, stage.policies, stage.timing, days=plan.days), now)
        return twin, await stage.stored(world)


@pytest.fixture(scope="module")
def arena(module_database_url: str) -> Iterator[Arena]:
    made = Arena(module_database_url)
    yield made
    made.runner.close()


def since(kept_from: float, found: Mapping[Place, T]) -> dict[Place, T]:
    return {place: one for place, one in found.items() if place[-1] * MINUTE >= kept_from}


def judged_since(kept_from: float, found: Mapping[tuple[Place, str], T]) -> dict[tuple[Place, str], T]:
    return {where: one for where, one in found.items() if where[0][-1] * MINUTE >= kept_from}


def but_contacts(found: Mapping[Place, Mapping[str, int]]) -> dict[Place, dict[str, int]]:
    left = {
        place: {name: amount for name, amount in amounts.items() if name not in OF_CONTACTS}
        for place, amounts in found.items()
    }
    return {place: amounts for place, amounts in left.items() if amounts}


# See tests/store/test_worlds.py for the settings.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    world=worlds(of_interactions_only=True),
    deal=st.randoms(use_true_random=False),
    plan=plans,
)
@pytest.mark.timeout(0 if EXAMPLES > 1000 else 300)
def test_every_number_is_the_twin_s(arena: Arena, world: World, deal: Any, plan: Plan) -> None:
    twin, stored = arena.runner.run(play(arena, world, deal, plan))
    laid, now = twin.rows(world), final(world)
    event(f"forgotten: {min(twin.forgotten, 5)}")
    expected, there = expected_rollups(laid, now=now), punctual(stored["rollups"])
    assert since(twin.kept_from, there) == since(twin.kept_from, expected)
    # Of a contact that arrived before, and became known only later, the neighbours may be forgotten.
    assert but_contacts(there) == but_contacts(expected)
    assert stored["cells"] == expected_cells(laid)
    promised = expected_objectives(laid, world["objectives"], calendars(world), now)
    assert judged_since(twin.kept_from, stored["objectives"]) == judged_since(twin.kept_from, promised)
    assert stored["gaps"] == {}
    assert stored["audit"].findings == []


@settings(
    max_examples=max(1, EXAMPLES // 2),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(world=worlds(), deal=st.randoms(use_true_random=False), plan=_plans(worlds()))
@pytest.mark.timeout(0 if EXAMPLES > 1000 else 300)
def test_no_sum_changes_as_stories_are_forgotten(arena: Arena, world: World, deal: Any, plan: Plan) -> None:
    """What is forgotten of promises and feedback, the twin does not know: retention itself must change no sum."""
    twin, stored = arena.runner.run(play(arena, world, deal, plan))
    event(f"forgotten: {min(twin.forgotten, 5)}")
    assert stored["gaps"] == {}
    assert stored["audit"].findings == []
