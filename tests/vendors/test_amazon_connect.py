"""Amazon Connect: contact events through EventBridge, and contact records through Firehose."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput, NotAuthenticated
from service.vendors.amazon_connect import ADAPTER
from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import URL, anything, assert_nothing_is_lost, events_of, posted, posted_json, read
from tests.vendors.connect_samples import HEADERS, INSTANCE, MAPPING, contact_event, firehose, queue_arn, record, sent

SECOND = 1_000_000
SPRING, AUTUMN = "key-of-spring", "key-of-autumn"


# --- keys and answers ---


@pytest.mark.parametrize("secret", [SPRING, AUTUMN])
@pytest.mark.parametrize(
    ("header", "value"),
    [("x-api-key", "{}"), ("authorization", "{}"), ("authorization", "Bearer {}"), ("x-amz-firehose-access-key", "{}")],
)
def test_either_key_is_taken_in_any_header_in_which_aws_sends_one(header: str, value: str, secret: str) -> None:
    ADAPTER.verify(Delivery(URL, {header: value.format(secret)}, b"{}"), (SPRING, AUTUMN), 0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "key-of-sprinG"},
        {"x-api-key": "key-of-spring "},
        {"authorization": "Basic key-of-spring"},
        {"x-amz-firehose-access-key": "key-of-autumn"},
        {"x-another-key": "key-of-spring"},
    ],
)
def test_any_other_key_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated):
        ADAPTER.verify(Delivery(URL, headers, b"{}"), (SPRING,), 0)


def test_the_headers_of_firehose_are_those_it_sends() -> None:
    ADAPTER.verify(Delivery(URL, HEADERS, b"{}"), (SPRING,), 0)


def test_firehose_is_told_the_number_of_its_request_and_what_failed() -> None:
    request = firehose(record("c-1", 1))
    assert ADAPTER.answer(request, 1_772_442_000_123_456, "") == (
        b'{"requestId":"r-1","timestamp":1772442000123}',
        "application/json",
    )
    body, _ = ADAPTER.answer(request, 1_772_442_000_123_456, "no database")
    assert msgspec.json.decode(body) == {
        "requestId": "r-1",
        "timestamp": 1772442000123,
        "errorMessage": "no database",
    }


def test_eventbridge_wants_no_answer_of_its_own() -> None:
    assert ADAPTER.answer(sent("QUEUED", 1), 1, "") == (b"", "")


# --- one event ---


def events(delivery: Delivery) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, time and data of what a delivery says, but for where it is."""
    known = {"channel", "site", "queue", "agent"}
    return [
        (
            event["type"].removeprefix("interaction."),
            event["time"],
            {name: value for name, value in event["data"].items() if name not in known},
        )
        for event in events_of(read(ADAPTER, MAPPING, delivery))
    ]


def test_a_contact_in_line_is_queued_when_it_entered_it() -> None:
    (event,) = events_of(read(ADAPTER, MAPPING, sent("QUEUED", 5, queue="sales", enqueued=4.25)))
    assert event == {
        "id": "c-1-QUEUED/queued",
        "source": "amazon-connect",
        "type": "interaction.queued",
        "time": "2026-03-02T09:00:04.250000+00:00",
        "subject": "c-1",
        "data": {
            "channel": "phone",
            "queue": "sales",
            "site": "riga",
            "record": "c-1",
            "revision": 0,
        },
    }


def test_the_time_of_the_envelope_is_taken_where_there_is_none_other() -> None:
    assert events(sent("QUEUED", 5, queue="sales"))[0][1] == "2026-03-02T09:00:05+00:00"
    assert events(sent("CONNECTED_TO_AGENT", 6, queue="sales", agent="ana"))[0][1] == "2026-03-02T09:00:06+00:00"
    assert events(sent("DISCONNECTED", 7, queue="sales"))[0][1] == "2026-03-02T09:00:07+00:00"


