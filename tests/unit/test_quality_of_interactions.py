"""How one was served, interaction by interaction, worked out by hand for the service and the reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measured import Measured
from tests.reference.walk import SECOND
from tests.reference_cases import event, queued

AT = {"site": "bank", "channel": "phone"}


# Long matters


@pytest.mark.parametrize(
    ("channel", "patience"),
    [("phone", 120), ("pos", 120), ("kiosk", 120), ("chat", 3600), ("web", 3600), ("email", 86400)],
)
def test_a_wait_is_long_beyond_the_channel_s_patience(measured: Measured, channel: str, patience: int) -> None:
    for wait, expected in ((patience, 0), (patience + 0.000001, 1)):
        events = [queued(0, site="bank", channel=channel), event(wait, "answered"), event(wait, "informed")]
        assert measured.some("long_matters informed_matters", *events) == (expected, expected)


def test_without_a_channel_patience_is_that_of_the_phone(measured: Measured) -> None:
    assert measured.some("long_matters", queued(0, site="bank"), event(121, "abandoned")) == (1,)
    assert measured.some("long_matters", queued(0, site="bank"), event(120, "abandoned")) == (0,)


def test_a_queue_s_own_patience_comes_first(measured: Measured) -> None:
    own = {("bank", "tills"): 10 * SECOND}
    events = [queued(0, **AT), event(11, "diverted", to="callback")]
    assert measured.some("long_matters", *events, patience=own) == (1,)
    assert measured.some("long_matters", *events, patience={("bank", "sales"): 1, ("shop", "tills"): 1}) == (0,)
    # The wait is the visit's queue's matter, the resolution the first queue's.
    moved = [queued(0, "sales", **AT), queued(9), event(20, "answered"), event(100, "completed", resolved=True)]
    assert measured.some("long_matters", *moved, patience=own) == (1,)
    assert measured.some("long_matters", *moved, patience={("bank", "sales"): 99 * SECOND}) == (1,)
    assert measured.some("long_matters", *moved, patience={("bank", "sales"): 100 * SECOND}) == (0,)


def test_who_still_waits_has_not_waited_long_yet(measured: Measured) -> None:
    assert measured.some("long_matters", queued(0, **AT), event(900, "informed")) == (0,)


def test_a_matter_is_long_that_is_resolved_late(measured: Measured) -> None:
    events = [event(0, "answered", **AT), event(121, "completed", resolved=True)]
    assert measured.some("long_matters informed_matters", *events) == (1, 0)
    assert measured.some("long_matters", event(0, "answered", **AT), event(121, "completed", resolved=False)) == (0,)
    again = [event(0, "answered", **AT), event(9, "completed", resolved=True), event(999, "completed", resolved=True)]
    assert measured.some("long_matters", *again) == (0,)


@pytest.mark.parametrize(
    ("told", "found"), [(0, 1), (60, 1), (200, 1), (200.1, 0), (299.9, 0), (300, 1), (500, 1), (501, 0)]
)
def test_one_is_informed_within_a_long_span(measured: Measured, told: float, found: int) -> None:
    events = [queued(0, **AT), queued(200, "billing"), queued(300, "sales"), event(500, "abandoned")]
    assert measured.some("long_matters informed_matters", *events, event(told, "informed")) == (1, found)


def test_being_informed_of_what_does_not_last_is_nothing(measured: Measured) -> None:
    events = [queued(0, **AT), event(5, "informed"), event(10, "answered"), event(20, "completed", resolved=True)]
    assert measured.some("long_matters informed_matters", *events) == (0, 0)


# First words


def test_the_first_response_is_an_answer_or_a_word_about_how_things_stand(measured: Measured) -> None:
    names = "responses response_us"
    assert measured.some(names, queued(0, **AT), event(7, "answered")) == (1, 7 * SECOND)
    assert measured.some(names, queued(0, **AT), event(3, "informed"), event(7, "answered")) == (1, 3 * SECOND)
    assert measured.some(names, queued(0, **AT), event(3, "informed"), event(7, "abandoned")) == (1, 3 * SECOND)
    assert measured.some(names, queued(0, **AT), event(9, "completed")) == (1, 9 * SECOND)
    assert measured.some(names, queued(0, **AT), event(9, "abandoned")) == (0, 0)
    assert measured.some(names, event(0, "escalated", **AT), event(4, "completed")) == (1, 4 * SECOND)
    assert measured.some(names, event(60, "recorded", wait_seconds=20, service_seconds=30, **AT)) == (1, 20 * SECOND)
    assert measured.some(names, event(5, "informed", **AT)) == (1, 0)


# Who began, who was recognised


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, (0, 0, 0, 0)),
        ({"initiated_by": "us", "known_customer": False}, (1, 1, 1, 0)),
        ({"initiated_by": "customer", "known_customer": True}, (1, 0, 1, 1)),
    ],
)
def test_the_earliest_that_says_who_began_decides(
    measured: Measured, said: dict[str, Any], found: tuple[int, ...]
) -> None:
    events = [queued(0, **AT), event(5, "answered", **said)]
    events += [event(9, "completed", initiated_by="us", known_customer=True)] if said else []
    assert measured.some("initiations_known proactive recognitions_known recognised", *events[::-1]) == found


# Competence


@pytest.mark.parametrize("what", ["transferred", "escalated"])
def test_decided_is_who_is_resolved_without_help(measured: Measured, what: str) -> None:
    events = [event(0, "answered", **AT), event(9, "completed", resolved=True)]
    assert measured.some("resolved decided", *events) == (1, 1)
    assert measured.some("resolved decided", *events, event(99, what)) == (1, 0)
    assert measured.some("resolved decided", *events, event(99, "completed", resolved=False)) == (0, 0)


def test_one_window_is_one_line_and_one_agent(measured: Measured) -> None:
    events = [queued(0, **AT), event(5, "answered", agent="ana"), event(9, "completed", agent="ana")]
    assert measured.some("completed one_window", *events) == (1, 1)
    assert measured.some("completed one_window", *events[:2]) == (0, 0)
    assert measured.some("completed one_window", *events, event(20, "informed", agent="bo")) == (1, 0)
    assert measured.some("completed one_window", *events, event(7, "answered")) == (1, 0)
    assert measured.some("completed one_window", *events, event(20, "reopened")) == (1, 1)
    assert measured.some("completed one_window", *events, queued(20), event(30, "completed")) == (1, 0)
    assert measured.some("completed one_window", *events, event(8, "transferred", to_agent="bo")) == (1, 1)
    assert measured.some("completed one_window", event(9, "completed", **AT)) == (1, 1)


def test_an_agent_of_a_revision_that_is_no_more_is_nobody(measured: Measured) -> None:
    first = event(5, "answered", id="a", agent="ana", record="call", revision=1, **AT)
    second = event(5, "answered", id="b", agent="bo", record="call", revision=2, **AT)
    assert measured.some("one_window", first, second, event(9, "completed", agent="bo")) == (1,)


# Identity


@pytest.mark.parametrize("channel", ["phone", "chat", "pos", "email"])
def test_who_cannot_be_seen_is_verified(measured: Measured, channel: str) -> None:
    unseen = int(channel in ("phone", "chat"))
    events = [event(0, "answered", site="bank", channel=channel), event(5, "verified")]
    assert measured.some("verifiable verified", *events) == (unseen, unseen)
    assert measured.some("verifiable verified", events[0]) == (unseen, 0)
    assert measured.some("verifiable verified", *events, event(4.9, "completed")) == (unseen, 0)
    assert measured.some("verifiable verified", *events, event(5, "completed")) == (unseen, unseen)
    assert measured.some("verifiable verified", *events, event(1, "completed"), event(6, "completed")) == (
        unseen,
        unseen,
    )


def test_who_was_never_answered_need_not_be_verified(measured: Measured) -> None:
    assert measured.some("verifiable verified", queued(0, **AT), event(5, "verified"), event(9, "abandoned")) == (0, 0)
