"""The walk of the reference, event by event, against visits worked out by hand."""

from __future__ import annotations

import pytest

from tests.reference.walk import (
    SECOND,
    instant,
    micros,
)
from tests.reference_cases import START, event, queued, times, told, walked

# Order


def test_events_are_walked_in_the_order_of_their_times() -> None:
    one = walked(event(60, "completed"), event(20, "answered"), queued(0))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 20)]
    assert times(one.visits[0]) == (40, 0, 0)


def test_the_offset_of_a_time_is_heeded() -> None:
    assert instant("2025-03-31T11:00:00+02:00") == instant("2025-03-31T09:00:00Z") == micros(START)


def test_at_one_moment_kinds_come_in_their_order() -> None:
    kinds = ("reopened", "completed", "resumed", "held", "answered")
    one = walked(*(event(0, kind) for kind in kinds), queued(0))
    assert one.conflicts == 0
    assert [told(visit) for visit in one.visits] == [("tills", "A", 0)]


def test_an_answer_precedes_an_abandonment_of_the_same_moment() -> None:
    one = walked(queued(0), event(9, "abandoned"), event(9, "answered"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 9)]
    assert one.conflicts == 1


def test_at_one_moment_ids_decide_within_a_kind_and_sources_within_an_id() -> None:
    first = event(0, "queued", id="a", source="z", queue="sales")
    second = event(0, "queued", id="b", source="a", queue="tills")
    third = event(0, "queued", id="b", source="b", queue="billing")
    one = walked(third, second, first)
    assert [told(visit) for visit in one.visits] == [
        ("sales", "F", 0),
        ("tills", "F", 0),
        ("billing", "W", None),
    ]


# queued


def test_queued_opens_a_waiting_visit() -> None:
    one = walked(queued(61))
    assert [told(visit) for visit in one.visits] == [("tills", "W", None)]
    assert one.visits[0].arrival == micros(START) + 61 * SECOND


def test_queued_elsewhere_diverts_the_visit_that_was_waiting() -> None:
    one = walked(queued(0, "sales"), queued(30, "billing"), event(50, "answered"))
    assert [told(visit) for visit in one.visits] == [("sales", "F", 30), ("billing", "A", 20)]
    assert one.conflicts == 0


def test_queued_again_for_the_same_queue_changes_nothing() -> None:
    one = walked(queued(0), queued(30), event(50, "answered"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 50)]
    assert one.conflicts == 0


def test_queued_after_the_answer_opens_another_visit_even_in_the_same_queue() -> None:
    one = walked(queued(0), event(10, "answered"), queued(30), event(70, "answered"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 10), ("tills", "A", 40)]


# answered


def test_answered_answers_the_waiting_visit() -> None:
    one = walked(queued(0.25), event(20.5, "answered"))
    assert told(one.visits[0]) == ("tills", "A", 20.25)
    assert one.answered


def test_answered_while_in_service_is_a_further_leg_of_the_same_visit() -> None:
    one = walked(queued(0), event(10, "answered"), event(40, "answered"), event(100, "completed"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 10)]
    assert times(one.visits[0]) == (90, 0, 0)
    assert one.conflicts == 0


def test_a_hold_goes_on_through_a_further_leg() -> None:
    legs = event(10, "answered"), event(20, "held"), event(40, "answered"), event(50, "resumed")
    one = walked(queued(0), *legs, event(100, "completed"))
    assert times(one.visits[0]) == (60, 30, 0)


def test_answered_without_queued_opens_a_visit_of_unknown_wait() -> None:
    one = walked(event(5, "answered", queue="tills"), event(15, "completed"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", None)]
    assert times(one.visits[0]) == (10, 0, 0)
    assert one.visits[0].arrival == micros(START) + 5 * SECOND


def test_answered_after_a_reopening_opens_a_visit_in_the_queue_of_the_latest() -> None:
    first = queued(0, "sales"), event(1, "answered"), queued(2, "billing"), event(3, "completed")
    more = event(4, "completed"), event(60, "reopened"), event(70, "answered"), event(90, "completed")
    one = walked(*first, *more)
    assert [told(visit) for visit in one.visits] == [
        ("sales", "A", 1),
        ("billing", "A", 2),
        ("billing", "A", None),
    ]
    assert times(one.visits[2]) == (20, 0, 0)


def test_an_unqueued_visit_of_which_nothing_tells_the_queue_is_in_none() -> None:
    assert told(walked(event(0, "answered")).visits[0]) == ("", "A", None)


# abandoned, diverted


@pytest.mark.parametrize(("kind", "outcome"), [("abandoned", "B"), ("diverted", "F")])
def test_a_wait_ends_unanswered(kind: str, outcome: str) -> None:
    one = walked(queued(0), event(33, kind))
    assert [told(visit) for visit in one.visits] == [("tills", outcome, 33)]
    assert not one.answered
    assert one.conflicts == 0


@pytest.mark.parametrize(("kind", "outcome"), [("abandoned", "B"), ("diverted", "F")])
def test_an_end_with_no_visit_opens_one_of_unknown_wait(kind: str, outcome: str) -> None:
    one = walked(event(33, kind, queue="tills"), event(40, kind))
    assert [told(visit) for visit in one.visits] == [("tills", outcome, None)]
    assert one.conflicts == 1


@pytest.mark.parametrize("kind", ["abandoned", "diverted"])
def test_an_end_of_no_wait_is_a_conflict(kind: str) -> None:
    one = walked(queued(0), event(5, "answered"), event(9, kind), event(20, "completed"), event(30, kind))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 5)]
    assert times(one.visits[0]) == (15, 0, 0)
    assert one.conflicts == 2


