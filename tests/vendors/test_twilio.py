"""Twilio TaskRouter: what a workspace tells of its tasks, as forms and as CloudEvents."""

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput, NotAuthenticated
from service.vendors.reading.delivery import Delivery, Event
from service.vendors.twilio import ADAPTER
from tests.vendors.calls import URL, anything, assert_nothing_is_lost, at, events_of, posted, posted_json, read
from tests.vendors.twilio_samples import MAPPING, SALES, TO_BILLING, cloud_event, fields, form

SPRING, AUTUMN = "token-of-spring", "token-of-autumn"
FORM = (
    b"TaskSid=WT1&EventType=task-queue.entered&TaskQueueName=Sales"
    b"&TaskAttributes=%7B%22from%22%3A%22%2B37060000000%22%7D&Timestamp=1767225600"
)
BY_SPRING = "2Rci1AMAm55WCoRD7TZEp5hIr1k="
"""Made with openssl, by the key token-of-spring, of URL and parameters one behind the other:

https://frontline.example.com/v1/webhooks/phonesEventTypetask-queue.enteredTaskAttributes{"from":"+37060000000"}
TaskQueueNameSalesTaskSidWT1Timestamp1767225600 (in one line).
"""
BY_AUTUMN = "YJqADL0a6VzaIApMLyY+gWVuRt0="
STREAM = b'[{"id":"EZ1"}]'
STREAM_URL = f"{URL}?bodySHA256=2c021c089fa1bc2b8ba53705e101703abfee982503ce96aaa8c907f746c65f7e"
STREAM_BY_SPRING = "75SSIWPG9zGQBAe4MqJyxlQZ/8c="
"""Made with openssl, by the key token-of-spring, of the URL alone."""


def one(delivery: Delivery) -> Event:
    (event,) = events_of(read(ADAPTER, MAPPING, delivery))
    return event


# --- signatures ---


def verify(body: bytes, signature: str, *secrets: str, url: str = URL) -> None:
    ADAPTER.verify(Delivery(url, {"x-twilio-signature": signature}, body), secrets, 0)


@pytest.mark.parametrize(("signature", "secret"), [(BY_SPRING, SPRING), (BY_AUTUMN, AUTUMN)])
def test_a_form_is_taken_that_either_secret_has_signed(signature: str, secret: str) -> None:
    verify(FORM, signature, SPRING, AUTUMN)
    verify(FORM, signature, secret)


def test_parameters_are_signed_as_they_are_decoded_whatever_their_order() -> None:
    verify(b"&".join(reversed(FORM.split(b"&"))), BY_SPRING, SPRING)
    verify(FORM.replace(b"-queue", b"%2Dqueue"), BY_SPRING, SPRING)


@pytest.mark.parametrize(
    ("body", "signature", "secret", "url"),
    [
        (FORM.replace(b"WT1", b"WT2"), BY_SPRING, SPRING, URL),
        (FORM.replace(b"Timestamp=1767225600", b"Timestamp=1767225601"), BY_SPRING, SPRING, URL),
        (FORM + b"&a=", BY_SPRING, SPRING, URL),
        (FORM, BY_SPRING, SPRING, URL + "?"),
        (FORM, BY_SPRING, SPRING, URL.replace("https", "http")),
        (FORM, BY_SPRING, SPRING + "x", URL),
        (FORM, BY_SPRING.replace("2", "3", 1), SPRING, URL),
        (FORM, BY_AUTUMN, SPRING, URL),
        (FORM, "", SPRING, URL),
        (FORM, "é", SPRING, URL),
        (STREAM, STREAM_BY_SPRING, SPRING, URL),
        (STREAM.replace(b"1", b"2"), STREAM_BY_SPRING, SPRING, STREAM_URL),
        (STREAM, STREAM_BY_SPRING, AUTUMN, STREAM_URL),
        (STREAM, STREAM_BY_SPRING, SPRING, STREAM_URL.replace("2c", "2d")),
        (STREAM, STREAM_BY_SPRING, SPRING, STREAM_URL + "&b=c"),
        (STREAM, STREAM_BY_SPRING, SPRING, URL + "?bodySHA256=%C3%A9"),
        (STREAM, BY_SPRING, SPRING, URL),
    ],
)
def test_what_differs_in_one_byte_from_what_was_signed_is_refused(
    body: bytes, signature: str, secret: str, url: str
) -> None:
    with pytest.raises(NotAuthenticated):
        verify(body, signature, secret, url=url)


