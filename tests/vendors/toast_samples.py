"""What Toast sends: an order, each time as a whole, as it goes on."""

import json
from typing import Any

from service.vendors.reading.delivery import Delivery
from tests.vendors.shops import URL

NOON = "2026-11-21T12:00:00.000+0000"
NOON_US = 1_795_262_400_000_000
NEVER = "1970-01-01T00:00:00.000+0000"


def at(minute: int, second: int = 0) -> str:
    return f"2026-11-21T12:{minute:02}:{second:02}.000+0000"


def delivery(order: dict[str, Any], **more: Any) -> Delivery:
    body = {
        "timestamp": order.get("modifiedDate", NOON),
        "eventCategory": "order_updated",
        "eventType": "order_updated",
        "guid": "e1",
        "details": {"restaurantGuid": "R1", "order": order},
    }
    return Delivery(URL, {}, json.dumps({**body, **more}).encode())


def order(modified: str, *statuses: str, **more: Any) -> dict[str, Any]:
    selections = [
        {"guid": f"s{place}", "fulfillmentStatus": status, "voided": False, "modifiedDate": at(0)}
        for place, status in enumerate(statuses)
    ]
    check = {
        "guid": "c1",
        "voided": False,
        "deleted": False,
        "customer": None,
        "selections": selections,
        "payments": [],
    }
    return {
        "guid": "O1",
        "source": "In Store",
        "openedDate": NOON,
        "promisedDate": None,
        "modifiedDate": modified,
        "paidDate": None,
        "closedDate": None,
        "voided": False,
        "voidDate": None,
        "deleted": False,
        "deletedDate": NEVER,
        "approvalStatus": "APPROVED",
        "createdInTestMode": False,
        "diningOption": {"guid": "counter-service", "entityType": "DiningOption"},
        "server": {"guid": "W1"},
        "checks": [check],
        **more,
    }


def paid_back(when: str) -> list[dict[str, Any]]:
    return [{"guid": "c1", "payments": [{"guid": "p1", "refund": {"refundAmount": 5.5, "refundDate": when}}]}]


ONLINE = {"source": "Online", "diningOption": None}
PAID = [
    delivery(order(at(0))),
    delivery(order(at(2), "SENT")),
    delivery(order(at(9), "READY", paidDate=at(9))),
    delivery(order(at(40), "READY", paidDate=at(9), closedDate=at(40))),
]
VOIDED = [
    delivery(order(at(0))),
    delivery(order(at(2), "SENT", paidDate=at(2))),
    delivery(order(at(5), "SENT", voided=True, voidDate=at(5))),
]
PREPARED = [
    delivery(order(at(0), "NEW", "NEW", **ONLINE, paidDate=at(0))),
    delivery(order(at(1), "SENT", "SENT", **ONLINE, paidDate=at(0))),
    delivery(order(at(6), "READY", "SENT", **ONLINE, paidDate=at(0))),
    delivery(order(at(8), "READY", "READY", **ONLINE, paidDate=at(0))),
    delivery(order(at(30), "READY", "READY", **ONLINE, paidDate=at(0), closedDate=at(30))),
]
REFUNDED = [*PAID, delivery(order(at(50), "READY", paidDate=at(9), checks=paid_back(at(50))))]
MERGED = [delivery(order(at(0))), delivery(order(at(3), deleted=True, deletedDate=at(3)))]
NOT_TAKEN = [
    delivery(order(at(0), **ONLINE, approvalStatus="NEEDS_APPROVAL")),
    delivery(order(at(7), **ONLINE, approvalStatus="NOT_APPROVED")),
]
SEQUENCES = {
    "paid": PAID,
    "voided": VOIDED,
    "prepared": PREPARED,
    "refunded": REFUNDED,
    "merged": MERGED,
    "not taken": NOT_TAKEN,
}
