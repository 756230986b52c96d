"""Encounters as Square would tell them: an order with a fulfilment, and refunds."""

import json
from collections.abc import Iterator
from typing import Any

from service.vendors.reading.delivery import Delivery
from tests.vendors.day import Encounter, Sent
from tests.vendors.shops import URL, iso


def told(encounter: Encounter) -> Iterator[Sent]:
    """The deliveries of an encounter, each when Square sends it; the location stands for site and queue."""
    version = 1
    yield _order(encounter, "order.created", version, encounter.queued, "OPEN")
    for at, old, new in (
        (encounter.answered, "PROPOSED", "RESERVED"),
        (encounter.abandoned, "PROPOSED", "CANCELED"),
        (encounter.completed, "RESERVED", "COMPLETED"),
    ):
        if at is not None:
            version += 1
            change = {"fulfillment_uid": "F", "old_state": old, "new_state": new}
            yield _order(encounter, "order.fulfillment.updated", version, at, "OPEN", fulfillment_update=[change])
            version += 1
            yield _order(encounter, "order.updated", version, at, "OPEN" if new == "RESERVED" else new)
    for number, at in enumerate(encounter.errors):
        for kind, status in (("refund.created", "PENDING"), ("refund.updated", "COMPLETED")):
            refund = {
                "id": f"{encounter.subject}_{number}",
                "order_id": encounter.subject,
                "location_id": encounter.queue,
                "status": status,
                "created_at": iso(at),
            }
            yield Sent(at, _notice(kind, "refund", refund))


def _order(encounter: Encounter, kind: str, version: int, at: int, state: str, **more: Any) -> Sent:
    order = {
        "order_id": encounter.subject,
        "location_id": encounter.queue,
        "version": version,
        "state": state,
        "created_at": iso(encounter.queued),
        **more,
    }
    if kind != "order.created":
        order["updated_at"] = iso(at)
    return Sent(at, _notice(kind, kind.replace(".", "_"), order))


def _notice(kind: str, name: str, what: dict[str, Any]) -> Delivery:
    body = {"merchant_id": "M1", "type": kind, "data": {"type": name, "object": {name: what}}}
    return Delivery(URL, {}, json.dumps(body).encode())
