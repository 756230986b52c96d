"""Amazon Connect: contact events and records in sequences, with what they come to by hand."""

from typing import Any

import pytest

from service.vendors.amazon_connect import ADAPTER
from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import assert_comes_to, assert_order_does_not_matter, batches, counted, only
from tests.vendors.connect_samples import MAPPING, firehose, record, sent

SECOND = 1_000_000
LINE: dict[str, Any] = {"queue": "sales", "enqueued": 4}
FIRST: dict[str, Any] = {**LINE, "agent": "ana", "connected": 34}
NEXT: dict[str, Any] = {"contact": "c-2", "before": "c-1", "initiated": 94}
SECOND_LINE: dict[str, Any] = {**NEXT, "queue": "billing", "enqueued": 94.5}
BY_AGENT: dict[str, Any] = {"method": "TRANSFER"}
BY_FLOW: dict[str, Any] = {"method": "QUEUE_TRANSFER"}
TAKEN_OVER: dict[str, Any] = {**SECOND_LINE, **BY_AGENT, "agent": "ben", "connected": 104.5}
CALLED_BACK: dict[str, Any] = {"contact": "c-2", "before": "c-1", "method": "CALLBACK", "initiated": 62}
SERVED_ONCE = {
    "offered": 1,
    "answered": 1,
    "answered_waits": 1,
    "answered_wait_us": 30 * SECOND,
    "handled": 1,
    "service_us": 60 * SECOND,
    "interactions": 1,
    "interactions_answered": 1,
    "completed": 1,
}
TAKEN_OVER_AFTER_10 = {
    "offered": 1,
    "answered": 1,
    "answered_waits": 1,
    "answered_wait_us": 10 * SECOND,
    "handled": 1,
    "service_us": 50 * SECOND,
}
HANDED_OVER = {
    "sales": {**SERVED_ONCE, "service_us": 60_499_999, "transferred": 1},
    "billing": TAKEN_OVER_AFTER_10,
}
"""A microsecond belongs to neither: the first service ends just before the second wait begins."""

