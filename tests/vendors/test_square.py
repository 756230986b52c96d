"""Square's deliveries: verified, read as events, and in any order the same numbers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.vendors.reading.delivery import Delivery
from service.vendors.square import ADAPTER
from tests.vendors.shops import (
    LATER_US,
    URL,
    anything,
    books_of,
    counts,
    covers,
    events_of,
    refuses,
    same_in_every_order,
    with_a_byte_changed,
)

READER = ADAPTER.reader({"sites": {"LOC1": "vilnius-1"}, "queues": {"*": "orders"}})
PLACED, TAKEN, READY, GONE = (f"2026-11-21T09:{minute}:00.000Z" for minute in ("00", "02", "07", "10"))


def notice(kind: str, **told: Any) -> Delivery:
    body = {"merchant_id": "M1", "type": kind, "event_id": f"{kind}-{told}", "created_at": PLACED}
    name = kind.partition(".")[0] if kind.startswith(("refund", "payment")) else kind.replace(".", "_")
    return Delivery(URL, {}, json.dumps({**body, "data": {"type": name, "object": {name: told}}}).encode())


def order(kind: str, version: int, at: str, state: str = "OPEN", **more: Any) -> Delivery:
    told = {"order_id": "O1", "location_id": "LOC1", "version": version, "state": state, "created_at": PLACED}
    if kind != "order.created":
        told["updated_at"] = at
    return notice(kind, **{**told, **more})


def fulfilment(version: int, at: str, old: str, new: str, state: str = "OPEN") -> Delivery:
    change = {"fulfillment_uid": "F1", "old_state": old, "new_state": new}
    return order("order.fulfillment.updated", version, at, state, fulfillment_update=[change])


def refund(kind: str, status: str, version: int) -> Delivery:
    return notice(kind, id="P1_R1", order_id="O1", location_id="LOC1", status=status, version=version, created_at=GONE)


def payment(status: str, updated: str, product: str = "SQUARE_POS", **more: Any) -> Delivery:
    what = {
        "id": "P1",
        "order_id": "O1",
        "location_id": "LOC1",
        "status": status,
        "created_at": PLACED,
        "updated_at": updated,
        "application_details": {"square_product": product},
    }
    return notice("payment.updated", **{**what, **more})


PICKED_UP = [
    order("order.created", 1, PLACED),
    order("order.updated", 2, PLACED),
    fulfilment(3, TAKEN, "PROPOSED", "RESERVED"),
    fulfilment(4, READY, "RESERVED", "PREPARED"),
    fulfilment(5, GONE, "PREPARED", "COMPLETED", "COMPLETED"),
    order("order.updated", 5, GONE, "COMPLETED"),
]
GIVEN_UP = [
    order("order.created", 1, PLACED),
    fulfilment(2, READY, "PROPOSED", "CANCELED"),
    order("order.updated", 3, GONE, "CANCELED"),
]
TOO_LATE = [
    order("order.created", 1, PLACED),
    fulfilment(2, TAKEN, "PROPOSED", "RESERVED"),
    fulfilment(3, READY, "RESERVED", "FAILED"),
    order("order.updated", 4, GONE, "CANCELED"),
]
CANCELED_AT_ONCE = [
    *TOO_LATE[:2],
    fulfilment(3, READY, "RESERVED", "CANCELED"),
    order("order.updated", 3, READY, "CANCELED"),
]
AT_THE_TILL = [order("order.created", 1, PLACED), order("order.updated", 2, TAKEN, "COMPLETED")]
REFUNDED = [
    *AT_THE_TILL,
    refund("refund.created", "PENDING", 1),
    refund("refund.updated", "COMPLETED", 2),
    order("order.updated", 9, "2026-11-22T09:00:00.000Z", "COMPLETED"),
]
SOLD = [
    payment("APPROVED", PLACED),
    payment("COMPLETED", TAKEN),
    payment("COMPLETED", READY, customer_id="C1", team_member_id="T1"),
    payment("COMPLETED", GONE, customer_id="C2", team_member_id="T1"),
]
SEQUENCES = {
    "sold": SOLD,
    "picked up": PICKED_UP,
    "given up": GIVEN_UP,
    "too late": TOO_LATE,
    "canceled at once": CANCELED_AT_ONCE,
    "at the till": AT_THE_TILL,
    "refunded": REFUNDED,
}

SIGNED = b'{"merchant_id":"M1","type":"order.created"}'
"""What is signed is the address and this, by `openssl dgst -sha256 -hmac square-key-one -binary | base64`:

https://frontline.example.com/v1/webhooks/corner{"merchant_id":"M1","type":"order.created"}
"""
BY_ONE = "XlLkLfYCX/PYHly8+ap+PRZrxQzLiMRsAeTrGDwacx4="
BY_TWO = "5g3f2cQS8FLhfFYvYG3q44qDHxMx06wfHV/X6+c1ckw="
KEYS = ("square-key-one", "square-key-two")


def signed(signature: str, *, url: str = URL, body: bytes = SIGNED) -> Delivery:
    return Delivery(url, {"x-square-hmacsha256-signature": signature}, body)


@pytest.mark.parametrize("signature", [BY_ONE, BY_TWO])
def test_either_key_signs_the_address_and_the_body(signature: str) -> None:
    ADAPTER.verify(signed(signature), KEYS, LATER_US)


@pytest.mark.parametrize("signature", [BY_ONE, BY_TWO])
def test_a_byte_that_changed_on_the_way_is_noticed(signature: str) -> None:
    for body in with_a_byte_changed(SIGNED):
        refuses(ADAPTER, signed(signature, body=body), KEYS, LATER_US)
    for url in with_a_byte_changed(URL.encode()):
        refuses(ADAPTER, signed(signature, url=url.decode()), KEYS, LATER_US)
    for changed in with_a_byte_changed(signature.encode()):
        refuses(ADAPTER, signed(changed.decode()), KEYS, LATER_US)
    refuses(ADAPTER, signed(signature), ("square-key-onf", "square-key-twp"), LATER_US)
    refuses(ADAPTER, Delivery(URL, {}, SIGNED), KEYS, LATER_US)


def test_an_order_waits_from_when_it_was_created_whatever_tells_of_it() -> None:
    told = [events_of(READER.read(one))[0] for one in PICKED_UP]
    assert told == [told[0]] * 6
    assert told[0] == {
        "id": "O1:queued",
        "source": "square/M1",
        "type": "interaction.queued",
        "time": "2026-11-21T09:00:00+00:00",
        "subject": "O1",
        "data": {"site": "vilnius-1", "queue": "orders", "channel": "pos"},
    }


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (order("order.created", 1, PLACED), []),
        (order("order.updated", 2, TAKEN), []),
        (order("order.updated", 2, TAKEN, "COMPLETED"), [("completed", TAKEN, {"resolved": True})]),
        (order("order.updated", 2, TAKEN, "CANCELED"), [("abandoned", TAKEN, {})]),
        (fulfilment(2, TAKEN, "PROPOSED", "RESERVED"), [("answered", TAKEN, {})]),
        (fulfilment(2, TAKEN, "RESERVED", "PREPARED"), [("answered", TAKEN, {})]),
        (fulfilment(2, TAKEN, "PREPARED", "COMPLETED"), [("completed", TAKEN, {"resolved": True})]),
        (fulfilment(2, TAKEN, "PROPOSED", "CANCELED"), [("abandoned", TAKEN, {})]),
        (fulfilment(2, TAKEN, "PREPARED", "CANCELED"), [("completed", TAKEN, {"resolved": False})]),
        (fulfilment(2, TAKEN, "PROPOSED", "FAILED"), [("abandoned", TAKEN, {})]),
        (fulfilment(2, TAKEN, "RESERVED", "FAILED"), [("completed", TAKEN, {"resolved": False})]),
    ],
)
def test_what_each_state_says(delivery: Delivery, expected: list[tuple[str, str, dict[str, Any]]]) -> None:
    told = []
    for event in events_of(READER.read(delivery))[1:]:
        data = {name: value for name, value in event["data"].items() if name not in ("record", "revision")}
        told.append((event["type"].removeprefix("interaction."), event["time"], data))
    assert told == [(kind, at.replace(".000Z", "+00:00"), data) for kind, at, data in expected]


def test_a_refund_is_an_error_once_it_is_granted() -> None:
    assert READER.read(refund("refund.created", "PENDING", 1)).ignored == 1
    assert READER.read(refund("refund.updated", "FAILED", 2)).ignored == 1
    (event,) = events_of(READER.read(refund("refund.updated", "COMPLETED", 2)))
    assert (event["type"], event["id"], event["subject"]) == ("interaction.corrected", "P1_R1:refund", "O1")
    assert event["time"] == "2026-11-21T09:10:00+00:00"
    assert event["data"] == {"site": "vilnius-1", "queue": "orders", "channel": "pos", "kind": "refund"}


@pytest.mark.parametrize("kind", ["terminal.refund.created", "catalog.version.updated"])
def test_what_says_nothing_of_service_is_passed_over(kind: str) -> None:
    assert READER.read(notice(kind, id="P1")).ignored == 1


def test_a_sale_at_a_till_was_served_when_it_was_paid_with_no_word_of_the_wait() -> None:
    (event,) = events_of(READER.read(SOLD[2]))
    assert (event["type"], event["subject"]) == ("interaction.completed", "O1")
    assert event["time"] == "2026-11-21T09:00:00+00:00"
    assert event["data"] == {
        "site": "vilnius-1",
        "queue": "orders",
        "channel": "pos",
        "customer": "C1",
        "agent": "T1",
        "record": "payment/P1",
        "revision": 1_795_252_020_000_000,
        "resolved": True,
    }
    told = counts(books_of(READER, SOLD))
    assert (told["offered"], told["answered"], told["completed"], told["contacts"]) == (1, 1, 1, 1)
    assert "answered_waits" not in told


def test_a_till_that_was_offline_counts_when_it_sold() -> None:
    told = payment("COMPLETED", GONE, created_at=READY, offline_payment_details={"client_created_at": TAKEN})
    (event,) = events_of(READER.read(told))
    assert event["time"] == "2026-11-21T09:02:00+00:00"


def test_tills_may_be_a_queue_of_their_own() -> None:
    tills = ADAPTER.reader(
        {"sites": {"LOC1": "vilnius-1"}, "queues": {"SQUARE_POS": "tills", "*": "orders"}, "customers": False}
    )
    (event,) = events_of(tills.read(SOLD[2]))
    assert event["data"]["queue"] == "tills"
    assert "customer" not in event["data"]


@pytest.mark.parametrize(
    "told",
    [
        payment("APPROVED", PLACED),
        payment("FAILED", PLACED),
        payment("COMPLETED", PLACED, "ECOMMERCE_API"),
        payment("COMPLETED", PLACED, application_details=None),
        payment("COMPLETED", PLACED, order_id=None),
    ],
)
def test_any_other_payment_serves_nobody(told: Delivery) -> None:
    assert READER.read(told).ignored == 1


def test_a_draft_is_no_order_yet() -> None:
    assert READER.read(order("order.created", 1, PLACED, "DRAFT")).ignored == 1


def test_a_type_nobody_knows_is_kept() -> None:
    (unread,) = READER.read(notice("order.teleported", id="O1")).unread
    assert (unread.code, unread.detail) == ("unknown_type", "type: 'order.teleported' is not known")


@pytest.mark.parametrize(
    ("delivery", "code", "field"),
    [
        (notice("order.created", order_id="O1", state="OPEN"), "missing_field", "location_id"),
        (order("order.updated", 2, "yesterday"), "invalid_field", "updated_at"),
        (order("order.updated", -1, TAKEN), "invalid_field", "version"),
        (Delivery(URL, {}, b'{"type": "order.created", "merchant_id": "M1", "data": {"object": {}}}'), "missing_field",
         "order_created"),
        (Delivery(URL, {}, b"{"), "unreadable", "the body"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_kept_and_says_which_field(delivery: Delivery, code: str, field: str) -> None:
    (unread,) = READER.read(delivery).unread
    assert unread.code == code
    assert field in unread.detail
    assert unread.body == delivery.body


def test_a_place_that_is_not_mapped_is_kept_and_read_when_it_is() -> None:
    delivery = order("order.created", 1, PLACED, location_id="LOC2")
    (unread,) = READER.read(delivery).unread
    assert unread.code == "unmapped"
    assert "LOC2" in unread.detail
    mended = ADAPTER.reader({"sites": {"LOC2": "riga-1"}, "queues": {"LOC2": "counter"}, "channels": {"LOC2": "kiosk"}})
    (event,) = events_of(mended.read(Delivery(URL, {}, unread.body)))
    assert event["data"] == {"site": "riga-1", "queue": "counter", "channel": "kiosk"}


def test_a_queue_may_say_where_it_is() -> None:
    reader = ADAPTER.reader({"sites": {"*": "vilnius-1"}, "queues": {"LOC1": {"queue": "counter", "site": "riga-1"}}})
    (event,) = events_of(reader.read(PICKED_UP[0]))
    assert (event["data"]["site"], event["data"]["queue"]) == ("riga-1", "counter")


def test_an_order_that_was_picked_up() -> None:
    """Placed at 9:00, taken at 9:02, handed out at 9:10: a wait of 120 s, a service of 480 s."""
    assert counts(books_of(READER, PICKED_UP)) == {
        "offered": 1,
        "answered": 1,
        "answered_waits": 1,
        "answered_wait_us": 120_000_000,
        "handled": 1,
        "service_us": 480_000_000,
        "interactions": 1,
        "interactions_answered": 1,
        "completed": 1,
        "resolved": 1,
        "resolutions": 1,
        "resolution_us": 600_000_000,
        "business_resolution_us": 600_000_000,
    }


def test_an_order_that_was_given_up_before_anybody_took_it() -> None:
    """The fulfilment tells of it at 9:07, the order again at 9:10: one abandon after 420 s, and no conflict."""
    assert counts(books_of(READER, GIVEN_UP)) == {
        "offered": 1,
        "abandoned": 1,
        "abandoned_waits": 1,
        "abandoned_wait_us": 420_000_000,
        "interactions": 1,
    }


@pytest.mark.parametrize("deliveries", [TOO_LATE, CANCELED_AT_ONCE])
def test_an_order_that_failed_after_it_was_taken(deliveries: list[Delivery]) -> None:
    """Taken after 120 s, failed 300 s later: it was served, and not resolved, whatever the order says of it then."""
    told = counts(books_of(READER, deliveries))
    assert (told["answered"], told["answered_wait_us"], told["service_us"]) == (1, 120_000_000, 300_000_000)
    assert (told["completed"], told["unresolved"]) == (1, 1)
    assert "abandoned" not in told
    assert "conflicts" not in told


def test_an_order_that_is_told_again_long_after_it_ended() -> None:
    """Completed at 9:02; a version of the next day repeats it, and a refund was asked for at 9:10."""
    told = counts(books_of(READER, REFUNDED))
    assert (told["offered"], told["answered_wait_us"], told["resolution_us"]) == (1, 120_000_000, 120_000_000)
    assert (told["completed"], told["corrected"], told["unrecovered"]) == (1, 1, 1)


@pytest.mark.parametrize("deliveries", SEQUENCES.values(), ids=SEQUENCES)
def test_any_order_and_any_repetition_gives_the_same_numbers(deliveries: list[Delivery]) -> None:
    same_in_every_order(READER, deliveries)


def test_a_body_nested_too_deep_is_kept() -> None:
    covers(READER, Delivery(URL, {}, b'{"a":' * 100_000))
    covers(READER, Delivery(URL, {}, b"[" * 100_000))


@given(anything)
def test_any_json_is_read_or_kept(value: Any) -> None:
    covers(READER, Delivery(URL, {}, json.dumps(value).encode()))


@given(st.sampled_from([*PICKED_UP, *REFUNDED, *SOLD]), st.data())
def test_a_body_with_any_value_in_any_place_is_read_or_kept(delivery: Delivery, data: st.DataObject) -> None:
    body = json.loads(delivery.body)
    (told,) = body["data"]["object"].values()
    where = data.draw(st.sampled_from([body, body["data"], body["data"]["object"], told]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(anything)
    covers(READER, Delivery(URL, {}, json.dumps(body).encode()))


@given(st.sampled_from(PICKED_UP), st.integers(0, 500), st.binary(max_size=3))
def test_a_body_cut_short_is_kept(delivery: Delivery, length: int, rest: bytes) -> None:
    covers(READER, Delivery(URL, {}, delivery.body[:length] + rest))