def test_json_is_taken_whose_digest_is_in_the_url_that_is_signed() -> None:
    verify(STREAM, STREAM_BY_SPRING, AUTUMN, SPRING, url=STREAM_URL)


@pytest.mark.parametrize("body", [b"{}", b' [{"a": 1}]'])
def test_json_without_a_digest_is_refused_even_if_its_url_is_signed(body: bytes) -> None:
    signed = "tvKv7JgDepEHeAxp7rD5X5xfQIs="  # the URL alone
    with pytest.raises(NotAuthenticated, match="bodySHA256"):
        verify(body, signed, SPRING)


# --- one event ---


@pytest.mark.parametrize(
    ("kind", "more", "expected", "data"),
    [
        ("task-queue.entered", SALES, "queued", {"queue": "sales", "site": "riga"}),
        (
            "reservation.accepted",
            {**SALES, "WorkerSid": "WK7", "TaskAgeInQueue": 12},
            "answered",
            {"queue": "sales", "site": "riga", "agent": "WK7", "wait_seconds": 12.0},
        ),
        ("task.completed", SALES, "completed", {"queue": "sales", "site": "riga"}),
        (
            "task.transfer-initiated",
            {"TransferTo": "WK8", "TransferMode": "WARM"},
            "transferred",
            {"to_agent": "WK8"},
        ),
        (
            "task.transfer-canceled",
            {**TO_BILLING, "TransferMode": "WARM"},
            "diverted",
            {"queue": "billing", "site": "riga", "to": "exit"},
        ),
    ],
)
def test_each_event_becomes_what_it_says(kind: str, more: dict[str, Any], expected: str, data: dict[str, Any]) -> None:
    event = one(form(kind, 1.25, **more))
    assert event == {
        "id": f"EV-WT1-{kind}-1772442001250/{expected}",
        "source": "twilio",
        "type": f"interaction.{expected}",
        "time": "2026-03-02T09:00:01.250000+00:00",
        "subject": "WT1",
        "data": {"channel": "phone", "customer": "+37060000000", **data},
    }


@pytest.mark.parametrize(
    ("reason", "kind", "to"),
    [
        ("hangup", "abandoned", None),
        ("", "abandoned", None),
        ("Task TTL Exceeded", "diverted", "timeout"),
        ("Workflow timed out", "diverted", "timeout"),
        ("Left a Voicemail", "diverted", "voicemail"),
        ("callback asked for", "diverted", "callback"),
        ("overflow to partner", "diverted", "overflow"),
        ("went to the bot", "diverted", "exit"),
    ],
)
def test_why_a_task_is_cancelled_says_how_the_wait_ended(reason: str, kind: str, to: str | None) -> None:
    event = one(form("task.canceled", 9, TaskCanceledReason=reason, **SALES))
    assert (event["type"], event["data"].get("to")) == (f"interaction.{kind}", to)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("reservation.created", {}),
        ("reservation.rejected", {}),
        ("reservation.timeout", {}),
        ("reservation.completed", {}),
        ("task.wrapup", {}),
        ("worker.activity.update", {}),
        ("task-queue.timeout", {}),
        ("workspace.created", {}),
        ("task.transfer-failed", {**TO_BILLING, "TransferMode": "COLD"}),
        ("task.transfer-failed", {"TransferTo": "WK8", "TransferMode": "WARM"}),
    ],
)
def test_what_says_nothing_of_service_is_passed_over(kind: str, more: dict[str, Any]) -> None:
    reading = read(ADAPTER, MAPPING, form(kind, 1, **SALES, **more))
    assert (reading.parts, reading.unread, reading.ignored) == ([], [], 1)


@pytest.mark.parametrize(
    ("channel", "expected"), [("voice", "phone"), ("sms", "chat"), ("email", "email"), ("custom1", "phone")]
)
def test_channels_of_tasks_are_channels_here(channel: str, expected: str) -> None:
    assert one(form("task-queue.entered", 1, **SALES, TaskChannelUniqueName=channel))["data"]["channel"] == expected


@pytest.mark.parametrize(
    ("attributes", "customer"),
    [
        ('{"customers": {"external_id": "c-1"}, "from": "+1"}', "c-1"),
        ('{"from": "+1"}', "+1"),
        ('{"from": 1}', None),
        ("not json", None),
        ("[]", None),
    ],
)
def test_the_customer_is_whom_the_attributes_name(attributes: str, customer: str | None) -> None:
    event = one(form("task-queue.entered", 1, **SALES, TaskAttributes=attributes))
    assert event["data"].get("customer") == customer