SEQUENCES: dict[str, tuple[list[Delivery], dict[str, dict[str, int]]]] = {
    "answered": (
        [
            sent("INITIATED", 0),
            sent("QUEUED", 4, **LINE),
            sent("CONNECTED_TO_AGENT", 34, **FIRST),
            sent("DISCONNECTED", 94, **FIRST, ended=94, reason="CUSTOMER_DISCONNECT"),
            sent("COMPLETED", 115, **FIRST, ended=94, after_work=(94, 20), reason="CUSTOMER_DISCONNECT"),
        ],
        {"sales": {**SERVED_ONCE, "wrap_up_us": 20 * SECOND}},
    ),
    "abandoned": (
        [
            sent("QUEUED", 4, **LINE),
            sent("DISCONNECTED", 7, **LINE, ended=7.5, reason="CUSTOMER_DISCONNECT"),
            sent("COMPLETED", 7, **LINE, ended=7.5, reason="CUSTOMER_DISCONNECT"),
        ],
        {
            "sales": {
                "offered": 1,
                "abandoned": 1,
                "short_abandoned": 1,
                "abandoned_waits": 1,
                "abandoned_wait_us": 3_500_000,
                "interactions": 1,
            }
        },
    ),
    "left alone by the flow": (
        [sent("QUEUED", 4, **LINE), sent("DISCONNECTED", 64, **LINE, ended=64, reason="CONTACT_FLOW_DISCONNECT")],
        {"sales": {"offered": 1, "diverted": 1, "interactions": 1}},
    ),
    "handed over to one who takes over before the first agent leaves": (
        [
            sent("QUEUED", 4, **LINE),
            sent("CONNECTED_TO_AGENT", 34, **FIRST),
            sent("INITIATED", 94, **NEXT, **BY_AGENT),
            sent("QUEUED", 94, **SECOND_LINE, **BY_AGENT),
            sent("CONNECTED_TO_AGENT", 104, **TAKEN_OVER),
            sent("DISCONNECTED", 120, **FIRST, ended=120, reason="AGENT_DISCONNECT"),
            sent("DISCONNECTED", 154, **TAKEN_OVER, ended=154.5, reason="CUSTOMER_DISCONNECT"),
        ],
        HANDED_OVER,
    ),
    "handed over by one who leaves at once": (
        [
            sent("QUEUED", 4, **LINE),
            sent("CONNECTED_TO_AGENT", 34, **FIRST),
            sent("INITIATED", 94, **NEXT, **BY_AGENT),
            sent("QUEUED", 94, **SECOND_LINE, **BY_AGENT),
            sent("DISCONNECTED", 95, **FIRST, ended=95, reason="AGENT_DISCONNECT"),
            sent("CONNECTED_TO_AGENT", 104, **TAKEN_OVER),
            sent("DISCONNECTED", 154, **TAKEN_OVER, ended=154.5, reason="CUSTOMER_DISCONNECT"),
        ],
        HANDED_OVER,
    ),
    "moved to another line by the flow": (
        [
            sent("QUEUED", 4, **LINE),
            sent("INITIATED", 94, **NEXT, **BY_FLOW),
            sent("QUEUED", 94, **SECOND_LINE, **BY_FLOW),
            sent("DISCONNECTED", 95, **LINE, ended=95, reason="CONTACT_FLOW_DISCONNECT"),
            sent("CONNECTED_TO_AGENT", 104, **{**TAKEN_OVER, **BY_FLOW}),
            sent("DISCONNECTED", 154, **{**TAKEN_OVER, **BY_FLOW}, ended=154.5, reason="CUSTOMER_DISCONNECT"),
        ],
        {
            "sales": {
                "offered": 1,
                "diverted": 1,
                "interactions": 1,
                "interactions_answered": 1,
                "completed": 1,
            },
            "billing": TAKEN_OVER_AFTER_10,
        },
    ),
    "called back": (
        [
            sent("QUEUED", 4, **LINE),
            sent("DISCONNECTED", 64, **LINE, ended=64, reason="CUSTOMER_DISCONNECT"),
            sent("INITIATED", 62, **CALLED_BACK),
            sent("QUEUED", 62, **CALLED_BACK, queue="sales", enqueued=62),
            sent("CONNECTED_TO_AGENT", 92, **CALLED_BACK, queue="sales", agent="ana", connected=92),
            sent("DISCONNECTED", 102, **CALLED_BACK, queue="sales", agent="ana", ended=102),
        ],
        {"sales": {**SERVED_ONCE, "offered": 2, "diverted": 1, "service_us": 10 * SECOND}},
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_come_to_what_they_come_to_by_hand_in_any_order(name: str) -> None:
    assert_comes_to(ADAPTER, MAPPING, *SEQUENCES[name])


CALL: dict[str, Any] = {"queue": ("sales", 4, 34), "agent": ("ana", 34), "ended": 94}
RECORDED = record("c-1", 120, **CALL, talked=50, held=10, after_work=20)
RECORDED_TRANSFER = [
    record("c-1", 150, **{**CALL, "ended": 120}, talked=70, held=15, following="c-2"),
    record(
        "c-2",
        190,
        before="c-1",
        method="TRANSFER",
        initiated=94,
        queue=("billing", 94, 104),
        agent=("ben", 104),
        talked=50,
        after_work=5,
        ended=154,
    ),
]
TOLD = {"told_waits": 1, "told_services": 1, "contacts": 1}


def test_a_record_of_a_call_comes_to_what_it_comes_to_by_hand() -> None:
    amounts = counted(batches(ADAPTER, MAPPING, [firehose(RECORDED)]))
    assert amounts == {
        "sales": {**SERVED_ONCE, **TOLD, "service_us": 50 * SECOND, "hold_us": 10 * SECOND, "wrap_up_us": 20 * SECOND}
    }


def test_records_of_a_call_that_was_handed_over_make_one_interaction() -> None:
    amounts = counted(batches(ADAPTER, MAPPING, [firehose(one) for one in RECORDED_TRANSFER]))
    assert amounts == {
        "sales": {**SERVED_ONCE, "service_us": 59_999_999, "transferred": 1, "told_waits": 1, "contacts": 1},
        "billing": {**TAKEN_OVER_AFTER_10, "wrap_up_us": 5 * SECOND, "told_waits": 1, "told_services": 1},
    }


def test_a_record_of_one_who_left_the_line_counts_so() -> None:
    left = record("c-1", 60, queue=("sales", 4, 44), ended=45, reason="CUSTOMER_DISCONNECT")
    moved = record("c-1", 60, queue=("sales", 4, 44), ended=45, following="c-2")
    waited = {"abandoned": 1, "diverted": 0, "abandoned_wait_us": 40 * SECOND, "told_waits": 1}
    names = tuple(waited)
    assert only(counted(batches(ADAPTER, MAPPING, [firehose(left)]))["sales"], *names) == waited
    assert only(counted(batches(ADAPTER, MAPPING, [firehose(moved)]))["sales"], *names) == {
        **waited,
        "abandoned": 0,
        "diverted": 1,
        "abandoned_wait_us": 0,
    }


def test_of_a_record_that_is_sent_again_the_latest_counts() -> None:
    versions = [
        firehose(record("c-1", 100, **CALL, talked=60)),
        firehose(record("c-1", 110, **CALL, talked=55, held=5)),
        firehose(RECORDED),
    ]
    found = batches(ADAPTER, MAPPING, versions)
    assert counted(found) == counted(found[2:])
    assert_order_does_not_matter(found)


@pytest.mark.parametrize("name", ["answered", "handed over to one who takes over before the first agent leaves"])
def test_events_and_records_of_the_same_contacts_count_once(name: str) -> None:
    deliveries, _ = SEQUENCES[name]
    records = [RECORDED] if name == "answered" else RECORDED_TRANSFER
    of_events = [batch for batch in batches(ADAPTER, MAPPING, deliveries[1:]) if batch]
    of_records = batches(ADAPTER, MAPPING, [firehose(one) for one in records])
    assert counted([*of_events, *of_records]) == counted(of_records)
    assert_order_does_not_matter([*of_events, *of_records])
