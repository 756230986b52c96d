"""Whole interactions of the reference: what is counted, expiry, recorded events, duplicates and any history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.histories import NOW, valid
from tests.reference.kpis import (
    ABANDONMENT_FORMULAS,
    VisitRow,
    kpi,
    rows,
    rows_of,
)
from tests.reference.postings import deliveries, histories
from tests.reference.walk import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Event,
    Interaction,
    Key,
    gather,
    micros,
)
from tests.reference.walker import walk
from tests.reference_cases import EPSILON, START, at, event, queued, times, told, walked

# What is counted on the interaction


def test_what_happened_to_the_interaction_is_counted_at_any_moment() -> None:
    kinds = ("reopened", "transferred", "escalated", "corrected", "recovered")
    one = walked(*(event(index, kind) for index, kind in enumerate(kinds)))
    assert one.reopened
    assert one.transferred
    assert one.escalated
    assert one.corrected
    assert one.recovered
    assert one.visits == []
    assert one.conflicts == 0
    assert one.recoveries == [SECOND]


def test_recoveries_close_the_earliest_open_correction() -> None:
    kinds = [(0, "recovered"), (10, "corrected"), (15, "corrected"), (18, "recovered"), (40, "corrected")]
    one = walked(*(event(seconds, kind) for seconds, kind in kinds), event(45, "recovered"))
    assert one.recoveries == [8 * SECOND, 30 * SECOND]
    assert one.unrecovered == 1


def test_the_latest_completed_that_says_decides_and_the_first_resolved_is_the_resolution() -> None:
    ends: list[tuple[int, dict[str, Any]]] = [
        (10, {"resolved": False}),
        (20, {"resolved": True}),
        (30, {"resolved": False}),
        (40, {}),
    ]
    one = walked(queued(0), *(event(seconds, "completed", **data) for seconds, data in ends))
    assert one.resolved is False
    assert one.resolution == 20 * SECOND
    assert walked(event(0, "completed")).resolved is None


def test_the_earliest_event_that_carries_an_attribute_decides() -> None:
    one = walked(
        event(30, "completed", site="kaunas-2", topic="bill"),
        event(20, "answered", site="vilnius-1", customer="b", queue="sales", channel="chat"),
        event(10, "transferred", channel="pos"),
        event(25, "held", customer="a", queue="billing"),
    )
    assert (one.site, one.channel, one.customer, one.topic, one.queue) == (
        "vilnius-1",
        "pos",
        "b",
        "bill",
        "sales",
    )


def test_an_interaction_arrives_with_its_first_event_and_each_visit_with_its_own() -> None:
    first = event(-1, "transferred", site="bank"), queued(0, "sales"), event(59, "answered")
    laid = rows_of(walked(*first, queued(60, "billing"), event(61, "diverted")))
    minute = micros(START) // MINUTE
    assert [row.minute for row in laid] == [minute, minute + 1, minute - 1]


# Expiry


@pytest.mark.parametrize(
    ("channel", "expiry"),
    [
        ("phone", 4 * HOUR),
        ("pos", 4 * HOUR),
        ("chat", DAY),
        ("email", 14 * DAY),
        ("web", DAY),
        ("kiosk", DAY),
        ("", DAY),
    ],
)
def test_a_waiter_and_a_service_expire_by_channel_after_the_last_event(channel: str, expiry: int) -> None:
    data = {"channel": channel} if channel else {}
    events = [queued(0, **data), event(1, "answered"), queued(2, "billing"), event(50, "transferred")]
    limit = START + timedelta(seconds=50, microseconds=expiry)
    before, after = walk(events, limit - EPSILON), walk(events, limit)
    assert [visit.outcome for visit in before.visits] == ["A", "W"]
    assert [visit.outcome for visit in after.visits] == ["A", "X"]
    assert before.visits[0].in_service_now
    assert not after.visits[0].in_service_now


# recorded


def test_recorded_answered_with_times() -> None:
    given_times: dict[str, Any] = {"queued_at": at(0), "answered_at": at(12), "completed_at": at(60)}
    more: dict[str, Any] = {
        "hold_seconds": 8,
        "wrap_up_seconds": 5,
        "resolved": True,
        "queue": "tills",
        "transfers": 1,
    }
    one = walked(event(75, "recorded", **given_times, **more))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 12)]
    assert times(one.visits[0]) == (40, 8, 5)
    assert (one.completed, one.resolved, one.resolution) == (True, True, 60 * SECOND)
    assert one.transferred
    assert one.arrival == micros(START)
    assert one.conflicts == 0


def test_recorded_answered_with_spans_ends_at_its_time() -> None:
    spans: dict[str, Any] = {"wait_seconds": 3.5, "service_seconds": 20, "hold_seconds": 10, "transfers": 0}
    one = walked(event(60, "recorded", outcome="answered", queue="tills", **spans))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 3.5)]
    assert times(one.visits[0]) == (20, 10, 0)
    assert one.arrival == micros(START) + 26 * SECOND + SECOND // 2
    assert not one.transferred


def test_recorded_that_tells_nothing_is_served_at_once_with_an_unknown_wait() -> None:
    one = walked(event(60, "recorded", queue="tills"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", None)]
    assert times(one.visits[0]) == (0, 0, 0)


@pytest.mark.parametrize(("outcome", "letter"), [("abandoned", "B"), ("diverted", "F")])
def test_recorded_unanswered(outcome: str, letter: str) -> None:
    by_time = walked(event(60, "recorded", outcome=outcome, queue="tills", queued_at=at(18)))
    by_span = walked(event(60, "recorded", outcome=outcome, queue="tills", wait_seconds=42, transfers=2))
    unknown = walked(event(60, "recorded", outcome=outcome, queue="tills", completed_at=at(50)))
    assert [told(visit) for visit in by_time.visits] == [("tills", letter, 42)]
    assert [told(visit) for visit in by_span.visits] == [("tills", letter, 42)]
    assert [told(visit) for visit in unknown.visits] == [("tills", letter, None)]
    assert unknown.visits[0].arrival == micros(START) + 50 * SECOND
    assert by_span.transferred
    assert not by_span.completed


def test_recorded_is_walked_among_other_events() -> None:
    recorded = event(60, "recorded", queue="tills", wait_seconds=10, service_seconds=20)
    one = walked(queued(0, "sales"), recorded, event(70, "reopened"))
    assert [told(visit) for visit in one.visits] == [("sales", "F", 30), ("tills", "A", 10)]
    assert one.reopened


# Duplicates


def test_the_first_posted_of_an_identity_wins_and_an_identity_is_source_and_id() -> None:
    first = event(0, "queued", id="1", queue="sales")
    again = event(9, "queued", id="1", queue="billing") | {"subject": "other"}
    other = event(5, "answered", id="1", source="acd")
    assert gather([first, again, other, first], 7) == {(7, "order"): [first, other]}


def test_registrations_share_nothing() -> None:
    first = event(0, "queued", id="1", queue="sales")
    both = gather([first], 1) | gather([first], 2)
    assert kpi("offered", rows(both, START)).value == 0
    assert len(rows(both, START)) == 4


# Any history


@given(histories())
@settings(max_examples=200, deadline=None)
def test_every_history_is_valid_and_every_visit_has_one_outcome(history: list[Event]) -> None:
    assert all(valid(one) for one in history)
    sample = rows(gather(history), NOW)
    populations = ("answered", "abandoned", "diverted", "expired", "waiting")
    offered = kpi("offered", sample).value
    assert offered == sum(kpi(name, sample).value or 0 for name in populations)
    for row in sample:
        if isinstance(row, VisitRow) and row.handled:
            assert row.service is not None
            assert min(row.service, row.hold, row.wrap) >= 0
    for formula in ABANDONMENT_FORMULAS:
        rate = kpi("abandonment_rate", sample, formula=formula).value
        assert rate is None or 0 <= rate <= 1


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_order_copies_and_batches_change_nothing(data: st.DataObject) -> None:
    history = data.draw(histories())
    batches = data.draw(deliveries(history))
    posted = [one for batch in batches for one in batch]
    assert all(batches)

    def walks(events: list[Event]) -> dict[Key, Interaction]:
        return {key: walk(found, NOW) for key, found in gather(events).items()}

    assert walks(posted) == walks(history)
