"""Customers' contacts in the reference: who comes again, and whose first contact resolved the matter."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.reference.customers import CONTACT_KPIS, Contact, contact_kpi, contacts
from tests.reference.kpis import Value
from tests.reference.rollups import by_local_day, expected_cells, expected_rollups
from tests.reference.rows import InteractionRow, rows, rows_of
from tests.reference.walk import DAY, HOUR, MINUTE, gather, micros
from tests.reference_cases import START, event, interaction, queued, visits, walked


def contact(arrival: int = 0, *, ends: int | None = None, **changes: Any) -> InteractionRow:
    """A contact of one customer at the tills, resolved where it ends."""
    fields: dict[str, Any] = {"customer": "ann", "arrival": arrival, "minute": arrival // MINUTE}
    if ends is not None:
        fields |= {"completed": True, "closed": ends, "resolved": True}
    return interaction(**(fields | changes))


def repeats(*sample: InteractionRow) -> list[set[int]]:
    """Of each contact in order, the numbers of days of which it is a repeat contact."""
    return [set(one.repeat_contact) for one in contacts(sample)]


def revisits(*sample: InteractionRow) -> list[set[int]]:
    """Of each contact in order, the numbers of days of which it is a repeat visit."""
    return [set(one.repeat_visit) for one in contacts(sample)]


def met(*sample: InteractionRow) -> list[set[int]]:
    """Of each contact in order, the numbers of days of which it is a case that is met."""
    return [set(one.resolved_first) for one in contacts(sample)]


# Contacts


def test_a_contact_has_a_known_site_and_customer() -> None:
    first = contact(5)
    others = [contact(site=None), contact(customer=None), *visits(1, "A", 1)]
    assert [one.row for one in contacts([*others, first])] == [first]


def test_contacts_lie_by_arrival_then_number_of_the_source_then_code_point_of_the_subject() -> None:
    keys = [(2, 9, "Z"), (2, 10, "A"), (2, 10, "B"), (2, 10, "a"), (2, 10, "order-10"), (2, 10, "order-9"), (3, 1, "")]
    sample = [contact(arrival, registration=number, subject=subject) for arrival, number, subject in reversed(keys)]
    found = contacts(sample)
    assert [(one.row.arrival, one.row.registration, one.row.subject) for one in found] == keys
    assert [bool(one.repeat_contact) for one in found] == [False, True, True, True, True, True, True]


def test_the_rows_tell_who_posted_what_and_when_it_closed() -> None:
    posted = [
        queued(0, site="bank", channel="pos", customer="ann"),
        event(60, "completed", resolved=True),
        event(90, "completed"),
        event(120, "corrected"),
    ]
    (*_, one) = rows(gather(posted, 7), START)
    assert isinstance(one, InteractionRow)
    assert (one.registration, one.subject, one.closed) == (7, "order", micros(START) + 90 * 1_000_000)
    (case,) = contacts([one])
    assert case.case
    assert case.store
    (*_, unfinished) = rows_of(walked(queued(0)))
    assert isinstance(unfinished, InteractionRow)
    assert unfinished.closed is None


# Repeat contacts


@pytest.mark.parametrize(
    ("gap", "within"),
    [
        (0, {1, 7, 30}),
        (DAY, {1, 7, 30}),
        (DAY + 1, {7, 30}),
        (7 * DAY, {7, 30}),
        (7 * DAY + 1, {30}),
        (30 * DAY, {30}),
        (30 * DAY + 1, set()),
    ],
)
def test_a_repeat_contact_arrives_within_n_days_and_exactly_n_is_within(gap: int, within: set[int]) -> None:
    assert repeats(contact(subject="a"), contact(gap, subject="b")) == [set(), within]


def test_a_repeat_contact_is_measured_from_the_previous_arrival_not_from_its_end_nor_the_first() -> None:
    chain = [contact(0, ends=5 * DAY), contact(DAY), contact(2 * DAY), contact(3 * DAY + 1)]
    assert repeats(*chain) == [set(), {1, 7, 30}, {1, 7, 30}, {7, 30}]


def test_no_topic_is_a_topic_of_its_own() -> None:
    sample = [contact(0), contact(1, topic=""), contact(2, topic="bill"), contact(3), contact(4, topic="bill")]
    assert repeats(*sample) == [set(), set(), set(), {1, 7, 30}, {1, 7, 30}]


def test_contacts_are_joined_over_sites_sources_channels_and_lines_but_not_customers() -> None:
    elsewhere = contact(1, site="kaunas-2", registration=2, channel="email", queue="billing")
    assert repeats(contact(0), elsewhere, contact(2, customer="bob")) == [set(), {1, 7, 30}, set()]


def test_the_rate_of_repeat_contacts_has_all_contacts_below_it() -> None:
    sample = contacts(
        [contact(0), contact(DAY), contact(2 * DAY + 1), contact(DAY, topic="bill"), contact(0, customer="bob")]
    )
    assert contact_kpi("repeat_contact_rate", sample, within=1) == Value(Fraction(1, 5), Fraction(1), Fraction(5))
    assert contact_kpi("repeat_contact_rate", sample, within=7) == Value(Fraction(2, 5), Fraction(2), Fraction(5))
    assert contact_kpi("repeat_contacts", sample, within=7) == Value(Fraction(2))
    assert contact_kpi("contacts", sample) == Value(Fraction(5))


# Repeat visits


def test_a_repeat_visit_is_within_n_days_of_the_previous_visit_whatever_the_topic() -> None:
    sample = [contact(0, topic="bill"), contact(DAY), contact(8 * DAY + 1), contact(38 * DAY + 1)]
    assert revisits(*sample) == [set(), {1, 7, 30}, {30}, {30}]


def test_only_contacts_at_the_till_are_visits() -> None:
    sample = [contact(0), contact(1, channel="phone"), contact(DAY + 1), contact(DAY + 1, channel="kiosk", subject="z")]
    assert revisits(*sample) == [set(), set(), {7, 30}, set()]
    found = contacts(sample)
    assert contact_kpi("store_contacts", found) == Value(Fraction(2))
    assert contact_kpi("repeat_visits", found, within=7) == Value(Fraction(1))
    assert contact_kpi("repeat_visit_rate", found, within=7) == Value(Fraction(1, 2), Fraction(1), Fraction(2))
    assert contact_kpi("repeat_visit_rate", found, within=1) == Value(Fraction(0), Fraction(0), Fraction(2))


# First-contact resolution


@pytest.mark.parametrize(
    ("later", "within"),
    [
        (HOUR, set()),
        (HOUR + DAY, set()),
        (HOUR + DAY + 1, {1}),
        (HOUR + 7 * DAY, {1}),
        (HOUR + 7 * DAY + 1, {1, 7}),
        (HOUR + 30 * DAY, {1, 7}),
        (HOUR + 30 * DAY + 1, {1, 7, 30}),
    ],
)
def test_a_contact_within_n_days_of_the_end_spoils_a_case(later: int, within: set[int]) -> None:
    assert met(contact(0, ends=HOUR), contact(later)) == [within, set()]


def test_a_later_contact_spoils_a_case_before_its_end_too_and_an_earlier_one_never() -> None:
    long, short = contact(0, ends=9 * DAY), contact(1, ends=2)
    assert met(long, short) == [set(), {1, 7, 30}]
    ties = [contact(0, ends=HOUR, subject="a"), contact(0, ends=HOUR, subject="b")]
    assert met(*ties) == [set(), {1, 7, 30}]


def test_another_topic_customer_or_no_contact_spoils_nothing() -> None:
    others = [contact(HOUR, topic="bill"), contact(HOUR, customer="bob"), contact(HOUR, site=None)]
    assert met(contact(0, ends=HOUR), *others)[0] == {1, 7, 30}


@pytest.mark.parametrize("changes", [{"resolved": False}, {"reopened": True}])
def test_a_case_that_is_not_resolved_or_was_reopened_is_a_case_that_is_not_met(changes: dict[str, Any]) -> None:
    (one,) = contacts([contact(0, ends=HOUR, **changes)])
    assert one.case
    assert one.resolved_first == set()


def test_what_is_not_completed_or_says_nothing_of_its_resolution_is_no_case() -> None:
    assert [one.case for one in contacts([contact(0), contact(1, ends=2, resolved=None)])] == [False, False]


def test_a_case_is_settled_once_more_than_n_days_have_passed_met_or_not() -> None:
    sample = contacts([contact(0, ends=HOUR), contact(5, customer="bob", ends=HOUR, resolved=False)])

    def parts(now: int, maturity: str) -> tuple[Any, ...]:
        return contact_kpi("first_contact_resolution", sample, within=7, maturity=maturity, now=now)[1:]

    edge = HOUR + 7 * DAY
    assert (parts(edge, "provisional"), parts(edge, "settled")) == ((1, 2), (0, 0))
    assert (parts(edge + 1, "provisional"), parts(edge + 1, "settled")) == ((0, 0), (1, 2))
    assert contact_kpi("first_contact_resolution", sample, within=7, now=edge).value is None
    one = contact_kpi("first_contact_resolution", sample, within=7, now=edge + 1)
    assert one == Value(Fraction(1, 2), Fraction(1), Fraction(2))


def test_no_contacts_are_no_data() -> None:
    found = {name: contact_kpi(name, [], within=1, now=0).value for name in CONTACT_KPIS}
    assert {name for name, value in found.items() if value is None} == {
        "repeat_contact_rate",
        "repeat_visit_rate",
        "first_contact_resolution",
    }


def test_what_needs_days_or_a_moment_says_so() -> None:
    none: list[Contact] = []
    with pytest.raises(ValueError, match="days"):
        contact_kpi("repeat_contact_rate", none)
    with pytest.raises(ValueError, match="moment"):
        contact_kpi("first_contact_resolution", none, within=1)
    with pytest.raises(KeyError):
        contact_kpi("first_contact_resolution", none, within=1, now=0, maturity="both")
    with pytest.raises(KeyError):
        contact_kpi("offered", none, within=1)


# Rollups


def test_rollups_of_contacts_lie_where_the_contact_arrived() -> None:
    sample = [
        contact(0, ends=MINUTE, site="vilnius-1", resolution=MINUTE, business_resolution=7),
        contact(DAY, ends=DAY + HOUR, queue="billing", channel="phone", subject="b"),
        contact(8 * DAY, subject="c"),
    ]
    now = 8 * DAY + HOUR
    found = expected_rollups(sample, now=now)
    before = expected_rollups(sample)
    added = {
        place: {name: amount for name, amount in amounts.items() if name not in before[place]}
        for place, amounts in found.items()
    }
    assert added == {
        ("vilnius-1", "tills", "pos", "", 0): {
            "business_resolution_us": 7,
            "contacts": 1,
            "store_contacts": 1,
            "settled_1d": 1,
            "settled_7d": 1,
            "provisional_30d": 1,
        },
        ("bank", "billing", "phone", "", 1440): {
            "contacts": 1,
            "repeat_contacts_1d": 1,
            "repeat_contacts_7d": 1,
            "repeat_contacts_30d": 1,
            "settled_1d": 1,
            "settled_resolved_1d": 1,
            "provisional_7d": 1,
            "provisional_30d": 1,
        },
        ("bank", "tills", "pos", "", 8 * 1440): {
            "contacts": 1,
            "store_contacts": 1,
            "repeat_contacts_7d": 1,
            "repeat_contacts_30d": 1,
            "repeat_visits_30d": 1,
        },
    }
    assert all(found[place].items() >= amounts.items() for place, amounts in before.items())
    assert expected_cells(sample) == {
        (("vilnius-1", "tills", "pos", "", 0), "resolution", MINUTE): 1,
        (("vilnius-1", "tills", "pos", "", 0), "business_resolution", 7): 1,
    }


def test_local_days_add_up_from_midnight_to_midnight_of_the_site() -> None:
    midnight = micros(START) // DAY * 1440  # of 31 March 2025 in UTC, which is 03:00 in Vilnius
    places = [("vilnius-1", midnight - 181), ("vilnius-1", midnight - 180), ("vilnius-1", midnight), ("bank", midnight)]
    rollups = {(site, "q", "pos", "", minute): {"offered": 1, "answered": 2} for site, minute in places}
    assert by_local_day(rollups, {"vilnius-1": "Europe/Vilnius"}) == {
        ("vilnius-1", "q", "pos", "", "2025-03-30"): {"offered": 1, "answered": 2},
        ("vilnius-1", "q", "pos", "", "2025-03-31"): {"offered": 2, "answered": 4},
        ("bank", "q", "pos", "", "2025-03-31"): {"offered": 1, "answered": 2},
    }
