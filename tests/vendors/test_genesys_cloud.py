"""Genesys Cloud: detail events of conversations, through EventBridge."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput, NotAuthenticated
from service.vendors.genesys_cloud import ADAPTER
from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import (
    URL,
    anything,
    assert_nothing_is_lost,
    at,
    events_of,
    posted,
    posted_json,
    read,
)
from tests.vendors.genesys_samples import MAPPING, PREFIX, detail_event, sent

SECOND = 1_000_000
SPRING, AUTUMN = "key-of-spring", "key-of-autumn"


@pytest.mark.parametrize("secret", [SPRING, AUTUMN])
@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_either_key_is_taken(header: str, secret: str) -> None:
    ADAPTER.verify(Delivery(URL, {header: secret}, b"{}"), (SPRING, AUTUMN), 0)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "key-of-sprinh"}, {"x-api-key": ""}, {"x-api-key": AUTUMN}])
def test_any_other_key_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated):
        ADAPTER.verify(Delivery(URL, headers, b"{}"), (SPRING,), 0)


def test_no_answer_of_its_own_is_wanted() -> None:
    assert ADAPTER.answer(sent("acd.start", 1), 1, "") == (b"", "")


# --- one event ---


def told(delivery: Delivery) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, time and data of what a delivery says, but for what all events of the conversation say."""
    known = {"channel", "site", "queue", "customer"}
    return [
        (
            event["type"].removeprefix("interaction."),
            event["time"],
            {name: value for name, value in event["data"].items() if name not in known},
        )
        for event in events_of(read(ADAPTER, MAPPING, delivery))
    ]


def test_who_enters_a_line_is_queued() -> None:
    event, again = events_of(read(ADAPTER, MAPPING, sent("acd.start", 1.25)))
    assert event == {
        "id": "g-1/s-1/1772442001250000/acd.start/queued",
        "source": "genesys-cloud",
        "type": "interaction.queued",
        "time": "2026-03-02T09:00:01.250000+00:00",
        "subject": "g-1",
        "data": {"channel": "phone", "customer": "tel:+37060000000", "queue": "sales", "site": "riga"},
    }
    assert again == {
        **event,
        "id": "g-1/s-1/1772442001250000/acd.start/queued-from",
        "data": {**event["data"], "record": "flow-out", "revision": 1772442002250000},
    }


@pytest.mark.parametrize(
    ("more", "kind", "data"),
    [
        ({"acdOutcome": "ANSWERED", "answeredUserId": "u-1"}, "answered", {"agent": "u-1"}),
        ({"answeredUserId": "u-1"}, "answered", {"agent": "u-1"}),
        ({"acdOutcome": "ABANDON", "disconnectType": "PEER"}, "abandoned", {}),
        ({"disconnectType": "CLIENT"}, "abandoned", {}),
        ({"connectedDurationMs": 8_250, "acdOutcome": "ABANDON"}, "abandoned", {"wait_seconds": 8.25}),
        (
            {"acdOutcome": "FLOW_OUT", "disconnectType": "TRANSFER"},
            "diverted",
            {"to": "overflow", "record": "flow-out", "revision": 1772442009250000},
        ),
        (
            {"disconnectType": "TIMEOUT"},
            "diverted",
            {"to": "timeout", "record": "flow-out", "revision": 1772442009250000},
        ),
    ],
)
def test_who_leaves_a_line_was_answered_or_gave_up_or_went_elsewhere(
    more: dict[str, Any], kind: str, data: dict[str, Any]
) -> None:
    ((found, when, about),) = told(sent("acd.end", 9.25, **more))
    assert (found, when) == (kind, "2026-03-02T09:00:09.250000+00:00")
    assert about == data


def test_the_end_of_an_agents_part_ends_the_service() -> None:
    found = told(
        sent(
            "user.end",
            100,
            session="s-2",
            userId="u-1",
            disconnectType="PEER",
            alertingDurationMs=3_000,
            interactingDurationMs=50_500,
            heldDurationMs=10_000,
        )
    )
    assert found == [
        (
            "completed",
            "2026-03-02T09:01:40+00:00",
            {"agent": "u-1", "record": "s-2/end", "revision": 0, "service_seconds": 50.5},
        ),
        ("held", "2026-03-02T09:01:30+00:00", {"agent": "u-1"}),
    ]


def test_work_after_the_call_is_told_with_the_end_of_the_service() -> None:
    found = told(sent("acw", 120, session="s-2", userId="u-1", wrapupDurationMs=20_000, wrapupCode="done"))
    assert found == [
        (
            "completed",
            "2026-03-02T09:01:40+00:00",
            {"agent": "u-1", "record": "s-2/end", "revision": 1, "wrap_up_seconds": 20.0},
        )
    ]


@pytest.mark.parametrize(
    ("media", "channel"), [("VOICE", "phone"), ("CALLBACK", "phone"), ("MESSAGE", "chat"), ("EMAIL", "email")]
)
def test_media_are_channels(media: str, channel: str) -> None:
    assert events_of(read(ADAPTER, MAPPING, sent("acd.start", 1, mediaType=media)))[0]["data"]["channel"] == channel


