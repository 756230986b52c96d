"""The reference's reading of how one was served: quotes, wrong lines, long matters, first words, agents, identity."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.customers import contacts
from tests.reference.rollups import expected_rollups
from tests.reference.rows import InteractionRow, rows_of
from tests.reference.walk import DAY, SECOND, Event
from tests.reference_cases import event, interaction, queued, walked

AT = {"site": "bank", "channel": "phone"}


def measured(*events: Event, patience: dict[tuple[str, str], int] | None = None) -> dict[str, int]:
    """All that the events of one interaction come to."""
    sums: dict[str, int] = {}
    for amounts in expected_rollups(rows_of(walked(*events), patience=patience)).values():
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount
    return sums


def some(names: str, found: dict[str, int]) -> tuple[int, ...]:
    """Some of it, by name."""
    return tuple(found.get(name, 0) for name in names.split())


# Quotes


@pytest.mark.parametrize(
    ("wait", "kept", "overrun"), [(60, 1, 0), (59.5, 1, 0), (60.5, 0, SECOND // 2), (90, 0, 30 * SECOND)]
)
def test_a_quote_is_kept_by_who_waits_no_longer(wait: float, kept: int, overrun: int) -> None:
    found = measured(queued(0, quoted_wait_seconds=60, **AT), event(wait, "answered"))
    assert some("quoted_waits quotes_kept quote_overrun_us", found) == (1, kept, overrun)


def test_a_quote_is_of_an_answered_visit_whose_wait_is_known() -> None:
    names = "quoted_waits quotes_kept quote_overrun_us"
    assert some(names, measured(queued(0, quoted_wait_seconds=60, **AT), event(5, "abandoned"))) == (0, 0, 0)
    assert some(names, measured(event(5, "answered", quoted_wait_seconds=60, **AT))) == (0, 0, 0)
    assert some(names, measured(queued(0, quoted_wait_seconds=60, **AT))) == (0, 0, 0)
    assert some(names, measured(queued(0, quoted_wait_seconds=60, **AT), event(9, "completed"))) == (1, 1, 0)


def test_a_visit_keeps_its_first_quote() -> None:
    again = (queued(0, quoted_wait_seconds=5, **AT), queued(4, quoted_wait_seconds=60), event(10, "answered"))
    assert some("quoted_waits quotes_kept", measured(*again)) == (1, 0)
    later = (
        queued(0, **AT),
        queued(4, quoted_wait_seconds=60),
        queued(5, quoted_wait_seconds=1),
        event(10, "answered"),
    )
    assert some("quoted_waits quotes_kept", measured(*later)) == (1, 1)
    other = (queued(0, quoted_wait_seconds=60, **AT), queued(4, "billing"), event(10, "answered"))
    assert some("quoted_waits quotes_kept", measured(*other)) == (0, 0)


def test_what_is_recorded_has_a_quote_where_it_has_a_wait() -> None:
    quote = {"quoted_wait_seconds": 10, **AT}
    assert some("quoted_waits quotes_kept", measured(event(60, "recorded", wait_seconds=10, **quote))) == (1, 1)
    assert some("quoted_waits quotes_kept", measured(event(60, "recorded", wait_seconds=11, **quote))) == (1, 0)
    assert some("quoted_waits quotes_kept", measured(event(60, "recorded", **quote))) == (0, 0)


# Wrong lines


@pytest.mark.parametrize(("service", "found"), [(29, 1), (30, 1), (30.000001, 0), (31, 0)])
def test_who_is_handed_on_within_half_a_minute_was_in_the_wrong_line(service: float, found: int) -> None:
    events = [queued(0, **AT), event(60, "answered"), event(60 + service, "transferred")]
    assert some("answered misrouted", measured(*events)) == (1, found)
    held = [queued(0, **AT), event(60, "answered"), event(61, "held"), event(81, "resumed")]
    assert some("answered misrouted", measured(*held, event(80 + service, "transferred"))) == (1, found)


def test_on_hold_nobody_is_served() -> None:
    events = [queued(0, **AT), event(60, "answered"), event(90, "held"), event(600, "transferred")]
    assert some("misrouted", measured(*events)) == (1,)


def test_each_visit_is_in_the_wrong_line_once_at_most() -> None:
    first = [queued(0, **AT), event(10, "answered"), event(20, "transferred"), event(500, "transferred")]
    assert some("misrouted", measured(*first)) == (1,)
    second = [queued(510, "billing"), event(520, "answered"), event(550, "transferred"), event(551, "transferred")]
    assert some("answered misrouted", measured(*first, *second)) == (2, 2)


def test_nobody_is_in_the_wrong_line_who_is_not_in_service() -> None:
    assert some("misrouted", measured(queued(0, **AT), event(5, "transferred"))) == (0,)
    done = [queued(0, **AT), event(5, "answered"), event(10, "completed"), event(11, "transferred")]
    assert some("misrouted", measured(*done)) == (0,)


def test_what_is_recorded_is_handed_on_at_its_end() -> None:
    assert some("misrouted", measured(event(60, "recorded", transfers=1, service_seconds=30, **AT))) == (1,)
    assert some("misrouted", measured(event(60, "recorded", transfers=1, service_seconds=31, **AT))) == (0,)
    assert some(
        "misrouted", measured(event(60, "recorded", transfers=1, service_seconds=3, hold_seconds=50, **AT))
    ) == (1,)


# Long matters


@pytest.mark.parametrize(
    ("channel", "patience"),
    [("phone", 120), ("pos", 120), ("kiosk", 120), ("chat", 3600), ("web", 3600), ("email", 86400)],
)
def test_a_wait_is_long_beyond_the_channel_s_patience(channel: str, patience: int) -> None:
    for wait, expected in ((patience, 0), (patience + 0.000001, 1)):
        events = [queued(0, site="bank", channel=channel), event(wait, "answered"), event(wait, "informed")]
        assert some("long_matters informed_matters", measured(*events)) == (expected, expected)


def test_without_a_channel_patience_is_that_of_the_phone() -> None:
    assert some("long_matters", measured(queued(0, site="bank"), event(121, "abandoned"))) == (1,)
    assert some("long_matters", measured(queued(0, site="bank"), event(120, "abandoned"))) == (0,)


def test_a_queue_s_own_patience_comes_first() -> None:
    own = {("bank", "tills"): 10 * SECOND}
    events = [queued(0, **AT), event(11, "diverted", to="callback")]
    assert some("long_matters", measured(*events, patience=own)) == (1,)
    assert some("long_matters", measured(*events, patience={("bank", "sales"): 1, ("shop", "tills"): 1})) == (0,)
    # The wait is the visit's queue's matter, the resolution the first queue's.
    moved = [queued(0, "sales", **AT), queued(9), event(20, "answered"), event(100, "completed", resolved=True)]
    assert some("long_matters", measured(*moved, patience=own)) == (1,)
    assert some("long_matters", measured(*moved, patience={("bank", "sales"): 99 * SECOND})) == (1,)
    assert some("long_matters", measured(*moved, patience={("bank", "sales"): 100 * SECOND})) == (0,)


def test_who_still_waits_has_not_waited_long_yet() -> None:
    assert some("long_matters", measured(queued(0, **AT), event(900, "informed"))) == (0,)


def test_a_matter_is_long_that_is_resolved_late() -> None:
    events = [event(0, "answered", **AT), event(121, "completed", resolved=True)]
    assert some("long_matters informed_matters", measured(*events)) == (1, 0)
    assert some("long_matters", measured(event(0, "answered", **AT), event(121, "completed", resolved=False))) == (0,)
    again = [event(0, "answered", **AT), event(9, "completed", resolved=True), event(999, "completed", resolved=True)]
    assert some("long_matters", measured(*again)) == (0,)


@pytest.mark.parametrize(
    ("told", "found"), [(0, 1), (60, 1), (200, 1), (200.1, 0), (299.9, 0), (300, 1), (500, 1), (501, 0)]
)
def test_one_is_informed_within_a_long_span(told: float, found: int) -> None:
    events = [queued(0, **AT), queued(200, "billing"), queued(300, "sales"), event(500, "abandoned")]
    assert some("long_matters informed_matters", measured(*events, event(told, "informed"))) == (1, found)


def test_being_informed_of_what_does_not_last_is_nothing() -> None:
    events = [queued(0, **AT), event(5, "informed"), event(10, "answered"), event(20, "completed", resolved=True)]
    assert some("long_matters informed_matters", measured(*events)) == (0, 0)


# First words


def test_the_first_response_is_an_answer_or_a_word_about_how_things_stand() -> None:
    names = "responses response_us"
    assert some(names, measured(queued(0, **AT), event(7, "answered"))) == (1, 7 * SECOND)
    assert some(names, measured(queued(0, **AT), event(3, "informed"), event(7, "answered"))) == (1, 3 * SECOND)
    assert some(names, measured(queued(0, **AT), event(3, "informed"), event(7, "abandoned"))) == (1, 3 * SECOND)
    assert some(names, measured(queued(0, **AT), event(9, "completed"))) == (1, 9 * SECOND)
    assert some(names, measured(queued(0, **AT), event(9, "abandoned"))) == (0, 0)
    assert some(names, measured(event(0, "escalated", **AT), event(4, "completed"))) == (1, 4 * SECOND)
    assert some(names, measured(event(60, "recorded", wait_seconds=20, service_seconds=30, **AT))) == (1, 20 * SECOND)
    assert some(names, measured(event(5, "informed", **AT))) == (1, 0)


# Who began, who was recognised


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, (0, 0, 0, 0)),
        ({"initiated_by": "us", "known_customer": False}, (1, 1, 1, 0)),
        ({"initiated_by": "customer", "known_customer": True}, (1, 0, 1, 1)),
    ],
)
def test_the_earliest_that_says_who_began_decides(said: dict[str, Any], found: tuple[int, ...]) -> None:
    events = [queued(0, **AT), event(5, "answered", **said)]
    events += [event(9, "completed", initiated_by="us", known_customer=True)] if said else []
    assert some("initiations_known initiated_by_us recognitions_known recognised", measured(*events[::-1])) == found


# Competence


@pytest.mark.parametrize("what", ["transferred", "escalated"])
def test_decided_is_who_is_resolved_without_help(what: str) -> None:
    events = [event(0, "answered", **AT), event(9, "completed", resolved=True)]
    assert some("resolved decided", measured(*events)) == (1, 1)
    assert some("resolved decided", measured(*events, event(99, what))) == (1, 0)
    assert some("resolved decided", measured(*events, event(99, "completed", resolved=False))) == (0, 0)


def test_one_window_is_one_line_and_one_agent() -> None:
    events = [queued(0, **AT), event(5, "answered", agent="ana"), event(9, "completed", agent="ana")]
    assert some("completed one_window", measured(*events)) == (1, 1)
    assert some("completed one_window", measured(*events[:2])) == (0, 0)
    assert some("completed one_window", measured(*events, event(20, "informed", agent="bo"))) == (1, 0)
    assert some("completed one_window", measured(*events, event(7, "answered"))) == (1, 0)
    assert some("completed one_window", measured(*events, event(20, "reopened"))) == (1, 1)
    assert some("completed one_window", measured(*events, queued(20), event(30, "completed"))) == (1, 0)
    assert some("completed one_window", measured(*events, event(8, "transferred", to_agent="bo"))) == (1, 1)
    assert some("completed one_window", measured(event(9, "completed", **AT))) == (1, 1)


def test_an_agent_of_a_revision_that_is_no_more_is_nobody() -> None:
    first = event(5, "answered", id="a", agent="ana", record="call", revision=1, **AT)
    second = event(5, "answered", id="b", agent="bo", record="call", revision=2, **AT)
    assert some("one_window", measured(first, second, event(9, "completed", agent="bo"))) == (1,)


# Identity


@pytest.mark.parametrize("channel", ["phone", "chat", "pos", "email"])
def test_who_cannot_be_seen_is_verified(channel: str) -> None:
    unseen = int(channel in ("phone", "chat"))
    events = [event(0, "answered", site="bank", channel=channel), event(5, "verified")]
    assert some("verifiable verified", measured(*events)) == (unseen, unseen)
    assert some("verifiable verified", measured(events[0])) == (unseen, 0)
    assert some("verifiable verified", measured(*events, event(4.9, "completed"))) == (unseen, 0)
    assert some("verifiable verified", measured(*events, event(5, "completed"))) == (unseen, unseen)
    assert some("verifiable verified", measured(*events, event(1, "completed"), event(6, "completed"))) == (
        unseen,
        unseen,
    )


def test_who_was_never_answered_need_not_be_verified() -> None:
    assert some("verifiable verified", measured(queued(0, **AT), event(5, "verified"), event(9, "abandoned"))) == (0, 0)


# Agents of contacts


def contact(arrival: int, agent: str | None, **changes: Any) -> InteractionRow:
    """A contact of one customer, answered by an agent."""
    return interaction(customer="ann", arrival=arrival, agent=agent, subject=f"at {arrival}", **changes)


def same(*sample: InteractionRow) -> list[bool]:
    return [one.same_agent for one in contacts(sample)]


def test_one_comes_back_to_the_same_agent_within_thirty_days() -> None:
    assert same(contact(0, "ana"), contact(30 * DAY, "ana")) == [False, True]
    assert same(contact(0, "ana"), contact(30 * DAY + 1, "ana")) == [False, False]
    assert same(contact(0, "ana"), contact(1, "bo"), contact(2, "ana")) == [False, False, False]
    assert same(contact(0, "ana"), contact(1, None), contact(2, "ana")) == [False, False, False]
    assert same(contact(0, None), contact(1, None)) == [False, False]
    assert same(contact(0, "ana", topic="bill"), contact(1, "bo"), contact(2, "ana", topic="bill")) == [
        False,
        False,
        True,
    ]


def test_the_agent_of_a_contact_is_who_answered() -> None:
    assert (
        walked(queued(0, agent="bot"), event(5, "answered", agent="ana"), event(9, "completed", agent="bo")).agent
        == "ana"
    )
    assert (
        walked(event(5, "answered"), event(6, "answered", agent="ana"), event(2, "escalated", agent="bo")).agent
        == "ana"
    )
    assert walked(queued(0), event(5, "answered"), event(9, "completed", agent="bo")).agent == "bo"
    assert walked(queued(0, agent="bot"), event(9, "completed", agent="bo")).agent == "bot"
    assert walked(queued(0, agent="bot"), event(60, "recorded", agent="ana")).agent == "ana"
    assert walked(queued(0)).agent is None
