"""Promises, worked out by hand for the service and the reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measured import Measured
from tests.reference.walk import MINUTE, SECOND, Event, instant, micros
from tests.reference_cases import START, at, event, queued, said

START_US = micros(START)
DUE = 3600
EPSILON = 0.000001


def made(seconds: float = 0, *, due: float = DUE, id: str = "", subject: str = "", **data: Any) -> Event:  # noqa: A002  # the field's name
    """A promise at a bank, unless told that it is elsewhere."""
    fields = {"promise": "p", "due": at(due), "kind": "callback", "site": "bank"} | data
    told = {name: value for name, value in fields.items() if value is not None}
    return said(seconds, "promise.made", id=id, subject=subject, **told)


def kept(seconds: float, **data: Any) -> Event:
    """It was kept."""
    return said(seconds, "promise.kept", promise="p", **data)


def withdrawn(seconds: float) -> Event:
    """It no longer held."""
    return said(seconds, "promise.withdrawn", promise="p")


@pytest.mark.parametrize(
    ("events", "now", "expected"),
    [
        ([made()], DUE - EPSILON, {"promises_open": 1}),
        ([made()], DUE, {"promises_due": 1}),
        ([made(), kept(60)], 60, {"promises_due": 1, "promises_kept": 1}),
        ([made(), kept(DUE)], DUE, {"promises_due": 1, "promises_kept": 1}),
        ([made(), kept(DUE + EPSILON)], DUE + 1, {"promises_due": 1}),
        ([made(), withdrawn(60)], DUE - 1, {}),
        ([made(), withdrawn(DUE)], DUE + 1, {}),
        ([made(), withdrawn(DUE + 1)], DUE + 1, {"promises_due": 1}),
        ([made(), withdrawn(60), kept(70)], DUE + 1, {"promises_due": 1, "promises_kept": 1}),
        ([made(), withdrawn(60), kept(DUE + 1)], DUE + 1, {}),
        ([made(), withdrawn(DUE + 1), withdrawn(60)], DUE + 1, {}),
        ([kept(5), made(9)], 10, {"promises_due": 1, "promises_kept": 1}),
        ([made(), kept(DUE + 9), kept(60)], DUE + 9, {"promises_due": 1, "promises_kept": 1}),
        ([made(due=-60)], 0, {"promises_due": 1}),
        ([made(5, id="a"), made(0, due=60, id="b")], 61, {"promises_due": 1}),
        ([made(5, id="a", due=60), made(5, id="b")], 61, {"promises_due": 1}),
        ([made(5, id="b", due=60), made(5, id="a")], 61, {"promises_open": 1}),
        ([made(), made(id="q", promise="q")], 61, {"promises_open": 2}),
        ([kept(5, site="bank"), withdrawn(6)], 61, {}),
    ],
)
def test_a_promise_is_due_kept_or_open(
    measured: Measured, events: list[Event], now: float, expected: dict[str, int]
) -> None:
    for order in (events, events[::-1], [*events, *events]):
        assert measured.sums(*order, now=START_US + round(now * SECOND)) == expected


def test_a_promise_counts_at_the_minute_in_which_it_is_due(measured: Measured) -> None:
    events = [made(due=3659.9), kept(5, queue="sales", channel="phone")]
    amounts = {"promises_due": 1, "promises_kept": 1}
    assert measured.places(*events) == {("bank", "sales", "phone", "", START_US // MINUTE + 60): amounts}


CALL = [queued(5, "sales", site="shop"), event(9, "answered", channel="chat"), event(3, "informed")]


@pytest.mark.parametrize(
    ("events", "place"),
    [
        ([made(subject="order")], ("bank", "", "")),
        ([made(subject="order", site=None), kept(9, site="bank", queue="sales")], ("bank", "sales", "")),
        ([made(site=None, queue="till"), kept(9, site="bank", queue="sales")], ("bank", "till", "")),
        ([made(site=None, subject="order", queue="till", channel="phone")], ("shop", "sales", "chat")),
        ([made(site=None, subject="order")], ("shop", "sales", "chat")),
        ([made(site=None, subject="nobody")], None),
        ([made(site=None)], None),
        ([made(site=None, id="a"), made(5, site=None, id="b", subject="order")], ("shop", "sales", "chat")),
        ([made(site=None), kept(5) | {"subject": "order"}], None),
    ],
)
def test_a_promise_is_where_it_says_or_where_its_interaction_is(
    measured: Measured, events: list[Event], place: tuple[str, str, str] | None
) -> None:
    for order in ([*events, *CALL], [*CALL, *events], [CALL[0], *events, *CALL[1:]]):
        found = measured.places(*order, now=instant(at(DUE)))
        promised = {where: amounts for where, amounts in found.items() if "promises_due" in amounts}
        assert {where[:3] for where in promised} == ({place} if place else set())


def test_a_promise_moves_with_its_interaction(measured: Measured) -> None:
    """What comes late, but was earlier, moves the call, and with it what was promised in it."""
    events = [*CALL, made(site=None, subject="order", due=60), event(1, "escalated", site="bank", queue="tills")]
    found = measured.places(*events, now=instant(at(60)))
    assert found["bank", "tills", "chat", "", START_US // MINUTE + 1] == {"promises_due": 1}
    assert not [where for where in found if where[0] == "shop"]
