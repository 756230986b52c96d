"""Objectives in the reference: which visits are events, which are breaches, and by which version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.kpis import SERVICE_LEVEL_FORMULAS, kpi
from tests.reference.objectives import Objective, Verdict, Version, judge, tally
from tests.reference.rollups import expected_objectives
from tests.reference.rows import Row, VisitRow, rows_of
from tests.reference.walk import SECOND, micros
from tests.reference_cases import START, event, queued, visits, walked

NOW = 1_000 * SECOND
T = 20


def visit(outcome: str, wait: float | None = None, **changes: Any) -> VisitRow:
    """One visit."""
    (one,) = visits(1, outcome, wait, **changes)
    assert isinstance(one, VisitRow)
    return one


def verdict(one: VisitRow, formula: str = "abandons_hurt", now: int = NOW, **changes: Any) -> str:
    """What the visit is to an objective of 20 seconds."""
    return judge(Objective("fast", (Version(T, formula, **changes),)), one, now).value


def verdicts(one: VisitRow, **changes: Any) -> dict[str, str]:
    """What the visit is by each formula."""
    return {formula: verdict(one, formula, **changes) for formula in SERVICE_LEVEL_FORMULAS}


def by_all(told: str) -> dict[str, str]:
    """The same by every formula."""
    return dict.fromkeys(SERVICE_LEVEL_FORMULAS, told)


@pytest.mark.parametrize(("wait", "told"), [(0, "good"), (20, "good"), (20.000001, "breach"), (None, "breach")])
def test_an_answered_visit_is_an_event_by_every_formula(wait: float | None, told: str) -> None:
    assert verdicts(visit("A", wait)) == by_all(told)


@pytest.mark.parametrize("outcome", ["W", "X"])
@pytest.mark.parametrize(("ago", "told"), [(T * SECOND - 1, "nothing"), (T * SECOND, "breach"), (NOW, "breach")])
def test_who_still_waits_is_a_breach_from_the_moment_of_the_threshold(outcome: str, ago: int, told: str) -> None:
    assert verdicts(visit(outcome, arrival=NOW - ago)) == by_all(told)


@pytest.mark.parametrize("outcome", ["B", "F"])
def test_who_left_after_the_threshold_is_a_breach_by_every_formula(outcome: str) -> None:
    assert verdicts(visit(outcome, 20.000001)) == by_all("breach")
    assert verdicts(visit(outcome, 20.000001), short=60) == by_all("breach")


ABANDONED = {
    "abandons_help": "good",
    "abandons_ignored": "nothing",
    "abandons_hurt": "breach",
    "late_abandons_hurt": "nothing",
    "short_abandons_help": "breach",
    "short_abandons_excluded": "breach",
    "diversions_hurt": "breach",
}


@pytest.mark.parametrize(
    ("wait", "changes"),
    [
        (5, {"short_abandons_help": "good", "short_abandons_excluded": "nothing"}),
        (5.000001, {}),
        (20, {}),
        (None, {"abandons_help": "breach"}),
    ],
)
def test_who_gave_up_in_time_is_what_the_formula_says(wait: float | None, changes: dict[str, str]) -> None:
    assert verdicts(visit("B", wait)) == ABANDONED | changes


def test_the_short_abandon_limit_is_the_version_s() -> None:
    assert verdict(visit("B", 6), "short_abandons_help", short=6) == "good"
    assert verdict(visit("B", 6), "short_abandons_excluded", short=6) == "nothing"
    assert verdict(visit("B", 6), "short_abandons_excluded", short=5.5) == "breach"


@pytest.mark.parametrize("wait", [0, 20, None])
def test_who_was_diverted_in_time_is_an_event_where_diversions_hurt(wait: float | None) -> None:
    assert verdicts(visit("F", wait)) == by_all("nothing") | {"diversions_hurt": "breach"}


def test_a_diverted_visit_has_its_wait_unless_the_diversion_opened_it() -> None:
    laid = rows_of(walked(queued(0, "sales"), queued(30, "billing"), event(75, "diverted", to="callback")))
    assert [row.wait for row in laid if isinstance(row, VisitRow)] == [30 * SECOND, 45 * SECOND]
    laid = rows_of(walked(event(75, "diverted", to="callback")))
    assert [row.wait for row in laid if isinstance(row, VisitRow)] == [None]


# Versions


def test_a_visit_is_judged_by_the_version_that_held_when_it_arrived() -> None:
    changing = Objective("fast", (Version(30, start=200), Version(20), Version(10, start=100)))

    def threshold(arrival: int) -> float | None:
        version = changing.version_for(visit("A", 0, arrival=arrival))
        return None if version is None else version.threshold

    assert [threshold(arrival) for arrival in (-1, 99, 100, 199, 200, NOW)] == [20, 20, 10, 10, 30, 30]


def test_before_its_first_version_an_objective_judges_nothing() -> None:
    late = Objective("fast", (Version(T, start=100),))
    assert judge(late, visit("A", 60, arrival=99), NOW) is Verdict.NOTHING
    assert judge(late, visit("A", 60, arrival=100), NOW) is Verdict.BREACH


def test_of_versions_with_one_start_the_last_holds() -> None:
    for starts in ((None, None), (5, 5)):
        twice = Objective("fast", tuple(Version(threshold, start=start) for threshold, start in enumerate(starts, 1)))
        version = twice.version_for(visit("A", 0, arrival=5))
        assert version is not None
        assert version.threshold == 2


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, "breach"),
        ({"sites": ("vilnius-1", "bank")}, "breach"),
        ({"sites": ("vilnius-1",)}, "nothing"),
        ({"queues": ("tills",), "channels": ("pos", "web")}, "breach"),
        ({"queues": ("billing",), "channels": ("pos",)}, "nothing"),
        ({"queues": ("tills",), "channels": ("web",)}, "nothing"),
    ],
)
def test_a_filter_lets_in_what_it_names_and_an_empty_one_all(filters: dict[str, Any], told: str) -> None:
    assert verdict(visit("A", 60), **filters) == told


def test_a_version_that_lets_a_visit_out_is_not_replaced_by_an_earlier_one() -> None:
    narrowed = Objective("fast", (Version(T), Version(T, start=0, sites=("vilnius-1",))))
    assert judge(narrowed, visit("A", 60), NOW) is Verdict.NOTHING
    assert judge(narrowed, visit("A", 60, arrival=-1), NOW) is Verdict.BREACH


def test_no_known_site_is_judged_nowhere() -> None:
    assert verdict(visit("A", 60, site=None)) == "nothing"


# Sums


def test_events_and_breaches_are_added_up_by_place_and_objective() -> None:
    sample: list[Row] = [
        *visits(3, "A", 20),
        *visits(2, "A", 30),
        *visits(1, "W", arrival=NOW),
        *visits(1, "B", 1, minute=1),
        *visits(1, "A", 25, queue="billing"),
        *visits(1, "A", 25, site=None),
        *rows_of(walked(queued(0, site="bank", channel="web"), event(21, "answered"))),
    ]
    fast = Objective("fast", (Version(T),))
    kind = Objective("kind", (Version(30, "abandons_ignored", queues=("tills",)),))
    tills, web = ("bank", "tills", "pos", 0), ("bank", "tills", "web", micros(START) // (60 * SECOND))
    assert expected_objectives(sample, [fast, kind], NOW) == {
        (tills, "fast"): (5, 2),
        (tills, "kind"): (5, 0),
        (("bank", "tills", "pos", 1), "fast"): (1, 1),
        (("bank", "billing", "pos", 0), "fast"): (1, 1),
        (web, "fast"): (1, 1),
        (web, "kind"): (1, 0),
    }


def test_once_all_have_ended_in_time_an_objective_is_the_service_level() -> None:
    """With no diversion and nobody giving up after the threshold, events and breaches are its two parts."""
    sample = [*visits(7, "A", 20), *visits(4, "A", 21), *visits(2, "A"), *visits(3, "B", 5), *visits(2, "B", 20)]
    sample += visits(1, "B")
    for formula in SERVICE_LEVEL_FORMULAS:
        objective = Objective("fast", (Version(T, formula),))
        found = [judge(objective, row, NOW) for row in sample if isinstance(row, VisitRow)]
        level: tuple[Any, ...] = kpi("service_level", sample, threshold=T, formula=formula)
        events, breaches = tally(found)
        assert (events - breaches, events) == level[1:], formula
