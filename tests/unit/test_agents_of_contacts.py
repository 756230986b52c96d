"""Who comes back to the same agent, worked out by hand for the service and the reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measured import Measured
from tests.reference.walk import Event
from tests.reference_cases import event, queued

MONTH = 30 * 86400
EPSILON = 0.000001


def about(subject: str, *events: Event, **data: Any) -> list[Event]:
    """Events of one contact of a customer."""
    common = {"site": "bank", "channel": "phone", "customer": "ann", **data}
    return [one | {"subject": subject, "id": f"{subject} {one['id']}", "data": common | one["data"]} for one in events]


def contact(seconds: float, agent: str | None, **data: Any) -> list[Event]:
    """A contact that an agent answers at once, whose name is told or not."""
    known = {} if agent is None else {"agent": agent}
    return about(f"at {seconds}", event(seconds, "answered", **known), event(seconds + 9, "completed"), **data)


@pytest.mark.parametrize(
    ("contacts", "repeats", "same"),
    [
        ([contact(0, "ana"), contact(MONTH, "ana")], 1, 1),
        ([contact(0, "ana"), contact(MONTH + EPSILON, "ana")], 0, 0),
        ([contact(0, "ana"), contact(60, "bo"), contact(90, "ana")], 2, 0),
        ([contact(0, "ana"), contact(60, None), contact(90, "ana")], 2, 0),
        ([contact(0, "ana"), contact(60, "ana"), contact(90, "ana")], 2, 2),
        ([contact(0, None), contact(60, None)], 1, 0),
        ([contact(0, "ana", topic="bill"), contact(60, "bo"), contact(90, "ana", topic="bill")], 1, 1),
        ([contact(0, "ana", customer="bob"), contact(60, "ana")], 0, 0),
    ],
)
def test_one_comes_back_to_the_agent_of_the_previous_contact(
    measured: Measured, contacts: list[list[Event]], repeats: int, same: int
) -> None:
    for order in (contacts, contacts[::-1]):
        events = [one for events in order for one in events]
        assert measured.some("repeat_contacts_30d same_agent", *events) == (repeats, same)


@pytest.mark.parametrize(
    ("events", "agent"),
    [
        ([queued(50, agent="bot"), event(55, "answered", agent="ana"), event(59, "completed", agent="bo")], "ana"),
        ([queued(50, agent="bot"), event(55, "answered"), event(56, "answered", agent="ana")], "ana"),
        ([event(55, "answered", agent="ana"), event(56, "answered", agent="bo")], "ana"),
        ([queued(50), event(55, "answered"), event(59, "completed", agent="bo")], "bo"),
        ([queued(50, agent="bot"), event(59, "completed", agent="bo")], "bot"),
        ([queued(50, agent="bot"), event(60, "recorded", agent="ana")], "ana"),
        ([event(55, "escalated", agent="cy"), event(60, "recorded", outcome="abandoned", agent="ana")], "cy"),
        ([queued(50)], None),
    ],
)
def test_the_agent_of_a_contact_is_who_answered(measured: Measured, events: list[Event], agent: str | None) -> None:
    for asked in ("ana", "bo", "bot", "cy"):
        found = measured.some("repeat_contacts_30d same_agent", *contact(0, asked), *about("later", *events))
        assert found == (1, int(asked == agent))
