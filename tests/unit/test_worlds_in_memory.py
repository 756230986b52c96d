"""Whole worlds in memory: every number is the reference's, in whatever order and time it was told."""

import os

from hypothesis import given, settings

from tests.books import Books
from tests.promised import policy_of
from tests.reference.rollups import expected_cells, expected_objectives, expected_rollups, punctual
from tests.reference.worlds import World, calendars, final, world_rows, world_stories, worlds

EXAMPLES = int(os.environ.get("FRONTLINE_WORLDS", "1000"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(worlds())
def test_every_number_is_the_reference_s(world: World) -> None:
    books = Books(policy_of(world))
    for step in world["steps"]:
        if step[0] == "tick":
            books.tick(step[1])
        else:
            _, registration, events, now = step
            books.deliver(events, now, registration=world["registrations"].index(registration) + 1)
        assert books.identity_gaps() == {}
    laid, now = world_rows(world), final(world)
    assert punctual(books.rollups()) == expected_rollups(laid, now, world_stories(world))
    assert books.cells() == expected_cells(laid)
    assert books.objectives() == expected_objectives(laid, world["objectives"], calendars(world), now)
