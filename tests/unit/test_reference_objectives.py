"""Objectives in the reference: by which version one is judged, from which date on, at which sites and hours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.reference.calendar import ALWAYS_OPEN, WEEKDAYS, Calendar
from tests.reference.customers import Contact, contacts
from tests.reference.judging import BREACH, GOOD, NOTHING, Counts, judge
from tests.reference.objectives import Objective, Override, Version
from tests.reference.rollups import expected_objectives
from tests.reference.rows import InteractionRow, Row, VisitRow, rows_of
from tests.reference.walk import DAY, HOUR, MINUTE, SECOND, micros
from tests.reference_cases import START, event, interaction, queued, visits, walked

NOW = 1_000 * SECOND
T = 20


def wall(text: str, zone: str, fold: int = 0) -> int:
    """Microseconds since 1970 of a wall time."""
    return micros(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold))


def arrived(arrival: int = 0, wait: float = 60, **changes: Any) -> VisitRow:
    """One who arrived then and was answered, after a minute unless told."""
    (one,) = visits(1, "A", wait, arrival=arrival, minute=arrival // MINUTE, **changes)
    assert isinstance(one, VisitRow)
    return one


def contact(number: int, arrival: int = 0, **changes: Any) -> InteractionRow:
    """A customer's contact in a store, corrected, and closed as resolved ten minutes later, unless told."""
    usual = {"customer": "ana", "completed": True, "resolved": True, "corrected": True, "closed": arrival + 10 * MINUTE}
    return interaction(subject=f"order-{number}", arrival=arrival, minute=arrival // MINUTE, **(usual | changes))


def counts(objective: Objective, one: VisitRow | InteractionRow | Contact) -> Counts:
    """What one is to an objective at a site that is always open."""
    return judge(objective, one, ALWAYS_OPEN, NOW)


def fast(**changes: Any) -> Objective:
    """An objective of 20 seconds."""
    return Objective("fast", "service_level", (Version(T, **changes),))


# Versions


def in_force(objective: Objective, arrival: int, zone: str) -> float | None:
    """The threshold by which a visit in a zone is judged."""
    version = objective.version_for(arrived(arrival), Calendar(zone))
    return None if version is None else version.threshold


CHANGING = Objective(
    "fast",
    "service_level",
    (Version(30, start=date(2025, 3, 30)), Version(20), Version(10, start=date(2025, 3, 28))),
)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vilnius", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"])
def test_a_version_holds_from_a_local_midnight(zone: str) -> None:
    third, thirtieth = wall("2025-03-28T00:00", zone), wall("2025-03-30T00:00", zone)
    found = [in_force(CHANGING, at, zone) for at in (0, third - 1, third, thirtieth - 1, thirtieth, thirtieth + DAY)]
    assert found == [20, 20, 10, 10, 30, 30]


def test_the_same_moment_is_of_another_day_elsewhere() -> None:
    evening = micros(datetime.fromisoformat("2025-03-29T22:30+00:00"))
    assert in_force(CHANGING, evening, "UTC") == 10
    assert in_force(CHANGING, evening, "Europe/Vilnius") == 30  # 00:30
    assert in_force(CHANGING, evening - 2 * DAY, "America/New_York") == 20  # 18:30 on the 27th


def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is() -> None:
    spring = Objective("fast", "service_level", (Version(20, start=date(2025, 3, 30)), Version(10)))
    begins = wall("2025-03-30T00:00", "Europe/Vilnius")
    after = Objective("fast", "service_level", (Version(20, start=date(2025, 3, 31)), Version(10)))
    assert [in_force(spring, begins + edge, "Europe/Vilnius") for edge in (-1, 0)] == [10, 20]
    assert [in_force(after, begins + 23 * HOUR + edge, "Europe/Vilnius") for edge in (-1, 0)] == [10, 20]
    autumn = wall("2024-11-03T00:00", "America/New_York")
    after = Objective("fast", "service_level", (Version(20, start=date(2024, 11, 4)), Version(10)))
    assert [in_force(after, autumn + 25 * HOUR + edge, "America/New_York") for edge in (-1, 0)] == [10, 20]


