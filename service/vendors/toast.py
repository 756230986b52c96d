"""Toast: the orders of restaurants, each told in full with every change.

The version of an order that was changed last is the one that counts. The kitchen's own status has no times, so where it
is asked for, an order was served when the first version says so that finds all of it ready.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from service.core.errors import InvalidInput, NotAuthenticated
from service.core.event import MAX_REVISION, MINUTE_US, SECOND_US, microseconds
from service.vendors.reading.delivery import Adapter, Delivery, Event, Reading, event, read_parts
from service.vendors.reading.forms import read_as
from service.vendors.reading.places import Places, converted
from service.vendors.reading.signatures import check_hmac

WINDOW_US = 5 * MINUTE_US
"""How far the time of a delivery may be from the clock here, besides the waits before it was sent again."""
_WAITED_US = {"2": 5 * MINUTE_US + 30 * SECOND_US, "3": 15 * MINUTE_US + 60 * SECOND_US}
"""How long ago the first attempt may be at the later ones: the waits, and timeouts before them."""
_SIGNATURE = "toast-signature"
_ATTEMPT = "toast-attempt-number"
_RESTAURANT = "toast-restaurant-external-id"
_ORDERS = ("order_updated", "channel_order_updated")
_SILENT = ("menus", "partners", "restaurant_availability", "stock")
_CHANNELS = {"In Store": "pos", "Kiosk": "kiosk", "Caller Id": "phone"}

Time = Annotated[datetime, Meta(tz=True)]
Served = Literal["paid", "ready"]


class ToastPlaces(Places, forbid_unknown_fields=True, frozen=True):
    """Places, and what ends the service of a queue's orders: their payment, or the kitchen that has all of it ready."""

    served: dict[str, Served] = msgspec.field(default_factory=dict)

    def served_when(self, queue: str) -> Served:
        """When the guests of a queue are served."""
        return self.served.get(queue, self.served.get("*", "paid"))


class _Named(Struct):
    guid: str | None = None


class _Dated(Struct, rename="camel", kw_only=True):
    modified_date: Time | None = None


class _Selection(_Dated, rename="camel", kw_only=True):
    fulfillment_status: str | None = None
    voided: bool | None = None


class _Refunding(Struct, rename="camel"):
    refund_date: Time | None = None


class _Payment(Struct):
    guid: str | None = None
    refund: _Refunding | None = None


class _Check(_Dated, rename="camel", kw_only=True):
    voided: bool | None = None
    deleted: bool | None = None
    customer: _Named | None = None
    selections: list[_Selection] | None = None
    payments: list[_Payment] | None = None


class _Order(_Dated, rename="camel", kw_only=True):
    guid: str
    opened_date: Time
    checks: list[_Check] | None = None
    source: str | None = None
    approval_status: str | None = None
    promised_date: Time | None = None
    paid_date: Time | None = None
    closed_date: Time | None = None
    voided: bool | None = None
    void_date: Time | None = None
    deleted: bool | None = None
    deleted_date: Time | None = None
    created_in_test_mode: bool | None = None
    dining_option: _Named | None = None
    revenue_center: _Named | None = None
    server: _Named | None = None

    @property
    def told(self) -> list[_Check]:
        """The checks that are still part of the order."""
        return [check for check in self.checks or [] if not check.voided and not check.deleted]


class _Details(Struct, rename="camel"):
    order: _Order
    restaurant_guid: str | None = None


class _Heading(Struct, rename="camel"):
    timestamp: str
    event_category: str = ""


class _Message(Struct):
    timestamp: Time
    details: _Details


Told = tuple[str, str, datetime, dict[str, Any]]
"""An event's kind, what names it within its version, its time, and more data."""

_heading = msgspec.json.Decoder(_Heading)
_message = msgspec.json.Decoder(_Message)


