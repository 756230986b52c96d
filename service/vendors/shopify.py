"""Shopify: orders and refunds of shops and of Shopify POS.

A delivery of an order carries the whole of it as it was then, so the version changed last is the one that counts. The
topic stands in a header, which Shopify does not sign.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from service.core.errors import InvalidInput
from service.core.event import microseconds
from service.vendors.reading.delivery import Adapter, Delivery, Event, Reading, event, read_parts
from service.vendors.reading.forms import read_as
from service.vendors.reading.places import Places, places
from service.vendors.reading.signatures import check_hmac

_SIGNATURE = "x-shopify-hmac-sha256"
_TOPIC = "x-shopify-topic"
_SHOP = "x-shopify-shop-domain"
_TRIGGERED = "x-shopify-triggered-at"
_ORDERS = (
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/partially_fulfilled",
    "orders/fulfilled",
    "orders/cancelled",
)
_SILENT = (
    "carts/",
    "checkouts/",
    "fulfillments/",
    "inventory_levels/",
    "order_transactions/",
    "orders/delete",
    "orders/edited",
    "products/",
)
"""What the topics begin with that say nothing, or what an order's own deliveries say too."""
_UNWANTED = ("fraud", "declined")
_VOID = ("cancelled", "error", "failure")
_TIE = 999_999

Time = Annotated[datetime, Meta(tz=True)]


class _Customer(Struct):
    id: int | str


class _Fulfillment(Struct):
    id: int | str
    created_at: Time
    status: str | None = None


class _RefundedLine(Struct):
    restock_type: str | None = None


class _Refund(Struct):
    id: int | str
    created_at: Time
    order_id: int | str | None = None
    refund_line_items: list[_RefundedLine] = []

    @property
    def of_a_cancellation(self) -> bool:
        """Whether all that was paid back had not been handed out yet, so that nothing went wrong."""
        lines = self.refund_line_items
        return bool(lines) and all(line.restock_type == "cancel" for line in lines)


class _Order(Struct):
    id: int | str
    created_at: Time
    updated_at: Time
    processed_at: Time | None = None
    cancelled_at: Time | None = None
    cancel_reason: str | None = None
    fulfillment_status: str | None = None
    source_name: str | None = None
    location_id: int | str | None = None
    user_id: int | str | None = None
    customer: _Customer | None = None
    shipping_lines: list[Any] | None = None
    fulfillments: list[_Fulfillment] | None = None
    refunds: list[_Refund] | None = None
    test: bool = False


class _WrappedOrder(Struct):
    order: _Order


class _WrappedRefund(Struct):
    refund: _Refund


_wrapping = msgspec.json.Decoder(dict[str, msgspec.Raw])
_order = msgspec.json.Decoder(_Order)
_refund = msgspec.json.Decoder(_Refund)


class ShopifyReader:
    """Reads Shopify's deliveries by a mapping of locations, shops and sales channels."""

    def __init__(self, mapping: Places) -> None:
        self._places = mapping

    def read(self, delivery: Delivery) -> Reading:
        """What a delivery says of one order or refund."""
        return read_parts([delivery], self._events, lambda part: part.body)

    def _events(self, delivery: Delivery) -> list[Event] | None:
        topic = delivery.headers.get(_TOPIC, "").lower()
        shop = delivery.headers.get(_SHOP, "").lower()
        source = f"shopify/{shop}" if shop else "shopify"
        if topic in _ORDERS:
            order = read_as(_order, _unwrapped(delivery.body, "order"))
            revision = _revision(order, delivery.headers.get(_TRIGGERED, ""))
            return None if order.test else list(self._of_order(order, shop, source, revision))
        if topic == "refunds/create":
            return _of_refund(read_as(_refund, _unwrapped(delivery.body, "refund")), None, source)
        if topic.startswith(_SILENT):
            return None
        raise InvalidInput(f"{topic!r} is not known", field=_TOPIC, code="unknown_type")

    def _of_order(self, order: _Order, shop: str, source: str, revision: int) -> Iterator[Event]:
        subject = str(order.id)
        line = self._places.queue(order.source_name)
        what: dict[str, Any] = {
            "site": line.site or self._places.site(order.location_id, shop),
            "queue": line.queue,
            "channel": self._places.channel(order.source_name, "pos" if order.source_name == "pos" else "web"),
            "customer": self._places.customer(order.customer.id) if order.customer else None,
            "agent": None if order.user_id is None else str(order.user_id),
            "record": f"order/{subject}",
            "revision": revision,
        }
        for kind, at, more in _story(order):
            id_ = f"order/{subject}/{revision}/{kind}"
            yield event(kind, id_, at.isoformat(), subject, source, **what, **more)
        for refund in order.refunds or []:
            yield from _of_refund(refund, order.id, source) or []


def _story(order: _Order) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    """What has become of an order: the kinds of events, and when."""
    placed = order.processed_at or order.created_at
    handed = sorted(one.created_at for one in order.fulfillments or [] if (one.status or "").lower() not in _VOID)
    if order.source_name == "pos" and not order.shipping_lines:
        yield "completed", placed, {"resolved": order.cancelled_at is None}
        return
    yield "queued", placed, {}
    if handed:
        yield "answered", handed[0], {}
    if order.cancelled_at is not None:
        if handed:
            yield "completed", order.cancelled_at, {"resolved": False}
        elif order.cancel_reason in _UNWANTED:
            yield "diverted", order.cancelled_at, {"to": "exit"}
        else:
            yield "abandoned", order.cancelled_at, {}
    elif order.fulfillment_status == "fulfilled":
        if not handed:
            raise KeyError("fulfillments")
        yield "completed", handed[-1], {"resolved": True}


def _of_refund(refund: _Refund, order_id: int | str | None, source: str) -> list[Event] | None:
    """A refund, told by itself or with its order, in the same event."""
    if refund.of_a_cancellation:
        return None
    subject = refund.order_id or order_id
    if subject is None:
        raise KeyError("order_id")
    at = refund.created_at.isoformat()
    return [event("corrected", f"refund/{refund.id}", at, str(subject), source, kind="refund")]


def _revision(order: _Order, triggered: str) -> int:
    """An order's version: when it was changed, in microseconds.

    Shopify tells whole seconds of it. Of the versions of a second the one whose delivery was triggered later counts,
    so the time from the change to that, in milliseconds, takes the place of the microseconds.
    """
    changed = microseconds(order.updated_at)
    try:
        later = microseconds(msgspec.convert(triggered, Time)) - changed
    except (msgspec.ValidationError, OverflowError):
        later = 0
    return changed + min(_TIE, max(0, later // 1000))


def _unwrapped(body: bytes, name: str) -> bytes | msgspec.Raw:
    """A payload that may stand within an object of its own, as it does in answers of Shopify's API."""
    found = read_as(_wrapping, body)
    return found[name] if list(found) == [name] else body


class Shopify:
    """Shopify, whose signature is over the body alone."""

    name = "shopify"
    kept_headers: Sequence[str] = (_TOPIC, _SHOP, _TRIGGERED)

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated unless one of the client secrets has signed the body."""
        check_hmac(delivery.headers.get(_SIGNATURE, ""), secrets, delivery.body, "sha256")

    def reader(self, mapping: Any) -> ShopifyReader:
        """What reads by a mapping of locations and shops. Raises InvalidInput naming the field."""
        return ShopifyReader(places(mapping))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Shopify looks at the status only."""
        return b"", ""


ADAPTER: Adapter = Shopify()
