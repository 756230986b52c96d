"""Square: orders and refunds, as its webhooks tell of them.

These deliveries are thin: each carries an order's id, version, state and place, and the times at which it was created
and changed. Whoever tells of an order tells when it was created, so each delivery says that somebody waits since then;
what a state began or ended counts at the least version that tells of it, for later ones repeat it. Of a sale at a till
Square tells the payment alone: then somebody was served, and nothing says how long he waited.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from service.core.errors import InvalidInput
from service.core.event import MAX_REVISION, microseconds
from service.vendors.reading.delivery import Adapter, Delivery, Event, Reading, event, read_parts
from service.vendors.reading.forms import read_as
from service.vendors.reading.places import Places, places
from service.vendors.reading.signatures import check_hmac

_SIGNATURE = "x-square-hmacsha256-signature"
_SILENT = (
    "bank_account.",
    "card.",
    "catalog.",
    "customer.",
    "device.",
    "inventory.",
    "invoice.",
    "labor.",
    "location.",
    "payout.",
    "terminal.",
)
"""What the types begin with that say nothing of service; a terminal's refund is told again as a refund."""
_REFUNDED = ("APPROVED", "COMPLETED")
_TILL = "SQUARE_POS"
_BEGUN = ("RESERVED", "PREPARED")
_FAILED = ("CANCELED", "FAILED")

Version = Annotated[int, Meta(ge=0, le=1 << 53)]
Time = Annotated[datetime, Meta(tz=True)]


class _Told(Struct):
    object: dict[str, msgspec.Raw]


class _Notice(Struct):
    type: str
    merchant_id: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Change(Struct):
    fulfillment_uid: str
    new_state: str
    old_state: str | None = None


class _Order(Struct):
    order_id: str
    location_id: str
    state: str
    version: Version
    created_at: Time
    updated_at: Time | None = None
    fulfillment_update: list[_Change] = []

    @property
    def changed_at(self) -> Time:
        return self.updated_at or self.created_at


class _Refund(Struct):
    id: str
    order_id: str
    status: str
    created_at: Time
    location_id: str | None = None


class _Application(Struct):
    square_product: str | None = None


class _Offline(Struct):
    client_created_at: Time | None = None


class _Payment(Struct):
    id: str
    status: str
    created_at: Time
    updated_at: Time | None = None
    order_id: str | None = None
    location_id: str | None = None
    customer_id: str | None = None
    team_member_id: str | None = None
    application_details: _Application | None = None
    offline_payment_details: _Offline | None = None

    @property
    def is_sale_at_a_till(self) -> bool:
        """Whether this is a payment, and it was taken, in Square's own point of sale."""
        product = self.application_details and self.application_details.square_product
        return product == _TILL and self.status == "COMPLETED" and self.order_id is not None

    @property
    def taken_at(self) -> Time:
        """When it was taken, by the till's own clock where it was offline."""
        offline = self.offline_payment_details and self.offline_payment_details.client_created_at
        return offline or self.created_at


_notice = msgspec.json.Decoder(_Notice)
_told = msgspec.json.Decoder(_Told)
_order = msgspec.json.Decoder(_Order)
_refund = msgspec.json.Decoder(_Refund)
_payment = msgspec.json.Decoder(_Payment)
_ORDERS = {
    "order.created": "order_created",
    "order.updated": "order_updated",
    "order.fulfillment.updated": "order_fulfillment_updated",
}
_REFUNDS = ("refund.created", "refund.updated")
_PAYMENTS = ("payment.created", "payment.updated")


