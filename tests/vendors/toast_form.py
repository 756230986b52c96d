"""Encounters as Toast would tell them: the whole order with each change, its guest served when he has paid."""

import json
from collections.abc import Iterator
from typing import Any

from service.vendors.reading.delivery import Delivery
from tests.vendors.day import Encounter, Sent
from tests.vendors.shops import URL, iso


def told(encounter: Encounter) -> Iterator[Sent]:
    """The deliveries of an encounter, each when Toast sends it; the dining option stands for the queue."""
    selection = {"guid": "s", "fulfillmentStatus": "NEW"}
    check: dict[str, Any] = {
        "guid": "c",
        "customer": encounter.customer and {"guid": encounter.customer},
        "selections": [selection],
        "payments": [],
    }
    order: dict[str, Any] = {
        "guid": encounter.subject,
        "source": "In Store",
        "openedDate": _date(encounter.queued),
        "diningOption": {"guid": encounter.queue},
        "checks": [check],
    }
    yield _version(order, encounter.queued)
    if encounter.answered is not None:
        selection["fulfillmentStatus"] = "SENT"
        yield _version(order, encounter.answered)
    if encounter.abandoned is not None:
        yield _version({**order, "voided": True, "voidDate": _date(encounter.abandoned)}, encounter.abandoned)
    if encounter.completed is not None:
        selection["fulfillmentStatus"] = "READY"
        order["paidDate"] = _date(encounter.completed)
        yield _version(order, encounter.completed)
    for number, at in enumerate(encounter.errors):
        check["payments"].append({"guid": f"p{number}", "refund": {"refundDate": _date(at)}})
        yield _version(order, at)


def _version(order: dict[str, Any], at: int) -> Sent:
    body = {
        "timestamp": iso(at),
        "eventCategory": "order_updated",
        "eventType": "order_updated",
        "guid": f"{order['guid']}-{at}",
        "details": {"restaurantGuid": "R1", "order": {**order, "modifiedDate": _date(at)}},
    }
    return Sent(at, Delivery(URL, {}, json.dumps(body).encode()))


def _date(at: int) -> str:
    return iso(at).replace("Z", "+0000")
