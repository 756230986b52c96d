"""Toast's deliveries: verified within their time, read as events, and in any order the same numbers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.event import MINUTE_US, SECOND_US
from service.vendors.reading.delivery import Delivery
from service.vendors.toast import ADAPTER
from tests.vendors.shops import (
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
from tests.vendors.toast_samples import (
    MERGED,
    NOON,
    NOON_US,
    NOT_TAKEN,
    ONLINE,
    PAID,
    PREPARED,
    REFUNDED,
    SEQUENCES,
    VOIDED,
    at,
    delivery,
    order,
)

MAPPING = {
    "sites": {"R1": "vilnius-1"},
    "queues": {"dine-in": "tables", "Online": "takeaway", "*": "counter"},
    "served": {"takeaway": "ready"},
}
READER = ADAPTER.reader(MAPPING)
SIGNED = b'{"timestamp":"2026-11-21T12:00:00.000Z","eventCategory":"order_updated","guid":"e1"}'
"""What is signed is this and its timestamp, by `openssl dgst -sha256 -hmac toast-secret-one -binary | base64`:

{"timestamp":"2026-11-21T12:00:00.000Z","eventCategory":"order_updated","guid":"e1"}2026-11-21T12:00:00.000Z
"""
BY_ONE = "kxA53Fdky9+Nj6mvT6SOX5Oslb7lFHCiquQJoaYXRkI="
BY_TWO = "fiJ91kIDJuU8kxPvJSvb7py0YWZsoD3BoN2vs7qyS7g="
SECRETS = ("toast-secret-one", "toast-secret-two")


def signed(signature: str, body: bytes = SIGNED, attempt: str = "1") -> Delivery:
    return Delivery(URL, {"toast-signature": signature, "toast-attempt-number": attempt}, body)


@pytest.mark.parametrize("signature", [BY_ONE, BY_TWO])
def test_either_secret_signs_the_body_and_its_time(signature: str) -> None:
    ADAPTER.verify(signed(signature), SECRETS, NOON_US)


@pytest.mark.parametrize("signature", [BY_ONE, BY_TWO])
def test_a_byte_that_changed_on_the_way_is_noticed(signature: str) -> None:
    for body in with_a_byte_changed(SIGNED):
        refuses(ADAPTER, signed(signature, body), SECRETS, NOON_US)
    for changed in with_a_byte_changed(signature.encode()):
        refuses(ADAPTER, signed(changed.decode()), SECRETS, NOON_US)
    refuses(ADAPTER, signed(signature), ("toast-secret-onf", "toast-secret-twp"), NOON_US)
    refuses(ADAPTER, Delivery(URL, {}, SIGNED), SECRETS, NOON_US)


@pytest.mark.parametrize(
    ("attempt", "window_us"),
    [
        ("1", 5 * MINUTE_US),
        ("2", 10 * MINUTE_US + 30 * SECOND_US),
        ("3", 21 * MINUTE_US),
        ("4", 5 * MINUTE_US),
        ("x", 5 * MINUTE_US),
    ],
)
def test_what_is_too_old_is_refused_and_what_is_sent_again_may_be_older(attempt: str, window_us: int) -> None:
    ADAPTER.verify(signed(BY_ONE, attempt=attempt), SECRETS, NOON_US + window_us)
    refuses(ADAPTER, signed(BY_ONE, attempt=attempt), SECRETS, NOON_US + window_us + 1)
    ADAPTER.verify(signed(BY_ONE, attempt=attempt), SECRETS, NOON_US - 5 * MINUTE_US)
    refuses(ADAPTER, signed(BY_ONE, attempt=attempt), SECRETS, NOON_US - 5 * MINUTE_US - 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"timestamp": "noon"}', b'{"timestamp": 7}'])
def test_a_body_without_a_time_is_signed_by_nobody(body: bytes) -> None:
    refuses(ADAPTER, signed(BY_ONE, body), SECRETS, NOON_US)


def test_an_order_as_it_is_opened() -> None:
    (event,) = events_of(READER.read(PAID[0]))
    assert event == {
        "id": f"O1/{NOON_US}/queued",
        "source": "toast/R1",
        "type": "interaction.queued",
        "time": "2026-11-21T12:00:00+00:00",
        "subject": "O1",
        "data": {
            "site": "vilnius-1",
            "queue": "counter",
            "channel": "pos",
            "agent": "W1",
            "record": "O1",
            "revision": NOON_US,
        },
    }


def kinds(told: Delivery) -> list[tuple[str, str]]:
    return [
        (event["type"].removeprefix("interaction."), event["time"].replace("+00:00", ".000+0000"))
        for event in events_of(READER.read(told))
    ]


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (order(at(9), paidDate=at(9)), ("completed", at(9))),
        (order(at(40), paidDate=at(9), closedDate=at(40)), ("completed", at(9))),
        (order(at(40), closedDate=at(40)), ("completed", at(40))),
        (order(at(5), voided=True, voidDate=at(4)), ("abandoned", at(4))),
        (order(at(5), deleted=True, deletedDate=at(4)), ("diverted", at(4))),
        (order(at(5), approvalStatus="NOT_APPROVED"), ("diverted", at(5))),
        (order(at(8), "READY", "READY", **ONLINE), ("completed", at(8))),
    ],
)
def test_how_an_order_ends(told: dict[str, Any], end: tuple[str, str]) -> None:
    assert kinds(delivery(told)) == [("queued", NOON), end]


def test_where_the_kitchen_ends_service_payment_does_not() -> None:
    assert kinds(PREPARED[2]) == [("queued", NOON)]
    assert kinds(delivery(order(at(8), "READY", **ONLINE, voided=True, voidDate=at(9))))[1:] == [("abandoned", at(9))]
    assert kinds(delivery(order(at(8), **ONLINE, paidDate=at(1)))) == [("queued", NOON)]


def test_a_selection_that_was_taken_off_holds_nobody_up() -> None:
    told = order(at(8), "READY", "NEW", **ONLINE)
    told["checks"][0]["selections"][1]["voided"] = True
    assert kinds(delivery(told)) == [("queued", NOON), ("completed", at(8))]


def test_a_check_that_was_voided_is_no_part_of_the_order() -> None:
    told = order(at(8), "READY", **ONLINE)
    gone = {"guid": "c0", "voided": True, "customer": {"guid": "G0"}, "selections": [{"fulfillmentStatus": "NEW"}]}
    merged = {**gone, "voided": False, "deleted": True}
    told["checks"] = [gone, merged, {**told["checks"][0], "customer": {"guid": "G1"}}]
    assert kinds(delivery(told)) == [("queued", NOON), ("completed", at(8))]
    assert events_of(READER.read(delivery(told)))[0]["data"]["customer"] == "G1"


def test_what_is_said_of_all_queues_holds_for_those_that_are_not_named() -> None:
    reader = ADAPTER.reader({**MAPPING, "served": {"*": "ready", "tables": "paid"}})
    assert len(events_of(reader.read(delivery(order(at(9), paidDate=at(9)))))) == 1
    at_table = order(at(9), paidDate=at(9), diningOption={"guid": "dine-in"})
    assert len(events_of(reader.read(delivery(at_table)))) == 2


def test_a_refund_is_an_error() -> None:
    assert kinds(REFUNDED[-1]) == [("queued", NOON), ("completed", at(9)), ("corrected", at(50))]


def test_an_order_promised_for_a_time_waits_in_no_line() -> None:
    evening = {**ONLINE, "openedDate": "2026-11-21T19:00:00.000+0000", "promisedDate": "2026-11-21T19:00:00.000+0000"}
    assert READER.read(delivery(order(at(0), **evening, approvalStatus="FUTURE"))).ignored == 1
    prepaid = order(at(0), **{**evening, "source": "In Store"}, approvalStatus="FUTURE", paidDate=at(0))
    assert READER.read(delivery(prepaid)).ignored == 1
    assert READER.read(delivery(order(at(10), "SENT", **evening))).ignored == 1
    assert kinds(delivery(order(at(20), "READY", **evening))) == [("completed", at(20))]


def test_an_order_made_to_try_things_out_counts_for_nothing() -> None:
    assert READER.read(delivery(order(at(0), createdInTestMode=True))).ignored == 1


@pytest.mark.parametrize(
    ("source", "dining", "queue", "channel"),
    [
        ("In Store", "dine-in", "tables", "pos"),
        ("Kiosk", "other", "counter", "kiosk"),
        ("Caller Id", None, "counter", "phone"),
        ("Online", None, "takeaway", "web"),
        (None, None, "counter", "pos"),
    ],
)
def test_queues_and_channels(source: str | None, dining: str | None, queue: str, channel: str) -> None:
    told = order(at(0), source=source, diningOption=dining and {"guid": dining})
    (event,) = events_of(READER.read(delivery(told)))
    assert (event["data"]["queue"], event["data"]["channel"]) == (queue, channel)


def test_a_guest_is_a_customer_by_his_id() -> None:
    told = order(at(0))
    told["checks"][0]["customer"] = {"guid": "G1"}
    assert events_of(READER.read(delivery(told)))[0]["data"]["customer"] == "G1"
    silent = ADAPTER.reader({**MAPPING, "customers": False})
    assert "customer" not in events_of(silent.read(delivery(told)))[0]["data"]


def test_the_latest_date_of_all_that_an_order_holds_is_its_version() -> None:
    told = order(at(0))
    told["checks"][0]["selections"] = [{"guid": "s1", "modifiedDate": at(3, 7)}]
    (event,) = events_of(READER.read(delivery(told)))
    assert event["data"]["revision"] == NOON_US + 187 * SECOND_US


@pytest.mark.parametrize("date", ["paidDate", "closedDate", "voidDate", "deletedDate"])
def test_a_date_of_the_order_that_is_later_is_its_version(date: str) -> None:
    told = events_of(READER.read(delivery(order(at(0), **{date: at(3, 7)}))))
    assert told[0]["data"]["revision"] == NOON_US + 187 * SECOND_US


def test_a_channel_s_order_is_an_order() -> None:
    assert kinds(delivery(order(at(0)), eventCategory="channel_order_updated")) == [("queued", NOON)]


@pytest.mark.parametrize("category", ["stock", "menus", "partners"])
def test_what_says_nothing_of_service_is_passed_over(category: str) -> None:
    assert READER.read(delivery({}, eventCategory=category)).ignored == 1


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        (delivery({}, eventCategory="weather"), "unknown_type", "eventCategory"),
        (delivery({"guid": "O1"}), "missing_field", "details.order.openedDate"),
        (delivery(order("soon"), timestamp=NOON), "invalid_field", "details.order.modifiedDate"),
        (delivery(order(at(0)), details={}), "missing_field", "details.order"),
        (Delivery(URL, {}, b'{"timestamp": '), "unreadable", "the body"),
    ],
)
def test_what_cannot_be_read_is_kept_and_says_which_field(told: Delivery, code: str, field: str) -> None:
    (unread,) = READER.read(told).unread
    assert unread.code == code
    assert field in unread.detail
    assert unread.body == told.body


def test_a_restaurant_that_is_not_mapped_is_kept_and_read_when_it_is() -> None:
    body = json.dumps(
        {"timestamp": NOON, "eventCategory": "order_updated", "details": {"order": order(at(0))}}
    ).encode()
    told = Delivery(URL, {"toast-restaurant-external-id": "R2"}, body)
    (unread,) = READER.read(told).unread
    assert unread.code == "unmapped"
    assert "R2" in unread.detail
    headers = {name: told.headers[name] for name in ADAPTER.kept_headers}
    mended = ADAPTER.reader({"sites": {"R2": "riga-1"}, "queues": {"*": "counter"}})
    (event,) = events_of(mended.read(Delivery(URL, headers, unread.body)))
    assert event["data"]["site"] == "riga-1"


def test_an_order_of_a_feast_is_read() -> None:
    """8000 dishes make more than the 600 KB that Toast warns of."""
    told = delivery(order(at(8), *["READY"] * 8000, **ONLINE))
    assert len(told.body) > 600_000
    assert kinds(told) == [("queued", NOON), ("completed", at(8))]


def test_an_order_that_was_paid() -> None:
    """Opened at 12:00, paid at 12:09, closed for the books at 12:40: served after 540 s."""
    assert counts(books_of(READER, PAID)) == {
        "offered": 1,
        "answered": 1,
        "answered_waits": 1,
        "answered_wait_us": 540_000_000,
        "handled": 1,
        "interactions": 1,
        "interactions_answered": 1,
        "completed": 1,
        "resolved": 1,
        "resolutions": 1,
        "resolution_us": 540_000_000,
        "business_resolution_us": 540_000_000,
    }


def test_an_order_that_was_voided_after_it_was_paid() -> None:
    told = counts(books_of(READER, VOIDED))
    assert (told["offered"], told["abandoned"], told["abandoned_wait_us"]) == (1, 1, 300_000_000)
    assert not {"completed", "answered", "conflicts"} & told.keys()


def test_an_order_that_the_kitchen_had_ready() -> None:
    """All of it is ready at 12:08, and still at 12:30, which changes nothing."""
    told = counts(books_of(READER, PREPARED))
    assert (told["answered_wait_us"], told["resolution_us"], told["completed"]) == (480_000_000, 480_000_000, 1)


def test_an_order_that_was_paid_back() -> None:
    told = counts(books_of(READER, REFUNDED))
    assert (told["completed"], told["corrected"], told["answered_wait_us"]) == (1, 1, 540_000_000)


@pytest.mark.parametrize(("deliveries", "wait_us"), [(MERGED, 180_000_000), (NOT_TAKEN, 420_000_000)])
def test_an_order_that_ended_some_other_way(deliveries: list[Delivery], wait_us: int) -> None:
    books = books_of(READER, deliveries)
    assert counts(books) == {"offered": 1, "diverted": 1, "interactions": 1}
    (visit,) = [event for event in events_of(READER.read(deliveries[-1])) if "diverted" in event["type"]]
    assert visit["time"] == at(wait_us // MINUTE_US).replace(".000+0000", "+00:00")


@pytest.mark.parametrize("deliveries", SEQUENCES.values(), ids=SEQUENCES)
def test_any_order_and_any_repetition_gives_the_same_numbers(deliveries: list[Delivery]) -> None:
    same_in_every_order(READER, deliveries)


def test_a_body_nested_too_deep_is_kept() -> None:
    covers(READER, Delivery(URL, {}, b'{"a":' * 100_000))
    covers(READER, Delivery(URL, {}, b"[" * 100_000))


@given(anything, st.sampled_from(["order_updated", "stock", "x"]))
def test_any_json_is_read_or_kept(value: Any, category: str) -> None:
    covers(READER, Delivery(URL, {}, json.dumps(value).encode()))
    body = {"timestamp": NOON, "eventCategory": category, "details": value}
    covers(READER, Delivery(URL, {}, json.dumps(body).encode()))


@given(st.sampled_from([*PREPARED, *REFUNDED]), st.data())
def test_a_body_with_any_value_in_any_place_is_read_or_kept(told: Delivery, data: st.DataObject) -> None:
    body = json.loads(told.body)
    inner = body["details"]["order"]
    where = data.draw(st.sampled_from([body, body["details"], inner, inner["checks"][0]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(anything)
    covers(READER, Delivery(URL, {}, json.dumps(body).encode()))


@given(st.sampled_from(PREPARED), st.integers(0, 1200), st.binary(max_size=3))
def test_a_body_cut_short_is_kept(told: Delivery, length: int, rest: bytes) -> None:
    covers(READER, Delivery(URL, {}, told.body[:length] + rest))
