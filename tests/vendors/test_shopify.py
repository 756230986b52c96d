"""Shopify's deliveries: verified, read as events, and in any order the same numbers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.vendors.reading.delivery import Delivery
from service.vendors.shopify import ADAPTER
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

MAPPING = {
    "sites": {"70123456": "vilnius-1", "corner.myshopify.com": "online"},
    "queues": {"pos": "tills", "*": "parcels"},
}
READER = ADAPTER.reader(MAPPING)
PLACED, PACKED, SENT, LATER = (f"2026-11-21T{hour}:00:00-05:00" for hour in ("09", "10", "12", "18"))


def delivery(topic: str, body: dict[str, Any], *, triggered: str = "") -> Delivery:
    headers = {"x-shopify-topic": topic, "x-shopify-shop-domain": "corner.myshopify.com"}
    if triggered:
        headers["x-shopify-triggered-at"] = triggered
    return Delivery(URL, headers, json.dumps(body).encode())


def order(updated: str, **more: Any) -> dict[str, Any]:
    return {
        "id": 4711,
        "created_at": PLACED,
        "processed_at": PLACED,
        "updated_at": updated,
        "source_name": "web",
        "location_id": None,
        "fulfillment_status": None,
        "fulfillments": [],
        "shipping_lines": [{"title": "Post"}],
        "refunds": [],
        "customer": {"id": 88},
        **more,
    }


def sent(id_: int, at: str, status: str = "success") -> dict[str, Any]:
    return {"id": id_, "created_at": at, "status": status}


def refund(*restocked: str) -> dict[str, Any]:
    lines = [{"id": 1, "restock_type": how} for how in restocked]
    return {"id": 5, "order_id": 4711, "created_at": LATER, "refund_line_items": lines}


CREATED = delivery("orders/create", order(PLACED))
PARTLY = order(PACKED, fulfillment_status="partial", fulfillments=[sent(1, PACKED)])
WHOLLY = order(SENT, fulfillment_status="fulfilled", fulfillments=[sent(2, SENT), sent(1, PACKED)])
SHIPPED = [
    CREATED,
    delivery("orders/partially_fulfilled", PARTLY),
    delivery("orders/updated", PARTLY),
    delivery("orders/fulfilled", WHOLLY),
    delivery("orders/updated", {**WHOLLY, "updated_at": LATER, "note": "thanks"}),
]
CANCELLED = [
    CREATED,
    delivery("orders/cancelled", order(SENT, cancelled_at=SENT, cancel_reason="customer")),
    delivery("refunds/create", refund("cancel")),
]
FRAUD = [CREATED, delivery("orders/cancelled", order(SENT, cancelled_at=SENT, cancel_reason="fraud"))]
REFUNDED = [
    CREATED,
    delivery("orders/fulfilled", WHOLLY),
    delivery("refunds/create", refund("return")),
    delivery("orders/updated", {**WHOLLY, "updated_at": LATER, "refunds": [refund("return")]}),
]
SALE = order(
    PLACED, source_name="pos", location_id=70123456, shipping_lines=[], user_id=12, fulfillment_status="fulfilled"
)
AT_THE_TILL = [delivery("orders/create", SALE), delivery("orders/updated", {**SALE, "updated_at": LATER})]
SEQUENCES = {
    "shipped": SHIPPED,
    "cancelled": CANCELLED,
    "fraud": FRAUD,
    "refunded": REFUNDED,
    "at the till": AT_THE_TILL,
}

SIGNED = b'{"id":4711,"source_name":"web"}'
"""What is signed is this alone, by `openssl dgst -sha256 -hmac shopify-secret-one -binary | base64`."""
BY_ONE = "rdfW4Lco7cWkODoMvVgwWLrA11FCdJ0GBdJxY3pasYk="
BY_TWO = "kDhMEOy2NDcEyaZxbpPOCFYGkUkszGvuU9sa2IycUN8="
SECRETS = ("shopify-secret-one", "shopify-secret-two")


def signed(signature: str, body: bytes = SIGNED) -> Delivery:
    return Delivery(URL, {"x-shopify-hmac-sha256": signature}, body)


@pytest.mark.parametrize("signature", [BY_ONE, BY_TWO])
def test_either_secret_signs_the_body(signature: str) -> None:
    ADAPTER.verify(signed(signature), SECRETS, LATER_US)


@pytest.mark.parametrize("signature", [BY_ONE, BY_TWO])
def test_a_byte_that_changed_on_the_way_is_noticed(signature: str) -> None:
    for body in with_a_byte_changed(SIGNED):
        refuses(ADAPTER, signed(signature, body), SECRETS, LATER_US)
    for changed in with_a_byte_changed(signature.encode()):
        refuses(ADAPTER, signed(changed.decode()), SECRETS, LATER_US)
    refuses(ADAPTER, signed(signature), ("shopify-secret-onf", "shopify-secret-twp"), LATER_US)
    refuses(ADAPTER, Delivery(URL, {}, SIGNED), SECRETS, LATER_US)


def test_an_order_as_it_is_placed() -> None:
    (event,) = events_of(READER.read(CREATED))
    version = 1_795_269_600_000_000
    assert event == {
        "id": f"order/4711/{version}/queued",
        "source": "shopify/corner.myshopify.com",
        "type": "interaction.queued",
        "time": "2026-11-21T09:00:00-05:00",
        "subject": "4711",
        "data": {
            "site": "online",
            "queue": "parcels",
            "channel": "web",
            "customer": "88",
            "record": "order/4711",
            "revision": version,
        },
    }


def kinds(body: dict[str, Any]) -> list[tuple[str, str]]:
    told = events_of(READER.read(delivery("orders/updated", body)))
    return [(event["type"].removeprefix("interaction."), event["time"]) for event in told]


@pytest.mark.parametrize("topic", ["create", "updated", "paid", "partially_fulfilled", "fulfilled", "cancelled"])
def test_every_topic_of_orders_tells_the_whole_of_it(topic: str) -> None:
    told = events_of(READER.read(delivery(f"orders/{topic}", WHOLLY)))
    assert [event["type"] for event in told] == ["interaction.queued", "interaction.answered", "interaction.completed"]


def test_service_begins_with_the_first_parcel_and_ends_with_the_last() -> None:
    assert kinds(PARTLY) == [("queued", PLACED), ("answered", PACKED)]
    assert kinds(WHOLLY) == [("queued", PLACED), ("answered", PACKED), ("completed", SENT)]


def test_a_parcel_that_failed_was_none() -> None:
    failed = order(PACKED, fulfillments=[sent(1, PACKED, "failure"), sent(2, SENT, "cancelled")])
    assert kinds(failed) == [("queued", PLACED)]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("customer", "abandoned"), ("inventory", "abandoned"), ("fraud", "diverted"), ("declined", "diverted")],
)
def test_a_cancelled_order_was_given_up_unless_the_shop_did_not_want_it(reason: str, kind: str) -> None:
    assert kinds(order(SENT, cancelled_at=SENT, cancel_reason=reason)) == [("queued", PLACED), (kind, SENT)]


def test_an_order_cancelled_after_a_parcel_left_was_served_and_not_resolved() -> None:
    told = events_of(READER.read(delivery("orders/cancelled", {**PARTLY, "cancelled_at": SENT})))
    assert told[-1]["type"] == "interaction.completed"
    assert told[-1]["data"]["resolved"] is False


def test_a_sale_at_the_till_was_served_at_once_with_no_word_of_the_wait() -> None:
    (event,) = events_of(READER.read(AT_THE_TILL[0]))
    assert (event["type"], event["time"]) == ("interaction.completed", PLACED)
    data = event["data"]
    assert (data["site"], data["queue"], data["channel"], data["agent"]) == ("vilnius-1", "tills", "pos", "12")


def test_a_sale_at_the_till_that_was_cancelled_resolved_nothing() -> None:
    undone = {**SALE, "cancelled_at": LATER, "updated_at": LATER}
    (event,) = events_of(READER.read(delivery("orders/cancelled", undone)))
    assert (event["type"], event["time"]) == ("interaction.completed", PLACED)
    assert event["data"]["resolved"] is False
    told = counts(books_of(READER, [*AT_THE_TILL[:1], delivery("orders/cancelled", undone)]))
    assert (told["completed"], told["unresolved"]) == (1, 1)


def test_a_sale_at_the_till_that_is_sent_home_waits_like_any_other() -> None:
    assert kinds({**SALE, "shipping_lines": [{"title": "Post"}], "fulfillment_status": None}) == [("queued", PLACED)]


def test_a_till_that_was_offline_counts_when_it_sold() -> None:
    (event,) = events_of(READER.read(delivery("orders/create", {**SALE, "created_at": LATER, "updated_at": LATER})))
    assert event["time"] == PLACED


def test_a_refund_is_the_same_event_whoever_tells_it() -> None:
    (alone,) = events_of(READER.read(REFUNDED[2]))
    assert alone == events_of(READER.read(REFUNDED[3]))[-1]
    assert alone["data"] == {"kind": "refund"}
    assert (alone["id"], alone["subject"], alone["time"]) == ("refund/5", "4711", LATER)


@pytest.mark.parametrize(("restocked", "told"), [(("cancel",), 0), (("cancel", "return"), 1), ((), 1)])
def test_what_was_never_handed_out_is_paid_back_without_an_error(restocked: tuple[str, ...], told: int) -> None:
    reading = READER.read(delivery("refunds/create", refund(*restocked)))
    assert (len(reading.parts), reading.ignored) == (told, 1 - told)


def test_an_order_made_to_try_things_out_counts_for_nothing() -> None:
    assert READER.read(delivery("orders/create", order(PLACED, test=True))).ignored == 1


def test_of_the_versions_of_a_second_the_one_triggered_later_counts() -> None:
    """Both were changed at 12:00:00; the second is triggered 230 ms after the first."""
    first = delivery("orders/updated", order(SENT), triggered="2026-11-21T17:00:00.120456789Z")
    second = delivery(
        "orders/cancelled",
        order(SENT, cancelled_at=SENT, cancel_reason="customer", customer=None),
        triggered="2026-11-21T17:00:00.350456789Z",
    )
    told = counts(books_of(READER, [second, first]))
    assert (told["offered"], told["abandoned"]) == (1, 1)
    same_in_every_order(READER, [first, second, CREATED])


def test_what_is_kept_is_read_with_the_headers_that_are_kept_with_it() -> None:
    read = READER.read(SHIPPED[3])
    again = {name: SHIPPED[3].headers[name] for name in ADAPTER.kept_headers if name in SHIPPED[3].headers}
    assert READER.read(Delivery(URL, again, SHIPPED[3].body)).parts[0].events == read.parts[0].events


def test_an_order_within_an_object_of_its_own_is_read_too() -> None:
    wrapped = delivery("orders/fulfilled", {"order": WHOLLY})
    assert events_of(READER.read(wrapped)) == events_of(READER.read(delivery("orders/fulfilled", WHOLLY)))


@pytest.mark.parametrize("topic", ["orders/edited", "fulfillments/create", "checkouts/update", "products/update"])
def test_what_says_nothing_of_service_is_passed_over(topic: str) -> None:
    assert READER.read(delivery(topic, {"id": 1})).ignored == 1


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        (delivery("customers/redact", {"id": 1}), "unknown_type", "x-shopify-topic"),
        (Delivery(URL, {}, b"{}"), "unknown_type", "x-shopify-topic"),
        (delivery("orders/create", {"id": 1, "created_at": PLACED}), "missing_field", "updated_at"),
        (delivery("orders/create", order("today")), "invalid_field", "updated_at"),
        (delivery("orders/create", order(PLACED, fulfillment_status="fulfilled")), "missing_field", "fulfillments"),
        (delivery("refunds/create", {"id": 5, "created_at": LATER}), "missing_field", "order_id"),
        (Delivery(URL, CREATED.headers, b"[]"), "invalid_field", "the body"),
    ],
)
def test_what_cannot_be_read_is_kept_and_says_which_field(told: Delivery, code: str, field: str) -> None:
    (unread,) = READER.read(told).unread
    assert unread.code == code
    assert field in unread.detail
    assert unread.body == told.body


def test_a_place_that_is_not_mapped_is_kept_and_read_when_it_is() -> None:
    there = delivery("orders/create", {**SALE, "location_id": 7})
    nowhere = ADAPTER.reader({"sites": {"8": "riga-1"}, "queues": {"*": "tills"}, "customers": False})
    (unread,) = nowhere.read(there).unread
    assert unread.code == "unmapped"
    assert "7, corner.myshopify.com" in unread.detail
    mended = ADAPTER.reader({"queues": {"pos": {"queue": "tills", "site": "riga-1"}}, "customers": False})
    (event,) = events_of(mended.read(Delivery(URL, there.headers, unread.body)))
    assert event["data"]["site"] == "riga-1"
    assert "customer" not in event["data"]


def test_an_order_in_two_parcels() -> None:
    """Placed at 9, the first parcel at 10, the last at 12: an hour's wait, two hours' service."""
    without_customers = ADAPTER.reader({**MAPPING, "customers": False})
    assert counts(books_of(without_customers, SHIPPED)) == {
        "offered": 1,
        "answered": 1,
        "answered_waits": 1,
        "answered_wait_us": 3_600_000_000,
        "handled": 1,
        "service_us": 7_200_000_000,
        "interactions": 1,
        "interactions_answered": 1,
        "completed": 1,
        "resolved": 1,
        "resolutions": 1,
        "resolution_us": 10_800_000_000,
        "business_resolution_us": 10_800_000_000,
    }


def test_a_customer_who_is_known_is_a_contact() -> None:
    """Resolved, long ago, and nobody came again: settled as first-contact resolved at every age."""
    told = counts(books_of(READER, SHIPPED))
    assert (told["contacts"], told["settled_1d"], told["settled_resolved_30d"]) == (1, 1, 1)


def test_an_order_that_was_cancelled() -> None:
    """Placed at 9, cancelled at 12; what was paid is paid back, and that is no error."""
    told = counts(books_of(READER, CANCELLED))
    assert (told["offered"], told["abandoned"], told["abandoned_wait_us"]) == (1, 1, 10_800_000_000)
    assert not {"corrected", "conflicts", "answered", "completed"} & told.keys()


def test_an_order_that_was_refunded() -> None:
    told = counts(books_of(READER, REFUNDED))
    assert (told["completed"], told["corrected"], told["unrecovered"]) == (1, 1, 1)


def test_a_sale_at_the_till() -> None:
    told = counts(books_of(READER, AT_THE_TILL))
    assert (told["offered"], told["answered"], told["completed"], told["resolved"]) == (1, 1, 1, 1)
    assert "answered_waits" not in told


@pytest.mark.parametrize("deliveries", SEQUENCES.values(), ids=SEQUENCES)
def test_any_order_and_any_repetition_gives_the_same_numbers(deliveries: list[Delivery]) -> None:
    same_in_every_order(READER, deliveries)


def test_a_body_nested_too_deep_is_kept() -> None:
    covers(READER, Delivery(URL, CREATED.headers, b'{"a":' * 100_000))
    covers(READER, Delivery(URL, CREATED.headers, b"[" * 100_000))


@given(anything, st.sampled_from(["orders/create", "refunds/create", "x", ""]))
def test_any_json_is_read_or_kept(value: Any, topic: str) -> None:
    covers(READER, Delivery(URL, {"x-shopify-topic": topic}, json.dumps(value).encode()))


@given(st.sampled_from([*SHIPPED, *REFUNDED]), st.data())
def test_a_body_with_any_value_in_any_place_is_read_or_kept(told: Delivery, data: st.DataObject) -> None:
    body = json.loads(told.body)
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(anything)
    covers(READER, Delivery(URL, told.headers, json.dumps(body).encode()))


@given(st.sampled_from(SHIPPED), st.integers(0, 500), st.binary(max_size=3), st.text(max_size=30))
def test_a_body_cut_short_is_kept(told: Delivery, length: int, rest: bytes, triggered: str) -> None:
    covers(READER, Delivery(URL, {**told.headers, "x-shopify-triggered-at": triggered}, told.body[:length] + rest))