def test_a_day_that_the_clocks_skip_into_begins_as_they_jump() -> None:
    """In Beirut 2024-03-31 began at 01:00."""
    jumped = Objective("fast", "service_level", (Version(20, start=date(2024, 3, 31)), Version(10)))
    begins = wall("2024-03-31T01:00", "Asia/Beirut")
    assert [in_force(jumped, begins + edge, "Asia/Beirut") for edge in (-1, 0)] == [10, 20]


def test_a_day_that_has_begun_goes_on_where_the_clocks_show_the_eve_again() -> None:
    """In St. John's a minute after the midnight of 2010-11-07 it was 23:01 once more."""
    zone = "America/St_Johns"
    shown_twice = Objective("fast", "service_level", (Version(20, start=date(2010, 11, 7)), Version(10)))
    begins = wall("2010-11-07T00:00", zone)
    assert wall("2010-11-06T23:01", zone, fold=1) == begins + MINUTE
    assert [in_force(shown_twice, begins + after, zone) for after in (-1, 0, MINUTE, HOUR - 1, HOUR)] == [10] + [20] * 4


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_interactions_and_contacts_are_judged_by_their_arrival_as_visits_are(zone: str) -> None:
    begins = wall("2025-03-31T00:00", zone)
    for name, breach in (("accuracy", (1, 1, 0, 0)), ("repeat_visit_rate", (1, 1, 0, 0))):
        late = Objective("late", name, (Version(start=date(2025, 3, 31), within=7),))
        for arrival, expected in ((begins - 1, NOTHING), (begins, breach)):
            (one,) = contacts([contact(1, arrival)])
            judged = one.row if name == "accuracy" else one
            assert judge(late, judged, Calendar(zone), begins + DAY) == expected


def test_before_its_first_version_an_objective_judges_nothing() -> None:
    late = fast(start=date(1970, 1, 2))
    assert [counts(late, arrived(arrival)) for arrival in (DAY - 1, DAY)] == [NOTHING, BREACH]


def test_of_versions_with_one_start_the_last_holds() -> None:
    for starts in ((None, None), (date(1970, 1, 1), date(1970, 1, 1))):
        versions = tuple(Version(threshold, start=start) for threshold, start in enumerate(starts, 1))
        assert in_force(Objective("fast", "service_level", versions), 5, "UTC") == 2


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, BREACH),
        ({"sites": ("vilnius-1", "bank")}, BREACH),
        ({"sites": ("vilnius-1",)}, NOTHING),
        ({"queues": ("tills",), "channels": ("pos", "web")}, BREACH),
        ({"queues": ("billing",), "channels": ("pos",)}, NOTHING),
        ({"queues": ("tills",), "channels": ("web",)}, NOTHING),
    ],
)
def test_a_filter_lets_in_what_it_names_and_an_empty_one_all(filters: dict[str, Any], expected: Counts) -> None:
    assert counts(fast(**filters), arrived()) == expected
    assert counts(Objective("well", "accuracy", (Version(**filters),)), contact(1)) == expected
    (one,) = contacts([contact(1)])
    assert counts(Objective("back", "repeat_visit_rate", (Version(within=7, **filters),)), one) == expected


@pytest.mark.parametrize("later", [{"sites": ("vilnius-1",)}, {"ended": True}])
def test_a_version_that_lets_a_visit_out_is_not_replaced_by_an_earlier_one(later: dict[str, Any]) -> None:
    changed = Objective("fast", "service_level", (Version(T), Version(T, start=date(1970, 1, 2), **later)))
    assert [counts(changed, arrived(arrival)) for arrival in (DAY - 1, DAY)] == [BREACH, NOTHING]


