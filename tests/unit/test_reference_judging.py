"""Judging in the reference: which visits, interactions and contacts are events of an objective, and which breaches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.calendar import ALWAYS_OPEN
from tests.reference.customers import Contact, contacts
from tests.reference.judging import BREACH, GOOD, JUDGED_KPIS, NOTHING, Counts, judge, tally
from tests.reference.kpis import SERVICE_LEVEL_FORMULAS, kpi
from tests.reference.objectives import Objective, Version
from tests.reference.rows import InteractionRow, Row, VisitRow, rows_of
from tests.reference.walk import DAY, HOUR, MINUTE, SECOND
from tests.reference_cases import event, interaction, queued, visits, walked

NOW = 1_000 * SECOND
T = 20
COUNTED = {NOTHING: "nothing", GOOD: "good", BREACH: "breach", Counts(0, 1): "breach alone"}


def visit(outcome: str, wait: float | None = None, **changes: Any) -> VisitRow:
    """One visit."""
    (one,) = visits(1, outcome, wait, **changes)
    assert isinstance(one, VisitRow)
    return one


def told(objective: Objective, one: VisitRow | InteractionRow | Contact, now: int = NOW) -> str:
    """What one is to an objective at a site that is always open."""
    return COUNTED[judge(objective, one, ALWAYS_OPEN, now)]


def verdict(one: VisitRow, formula: str = "abandons_hurt", now: int = NOW, **changes: Any) -> str:
    """What the visit is to an objective of 20 seconds."""
    return told(Objective("fast", "service_level", (Version(T, formula, **changes),)), one, now)


def verdicts(one: VisitRow, **changes: Any) -> dict[str, str]:
    """What the visit is by each formula."""
    return {formula: verdict(one, formula, **changes) for formula in SERVICE_LEVEL_FORMULAS}


def by_all(expected: str) -> dict[str, str]:
    """The same by every formula."""
    return dict.fromkeys(SERVICE_LEVEL_FORMULAS, expected)


@pytest.mark.parametrize(("wait", "expected"), [(0, "good"), (20, "good"), (20.000001, "breach"), (None, "breach")])
def test_an_answered_visit_is_an_event_by_every_formula(wait: float | None, expected: str) -> None:
    assert verdicts(visit("A", wait)) == by_all(expected)


@pytest.mark.parametrize("outcome", ["W", "X"])
@pytest.mark.parametrize(("ago", "expected"), [(T * SECOND - 1, "nothing"), (T * SECOND, "breach"), (NOW, "breach")])
def test_who_still_waits_is_a_breach_from_the_moment_of_the_threshold(outcome: str, ago: int, expected: str) -> None:
    assert verdicts(visit(outcome, arrival=NOW - ago)) == by_all(expected)


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


# Other KPIs of visits


ABANDONMENT = ("", "of_answered_and_abandoned", "excluding_short", "of_offered")


@pytest.mark.parametrize(
    ("outcome", "wait", "expected"),
    [
        ("A", 60, ("good", "good", "good", "good")),
        ("A", None, ("good", "good", "good", "good")),
        ("B", 5.000001, ("breach", "breach", "breach", "breach")),
        ("B", 5, ("breach", "breach", "nothing", "breach")),
        ("B", None, ("breach", "breach", "breach", "breach")),
        ("F", 60, ("nothing", "nothing", "nothing", "good")),
        ("X", None, ("nothing", "nothing", "nothing", "good")),
        ("W", None, ("nothing", "nothing", "nothing", "good")),
    ],
)
def test_abandonment_counts_who_gave_up_as_each_formula_does(
    outcome: str, wait: float | None, expected: tuple[str, ...]
) -> None:
    one = visit(outcome, wait)
    assert tuple(told(_gone(formula), one) for formula in ABANDONMENT) == expected


def test_what_is_a_short_abandon_is_the_version_s() -> None:
    assert told(_gone("excluding_short", short=7), visit("B", 7)) == "nothing"
    assert told(_gone("excluding_short", short=7), visit("B", 7.000001)) == "breach"


def _gone(formula: str, **changes: Any) -> Objective:
    return Objective("few-leave", "abandonment_rate", (Version(formula=formula, **changes),))


@pytest.mark.parametrize("name", ["wait_p50", "wait_p90", "wait_p95", "wait_p99"])
@pytest.mark.parametrize(
    ("outcome", "wait", "expected"),
    [
        ("A", 20, "good"),
        ("A", 20.000001, "breach"),
        ("A", None, "nothing"),
        ("B", 60, "nothing"),
        ("F", 60, "nothing"),
        ("W", None, "nothing"),
    ],
)
def test_a_quantile_of_the_wait_is_promised_of_the_answered(
    name: str, outcome: str, wait: float | None, expected: str
) -> None:
    assert told(Objective("soon", name, (Version(T),)), visit(outcome, wait)) == expected


# KPIs of interactions


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("resolution_rate", {"completed": True, "resolved": True}, "good"),
        ("resolution_rate", {"completed": True, "resolved": False}, "breach"),
        ("resolution_rate", {"completed": True, "resolved": None}, "nothing"),
        ("reopen_rate", {"completed": True}, "good"),
        ("reopen_rate", {"completed": True, "reopened": True}, "breach"),
        ("reopen_rate", {"reopened": True}, "breach alone"),
        ("transfer_rate", {"answered": True}, "good"),
        ("transfer_rate", {"answered": True, "transferred": True}, "breach"),
        ("transfer_rate", {"transferred": True}, "breach alone"),
        ("transfer_rate", {"completed": True, "escalated": True}, "nothing"),
        ("escalation_rate", {"answered": True, "transferred": True}, "good"),
        ("escalation_rate", {"answered": True, "escalated": True}, "breach"),
        ("escalation_rate", {"escalated": True}, "breach alone"),
        ("accuracy", {"completed": True}, "good"),
        ("accuracy", {"completed": True, "corrected": True}, "breach"),
        ("accuracy", {"corrected": True, "recovered": True}, "breach alone"),
        ("accuracy", {"answered": True}, "nothing"),
    ],
)
def test_a_rate_of_interactions_is_promised_of_each(name: str, changes: dict[str, Any], expected: str) -> None:
    assert told(Objective("well", name, (Version(),)), interaction(**changes)) == expected


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
@pytest.mark.parametrize(
    ("formula", "changes", "expected"),
    [
        ("", {"resolution": T * SECOND}, "good"),
        ("wall", {"resolution": T * SECOND + 1, "business_resolution": 0}, "breach"),
        ("wall", {"resolution": None}, "nothing"),
        ("business", {"resolution": HOUR, "business_resolution": T * SECOND}, "good"),
        ("business", {"resolution": HOUR, "business_resolution": T * SECOND + 1}, "breach"),
        ("business", {"resolution": None}, "nothing"),
    ],
)
def test_a_quantile_of_the_time_to_resolution_counts_the_hours_of_its_formula(
    percent: int, formula: str, changes: dict[str, Any], expected: str
) -> None:
    objective = Objective("done", f"time_to_resolution_p{percent}", (Version(T, formula),))
    assert told(objective, interaction(**changes)) == expected


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
def test_a_quantile_of_the_recovery_time_is_promised_of_each_recovery(percent: int) -> None:
    objective = Objective("put-right", f"recovery_time_p{percent}", (Version(T),))

    def counts(*took: int) -> Counts:
        return judge(objective, interaction(recoveries=took, unrecovered=3), ALWAYS_OPEN, NOW)

    assert counts() == NOTHING
    assert counts(T * SECOND) == Counts(1, 0)
    assert counts(T * SECOND + 1, 0, HOUR) == Counts(3, 2)


# KPIs of contacts


def contact(number: int, arrival: int = 0, **changes: Any) -> InteractionRow:
    """A customer's contact in a store, closed as resolved ten minutes later, unless told."""
    usual = {"customer": "ana", "completed": True, "resolved": True, "closed": arrival + 10 * MINUTE}
    return interaction(subject=f"order-{number}", arrival=arrival, minute=arrival // MINUTE, **(usual | changes))


def counted(rows: list[InteractionRow], name: str, within: int, now: int) -> list[Counts]:
    """What each contact is to an objective, in order of arrival."""
    objective = Objective("come-back", name, (Version(within=within),))
    return [judge(objective, one, ALWAYS_OPEN, now) for one in contacts(rows)]


def test_a_first_contact_is_settled_once_the_days_are_over() -> None:
    closed = 10 * MINUTE
    for within in (1, 7, 30):
        until = closed + within * DAY
        assert counted([contact(1)], "first_contact_resolution", within, closed) == [Counts(1, 0)]
        assert counted([contact(1)], "first_contact_resolution", within, until) == [Counts(1, 0)]
        assert counted([contact(1)], "first_contact_resolution", within, until + 1) == [Counts(1, 0, 1, 0)]


def test_who_comes_again_in_time_makes_a_breach_of_the_first_contact() -> None:
    until = 10 * MINUTE + DAY
    for second, expected in ((until, (1, 1, 1, 1)), (until + 1, (1, 0, 1, 0))):
        rows = [contact(1), contact(2, second, resolved=None)]
        assert counted(rows, "first_contact_resolution", 1, 3 * DAY) == [expected, NOTHING]
        # It is one already while it is provisional.
        assert counted(rows, "first_contact_resolution", 7, second) == [(1, 1, 0, 0), NOTHING]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"resolved": False}, [Counts(1, 1)]),
        ({"reopened": True}, [Counts(1, 1)]),
        ({"resolved": None}, [NOTHING]),
        ({"completed": False, "resolved": None, "closed": None}, [NOTHING]),
        ({"customer": None}, []),
        ({"site": None}, []),
    ],
)
def test_a_case_is_a_completed_contact_of_known_outcome(changes: dict[str, Any], expected: list[Counts]) -> None:
    assert counted([contact(1, **changes)], "first_contact_resolution", 7, HOUR) == expected


