"""The generated worlds: each keeps its promises, and together they reach the edges that they are for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, seed, settings

from tests.reference.calendar import ALWAYS_OPEN, Calendar, midnight
from tests.reference.customers import WITHIN, Contact, contacts
from tests.reference.histories import NOW, valid
from tests.reference.judging import (
    BREACH,
    GOOD,
    JUDGED_KPIS,
    NOTHING,
    OF_CONTACTS,
    OF_INTERACTIONS,
    OF_VISITS,
    Counts,
    judge,
)
from tests.reference.objectives import Objective, Version
from tests.reference.rollups import by_local_day, expected_objectives, expected_rollups
from tests.reference.rows import InteractionRow, VisitRow
from tests.reference.walk import DAY, instant, micros, span
from tests.reference.worlds import World, calendars, final, world_rows, worlds

NOW_US = micros(NOW)
MAY_BREACH_ALONE = ("reopen_rate", "transfer_rate", "escalation_rate", "accuracy")
KINDS = {VisitRow: OF_VISITS, InteractionRow: OF_INTERACTIONS, Contact: OF_CONTACTS}


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
    kpis = {objective.name: objective.kpi for objective in world["objectives"]}
    for (_, name), counts in expected_objectives(laid, world["objectives"], calendars(world), NOW_US).items():
        assert all(amount >= 0 for amount in counts)
        assert counts.settled_breaches <= counts.settled_events <= counts.events
        assert counts.settled_breaches <= counts.breaches
        assert counts.breaches <= counts.events or kpis[name] in MAY_BREACH_ALONE
        assert not counts.settled_events or kpis[name] == "first_contact_resolution"


@dataclass(frozen=True)
class Judged:
    """One who might be an event of an objective, and what came of it by the version that held."""

    objective: Objective
    one: VisitRow | InteractionRow | Contact
    calendar: Calendar

    @property
    def row(self) -> VisitRow | InteractionRow:
        """The visit or the interaction that it is."""
        return self.one.row if isinstance(self.one, Contact) else self.one

    @property
    def version(self) -> Version | None:
        """The version that held, if it is about this one."""
        version = self.objective.version_for(self.row, self.calendar)
        return version if version is not None and version.covers(self.row, self.calendar) else None

    @property
    def counts(self) -> Counts:
        """What it counts for."""
        return judge(self.objective, self.one, self.calendar, NOW_US)

    def otherwise(self, **changes: Any) -> Counts:
        """What it would count for if every version said something else."""
        changed = replace(self.objective, versions=[replace(version, **changes) for version in self.objective.versions])
        return judge(changed, self.one, self.calendar, NOW_US)

    def took(self) -> tuple[int | None, ...]:
        """What is held against a threshold, in microseconds."""
        if isinstance(self.row, VisitRow):
            is_waiting = self.row.outcome == "W" and self.objective.kpi == "service_level"
            return (NOW_US - self.row.arrival if is_waiting else self.row.wait,)
        if self.objective.kpi.startswith("recovery_time"):
            return self.row.recoveries
        is_business = self.version is not None and self.version.formula == "business"
        return (self.row.business_resolution if is_business else self.row.resolution,)

    def is_at_its_threshold(self, edge: int) -> bool:
        """Whether it lasted as long as its site's threshold allows, but for the edge."""
        if self.version is None or self.row.site is None:
            return False
        threshold = self.version.of_site(self.row.site).threshold
        return threshold is not None and span(threshold) + edge in self.took()


class Seen:
    """A world and what is true in the end."""

    def __init__(self, world: World) -> None:
        self.world = world
        rows = world_rows(world)
        self.interactions = [row for row in rows if isinstance(row, InteractionRow)]
        self.contacts = contacts(rows)
        self.posts = [step for step in world["steps"] if step[0] == "post"]
        known = calendars(world)
        self.judged = [
            Judged(objective, one, known.get(site, ALWAYS_OPEN))
            for objective in world["objectives"]
            for one in (*rows, *self.contacts)
            for site in [one.row.site if isinstance(one, Contact) else one.site]
            if site is not None and objective.kpi in KINDS[type(one)]
        ]

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

    def partly_open(self) -> bool:
        """Whether a resolution took some open hours and some others."""
        return any(0 < (row.business_resolution or 0) < (row.resolution or 0) for row in self.interactions)

    def shares_a_customer(self) -> bool:
        """Whether a customer is known to several registered sources."""
        known = {(one.row.customer, one.row.registration) for one in self.contacts}
        return len(known) > len({customer for customer, _ in known})

    def changed_its_mind(self) -> bool:
        """Whether one objective judges by two versions."""
        return any(
            len({one.version for one in self.judged if one.objective is objective} - {None}) > 1
            for objective in self.world["objectives"]
        )