def test_what_has_ended_may_begin_again() -> None:
    versions = (Version(T), Version(T, start=date(1970, 1, 2), ended=True), Version(T, start=date(1970, 1, 3)))
    paused = Objective("fast", "service_level", versions)
    assert [counts(paused, arrived(day * DAY)) for day in range(3)] == [BREACH, NOTHING, BREACH]


def test_no_known_site_is_judged_nowhere() -> None:
    assert counts(fast(), arrived(site=None)) == NOTHING
    assert counts(Objective("well", "accuracy", (Version(),)), contact(1, site=None)) == NOTHING


# Opening hours

SHOP = Calendar("Europe/Vilnius", {day: ["09:00-13:00", "13:00-18:00", "22:00-02:00"] for day in WEEKDAYS})


@pytest.mark.parametrize(
    ("shown", "after", "is_open"),
    [
        ("2025-03-28T09:00", -1, False),
        ("2025-03-28T09:00", 0, True),
        ("2025-03-28T13:00", 0, True),
        ("2025-03-28T18:00", -1, True),
        ("2025-03-28T18:00", 0, False),
        ("2025-03-29T01:59", 0, True),
        ("2025-03-29T02:00", 0, False),
        # On the 30th the clocks go from 03:00 to 04:00, in October from 04:00 to 03:00.
        ("2025-03-30T09:00", -1, False),
        ("2025-03-30T09:00", 0, True),
        ("2024-10-27T09:00", -1, False),
        ("2024-10-27T09:00", 0, True),
    ],
)
def test_of_open_hours_only_those_are_judged_who_arrive_in_them(shown: str, after: int, is_open: bool) -> None:
    one = arrived(wall(shown, "Europe/Vilnius") + after)
    for open_only in (False, True):
        objective = fast(open_only=open_only)
        expected = BREACH if is_open or not open_only else NOTHING
        assert judge(objective, one, SHOP, one.arrival + HOUR) == expected


def test_hours_that_the_clocks_show_twice_are_open_from_the_first_to_the_first() -> None:
    """03:30 is shown twice: the opening ends at the first of the two."""
    nights = Calendar("Europe/Vilnius", {day: ["02:30-03:30"] for day in WEEKDAYS})
    objective = fast(open_only=True)
    end = wall("2024-10-27T03:30", "Europe/Vilnius")
    found = [judge(objective, arrived(end + at), nights, end + DAY) for at in (-HOUR - 1, -HOUR, -1, 0, HOUR - 1, HOUR)]
    assert found == [NOTHING, BREACH, BREACH, NOTHING, NOTHING, NOTHING]


def test_a_site_is_closed_on_its_holidays_and_where_it_has_no_hours() -> None:
    objective = fast(open_only=True)
    noon = micros(datetime.fromisoformat("2025-03-29T12:00+00:00"))
    for calendar, expected in (
        (ALWAYS_OPEN, BREACH),
        (Calendar(holidays=["2025-03-29"]), NOTHING),
        (Calendar(holidays=["2025-03-28"]), BREACH),
        (Calendar(hours={}), NOTHING),
    ):
        assert judge(objective, arrived(noon), calendar, noon + HOUR) == expected


def test_interactions_and_contacts_are_let_out_too_where_the_site_was_closed() -> None:
    (one,) = contacts([contact(1, arrival=wall("2025-03-28T09:00", "Europe/Vilnius") - 1)])
    for name, judged in (("accuracy", one.row), ("repeat_visit_rate", one)):
        for open_only, expected in ((False, BREACH), (True, NOTHING)):
            objective = Objective("well", name, (Version(within=7, open_only=open_only),))
            assert judge(objective, judged, SHOP, one.row.arrival + HOUR) == expected


# Overrides


