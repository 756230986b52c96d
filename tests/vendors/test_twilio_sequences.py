"""Twilio TaskRouter: events in sequences, with what they come to by hand."""

import pytest

from service.vendors.twilio import ADAPTER
from tests.vendors.calls import assert_comes_to, batches, counted, only
from tests.vendors.twilio_samples import BILLING, MAPPING, SALES, TO_BILLING, form

ANSWERED = [
    form("task.created", 0),
    form("task-queue.entered", 0.1, **SALES),
    form("reservation.created", 8, **SALES),
    form("reservation.timeout", 20, **SALES),
    form("reservation.accepted", 30.1, WorkerSid="WK1", TaskAgeInQueue=30, **SALES),
    form("task.wrapup", 90, **SALES),
    form("task.completed", 100.1, **SALES),
]
ABANDONED = [
    form("task-queue.entered", 0, **SALES),
    form("reservation.created", 3, **SALES),
    form("reservation.rejected", 4, **SALES),
    form("task.canceled", 42.5, TaskCanceledReason="hangup", TaskAgeInQueue=42, **SALES),
]
TIMED_OUT = [
    form("task-queue.entered", 0, **SALES),
    form("task-queue.timeout", 60, **SALES),
    form("task-queue.entered", 60, **BILLING),
    form("workflow.timeout", 180, **BILLING),
    form("task.canceled", 180.004, TaskCanceledReason="no further step", **BILLING),
]
HANDED_OVER_COLD = [
    form("task-queue.entered", 0, **SALES),
    form("reservation.accepted", 10, WorkerSid="WK1", **SALES),
    form("task.transfer-initiated", 70, TransferMode="COLD", **TO_BILLING, **BILLING),
    form("task-queue.entered", 70.2, **BILLING),
    form("reservation.completed", 75, WorkerSid="WK1", **SALES),
    form("reservation.accepted", 100, WorkerSid="WK2", **BILLING),
    form("task.completed", 130, **BILLING),
]
HANDED_OVER_WARM = [
    form("task-queue.entered", 0, **SALES),
    form("reservation.accepted", 10, WorkerSid="WK1", **SALES),
    form("task.transfer-initiated", 70, TransferMode="WARM", **TO_BILLING),
    form("reservation.accepted", 100, WorkerSid="WK2", **BILLING),
    form("reservation.completed", 110, WorkerSid="WK1", **SALES),
    form("task.completed", 130, **BILLING),
]
NOT_HANDED_OVER = [
    form("task-queue.entered", 0, **SALES),
    form("reservation.accepted", 10, WorkerSid="WK1", **SALES),
    form("task.transfer-initiated", 70, TransferMode="WARM", **TO_BILLING),
    form("task.transfer-failed", 90, TransferMode="WARM", **TO_BILLING),
    form("task.completed", 130, **SALES),
]
SECOND = 1_000_000
WHOLE = {"interactions": 1, "interactions_answered": 1, "completed": 1, "contacts": 1}


def served(wait_seconds: int, service_seconds: int) -> dict[str, int]:
    """What a visit counts for that was answered, and served to its end."""
    return {
        **dict.fromkeys(("offered", "answered", "answered_waits", "handled"), 1),
        "answered_wait_us": wait_seconds * SECOND,
        "service_us": service_seconds * SECOND,
    }


SEQUENCES = {
    "answered": (
        ANSWERED,
        {"sales": {**served(30, 70), **WHOLE, "told_waits": 1}},
    ),
    "abandoned": (
        ABANDONED,
        {
            "sales": {
                "offered": 1,
                "abandoned": 1,
                "abandoned_waits": 1,
                "abandoned_wait_us": 42_500_000,
                "told_waits": 1,
                "wait_difference_us": 500_000,
                "interactions": 1,
                "contacts": 1,
            }
        },
    ),
    "timed out": (
        TIMED_OUT,
        {
            "sales": {"offered": 1, "diverted": 1, "interactions": 1, "contacts": 1},
            "billing": {"offered": 1, "diverted": 1},
        },
    ),
    "handed over cold": (
        HANDED_OVER_COLD,
        {
            "sales": {**served(10, 60), **WHOLE, "transferred": 1},
            "billing": served(30, 30),
        },
    ),
    "handed over warm": (
        HANDED_OVER_WARM,
        {
            "sales": {**served(10, 90), **WHOLE, "transferred": 1},
            "billing": served(30, 30),
        },
    ),
    "not handed over": (
        NOT_HANDED_OVER,
        {
            "sales": {**served(10, 120), **WHOLE, "transferred": 1},
            "billing": {"offered": 1, "diverted": 1},
        },
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_come_to_what_they_come_to_by_hand_in_any_order(name: str) -> None:
    assert_comes_to(ADAPTER, MAPPING, *SEQUENCES[name])


def test_an_event_of_a_workflow_that_times_out_is_told_once_whether_its_task_is_cancelled_or_not() -> None:
    read_ = batches(ADAPTER, MAPPING, TIMED_OUT)
    alone = counted(read_[:-1])
    assert only(alone["billing"], "diverted", "conflicts") == {"diverted": 1, "conflicts": 0}
    assert counted(read_) == alone