class ToastReader:
    """Reads Toast's deliveries by a mapping of restaurants, dining options, revenue centres and order sources."""

    def __init__(self, mapping: ToastPlaces) -> None:
        self._places = mapping

    def read(self, delivery: Delivery) -> Reading:
        """What a delivery says of one order."""
        return read_parts([delivery], self._events, lambda part: part.body)

    def _events(self, delivery: Delivery) -> list[Event] | None:
        heading = read_as(_heading, delivery.body)
        if heading.event_category in _SILENT:
            return None
        if heading.event_category not in _ORDERS:
            raise InvalidInput(f"{heading.event_category!r} is not known", field="eventCategory", code="unknown_type")
        message = read_as(_message, delivery.body)
        order = message.details.order
        changed = _changed_at(order) or message.timestamp
        if order.created_in_test_mode or order.approval_status == "FUTURE":
            return None
        restaurant = message.details.restaurant_guid or delivery.headers.get(_RESTAURANT)
        return list(self._of_order(order, restaurant, changed)) or None

    def _of_order(self, order: _Order, restaurant: str | None, changed: datetime) -> Iterator[Event]:
        version = microseconds(changed)
        source = f"toast/{restaurant}"
        where = self._where(order, restaurant)
        served = self._places.served_when(where["queue"])
        told = {**where, **self._who(order), "record": order.guid, "revision": version}
        for kind, name, at, more in [*_story(order, changed, served), *_refunds(order)]:
            yield event(kind, f"{order.guid}/{version}/{name}", at.isoformat(), order.guid, source, **told, **more)
        if served == "ready" and _is_ready(order):
            record = f"{order.guid}/ready"
            first: dict[str, Any] = {**where, "record": record, "revision": MAX_REVISION - version, "resolved": True}
            yield event("completed", f"{record}/{version}", changed.isoformat(), order.guid, source, **first)

    def _where(self, order: _Order, restaurant: str | None) -> dict[str, Any]:
        lines = [one.guid for one in (order.dining_option, order.revenue_center) if one]
        line = self._places.queue(*lines, order.source)
        return {
            "site": line.site or self._places.site(restaurant),
            "queue": line.queue,
            "channel": self._places.channel(order.source, _CHANNELS.get(order.source or "In Store", "web")),
        }

    def _who(self, order: _Order) -> dict[str, Any]:
        guests = [check.customer.guid for check in order.told if check.customer and check.customer.guid]
        return {
            "customer": self._places.customer(guests[0]) if guests else None,
            "agent": order.server.guid if order.server else None,
        }


def _story(order: _Order, changed: datetime, served: Served) -> Iterator[Told]:
    """What has become of an order.

    A guest whose order was promised for a time does not wait in a line, so that nothing says when his wait began.
    """
    if order.promised_date is None:
        yield "queued", "queued", order.opened_date, {}
    if order.deleted:
        yield "diverted", "deleted", order.deleted_date or changed, {"to": "exit"}
    elif order.voided:
        yield "abandoned", "voided", order.void_date or changed, {}
    elif order.approval_status == "NOT_APPROVED":
        yield "diverted", "not-approved", changed, {"to": "timeout"}
    elif served == "paid":
        ended = order.paid_date or order.closed_date
        if ended is not None:
            yield "completed", "paid", ended, {"resolved": True}


def _refunds(order: _Order) -> Iterator[Told]:
    for check in order.checks or []:
        for payment in check.payments or []:
            if payment.refund and payment.refund.refund_date:
                yield "corrected", f"refund/{payment.guid}", payment.refund.refund_date, {"kind": "refund"}


def _is_ready(order: _Order) -> bool:
    """Whether there is something to prepare in an order, and the kitchen has all of it ready."""
    if order.voided or order.deleted:
        return False
    wanted = [one for check in order.told for one in check.selections or [] if not one.voided]
    return bool(wanted) and all(one.fulfillment_status == "READY" for one in wanted)


def _changed_at(order: _Order) -> datetime | None:
    """When anything of an order was changed last, by the dates that it carries itself."""
    dated: list[_Dated] = [order, *(order.checks or [])]
    for check in order.checks or []:
        dated += check.selections or []
    dates = [one.modified_date for one in dated]
    dates += [order.paid_date, order.closed_date, order.void_date, order.deleted_date]
    return max((date for date in dates if date is not None), default=None)


class Toast:
    """Toast, whose signature is over the body and the time that stands in it."""

    name = "toast"
    kept_headers: Sequence[str] = (_RESTAURANT,)

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated unless one of the secrets has signed the body and its time, and that is not long ago.

        A delivery that is sent again 5 and 10 minutes later may carry its first time still, so its number is looked at.
        """
        try:
            heading = read_as(_heading, delivery.body)
            sent_us = microseconds(msgspec.convert(heading.timestamp, Time))
        except (InvalidInput, msgspec.ValidationError, OverflowError) as error:
            raise NotAuthenticated("the body has no timestamp, which the signature is over") from error
        message = delivery.body + heading.timestamp.encode()
        check_hmac(delivery.headers.get(_SIGNATURE, ""), secrets, message, "sha256")
        waited_us = _WAITED_US.get(delivery.headers.get(_ATTEMPT, ""), 0)
        if not -WINDOW_US <= now_us - sent_us <= WINDOW_US + waited_us:
            raise NotAuthenticated("the delivery's timestamp is too far from the clock here")

    def reader(self, mapping: Any) -> ToastReader:
        """What reads by a mapping of restaurants. Raises InvalidInput naming the field."""
        return ToastReader(converted(mapping, ToastPlaces))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Toast looks at the status only."""
        return b"", ""


ADAPTER: Adapter = Toast()