def test_an_override_changes_the_threshold_at_its_sites() -> None:
    overrides = (Override(("vilnius-1", "kaunas-2"), 60), Override(("bank",), 5), Override(("mall",)))
    for name in ("service_level", "wait_p90"):
        objective = Objective("fast", name, (Version(T, overrides=overrides),))
        limits = {"vilnius-1": 60, "kaunas-2": 60, "bank": 5, "mall": T, "elsewhere": T}
        for site, limit in limits.items():
            found = [counts(objective, arrived(wait=wait, site=site)) for wait in (limit, limit + 0.000001)]
            assert found == [GOOD, BREACH], site


def test_an_override_changes_when_who_waits_becomes_a_breach() -> None:
    objective = fast(overrides=(Override(("bank",), 5),))
    for site, limit in (("bank", 5), ("elsewhere", T)):
        (one,) = visits(1, "W", site=site)
        assert isinstance(one, VisitRow)
        found = [judge(objective, one, ALWAYS_OPEN, limit * SECOND + edge) for edge in (-1, 0)]
        assert found == [NOTHING, BREACH], site


def test_an_override_of_what_an_interaction_takes() -> None:
    row = interaction(recoveries=(60 * SECOND, 60 * SECOND + 1), resolution=60 * SECOND)
    for overrides, recovered, resolved in (((), (2, 2), BREACH), ((Override(("bank",), 60),), (2, 1), GOOD)):
        version = Version(T, overrides=overrides)
        assert counts(Objective("soon", "recovery_time_p90", (version,)), row) == Counts(*recovered)
        assert counts(Objective("soon", "time_to_resolution_p50", (version,)), row) == resolved


def test_an_override_belongs_to_its_version() -> None:
    changed = (Version(T, overrides=(Override(("bank",), 60),)), Version(T, start=date(1970, 1, 2)))
    objective = Objective("fast", "service_level", changed)
    assert [counts(objective, arrived(arrival)) for arrival in (DAY - 1, DAY)] == [GOOD, BREACH]


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
        contact(1, 2 * MINUTE),
        contact(2, 2 * MINUTE + 1, completed=False, resolved=None, closed=None),
    ]
    kind = Objective("kind", "service_level", (Version(30, "abandons_ignored", queues=("tills",)),))
    well = Objective("well", "accuracy", (Version(),))
    once = Objective("once", "first_contact_resolution", (Version(within=1),))
    tills, web = ("bank", "tills", "pos", "", 0), ("bank", "tills", "web", "", micros(START) // (60 * SECOND))
    calendars = {"bank": Calendar("Europe/Vilnius")}
    assert expected_objectives(sample, [fast(), kind, well, once], calendars, NOW) == {
        (tills, "fast"): (5, 2, 0, 0),
        (tills, "kind"): (5, 0, 0, 0),
        (("bank", "tills", "pos", "", 1), "fast"): (1, 1, 0, 0),
        (("bank", "billing", "pos", "", 0), "fast"): (1, 1, 0, 0),
        (web, "fast"): (1, 1, 0, 0),
        (web, "kind"): (1, 0, 0, 0),
        (("bank", "tills", "pos", "", 2), "well"): (1, 2, 0, 0),
        (("bank", "tills", "pos", "", 2), "once"): (1, 1, 0, 0),
    }
    settled = expected_objectives(sample, [once], calendars, 2 * DAY)
    assert settled == {(("bank", "tills", "pos", "", 2), "once"): (1, 1, 1, 1)}


def test_each_site_has_its_own_calendar_and_else_none() -> None:
    objective = fast(start=date(2025, 3, 31), open_only=True)
    evening = micros(datetime.fromisoformat("2025-03-30T22:00+00:00"))
    sample: list[Row] = [arrived(evening, site=site) for site in ("bank", "vilnius-1", "kaunas-2")]
    calendars = {"vilnius-1": Calendar("Europe/Vilnius"), "kaunas-2": Calendar("Europe/Vilnius", {})}
    found = expected_objectives(sample, [objective], calendars, evening + HOUR)
    assert found == {(("vilnius-1", "tills", "pos", "", evening // MINUTE), "fast"): (1, 1, 0, 0)}