def test_an_abandonment_ends_the_wait_and_not_the_service_beside_it() -> None:
    first = queued(0), event(5, "answered"), queued(10, "billing"), event(15, "abandoned")
    one = walked(*first, event(25, "completed"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 5), ("billing", "B", 5)]
    assert times(one.visits[0]) == (20, 0, 0)


# completed


def test_completed_ends_the_visit_in_service_and_not_the_wait_beside_it() -> None:
    first = queued(0), event(5, "answered"), queued(10, "billing")
    one = walked(*first, event(25, "completed", wrap_up_seconds=7.5))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 5), ("billing", "W", None)]
    assert times(one.visits[0]) == (20, 0, 7.5)


def test_completed_serves_the_one_who_only_waits() -> None:
    one = walked(queued(0), event(90, "completed", wrap_up_seconds=3))
    assert [told(visit) for visit in one.visits] == [("tills", "A", 90)]
    assert times(one.visits[0]) == (0, 0, 3)


def test_completed_alone_opens_a_visit_and_ends_it() -> None:
    one = walked(event(90, "completed", queue="tills"))
    assert [told(visit) for visit in one.visits] == [("tills", "A", None)]
    assert times(one.visits[0]) == (0, 0, 0)
    assert one.completed


def test_completed_once_more_changes_no_visit_yet_tells_whether_it_is_resolved() -> None:
    first = queued(0), event(5, "answered"), event(9, "completed", wrap_up_seconds=2)
    one = walked(*first, event(50, "completed", wrap_up_seconds=8, resolved=True))
    assert [times(visit) for visit in one.visits] == [(4, 0, 2)]
    assert one.resolved is True
    assert one.resolution == 50 * SECOND
    assert one.conflicts == 0


def test_completed_after_an_abandonment_opens_nothing() -> None:
    one = walked(queued(0), event(5, "abandoned"), event(9, "completed"))
    assert [told(visit) for visit in one.visits] == [("tills", "B", 5)]
    assert one.completed
    assert not one.answered


# held, resumed


def test_holds_take_time_out_of_service() -> None:
    holds = event(20, "held"), event(25, "resumed"), event(40, "held"), event(41, "resumed")
    one = walked(event(0, "answered"), *holds, event(60, "completed"))
    assert times(one.visits[0]) == (54, 6, 0)


def test_a_hold_that_is_never_resumed_lasts_to_the_end_of_the_visit() -> None:
    one = walked(event(0, "answered"), event(20, "held"), event(60, "completed"), event(70, "resumed"))
    assert times(one.visits[0]) == (20, 40, 0)
    assert one.conflicts == 1


def test_held_while_on_hold_changes_nothing() -> None:
    holds = event(20, "held"), event(30, "held"), event(40, "resumed")
    one = walked(event(0, "answered"), *holds, event(60, "completed"))
    assert times(one.visits[0]) == (40, 20, 0)
    assert one.conflicts == 0


def test_held_and_resumed_that_have_no_place_are_conflicts() -> None:
    one = walked(event(0, "held"), queued(1), event(2, "held"), event(3, "answered"), event(4, "resumed"))
    assert one.conflicts == 3
    assert [told(visit) for visit in one.visits] == [("tills", "A", 2)]


def test_a_service_without_end_ends_when_a_later_visit_is_answered() -> None:
    first = event(0, "answered", queue="sales"), event(10, "held"), queued(30, "billing")
    one = walked(*first, event(50, "answered"), event(90, "completed"))
    assert [told(visit) for visit in one.visits] == [("sales", "A", None), ("billing", "A", 20)]
    assert [times(visit) for visit in one.visits] == [(10, 40, 0), (40, 0, 0)]


def test_a_service_without_end_has_no_handle_time() -> None:
    one = walked(queued(0), event(5, "answered"))
    assert times(one.visits[0]) is None
    assert one.visits[0].in_service_now
