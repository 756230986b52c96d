"""Whole worlds on a real PostgreSQL: sites with hours, objectives, sources that share customers, and time that passes.

Several writers post at once and the timer ticks between and beside them; in the end every number is the reference's,
and an audit finds nothing.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.store.verdicts import Post
from tests.books import accept
from tests.reference.rollups import by_local_day, expected_cells, expected_objectives, expected_rollups, punctual
from tests.reference.worlds import World, calendars, final, world_rows, world_stories, worlds
from tests.store.arena import Arena, Stage

EXAMPLES = int(os.environ.get("FRONTLINE_WORLDS", "120"))


async def play(arena: Arena, world: World, deal: Any) -> dict[str, Any]:
    """Tell a world to several writers; what is stored in the end."""
    async with arena.stage(world) as stage:
        await _tell(world, stage, deal)
        return await stage.stored(world)


async def _tell(world: World, stage: Stage, deal: Any) -> None:
    numbers = {name: number for number, name in enumerate(world["registrations"], 1)}
    for step in world["steps"]:
        if step[0] == "tick":
            await stage.timer.tick(step[1])
            continue
        _, registration, events, now = step
        lanes: list[list[Any]] = [[] for _ in stage.ledgers]
        for event in events:
            deal.choice(lanes).append(event)
        is_ticking = deal.random() < 0.3
        posts = [
            ledger.commit([Post(numbers[registration], accept(lane, now))], now)
            for ledger, lane in zip(stage.ledgers, lanes, strict=True)
            if lane
        ]
        await asyncio.gather(*posts, *([stage.timer.tick(now)] if is_ticking else []))


@pytest.fixture(scope="module")
def arena(module_database_url: str) -> Iterator[Arena]:
    made = Arena(module_database_url)
    yield made
    made.runner.close()


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
    stored = arena.runner.run(play(arena, world, deal))
    expected = expected_rollups(laid, now, world_stories(world))
    assert punctual(stored["rollups"]) == expected
    assert punctual(stored["days"]) == by_local_day(expected, world["zones"])
    assert stored["cells"] == expected_cells(laid)
    assert stored["objectives"] == expected_objectives(laid, world["objectives"], calendars(world), now)
    assert stored["gaps"] == {}
    assert stored["audit"].findings == []