def test_keys_are_read_in_any_case() -> None:
    told = contact_event("CONNECTED_TO_AGENT", 6, queue="sales", agent="ana", connected=5.5)
    detail = told["detail"]
    told["detail"] = {
        "EventType": detail["eventType"],
        "ContactId": detail["contactId"],
        "Channel": "Voice",
        "InstanceARN": INSTANCE,
        "QueueInfo": {"QueueArn": queue_arn("sales")},
        "AgentInfo": {
            "AgentArn": detail["agentInfo"]["agentArn"],
            "ConnectedToAgentTimestamp": "2026-03-02T09:00:05.5Z",
        },
    }
    plain = events_of(read(ADAPTER, MAPPING, sent("CONNECTED_TO_AGENT", 6, queue="sales", agent="ana", connected=5.5)))
    assert events_of(read(ADAPTER, MAPPING, posted_json(told))) == plain


@pytest.mark.parametrize(
    ("reason", "kind", "to"),
    [
        ("CUSTOMER_DISCONNECT", "abandoned", None),
        ("TELECOM_PROBLEM", "abandoned", None),
        ("", "abandoned", None),
        ("CONTACT_FLOW_DISCONNECT", "diverted", "exit"),
        ("EXPIRED", "diverted", "timeout"),
        ("API", "diverted", "exit"),
    ],
)
@pytest.mark.parametrize("event", ["DISCONNECTED", "COMPLETED"])
def test_a_wait_without_an_agent_ends_by_its_reason(event: str, reason: str, kind: str, to: str | None) -> None:
    ((found, when, data),) = events(sent(event, 9, queue="sales", ended=8.5, reason=reason))
    assert (found, when, data.get("to")) == (kind, "2026-03-02T09:00:08.500000+00:00", to)


def test_service_ends_when_the_agent_left_and_the_work_after_it_is_told() -> None:
    ((kind, when, data),) = events(
        sent("COMPLETED", 99, queue="sales", agent="ana", ended=80, after_work=(75, 20), reason="CUSTOMER_DISCONNECT")
    )
    assert (kind, when) == ("completed", "2026-03-02T09:01:15+00:00")
    assert data == {"record": "c-1/end", "revision": 1, "wrap_up_seconds": 20.0}


@pytest.mark.parametrize(
    "delivery",
    [
        sent("INITIATED", 0),
        sent("CONNECTED_TO_SYSTEM", 0, queue="nowhere"),
        sent("CONTACT_DATA_UPDATED", 0),
        sent("DISCONNECTED", 5, reason="CUSTOMER_DISCONNECT"),
        sent("CONNECTED_TO_AGENT", 5, method="OUTBOUND", agent="ana", queue="nowhere"),
        sent("DISCONNECTED", 5, method="MONITOR", agent="ana"),
        firehose(record("c-1", 9, ended=8)),
        firehose(record("c-1", 9, method="OUTBOUND", agent=("ana", 2), ended=8)),
    ],
)
def test_what_says_nothing_of_service_is_passed_over(delivery: Delivery) -> None:
    reading = read(ADAPTER, MAPPING, delivery)
    assert (reading.parts, reading.unread, reading.ignored) == ([], [], 1)


def test_a_queue_is_known_by_its_arn_its_id_or_its_name() -> None:
    by_name = {"queues": {"Sales": "by-name"}, "sites": {"*": "riga"}}
    asked = firehose(record("c-1", 9, queue=("sales", 1, 5), ended=5))
    assert events_of(read(ADAPTER, by_name, asked))[0]["data"]["queue"] == "by-name"
    assert events_of(read(ADAPTER, MAPPING, sent("QUEUED", 1, queue="vip")))[0]["data"]["queue"] == "vip"