def test_a_contact_that_genesys_knows_is_the_customer_rather_than_his_number() -> None:
    known = sent("acd.start", 1, conversationExternalContactIds=["x-7"])
    assert events_of(read(ADAPTER, MAPPING, known))[0]["data"]["customer"] == "x-7"
    unwanted = events_of(read(ADAPTER, {**MAPPING, "customers": False}, known))[0]["data"]
    assert "customer" not in unwanted


@pytest.mark.parametrize(
    "delivery",
    [
        sent("customer.start", 0, queue=None),
        sent("customer.end", 9, queue=None),
        sent("user.start", 5, userId="u-1"),
        sent("flow.start", 0),
        sent("attributes", 0),
        sent("user.end", 9, userId="u-1", alertingDurationMs=9_000),
        sent("user.end", 9, userId="u-1", alertingDurationMs=9_000, interactingDurationMs=0),
        sent("user.end", 9, queue=None, userId="u-1", interactingDurationMs=5_000),
        sent("acd.end", 9, direction="OUTBOUND", acdOutcome="ANSWERED"),
        sent("acw", 9, userId="u-1"),
    ],
)
def test_what_says_nothing_of_service_is_passed_over(delivery: Delivery) -> None:
    reading = read(ADAPTER, MAPPING, delivery)
    assert (reading.parts, reading.unread, reading.ignored) == ([], [], 1)


def test_times_are_milliseconds_since_1970() -> None:
    (start, _) = events_of(read(ADAPTER, MAPPING, sent("acd.start", 0)))
    assert start["time"] == at(0).isoformat()


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("delivery", "code", "detail"),
    [
        (sent("acd.pause", 1), "unknown_type", "acd.pause is not known"),
        (sent("acd.start", 1, queue="q-support"), "unmapped", "q-support"),
        (sent("acd.start", 1, queue=None), "missing_field", "queueId: is missing"),
        (sent("acd.start", 1, divisionId="d-9"), "unmapped", "mapping.sites"),
        (sent("acd.end", 1, eventTime="soon"), "invalid_field", "eventTime: is no time"),
        (sent("acd.end", 1, connectedDurationMs=[]), "invalid_field", "connectedDurationMs: is no duration"),
        (posted_json({"detail-type": "v2.users.u-1.activity", "detail": {}}), "unknown_type", "v2.users"),
        (posted_json({"detail-type": f"{PREFIX}.g.acd.start", "detail": {}}), "invalid_field", "detail.eventBody"),
        (posted_json({}), "invalid_field", "detail: is no object"),
        (posted(b"{"), "unreadable", "not the JSON"),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(delivery: Delivery, code: str, detail: str) -> None:
    reading = read(ADAPTER, MAPPING, delivery)
    (kept,) = reading.unread
    assert (kept.code, reading.parts, reading.ignored) == (code, [], 0)
    assert detail in kept.detail
    assert read(ADAPTER, MAPPING, posted(kept.body)).unread == [kept]


def test_what_is_of_a_line_that_was_not_mapped_is_read_when_it_is() -> None:
    (kept,) = read(ADAPTER, MAPPING, sent("acd.start", 1, queue="q-support")).unread
    mended = {**MAPPING, "queues": {"*": {"queue": "rest", "site": "tartu"}}}
    event = events_of(read(ADAPTER, mended, posted(kept.body)))[0]
    assert (event["data"]["queue"], event["data"]["site"]) == ("rest", "tartu")


def test_a_mapping_that_is_wrong_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidInput, match=r"mapping\.channels"):
        ADAPTER.reader({"channels": {"VOICE": "telephone"}})


@given(anything)
def test_json_of_any_kind_is_kept(what: Any) -> None:
    envelope = {"detail-type": f"{PREFIX}.g-1.acd.end", "detail": {"eventBody": what}}
    assert_nothing_is_lost(ADAPTER, MAPPING, msgspec.json.encode([what, envelope, {"detail": what}]), parts=3)


@given(st.sampled_from(["acd.start", "acd.end", "user.end", "acw"]), st.dictionaries(st.text(), anything), anything)
def test_events_with_anything_in_a_field_are_kept(kind: str, more: dict[str, Any], what: Any) -> None:
    for field in ("eventTime", "queueId", "sessionId", "conversationExternalContactIds", "wrapupDurationMs"):
        body = msgspec.json.encode(detail_event(kind, 1))
        changed = msgspec.json.decode(body)
        changed["detail"]["eventBody"] |= {**more, field: what}
        assert_nothing_is_lost(ADAPTER, MAPPING, msgspec.json.encode(changed), parts=1)


@given(st.integers(0, 900), st.binary(max_size=3))
def test_bodies_that_are_cut_or_damaged_are_kept(where: int, noise: bytes) -> None:
    assert_nothing_is_lost(ADAPTER, MAPPING, sent("acd.start", 1).body[:where] + noise)
