"""FreeSWITCH's mod_callcenter: what its events say, who may post them, and what calls come to."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import NotAuthenticated
from service.vendors.freeswitch import ADAPTER
from service.vendors.reading.delivery import Delivery, Reading
from tests.vendors.days import booked, books, call_day, orders, totals
from tests.vendors.freeswitch_form import CORE, fields, written

URL = "https://frontline.example.com/v1/webhooks/pbx"
MAPPING = {
    "sites": {"default": "centre"},
    "queues": {"sales@default": "sales", "support": "support"},
    "customers": False,
}
START_US = 1_763_712_000_000_000


def read(body: Any, mapping: Any = MAPPING, **headers: str) -> Reading:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ADAPTER.reader(mapping).read(Delivery(URL, headers, raw))


def events(*bodies: Any) -> list[dict[str, Any]]:
    return [event for body in bodies for part in read(body).parts for event in part.events]


def at(seconds: float, action: str, queue: str = "sales", **more: Any) -> dict[str, str]:
    """An event of one call, so many seconds after it began; its number is its time."""
    return fields(round(seconds * 1000), START_US + round(seconds * 1_000_000), "call-1", queue, action, **more)


@pytest.mark.parametrize(
    ("action", "more", "kind", "said"),
    [
        ("member-queue-start", {}, "queued", {}),
        ("member-queue-resume", {}, "queued", {}),
        (
            "bridge-agent-start",
            {"CC_Agent": "1000", "CC_Member_Joined_Time": "1763711990", "CC_Agent_Answered_Time": "1763712000"},
            "answered",
            {"wait_seconds": 10.0, "agent": "1000"},
        ),
        (
            "bridge-agent-end",
            {"CC_Agent": "1000", "CC_Agent_Answered_Time": "1763711900", "CC_Bridge_Terminated_Time": "1763712000"},
            "completed",
            {"service_seconds": 100.0, "agent": "1000"},
        ),
        (
            "member-queue-end",
            {
                "CC_Cause": "Cancel",
                "CC_Cancel_Reason": "BREAK_OUT",
                "CC_Member_Joined_Time": "1763711990",
                "CC_Member_Leaving_Time": "1763712000",
            },
            "abandoned",
            {"wait_seconds": 10.0},
        ),
        ("member-queue-end", {"CC_Cause": "Cancel", "CC_Cancel_Reason": "NONE"}, "abandoned", {}),
        ("member-queue-end", {"CC_Cause": "Cancel", "CC_Cancel_Reason": "TIMEOUT"}, "diverted", {"to": "timeout"}),
        (
            "member-queue-end",
            {"CC_Cause": "Cancel", "CC_Cancel_Reason": "NO_AGENT_TIMEOUT"},
            "diverted",
            {"to": "overflow"},
        ),
        ("member-queue-end", {"CC_Cause": "Cancel", "CC_Cancel_Reason": "EXIT_WITH_KEY"}, "diverted", {"to": "exit"}),
    ],
)
def test_each_action_is_an_event(action: str, more: dict[str, str], kind: str, said: dict[str, Any]) -> None:
    [event] = events(at(0, action, **more))
    assert event == {
        "id": f"{CORE}/0",
        "source": "freeswitch",
        "type": f"interaction.{kind}",
        "time": "2025-11-21T08:00:00+00:00",
        "subject": "call-1",
        "data": {"site": "centre", "queue": "sales", "channel": "phone"} | said,
    }


@pytest.mark.parametrize(
    "body",
    [
        at(0, "agent-offering"),
        at(0, "members-count"),
        at(0, "member-queue-end", CC_Cause="Terminated"),
        at(0, "member-queue-start") | {"Event-Subclass": "conference::maintenance"},
    ],
)
def test_what_says_nothing_of_service_is_ignored(body: dict[str, str]) -> None:
    reading = read(body)
    assert (reading.ignored, reading.parts, reading.unread) == (1, [], [])


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (b"CC-Action: x", "unreadable", "the body is not JSON"),
        ([[]], "unreadable", ""),
        ({}, "missing_field", "CC-Action: is missing"),
        (at(0, "member-teleport"), "unknown_type", "CC-Action: 'member-teleport' is not known"),
        (at(0, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason="BORED"), "invalid_field", "CC-Cancel-Reason"),
        (at(0, "member-queue-end", CC_Cause="Why"), "invalid_field", "CC-Cause: 'Why' is neither"),
        (at(0, "member-queue-start", queue="front"), "unmapped", "mapping.queues: none of front@default, front"),
        (at(0, "member-queue-start") | {"Event-Date-Timestamp": "now"}, "invalid_field", "Event-Date-Timestamp: 'now'"),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(body: Any, code: str, detail: str) -> None:
    reading = read(body)
    assert not reading.parts
    [unread] = reading.unread
    assert unread.code == code
    assert unread.detail.startswith(detail)
    assert [one.detail for one in read(unread.body).unread] == [unread.detail]


def test_what_was_kept_of_several_is_one_and_is_read_when_the_mapping_is_mended() -> None:
    reading = read([at(0, "member-queue-start"), at(1, "member-queue-start", queue="front")])
    assert len(reading.parts) == 1
    [unread] = reading.unread
    [part] = read(unread.body, {"sites": {"*": "centre"}, "queues": {"front": "front"}}).parts
    assert [event["data"]["queue"] for event in part.events] == ["front"]
    assert read(reading.parts[0].body()).parts[0].events == reading.parts[0].events


def test_a_form_is_read_as_well_and_again() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode(at(0, "member-queue-start")).encode()
    assert read(body, **form).parts[0].events == events(at(0, "member-queue-start"))
    [unread] = read(urlencode(at(0, "member-queue-start", queue="front")).encode(), **form).unread
    assert unread.code == "unmapped"
    assert read(unread.body, **form).unread == [unread]


def test_without_numbers_an_event_is_known_by_what_it_is_about_and_when() -> None:
    body = at(0, "member-queue-start")
    del body["Core-UUID"]
    assert events(body)[0]["id"] == "call-1-sales/member-queue-start/1763712000000000"


def test_a_caller_is_a_customer_where_that_is_wanted() -> None:
    [part] = read(at(0, "member-queue-start"), {**MAPPING, "customers": True}).parts
    assert part.events[0]["data"]["customer"] == "5550100"


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer first-secret",
        "Basic ZnJvbnRsaW5lOmZpcnN0LXNlY3JldA==",  # printf frontline:first-secret | base64
    ],
)
def test_the_secret_is_a_key_or_a_password(sent: str) -> None:
    here = Delivery(URL, {"authorization": sent}, b"{}")
    ADAPTER.verify(here, ["first-secret"], START_US)
    ADAPTER.verify(here, ["second-secret", "first-secret"], START_US)
    for wrong in (["second-secret"], ["first-secreT"], []):
        with pytest.raises(NotAuthenticated):
            ADAPTER.verify(here, wrong, START_US)


@pytest.mark.parametrize("headers", [{}, {"authorization": "first-secret"}, {"authorization": "Bearer first-secret "}])
def test_without_the_secret_nothing_is_taken(headers: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated):
        ADAPTER.verify(Delivery(URL, headers, b"{}"), ["first-secret"], START_US)


OVERFLOW = [
    at(0, "member-queue-start"),
    at(60, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason="TIMEOUT"),
    at(60.01, "member-queue-start", "support"),
    at(75, "bridge-agent-start", "support", CC_Agent="7"),
    at(100, "bridge-agent-end", "support", CC_Agent="7"),
    at(100.1, "member-queue-end", "support", CC_Cause="Terminated"),
]
TRANSFER = [
    at(0, "member-queue-start"),
    at(8, "bridge-agent-start", CC_Agent="7"),
    at(50, "member-queue-start", "support"),
    at(50.2, "bridge-agent-end", CC_Agent="7"),
    at(50.3, "member-queue-end", CC_Cause="Terminated"),
    at(90, "member-queue-end", "support", CC_Cause="Cancel", CC_Cancel_Reason="BREAK_OUT"),
]


def test_a_call_that_times_out_into_another_queue() -> None:
    found = totals(events(*OVERFLOW))
    assert (found["offered"], found["diverted"], found["answered"], found["interactions"]) == (2, 1, 1, 1)
    assert found["answered_wait_us"] == 14_990_000
    assert found["service_us"] == 25_000_000


def test_a_call_that_an_agent_moves_to_another_queue_is_not_answered_there_by_the_end_of_the_first() -> None:
    found = totals(events(*TRANSFER))
    assert (found["offered"], found["answered"], found["abandoned"], found["completed"]) == (2, 1, 1, 1)
    assert found["service_us"] == 42_200_000
    assert found["abandoned_wait_us"] == 40_000_000


@pytest.mark.parametrize("sequence", [OVERFLOW, TRANSFER])
def test_deliveries_may_come_in_any_order_and_twice(sequence: list[dict[str, str]]) -> None:
    wanted = books(events(*sequence))
    for order in orders(sequence):
        found = books(*(events(body) for body in [*order, *order[:2]]))
        assert found.rollups() == wanted.rollups()
        assert booked(found) == booked(wanted)


def test_a_day_in_its_form_comes_to_the_same_as_the_day_itself_but_for_transfers() -> None:
    native = call_day()
    told = [event for event in native if event["type"] != "interaction.transferred"]
    assert len(told) < len(native), "the module does not say whether a call was handed on"
    assert books(events(*written(native))).rollups() == books(told).rollups()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*OVERFLOW[1], "CC-Agent"]), inner),
    max_leaves=10,
)
DAMAGED = st.sampled_from([*OVERFLOW, *TRANSFER]).flatmap(
    lambda body: st.dictionaries(st.sampled_from(sorted(body)), ANYTHING, max_size=3).map(lambda put: body | put)
)


@given(ANYTHING | DAMAGED | st.lists(DAMAGED, max_size=3))
def test_no_body_makes_it_fail_or_is_lost(body: Any) -> None:
    reading = read(body)
    number = len(body) if isinstance(body, list) else 1
    assert len(reading.parts) + len(reading.unread) + reading.ignored == number


@given(st.integers(0, 500), st.binary(max_size=3))
def test_no_damaged_body_makes_it_fail_or_is_lost(cut: int, put: bytes) -> None:
    reading = read(json.dumps(OVERFLOW[1]).encode()[:cut] + put)
    assert len(reading.parts) + len(reading.unread) + reading.ignored == 1