@cache
def seen() -> list[Seen]:
    """A thousand worlds, the same at every run; begun anew after every ten, for later ones repeat the earlier."""
    found: list[Seen] = []

    @given(worlds())
    @settings(max_examples=10, phases=[Phase.generate], database=None, deadline=None)
    def look(world: World) -> None:
        found.append(Seen(world))

    for number in range(100):
        seed(number)(look)()
    return found


@cache
def judged() -> list[Judged]:
    """All who are judged in them."""
    return [one for world in seen() for one in world.judged]


@pytest.mark.parametrize("days", WITHIN)
@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_worlds_reach_the_edges_of_days(days: int, edge: int) -> None:
    gap = days * DAY + edge
    assert any(one.returns(gap, after_end=False) for one in seen())
    if edge >= 0:  # the last moment that counts, and the first that doesn't
        assert any(one.returns(gap, after_end=True) for one in seen())
        assert any(one.closed(gap) for one in seen())


@pytest.mark.parametrize("what", ["service_level", "wait", "time_to_resolution", "recovery_time"])
@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_worlds_reach_the_edges_of_thresholds(what: str, edge: int) -> None:
    reached = [one for one in judged() if one.objective.kpi.startswith(what) and one.is_at_its_threshold(edge)]
    assert reached
    outcomes = {one.one.outcome for one in reached if isinstance(one.one, VisitRow)}
    if what == "service_level":  # who waits a microsecond longer is nothing new
        assert set("ABF" if edge > 0 else "ABFW") <= outcomes
    if what == "wait":
        assert "A" in outcomes


def test_worlds_reach_a_threshold_over_hours_when_a_site_is_closed() -> None:
    assert any(
        0 < (one.one.business_resolution or 0) < (one.one.resolution or 0)
        for one in judged()
        if isinstance(one.one, InteractionRow) and one.version is not None and one.version.formula == "business"
        if any(one.is_at_its_threshold(edge) for edge in (-1, 0, 1))
    )


@pytest.mark.parametrize("name", sorted({name.rpartition("_p")[0] or name for name in JUDGED_KPIS}))
def test_worlds_reach_events_and_breaches_of_every_kpi(name: str) -> None:
    found = {one.counts for one in judged() if one.objective.kpi.startswith(name)}
    assert {NOTHING, GOOD, BREACH} <= found
    assert (Counts(0, 1) in found) is (name in MAY_BREACH_ALONE)
    assert ({Counts(1, 0, 1, 0), Counts(1, 1, 1, 1)} <= found) is (name == "first_contact_resolution")
    assert any(counts.events > 1 for counts in found) is (name == "recovery_time")


def test_worlds_reach_every_kpi() -> None:
    assert {one.objective.kpi for one in judged() if one.counts.events} == set(JUDGED_KPIS)


def test_worlds_reach_every_verdict_on_a_service_level() -> None:
    found = {
        (one.one.outcome, one.counts)
        for one in judged()
        if isinstance(one.one, VisitRow) and one.objective.kpi == "service_level" and one.version is not None
    }
    never = {("A", NOTHING), ("F", GOOD), ("X", GOOD), ("W", GOOD)}
    assert found == {(outcome, counts) for outcome in "ABFXW" for counts in (NOTHING, GOOD, BREACH)} - never


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edge", [-1, 0])
def test_worlds_reach_the_first_moment_of_a_version(kind: type, edge: int) -> None:
    reached = [
        (one.row.arrival, one.version is version)
        for one in judged()
        if isinstance(one.one, kind)
        for version in one.objective.versions
        if version.start is not None and one.row.arrival == midnight(version.start, one.calendar.zone) + edge
    ]
    assert any(holds for _, holds in reached) is (edge == 0)
    assert any((arrival - edge) % DAY for arrival, _ in reached)  # where the date is another one than in UTC


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("beside", [-1, 1])
def test_worlds_reach_the_edges_of_opening_hours(kind: type, is_open: bool, beside: int) -> None:
    """A microsecond before the arrival, or after, the site is not as it is then; and that decides."""
    assert any(
        one.calendar.is_open(one.row.arrival) is is_open
        and one.calendar.is_open(one.row.arrival + beside) is not is_open
        and (one.counts if is_open else one.otherwise(open_only=False)) != NOTHING
        for one in judged()
        if isinstance(one.one, kind) and any(version.open_only for version in one.objective.versions)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes", [{"sites": ()}, {"queues": ()}, {"channels": ()}, {"open_only": False}, {"ended": False}], ids=str
)
def test_worlds_reach_those_whom_a_version_lets_out(kind: type, changes: dict[str, Any]) -> None:
    assert any(isinstance(one.one, kind) and one.otherwise(**changes) != one.counts for one in judged())


@pytest.mark.parametrize("what", ["service_level", "wait", "time_to_resolution", "recovery_time"])
def test_worlds_reach_those_whom_an_override_judges_otherwise(what: str) -> None:
    asked = [one for one in judged() if one.objective.kpi.startswith(what)]
    assert any(one.otherwise(overrides=()) != one.counts for one in asked)


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
