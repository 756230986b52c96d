"""Genesys Cloud: events in sequences, with what they come to by hand."""

from typing import Any

import pytest

from service.vendors.genesys_cloud import ADAPTER
from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import (
    assert_comes_to,
    assert_order_does_not_matter,
    batches,
    counted,
)
from tests.vendors.genesys_samples import BILLING, MAPPING, sent

SECOND = 1_000_000
ANSWERED_AFTER_30 = {
    "offered": 1,
    "answered": 1,
    "answered_waits": 1,
    "answered_wait_us": 30 * SECOND,
}
ONE = {"interactions": 1, "contacts": 1}
SERVED = {"interactions_answered": 1, "completed": 1, **ONE}
FIRST: dict[str, Any] = {"session": "s-2", "userId": "u-1", "alertingDurationMs": 4_000}
SECOND_ONE: dict[str, Any] = {**BILLING, "session": "s-4", "userId": "u-2", "alertingDurationMs": 4_000}
SEQUENCES: dict[str, tuple[list[Delivery], dict[str, dict[str, int]]]] = {
    "answered, with a hold and work after it": (
        [
            sent("customer.start", 0, queue=None),
            sent("acd.start", 4),
            sent("user.start", 30, **FIRST),
            sent("acd.end", 34, acdOutcome="ANSWERED", answeredUserId="u-1", connectedDurationMs=30_000),
            sent("user.end", 94, **FIRST, disconnectType="PEER", interactingDurationMs=50_000, heldDurationMs=10_000),
            sent("acw", 114, **FIRST, wrapupDurationMs=20_000),
        ],
        {
            "sales": {
                **ANSWERED_AFTER_30,
                **SERVED,
                "handled": 1,
                "service_us": 50 * SECOND,
                "hold_us": 10 * SECOND,
                "wrap_up_us": 20 * SECOND,
                "told_waits": 1,
            }
        },
    ),
    "answered by the second agent whose phone rang": (
        [
            sent("acd.start", 4),
            sent("user.end", 20, **{**FIRST, "session": "s-9", "userId": "u-9"}, disconnectType="NO_ANSWER_TRANSFER"),
            sent("acd.end", 34, acdOutcome="ANSWERED", answeredUserId="u-1"),
            sent("user.end", 94, **FIRST, disconnectType="CLIENT", interactingDurationMs=59_000),
        ],
        {
            "sales": {
                **ANSWERED_AFTER_30,
                **SERVED,
                "handled": 1,
                "service_us": 60 * SECOND,
                "told_services": 1,
                "service_difference_us": SECOND,
            }
        },
    ),
    "abandoned": (
        [
            sent("acd.start", 4),
            sent("acd.end", 46.5, acdOutcome="ABANDON", disconnectType="PEER", connectedDurationMs=42_000),
            sent("customer.end", 46.5, queue=None, disconnectType="PEER"),
        ],
        {
            "sales": {
                "offered": 1,
                "abandoned": 1,
                "abandoned_waits": 1,
                "abandoned_wait_us": 42_500_000,
                "told_waits": 1,
                "wait_difference_us": 500_000,
                **ONE,
            }
        },
    ),
    "to voicemail": (
        [
            sent("acd.start", 4),
            sent("acd.end", 64, acdOutcome="FLOW_OUT", disconnectType="TRANSFER", connectedDurationMs=60_000),
            sent("voicemail.start", 64.1),
        ],
        {"sales": {"offered": 1, "diverted": 1, "told_waits": 1, **ONE}},
    ),
    "sent on at once": (
        [sent("acd.start", 4), sent("acd.end", 4.2, acdOutcome="FLOW_OUT", connectedDurationMs=190)],
        {"sales": {"offered": 1, "diverted": 1, "told_waits": 1, "wait_difference_us": 10_000, **ONE}},
    ),
    "to another line, which he is in before he has left the first": (
        [
            sent("acd.start", 4),
            sent("acd.start", 64, **BILLING, session="s-3"),
            sent("acd.end", 64.08, acdOutcome="FLOW_OUT", disconnectType="TRANSFER", connectedDurationMs=60_080),
            sent("acd.end", 94, **BILLING, session="s-3", acdOutcome="ANSWERED", answeredUserId="u-2"),
            sent("user.end", 154, **SECOND_ONE, disconnectType="PEER", interactingDurationMs=60_000),
        ],
        {
            "sales": {"offered": 1, "diverted": 1, **SERVED},
            "billing": {**ANSWERED_AFTER_30, "handled": 1, "service_us": 60 * SECOND, "told_services": 1},
        },
    ),
    "handed over blindly": (
        [
            sent("acd.start", 4),
            sent("acd.end", 34, acdOutcome="ANSWERED", answeredUserId="u-1"),
            sent("acd.start", 93.95, **BILLING, session="s-3"),
            sent("user.end", 94, **FIRST, disconnectType="TRANSFER", interactingDurationMs=60_000),
            sent("acw", 99, **FIRST, wrapupDurationMs=5_000),
            sent("acd.end", 123.95, **BILLING, session="s-3", acdOutcome="ANSWERED", answeredUserId="u-2"),
            sent("user.end", 154, **SECOND_ONE, disconnectType="PEER", interactingDurationMs=30_050),
        ],
        {
            "sales": {
                **ANSWERED_AFTER_30,
                **SERVED,
                "transferred": 1,
                "handled": 1,
                "service_us": 60 * SECOND,
                "wrap_up_us": 5 * SECOND,
            },
            "billing": {**ANSWERED_AFTER_30, "handled": 1, "service_us": 30_050_000, "told_services": 1},
        },
    ),
    "handed over by one who stays until the next agent has the customer": (
        [
            sent("acd.start", 4),
            sent("acd.end", 34, acdOutcome="ANSWERED", answeredUserId="u-1"),
            sent("acd.start", 64, **BILLING, session="s-3"),
            sent("acd.end", 94, **BILLING, session="s-3", acdOutcome="ANSWERED", answeredUserId="u-2"),
            sent("user.end", 104, **FIRST, disconnectType="CONSULT_TRANSFER", interactingDurationMs=70_000),
            sent("acw", 109, **FIRST, wrapupDurationMs=5_000),
            sent("user.end", 154, **SECOND_ONE, disconnectType="PEER", interactingDurationMs=60_000),
        ],
        {
            "sales": {
                **ANSWERED_AFTER_30,
                **SERVED,
                "transferred": 1,
                "handled": 1,
                "service_us": 60 * SECOND,
            },
            "billing": {**ANSWERED_AFTER_30, "handled": 1, "service_us": 60 * SECOND, "told_services": 1},
        },
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_come_to_what_they_come_to_by_hand_in_any_order(name: str) -> None:
    assert_comes_to(ADAPTER, MAPPING, *SEQUENCES[name])


@pytest.mark.parametrize("waited", [{}, {"connectedDurationMs": 10_100}])
def test_who_goes_on_to_two_more_lines_is_in_each_of_them_once(waited: dict[str, int]) -> None:
    lines = [("q-sales", "s-1", 0.0), ("q-billing", "s-2", 10.0), ("q-sales", "s-3", 20.0)]
    deliveries = []
    for queue, session, entered in lines:
        about: dict[str, Any] = {"queue": queue, "session": session}
        deliveries.append(sent("acd.start", entered, **about))
        deliveries.append(sent("acd.end", entered + 10.1, **about, **waited, acdOutcome="FLOW_OUT"))
    found = batches(ADAPTER, MAPPING, deliveries)
    amounts = counted(found)
    assert (amounts["sales"]["offered"], amounts["sales"]["diverted"]) == (2, 2)
    assert (amounts["billing"]["offered"], amounts["billing"]["diverted"]) == (1, 1)
    assert_order_does_not_matter(found)
