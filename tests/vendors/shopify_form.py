"""Encounters as Shopify would tell them: the whole order with each change, and refunds."""

import json
from collections.abc import Iterator
from typing import Any

from service.core.event import moment
from service.vendors.reading.delivery import Delivery
from tests.vendors.day import Encounter, Sent
from tests.vendors.shops import URL, iso


def told(encounter: Encounter) -> Iterator[Sent]:
    """The deliveries of an encounter, each when Shopify sends it; the sales channel stands for the queue."""
    order: dict[str, Any] = {
        "id": encounter.subject,
        "created_at": _seconds(encounter.queued),
        "processed_at": _seconds(encounter.queued),
        "source_name": encounter.queue,
        "location_id": 70123456,
        "fulfillment_status": None,
        "fulfillments": [],
        "customer": encounter.customer and {"id": encounter.customer},
    }
    yield _version("orders/create", order, encounter.queued, 1)
    if encounter.answered is not None:
        order["fulfillments"] = [{"id": 1, "status": "success", "created_at": _seconds(encounter.answered)}]
        order["fulfillment_status"] = "partial"
        yield _version("orders/partially_fulfilled", order, encounter.answered, 2)
    if encounter.abandoned is not None:
        order |= {"cancelled_at": _seconds(encounter.abandoned), "cancel_reason": "customer"}
        yield _version("orders/cancelled", order, encounter.abandoned, 3)
    if encounter.completed is not None:
        parcel = {"id": 2, "status": "success", "created_at": _seconds(encounter.completed)}
        order |= {"fulfillments": [*order["fulfillments"], parcel], "fulfillment_status": "fulfilled"}
        yield _version("orders/fulfilled", order, encounter.completed, 4)
        yield _version("orders/updated", order, encounter.completed, 5)
    for number, at in enumerate(encounter.errors):
        refund = {"id": f"{encounter.subject}-{number}", "order_id": encounter.subject, "created_at": _seconds(at)}
        yield Sent(at, _delivery("refunds/create", refund, at, 6))
        order["refunds"] = [refund]
        yield _version("orders/updated", order, at, 7)


def _version(topic: str, order: dict[str, Any], at: int, number: int) -> Sent:
    return Sent(at, _delivery(topic, {**order, "updated_at": _seconds(at)}, at, number))


def _delivery(topic: str, body: dict[str, Any], at: int, number: int) -> Delivery:
    """What is sent, triggered so many tens of milliseconds after the change."""
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-shop-domain": "corner.myshopify.com",
        "x-shopify-triggered-at": iso(at + number * 10_000),
    }
    return Delivery(URL, headers, json.dumps(body).encode())


def _seconds(at: int) -> str:
    return moment(at).isoformat(timespec="seconds")