class SquareReader:
    """Reads Square's deliveries by a mapping of its locations, by their ids."""

    def __init__(self, mapping: Places) -> None:
        self._places = mapping

    def read(self, delivery: Delivery) -> Reading:
        """What a delivery says of one order or refund."""
        return read_parts([delivery.body], self._events, bytes)

    def _events(self, body: bytes) -> list[Event] | None:
        notice = read_as(_notice, body)
        if notice.type in _ORDERS:
            told = read_as(_told, notice.data).object[_ORDERS[notice.type]]
            return self._of_order(read_as(_order, told), f"square/{notice.merchant_id}")
        if notice.type in _REFUNDS:
            told = read_as(_told, notice.data).object["refund"]
            return self._of_refund(read_as(_refund, told), f"square/{notice.merchant_id}")
        if notice.type in _PAYMENTS:
            told = read_as(_told, notice.data).object["payment"]
            return self._of_payment(read_as(_payment, told), f"square/{notice.merchant_id}")
        if notice.type.startswith(_SILENT):
            return None
        raise InvalidInput(f"{notice.type!r} is not known", field="type", code="unknown_type")

    def _of_order(self, order: _Order, source: str) -> list[Event] | None:
        if order.state == "DRAFT":
            return None
        subject = order.order_id
        where = self._where(order.location_id)
        began = event("queued", f"{subject}:queued", order.created_at.isoformat(), subject, source, **where)
        return [began, *_changes(order, source)]

    def _of_payment(self, payment: _Payment, source: str) -> list[Event] | None:
        if not payment.is_sale_at_a_till:
            return None
        version = microseconds(payment.updated_at or payment.created_at)
        sale: dict[str, Any] = {
            **self._where(_TILL, payment.location_id),
            "customer": self._places.customer(payment.customer_id),
            "agent": payment.team_member_id,
            "record": f"payment/{payment.id}",
            "revision": version,
            "resolved": True,
        }
        id_, at = f"{payment.id}:paid:{version}", payment.taken_at.isoformat()
        return [event("completed", id_, at, str(payment.order_id), source, **sale)]

    def _where(self, *names: str | None) -> dict[str, str]:
        """Site, queue and channel of a place; its location comes last of its names."""
        line = self._places.queue(*names)
        return {
            "site": line.site or self._places.site(names[-1]),
            "queue": line.queue,
            "channel": self._places.channel(names[0], "pos"),
        }

    def _of_refund(self, refund: _Refund, source: str) -> list[Event] | None:
        if refund.status not in _REFUNDED:
            return None
        where = self._where(refund.location_id)
        at = refund.created_at.isoformat()
        return [event("corrected", f"{refund.id}:refund", at, refund.order_id, source, **where, kind="refund")]


def _changes(order: _Order, source: str) -> Iterator[Event]:
    """What a delivery says that has changed: of the order's fulfilment, as which it is told first, and of its state."""
    at = order.changed_at.isoformat()
    for change in order.fulfillment_update:
        if change.new_state in _BEGUN:
            id_ = f"{order.order_id}:{change.fulfillment_uid}:{change.new_state.lower()}:{order.version}"
            yield event("answered", id_, at, order.order_id, source)
        elif change.new_state == "COMPLETED":
            yield _ended(order, "completed", "completed", at, source, rank=1, resolved=True)
        elif change.new_state in _FAILED and change.old_state in _BEGUN:
            yield _ended(order, "completed", "canceled", at, source, rank=1, resolved=False)
        elif change.new_state in _FAILED:
            yield _ended(order, "abandoned", "canceled", at, source, rank=1)
    if order.state == "COMPLETED":
        yield _ended(order, "completed", "completed", at, source, rank=0, resolved=True)
    elif order.state == "CANCELED":
        yield _ended(order, "abandoned", "canceled", at, source, rank=0)


def _ended(order: _Order, kind: str, how: str, at: str, source: str, *, rank: int, **data: Any) -> Event:
    """An end, as the least version tells it; of one version its fulfilment's, which knows what was before, is first."""
    return event(
        kind,
        f"{order.order_id}:{how}:{order.version}:{rank}",
        at,
        order.order_id,
        source,
        record=f"{order.order_id}:{how}",
        revision=MAX_REVISION - 2 * order.version - (1 - rank),
        **data,
    )


class Square:
    """Square, whose signature is over the address and the body."""

    name = "square"
    kept_headers: Sequence[str] = ()

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated unless one of the signature keys has signed the address and the body."""
        message = delivery.url.encode() + delivery.body
        check_hmac(delivery.headers.get(_SIGNATURE, ""), secrets, message, "sha256")

    def reader(self, mapping: Any) -> SquareReader:
        """What reads by a mapping of locations. Raises InvalidInput naming the field."""
        return SquareReader(places(mapping))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Square looks at the status only."""
        return b"", ""


ADAPTER: Adapter = Square()
