"""The reference itself, against results worked out by hand, a published vector and a real month of calls."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.histories import NOW, deliveries, histories, valid
from tests.reference.kpis import (
    ABANDONMENT_FORMULAS,
    KPIS,
    SERVICE_LEVEL_FORMULAS,
    InteractionRow,
    Row,
    Value,
    VisitRow,
    kpi,
    repeat_contact_rate,
    rows,
    rows_of,
)
from tests.reference.walk import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Event,
    Interaction,
    Visit,
    gather,
    instant,
    micros,
    walk,
)

DATA = Path(__file__).parent.parent / "data"
START = datetime(2025, 3, 31, 9, 0, tzinfo=UTC)
EPSILON = timedelta(microseconds=1)


def at(seconds: float) -> str:
    """A time so many seconds after the start."""
    return (START + timedelta(seconds=seconds)).isoformat()


def event(seconds: float, kind: str, *, id: str = "", source: str = "till", **data: Any) -> Event:  # noqa: A002
    """An event of the one interaction that most cases are about."""
    return {
        "id": id or f"{seconds}-{kind}",
        "source": source,
        "type": f"interaction.{kind}",
        "time": at(seconds),
        "subject": "order",
        "data": data,
    }


def queued(seconds: float, queue: str = "tills", **data: Any) -> Event:
    """A `queued`, which joins the tills unless told."""
    return event(seconds, "queued", queue=queue, **data)


def walked(*events: Event, now: datetime = START + timedelta(minutes=30)) -> Interaction:
    """The interaction that these events make."""
    return walk(list(events), now)


def told(visit: Visit) -> tuple[str, str, float | None]:
    """A visit as its queue, outcome and wait in seconds."""
    return visit.queue, visit.outcome, None if visit.wait is None else visit.wait / SECOND


def times(visit: Visit) -> tuple[float, float, float] | None:
    """A handled visit as its service, hold and wrap-up in seconds."""
    if not visit.handled:
        return None
    assert visit.service is not None
    return visit.service / SECOND, visit.hold / SECOND, visit.wrap / SECOND


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
    assert gather([first, again, other, first], "shop") == {("shop", "order"): [first, other]}


def test_registrations_share_nothing() -> None:
    first = event(0, "queued", id="1", queue="sales")
    both = gather([first], "shop") | gather([first], "centre")
    assert kpi("offered", rows(both, START)).value == 0
    assert len(rows(both, START)) == 4


# KPIs


def exactly(value: Fraction | int, numerator: int, denominator: int) -> Value:
    """A ratio or mean with its parts."""
    return Value(Fraction(value), Fraction(numerator), Fraction(denominator))


def visits(number: int, outcome: str, wait: float | None = None, **changes: Any) -> list[Row]:
    """So many like visits."""
    fields: dict[str, Any] = {
        "site": "bank",
        "queue": "tills",
        "channel": "pos",
        "minute": 0,
        "arrival": 0,
        "outcome": outcome,
        "wait": None if wait is None else int(wait * SECOND),
        "service": None,
        "hold": 0,
        "wrap": 0,
        "handled": False,
        "in_service_now": False,
    }
    return [VisitRow(**(fields | changes))] * number


VECTOR = [
    *visits(860, "A", 20),
    *visits(140, "A", 20.000001),
    *visits(10, "B", 5),
    *visits(10, "B", 5.000001),
    *visits(40, "B", 20.000001),
]


@pytest.mark.parametrize(
    ("formula", "numerator", "denominator", "percent"),
    [
        ("abandons_help", 880, 1060, 83.02),
        ("abandons_ignored", 860, 1000, 86.00),
        ("abandons_hurt", 860, 1060, 81.13),
        ("late_abandons_hurt", 860, 1040, 82.69),
        ("short_abandons_help", 870, 1060, 82.08),
        ("short_abandons_excluded", 860, 1050, 81.90),
        ("diversions_hurt", 860, 1060, 81.13),
    ],
)
def test_the_published_service_levels(formula: str, numerator: int, denominator: int, percent: float) -> None:
    level = kpi("service_level", VECTOR, threshold=20, formula=formula)
    assert level == exactly(Fraction(numerator, denominator), numerator, denominator)
    assert level.value is not None
    assert round(float(100 * level.value), 2) == percent


def test_a_service_level_defaults_to_abandons_hurt_and_diversions_hurt_where_there_are_any() -> None:
    sample = [*VECTOR, *visits(15, "F", 1)]
    assert kpi("service_level", sample, threshold=20).denominator == 1060
    assert kpi("service_level", sample, threshold=20, formula="diversions_hurt").denominator == 1075


def test_unknown_waits_are_within_no_threshold() -> None:
    sample = [*visits(1, "A", 1), *visits(1, "A"), *visits(1, "B", 1), *visits(1, "B")]
    levels: dict[str, Any] = {
        formula: kpi("service_level", sample, threshold=20, formula=formula)[1:] for formula in SERVICE_LEVEL_FORMULAS
    }
    assert levels == {
        "abandons_help": (2, 4),
        "abandons_ignored": (1, 2),
        "abandons_hurt": (1, 4),
        "late_abandons_hurt": (1, 2),
        "short_abandons_help": (2, 4),
        "short_abandons_excluded": (1, 3),
        "diversions_hurt": (1, 4),
    }
    assert kpi("average_speed_of_answer", sample) == exactly(1, 1, 1)
    assert kpi("average_wait", sample) == exactly(1, 2, 2)
    assert kpi("short_abandoned", sample) == Value(Fraction(1))


def test_populations_and_rates_of_visits() -> None:
    sample = [
        *visits(3, "A", 10),
        *visits(1, "A", 2, handled=True, service=5 * SECOND, hold=2 * SECOND, wrap=SECOND),
        *visits(2, "B", 4),
        *visits(4, "F", 99),
        *visits(5, "X"),
        *visits(6, "W"),
        *visits(7, "A", 1000, site=None),
    ]
    expected = {
        "offered": 21,
        "answered": 4,
        "abandoned": 2,
        "short_abandoned": 2,
        "diverted": 4,
        "expired": 5,
        "waiting": 6,
        "average_speed_of_answer": 8,
        "average_wait": Fraction(40, 6),
        "max_wait": 10,
        "abandonment_rate": Fraction(2, 6),
        "average_handle_time": 8,
        "average_hold_time": 2,
        "wait_p50": 10,
    }
    assert {name: kpi(name, sample).value for name in expected} == expected
    assert kpi("abandonment_rate", sample, formula="excluding_short") == exactly(0, 0, 4)
    assert kpi("abandonment_rate", sample, formula="of_offered") == exactly(Fraction(2, 21), 2, 21)
    assert kpi("short_abandoned", sample, short=3).value == 0


def test_quantiles_are_of_the_nearest_rank() -> None:
    sample = [row for wait in range(10, 0, -1) for row in visits(1, "A", wait)]
    assert [kpi(name, sample).value for name in ("wait_p50", "wait_p90", "wait_p95", "wait_p99")] == [
        5,
        9,
        10,
        10,
    ]


def interaction(**changes: Any) -> InteractionRow:
    """An interaction of which nothing is told."""
    fields: dict[str, Any] = {
        "site": "bank",
        "queue": "tills",
        "channel": "pos",
        "minute": 0,
        "arrival": 0,
        "customer": None,
        "topic": None,
        "answered": False,
        "completed": False,
        "resolved": None,
        "reopened": False,
        "transferred": False,
        "escalated": False,
        "corrected": False,
        "recovered": False,
        "conflicts": 0,
        "resolution": None,
        "recoveries": (),
        "unrecovered": 0,
    }
    return InteractionRow(**(fields | changes))


def test_rates_of_interactions() -> None:
    sample: list[Row] = [
        interaction(answered=True, completed=True, resolved=True, resolution=7 * SECOND, conflicts=2),
        interaction(answered=True, completed=True, resolved=True, reopened=True, resolution=8 * SECOND),
        interaction(answered=True, completed=True, resolved=False, transferred=True, conflicts=1),
        interaction(answered=True, completed=True, corrected=True, recoveries=(SECOND, 4 * SECOND)),
        interaction(answered=True, escalated=True, transferred=True),
        interaction(),
        interaction(site=None, answered=True, completed=True, resolved=False, conflicts=9),
    ]
    expected = {
        "completed": (4, None, None),
        "resolved": (2, None, None),
        "reopened": (1, None, None),
        "transferred": (2, None, None),
        "escalated": (1, None, None),
        "corrected": (1, None, None),
        "conflicts": (3, None, None),
        "resolution_rate": (Fraction(2, 3), 2, 3),
        "reopen_rate": (Fraction(1, 4), 1, 4),
        "transfer_rate": (Fraction(2, 5), 2, 5),
        "escalation_rate": (Fraction(1, 5), 1, 5),
        "accuracy": (Fraction(3, 4), 3, 4),
        "time_to_resolution": (Fraction(15, 2), 15, 2),
        "recovery_time": (Fraction(5, 2), 5, 2),
    }
    assert {name: tuple(kpi(name, sample)) for name in expected} == expected


def test_no_data_is_never_a_number() -> None:
    counts = {name for name in KPIS if kpi(name, [], threshold=20).value == 0}
    assert counts == {
        "offered",
        "answered",
        "abandoned",
        "short_abandoned",
        "diverted",
        "expired",
        "waiting",
        "completed",
        "resolved",
        "reopened",
        "transferred",
        "escalated",
        "corrected",
        "conflicts",
    }
    assert all(kpi(name, [], threshold=20).value is None for name in KPIS if name not in counts)


def test_repeat_contacts_are_of_one_customer_and_topic() -> None:
    sample: list[Row] = [
        interaction(customer="a"),
        interaction(customer="a", arrival=DAY),
        interaction(customer="a", arrival=2 * DAY + 1),
        interaction(customer="a", topic="bill", arrival=DAY),
        interaction(customer="b"),
        interaction(arrival=1),
    ]
    assert repeat_contact_rate(sample, 1) == exactly(Fraction(1, 5), 1, 5)
    assert repeat_contact_rate(sample, 7) == exactly(Fraction(2, 5), 2, 5)


# A real month


@cache
def month() -> list[Row]:
    """The rows of a month of a bank's calls."""
    with gzip.open(DATA / "january.ndjson.gz", "rt") as lines:
        return rows(gather(json.loads(line) for line in lines), NOW)