def test_every_contact_is_an_event_of_the_repeat_contacts() -> None:
    rows = [contact(1), contact(2, DAY, completed=False), contact(3, 2 * DAY + 1), contact(4, 3 * DAY, topic="bill")]
    assert counted(rows, "repeat_contact_rate", 1, 4 * DAY) == [GOOD, BREACH, GOOD, GOOD]
    assert counted(rows, "repeat_contact_rate", 7, 4 * DAY) == [GOOD, BREACH, BREACH, GOOD]


def test_a_contact_in_a_store_is_a_breach_unless_it_is_a_repeat_visit() -> None:
    rows = [contact(1), contact(2, DAY, channel="phone"), contact(3, DAY), contact(4, 2 * DAY + 1, topic="bill")]
    assert counted(rows, "repeat_visit_rate", 1, 4 * DAY) == [BREACH, NOTHING, GOOD, BREACH]
    assert counted(rows, "repeat_visit_rate", 7, 4 * DAY) == [BREACH, NOTHING, GOOD, GOOD]


def test_each_kpi_is_promised_of_visits_or_of_interactions_or_of_contacts() -> None:
    (first,) = contacts([contact(1, corrected=True, recoveries=(HOUR,), resolution=HOUR, business_resolution=HOUR)])
    for name in JUDGED_KPIS:
        objective = Objective("one", name, (Version(T, within=7),))
        judged = [judge(objective, one, ALWAYS_OPEN, 9 * DAY) for one in (visit("A", 60), first.row, first)]
        assert sum(counts != NOTHING for counts in judged) <= 1


