"""Quotes of waits, and visits in the wrong line, worked out by hand for the service and the reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measured import Measured
from tests.reference.walk import SECOND
from tests.reference_cases import event, queued

AT = {"site": "bank", "channel": "phone"}


# Quotes


@pytest.mark.parametrize(
    ("wait", "kept", "overrun"), [(60, 1, 0), (59.5, 1, 0), (60.5, 0, SECOND // 2), (90, 0, 30 * SECOND)]
)
def test_a_quote_is_kept_by_who_waits_no_longer(measured: Measured, wait: float, kept: int, overrun: int) -> None:
    events = [queued(0, quoted_wait_seconds=60, **AT), event(wait, "answered")]
    assert measured.some("quoted_waits quotes_kept quote_overrun_us", *events) == (1, kept, overrun)


def test_a_quote_is_of_an_answered_visit_whose_wait_is_known(measured: Measured) -> None:
    names = "quoted_waits quotes_kept quote_overrun_us"
    assert measured.some(names, queued(0, quoted_wait_seconds=60, **AT), event(5, "abandoned")) == (0, 0, 0)
    assert measured.some(names, event(5, "answered", quoted_wait_seconds=60, **AT)) == (0, 0, 0)
    assert measured.some(names, queued(0, quoted_wait_seconds=60, **AT)) == (0, 0, 0)
    assert measured.some(names, queued(0, quoted_wait_seconds=60, **AT), event(9, "completed")) == (1, 1, 0)


def test_a_visit_keeps_its_first_quote(measured: Measured) -> None:
    again = (queued(0, quoted_wait_seconds=5, **AT), queued(4, quoted_wait_seconds=60), event(10, "answered"))
    assert measured.some("quoted_waits quotes_kept", *again) == (1, 0)
    later = (
        queued(0, **AT),
        queued(4, quoted_wait_seconds=60),
        queued(5, quoted_wait_seconds=1),
        event(10, "answered"),
    )
    assert measured.some("quoted_waits quotes_kept", *later) == (1, 1)
    other = (queued(0, quoted_wait_seconds=60, **AT), queued(4, "billing"), event(10, "answered"))
    assert measured.some("quoted_waits quotes_kept", *other) == (0, 0)


def test_what_is_recorded_has_a_quote_where_it_has_a_wait(measured: Measured) -> None:
    quote: dict[str, Any] = {"quoted_wait_seconds": 10, **AT}
    assert measured.some("quoted_waits quotes_kept", event(60, "recorded", wait_seconds=10, **quote)) == (1, 1)
    assert measured.some("quoted_waits quotes_kept", event(60, "recorded", wait_seconds=11, **quote)) == (1, 0)
    assert measured.some("quoted_waits quotes_kept", event(60, "recorded", **quote)) == (0, 0)


# Wrong lines


@pytest.mark.parametrize(("service", "found"), [(29, 1), (30, 1), (30.000001, 0), (31, 0)])
def test_who_is_soon_handed_on_was_in_the_wrong_line(measured: Measured, service: float, found: int) -> None:
    events = [queued(0, **AT), event(60, "answered"), event(60 + service, "transferred")]
    assert measured.some("answered misrouted", *events) == (1, found)
    held = [queued(0, **AT), event(60, "answered"), event(61, "held"), event(81, "resumed")]
    assert measured.some("answered misrouted", *held, event(80 + service, "transferred")) == (1, found)


def test_on_hold_nobody_is_served(measured: Measured) -> None:
    events = [queued(0, **AT), event(60, "answered"), event(90, "held"), event(600, "transferred")]
    assert measured.some("misrouted", *events) == (1,)


def test_each_visit_is_in_the_wrong_line_once_at_most(measured: Measured) -> None:
    first = [queued(0, **AT), event(10, "answered"), event(20, "transferred"), event(500, "transferred")]
    assert measured.some("misrouted", *first) == (1,)
    second = [queued(510, "billing"), event(520, "answered"), event(550, "transferred"), event(551, "transferred")]
    assert measured.some("answered misrouted", *first, *second) == (2, 2)


@pytest.mark.parametrize("service", [20, 40])
def test_who_is_answered_next_as_the_transfer_happens_was_handed_on_before(measured: Measured, service: int) -> None:
    events = [queued(0, "sales", **AT), event(10, "answered"), event(10 + service, "transferred")]
    after = [queued(10 + service, "billing"), event(10 + service, "answered")]
    places = {place[1]: amounts for place, amounts in measured.places(*events, *after).items()}
    assert places["sales"].get("misrouted", 0) == int(service <= 30)
    assert "misrouted" not in places["billing"]


def test_nobody_is_in_the_wrong_line_who_is_not_in_service(measured: Measured) -> None:
    assert measured.some("misrouted", queued(0, **AT), event(5, "transferred")) == (0,)
    done = [queued(0, **AT), event(5, "answered"), event(10, "completed"), event(11, "transferred")]
    assert measured.some("misrouted", *done) == (0,)


def test_what_is_recorded_is_handed_on_at_its_end(measured: Measured) -> None:
    told: dict[str, Any] = {"transfers": 1, **AT}
    assert measured.some("misrouted", event(60, "recorded", service_seconds=30, **told)) == (1,)
    assert measured.some("misrouted", event(60, "recorded", service_seconds=31, **told)) == (0,)
    assert measured.some("misrouted", event(60, "recorded", service_seconds=3, hold_seconds=50, **told)) == (1,)


def test_what_is_recorded_without_a_queue_leaves_the_queue_to_whoever_names_it(measured: Measured) -> None:
    events = [event(40, "recorded", wait_seconds=20, quoted_wait_seconds=30, **AT), queued(50, "sales")]
    places = {place[1]: amounts for place, amounts in measured.places(*events).items()}
    assert places[""]["quotes_kept"] == places["sales"]["interactions"] == places["sales"]["offered"] == 1
    assert "interactions" not in places[""]