@cache
def truth() -> dict[str, Any]:
    """What is known of that month, by group and for all."""
    known = json.loads((DATA / "january.truth.json").read_text())
    return {"all": known["all"], **known["groups"]}


@pytest.mark.parametrize("group", list(truth()))
def test_the_real_month(group: str) -> None:
    known = truth()[group]
    sample = [row for row in month() if group in ("all", f"{row.site}/{row.queue}/{row.channel}")]
    interactions = [row for row in sample if isinstance(row, InteractionRow)]
    counts = ("offered", "answered", "abandoned", "short_abandoned", "diverted", "waiting", "completed")
    assert {name: kpi(name, sample).value for name in (*counts, "conflicts")} == {
        name: known[name] for name in (*counts, "conflicts")
    }
    assert kpi("average_handle_time", sample).denominator == known["handled"]
    assert len(interactions) == known["interactions"]
    assert kpi("max_wait", sample).value == known["max_wait"]
    for percent, wait in known["wait_quantiles_exact"].items():
        assert kpi(f"wait_p{percent}", sample).value == wait

    same(kpi("abandonment_rate", sample, formula="excluding_short"), known["abandonment_rate_excluding_short"])
    for name in (
        "average_speed_of_answer",
        "average_wait",
        "abandonment_rate",
        "average_handle_time",
        "average_hold_time",
        "resolution_rate",
        "reopen_rate",
        "transfer_rate",
        "escalation_rate",
        "accuracy",
    ):
        same(kpi(name, sample), known[name])
    for threshold, levels in known["service_level"].items():
        for formula in SERVICE_LEVEL_FORMULAS:
            same(kpi("service_level", sample, threshold=int(threshold), formula=formula), levels[formula])
        ignored = kpi("service_level", sample, threshold=int(threshold), formula="abandons_ignored")
        helped = kpi("service_level", sample, threshold=int(threshold), formula="abandons_help")
        assert ignored.numerator == levels["answered_within"]
        assert helped.numerator == levels["answered_within"] + levels["abandoned_within"]

    assert sum(row.customer is not None for row in interactions) == known["contacts_with_customer"]
    for days in (1, 7, 30):
        repeats = repeat_contact_rate(sample, days)
        assert repeats.numerator == known["repeat_contacts"][f"{days}d"]
        same(repeats, known["repeat_contact_rate"][f"{days}d"])
        # Nothing in this month says whether it was resolved, so no first contact resolved anything.
        assert known["first_contact_resolution_if_settled"][f"{days}d"] is None
    assert all(row.resolved is None for row in interactions)


def same(value: Value, known: float | None) -> None:
    """Assert that an exact value is the known one, which was divided in floating point."""
    if known is None:
        assert value.value is None
    else:
        assert value.value is not None
        assert float(value.value) == pytest.approx(known, rel=1e-12, abs=0)


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

    def walks(events: list[Event]) -> dict[tuple[str, str], Interaction]:
        return {key: walk(found, NOW) for key, found in gather(events).items()}

    assert walks(posted) == walks(history)
