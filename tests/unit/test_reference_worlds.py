"""The generated worlds: each keeps its promises, and together they reach the edges that they are for."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import Phase, given, settings

from tests.reference.customers import WITHIN, contacts
from tests.reference.histories import NOW, valid
from tests.reference.objectives import Verdict, judge
from tests.reference.rollups import by_local_day, expected_objectives, expected_rollups
from tests.reference.rows import InteractionRow, VisitRow
from tests.reference.walk import DAY, instant, micros, span
from tests.reference.worlds import World, calendars, final, world_rows, worlds

NOW_US = micros(NOW)


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_every_world_keeps_its_promises(world: World) -> None:
    clock = 0
    for step in world["steps"]:
        assert clock <= step[-1] <= NOW_US
        clock = step[-1]
        if step[0] == "post":
            assert step[1] in world["registrations"]
            assert step[2]
            assert all(valid(one) and instant(one["time"]) <= clock for one in step[2])
    assert world["steps"][-1] == ("tick", NOW_US)
    assert final(world) == NOW_US
    assert world["zones"].keys() == world["hours"].keys() == world["holidays"].keys() == calendars(world).keys()
    for objective in world["objectives"]:
        starts = [version.start for version in objective.versions]
        assert len(set(starts)) == len(starts)


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_the_truth_of_a_world_adds_up(world: World) -> None:
    laid = world_rows(world)
    rollups = expected_rollups(laid, NOW_US)
    days = by_local_day(rollups, world["zones"])
    for name in {name for amounts in rollups.values() for name in amounts}:
        total = sum(amounts.get(name, 0) for amounts in rollups.values())
        assert total == sum(amounts.get(name, 0) for amounts in days.values())
    for amounts in rollups.values():
        cases = {amounts.get(f"settled_{days}d", 0) + amounts.get(f"provisional_{days}d", 0) for days in WITHIN}
        assert len(cases) == 1
        assert amounts.get("business_resolution_us", 0) <= amounts.get("resolution_us", 0)
        assert amounts.get("store_contacts", 0) <= amounts.get("contacts", 0) <= amounts.get("interactions", 0)
    for events, breaches in expected_objectives(laid, world["objectives"], NOW_US).values():
        assert 0 <= breaches <= events > 0


class Seen:
    """A world and what is true in the end."""

    def __init__(self, world: World) -> None:
        self.world = world
        rows = world_rows(world)
        self.visits = [row for row in rows if isinstance(row, VisitRow) and row.site is not None]
        self.interactions = [row for row in rows if isinstance(row, InteractionRow)]
        self.contacts = contacts(rows)
        self.posts = [step for step in world["steps"] if step[0] == "post"]

    def returns(self, gap: int, *, after_end: bool) -> bool:
        """Whether a customer comes about the same topic so long after having come, or after the end of a case."""
        since = [
            (one, one.row.closed if after_end and one.case else None if after_end else one.row.arrival)
            for one in self.contacts
        ]
        return any(
            (one.row.customer, one.row.topic) == (other.row.customer, other.row.topic)
            and one is not other
            and time is not None
            and other.row.arrival == time + gap
            for one, time in since
            for other in self.contacts
        )

    def closed(self, ago: int) -> bool:
        """Whether a case closed so long ago."""
        return any(one.case and one.row.closed == NOW_US - ago for one in self.contacts)

    def waits(self, edge: int) -> bool:
        """Whether someone waits at the end for as long as an objective on that wait allows, but for the edge."""
        return any(
            version is not None
            and version.matches(row)
            and row.outcome == "W"
            and NOW_US - row.arrival == span(version.threshold) + edge
            for row in self.visits
            for version in (objective.version_for(row) for objective in self.world["objectives"])
        )

    def partly_open(self) -> bool:
        """Whether a resolution took some open hours and some others."""
        return any(0 < (row.business_resolution or 0) < (row.resolution or 0) for row in self.interactions)

    def shares_a_customer(self) -> bool:
        """Whether a customer is known to several registered sources."""
        known = {(one.row.customer, one.row.registration) for one in self.contacts}
        return len(known) > len({customer for customer, _ in known})

    def changed_its_mind(self) -> bool:
        """Whether one objective judges two visits by two versions."""
        return any(
            len({objective.version_for(row) for row in self.visits} - {None}) > 1
            for objective in self.world["objectives"]
        )

    def judged(self, outcome: str, told: str) -> bool:
        """Whether a visit of the outcome is that to an objective."""
        return any(
            row.outcome == outcome and judge(objective, row, NOW_US).value == told
            for row in self.visits
            for objective in self.world["objectives"]
        )


@cache
def seen() -> list[Seen]:
    """A thousand worlds, the same at every run."""
    found: list[Seen] = []

    @given(worlds())
    @settings(max_examples=1000, phases=[Phase.generate], derandomize=True, database=None, deadline=None)
    def look(world: World) -> None:
        found.append(Seen(world))

    look()
    return found


@pytest.mark.parametrize("days", WITHIN)
@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_worlds_reach_the_edges_of_days(days: int, edge: int) -> None:
    gap = days * DAY + edge
    assert any(one.returns(gap, after_end=False) for one in seen())
    if edge >= 0:  # the last moment that counts, and the first that doesn't
        assert any(one.returns(gap, after_end=True) for one in seen())
        assert any(one.closed(gap) for one in seen())


@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_worlds_reach_the_edges_of_thresholds(edge: int) -> None:
    assert any(one.waits(edge) for one in seen())


def test_worlds_reach_every_verdict() -> None:
    told = {(outcome, verdict.value) for outcome in "ABFXW" for verdict in Verdict}
    never = {("A", "nothing"), ("F", "good"), ("X", "good"), ("W", "good")}
    for outcome, verdict in told - never:
        assert any(one.judged(outcome, verdict) for one in seen()), (outcome, verdict)


def test_worlds_reach_whatever_else_may_go_wrong() -> None:
    assert any(one.returns(0, after_end=False) for one in seen())
    assert any(one.partly_open() for one in seen())
    assert any(one.shares_a_customer() for one in seen())
    assert any(one.changed_its_mind() for one in seen())
    assert any(len({post[1] for post in one.posts}) == 3 for one in seen())
    assert any("ptp" in "".join(step[0][0] for step in one.world["steps"]) for one in seen())
    assert any(None in one.world["hours"].values() for one in seen())
    assert any(not one.world["zones"] for one in seen())
    assert any(row.arrival < 0.99e15 for one in seen() for row in one.interactions)  # before 2001