def test_a_customer_who_is_not_wanted_is_not_passed_on() -> None:
    reading = read(ADAPTER, {**MAPPING, "customers": False}, form("task-queue.entered", 1, **SALES))
    assert "customer" not in events_of(reading)[0]["data"]


def test_callback_and_stream_of_one_fact_are_one_event() -> None:
    told = fields("task-queue.entered", at(3.125), **SALES)
    assert one(posted(urlencode(told).encode())) == one(posted_json([cloud_event(told)]))


def test_a_callback_without_a_sid_is_known_by_what_it_is_about() -> None:
    told = fields("task-queue.entered", at(1), **SALES)
    del told["Sid"]
    assert one(posted(urlencode(told).encode()))["id"] == "WT1/task-queue.entered/2026-03-02T09:00:01+00:00/queued"


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("delivery", "code", "detail"),
    [
        (form("task.exploded", 1), "unknown_type", "EventType: task.exploded is not known"),
        (form("task-queue.entered", 1, TaskQueueName="Nowhere"), "unmapped", "Nowhere"),
        (form("task.canceled", 1, TaskSid=""), "missing_field", "tasksid: is missing"),
        (form("task.canceled", 1, TimestampMs="soon"), "invalid_field", "timestampms: is no time"),
        (form("task.canceled", 1, TaskAgeInQueue="-1"), "invalid_field", "taskageinqueue: is no duration"),
        (posted(b""), "missing_field", "eventtype: is missing"),
        (posted(b"[{]"), "unreadable", "not the JSON"),
        (posted_json([{"type": "com.twilio.voice.status"}]), "unknown_type", "com.twilio.voice.status"),
        (posted_json([{"type": "com.twilio.taskrouter.task.created"}]), "invalid_field", "data.payload"),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(delivery: Delivery, code: str, detail: str) -> None:
    reading = read(ADAPTER, MAPPING, delivery)
    (kept,) = reading.unread
    assert (kept.code, reading.parts, reading.ignored) == (code, [], 0)
    assert detail in kept.detail
    assert read(ADAPTER, MAPPING, posted(kept.body)).unread == [kept]


def test_one_event_of_a_stream_that_cannot_be_read_fails_no_other() -> None:
    good = cloud_event(fields("task-queue.entered", at(1), **SALES))
    lost = cloud_event(fields("task-queue.entered", at(2), TaskQueueName="Support"))
    reading = read(ADAPTER, MAPPING, posted_json([good, lost, 7]))
    assert [part.events[0]["data"]["queue"] for part in reading.parts] == ["sales"]
    assert [kept.code for kept in reading.unread] == ["unmapped", "unreadable"]
    mended = {**MAPPING, "queues": {"*": {"queue": "rest", "site": "riga"}}}
    assert events_of(read(ADAPTER, mended, posted(reading.unread[0].body)))[0]["data"]["queue"] == "rest"


def test_a_mapping_that_is_wrong_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidInput, match=r"mapping\.reasons"):
        ADAPTER.reader({"reasons": {"hangup": "gone"}})


@given(anything)
def test_json_of_any_kind_is_kept(what: Any) -> None:
    body = msgspec.json.encode([what, {"type": "com.twilio.taskrouter.task.canceled", "data": {"payload": what}}])
    assert_nothing_is_lost(ADAPTER, MAPPING, body, parts=2)


@given(st.dictionaries(st.sampled_from([*fields("task.canceled", at(0)), "TransferTo"]), st.text(), max_size=12))
def test_forms_of_any_kind_are_kept(told: dict[str, str]) -> None:
    body = urlencode({**fields("task.transfer-initiated", at(0), **SALES), **told}).encode()
    assert_nothing_is_lost(ADAPTER, MAPPING, body, parts=1)


@given(st.integers(0, 2000), st.binary(max_size=3))
def test_bodies_that_are_cut_or_damaged_are_kept(where: int, noise: bytes) -> None:
    streamed = posted_json([cloud_event(fields("task-queue.entered", at(1), **SALES))]).body
    for body in (streamed, form("task-queue.entered", 1, **SALES).body):
        assert_nothing_is_lost(ADAPTER, MAPPING, body[:where] + noise, parts=1 if body[:where] + noise else None)