# What is promised adds up to the KPI.


def test_once_all_have_ended_in_time_an_objective_is_the_service_level() -> None:
    """With no diversion and nobody giving up after the threshold, events and breaches are its two parts."""
    sample = [*visits(7, "A", 20), *visits(4, "A", 21), *visits(2, "A"), *visits(3, "B", 5), *visits(2, "B", 20)]
    sample += visits(1, "B")
    for formula in SERVICE_LEVEL_FORMULAS:
        events, breaches = _total(sample, "service_level", Version(T, formula))
        level: tuple[Any, ...] = kpi("service_level", sample, threshold=T, formula=formula)
        assert (events - breaches, events) == level[1:], formula


def test_the_breaches_of_the_abandonment_are_its_numerator() -> None:
    sample = [*visits(7, "A", 20), *visits(3, "B", 5), *visits(2, "B", 6), *visits(1, "B"), *visits(4, "F", 1)]
    sample += [*visits(5, "W"), *visits(6, "X")]
    for formula, events, breaches in (("", 13, 6), ("excluding_short", 10, 3), ("of_offered", 28, 6)):
        assert _total(sample, "abandonment_rate", Version(formula=formula)) == (events, breaches)
        rate: tuple[Any, ...] = kpi("abandonment_rate", sample, formula=formula or None)
        assert (breaches, events) == rate[1:]


@pytest.mark.parametrize(
    ("name", "more_is_better"),
    [
        ("resolution_rate", True),
        ("accuracy", True),
        ("reopen_rate", False),
        ("transfer_rate", False),
        ("escalation_rate", False),
    ],
)
def test_events_and_breaches_of_interactions_are_the_kpi(name: str, more_is_better: bool) -> None:
    flags = ("completed", "answered", "reopened", "transferred", "escalated", "corrected")
    sample: list[Row] = [
        interaction(resolved=resolved, **{flag: bool(chosen >> place & 1) for place, flag in enumerate(flags)})
        for chosen in range(2 ** len(flags))
        for resolved in (None, True, False)
    ]
    events, breaches = _total(sample, name, Version())
    rate: tuple[Any, ...] = kpi(name, sample)
    assert (events - breaches if more_is_better else breaches, events) == rate[1:]


def _total(sample: list[Row], name: str, version: Version) -> tuple[int, int]:
    found = tally(judge(Objective("one", name, (version,)), row, ALWAYS_OPEN, NOW) for row in sample)
    return found.events, found.breaches