def test_a_record_tells_all_of_a_contact() -> None:
    told = record(
        "c-1",
        200,
        queue=("sales", 10, 40),
        agent=("ana", 41),
        talked=50,
        held=9,
        after_work=20,
        ended=100,
        reason="AGENT_DISCONNECT",
    )
    found = events(firehose(told))
    about = {"customer": "+37060000000", "record": "c-1", "revision": 1772442200 * SECOND}
    assert found == [
        ("queued", "2026-03-02T09:00:10+00:00", about),
        ("answered", "2026-03-02T09:00:41+00:00", {**about, "wait_seconds": 30.0}),
        ("held", "2026-03-02T09:00:41+00:00", about),
        ("resumed", "2026-03-02T09:00:50+00:00", about),
        (
            "completed",
            "2026-03-02T09:01:40+00:00",
            {**about, "record": "c-1/end", "wrap_up_seconds": 20.0, "service_seconds": 50.0},
        ),
    ]


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("delivery", "code", "detail"),
    [
        (sent("EXPLODED", 1), "unknown_type", "detail.eventType: EXPLODED is not known"),
        (sent("QUEUED", 1, queue="nowhere"), "unmapped", "nowhere"),
        (sent("QUEUED", 1, queue="sales", contactId=""), "missing_field", "contactid: is missing"),
        (sent("QUEUED", 1, queue="sales", agentInfo=7), "invalid_field", "agentinfo: is no object"),
        (sent("DISCONNECTED", 1, queue="sales", disconnectTimestamp="2026-03-02"), "invalid_field", "no time"),
        (posted_json({"detail-type": "Scheduled Event", "detail": {}}), "unknown_type", "Scheduled Event"),
        (posted_json({"hello": 1}), "unknown_type", "neither"),
        (posted(b"EventType=x"), "unreadable", "not the JSON"),
        (posted(b""), "unreadable", "empty"),
        (posted_json({"records": [{"data": "!"}]}), "unknown_type", "neither"),
        (posted_json({"records": [{"data": b64encode(b"{no").decode()}]}), "unknown_type", "neither"),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(delivery: Delivery, code: str, detail: str) -> None:
    reading = read(ADAPTER, MAPPING, delivery)
    (kept,) = reading.unread
    assert (kept.code, reading.parts, reading.ignored) == (code, [], 0)
    assert detail in kept.detail
    again = read(ADAPTER, MAPPING, posted(kept.body)).unread
    assert again == [kept]


def test_one_record_of_a_request_that_cannot_be_read_fails_no_other() -> None:
    good = record("c-1", 9, queue=("sales", 1, 5), ended=5)
    lost = record("c-2", 9, queue=("support", 1, 5), ended=5)
    request = msgspec.json.decode(firehose(good, lost).body)
    request["records"].append({"data": "e30"})
    reading = read(ADAPTER, MAPPING, posted_json(request))
    assert [part.events[0]["subject"] for part in reading.parts] == ["c-1"]
    assert [kept.code for kept in reading.unread] == ["unmapped", "unknown_type"]
    mended = {**MAPPING, "queues": {"*": "rest"}}
    assert events_of(read(ADAPTER, mended, posted(reading.unread[0].body)))[0]["subject"] == "c-2"


def test_several_records_in_the_data_of_one_are_each_read() -> None:
    two = [record(name, 9, queue=("sales", 1, 5), ended=5) for name in ("c-1", "c-2")]
    data = b64encode(b"".join(msgspec.json.encode(one) for one in two)).decode()
    reading = read(ADAPTER, MAPPING, posted_json({"requestId": "r-1", "records": [{"data": data}]}))
    assert [part.events[0]["subject"] for part in reading.parts] == ["c-1", "c-2"]


def test_a_mapping_that_is_wrong_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidInput, match=r"mapping\.queues"):
        ADAPTER.reader({"queues": ["sales"]})


@given(anything, anything)
def test_json_of_any_kind_is_kept(what: Any, more: Any) -> None:
    envelope = {"detail-type": "Amazon Connect Contact Event", "detail": what}
    body = msgspec.json.encode([{"ContactId": what, "Queue": more}, envelope])
    assert_nothing_is_lost(ADAPTER, MAPPING, body, parts=2)
    assert_nothing_is_lost(ADAPTER, MAPPING, msgspec.json.encode([what]))


@given(st.sampled_from(sorted(record("c-1", 1))), anything)
def test_records_with_anything_in_a_field_are_kept(field: str, what: Any) -> None:
    told = record("c-1", 9, queue=("sales", 1, 5), agent=("ana", 5), held=1, talked=1, ended=9)
    assert_nothing_is_lost(ADAPTER, MAPPING, firehose({**told, field: what}).body, parts=1)


@given(st.integers(0, 900), st.binary(max_size=3))
def test_bodies_that_are_cut_or_damaged_are_kept(where: int, noise: bytes) -> None:
    whole = firehose(record("c-1", 9, queue=("sales", 1, 5), ended=5)).body
    assert_nothing_is_lost(ADAPTER, MAPPING, whole[:where] + noise)
