"""A day of calls as Twilio TaskRouter tells it, in forms or in Event Streams.

Holds are no tasks' business, and work after a call is told apart from the call by events, not by any one of them: both
are in the service. Who hands a customer over stays until another worker has accepted him.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from service.vendors.reading.delivery import Delivery
from tests.vendors.call_day import QUEUES, SITE, Call, Carried, Leg
from tests.vendors.calls import posted, posted_json
from tests.vendors.twilio_samples import cloud_event, fields

CARRIED = Carried(holds=False, wrap_up_apart=False)
MAPPING = {"queues": {f"WQ-{queue}": {"queue": queue, "site": SITE} for queue in QUEUES}}


def forms(of: Iterable[Call]) -> list[Delivery]:
    """Each event as an event callback."""
    return [posted(urlencode(told).encode()) for told in _day(of)]


def streams(of: Iterable[Call], at_once: int = 20) -> list[Delivery]:
    """Events by the batch, as Event Streams."""
    told = [cloud_event(one) for one in _day(of)]
    return [posted_json(told[start : start + at_once]) for start in range(0, len(told), at_once)]


def _day(of: Iterable[Call]) -> Iterator[dict[str, Any]]:
    for call in of:
        attributes = json.dumps({"from": call.customer} if call.customer else {})
        for kind, when, more in _call(call):
            yield fields(kind, when, task=call.subject, TaskAttributes=attributes, **more)


def _call(call: Call) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    yield "task.created", call.legs[0].queued, {}
    for number, leg in enumerate(call.legs):
        queue = {"TaskQueueSid": f"WQ-{leg.queue}"}
        if number:
            yield (
                "task.transfer-initiated",
                leg.queued,
                {**queue, "TransferTo": f"WQ-{leg.queue}", "TransferMode": "WARM"},
            )
        yield "task-queue.entered", leg.queued, queue
        yield from _served(leg, queue)


def _served(leg: Leg, queue: dict[str, Any]) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    if leg.answered is not None:
        worker = {**queue, "WorkerSid": leg.agent}
        yield "reservation.created", leg.queued, worker
        yield "reservation.accepted", leg.answered, worker
        if leg.ended is not None:
            yield "task.wrapup", leg.ended, queue
            yield "task.completed", leg.ended + timedelta(seconds=leg.wrap_up), queue
    elif leg.ended is not None:
        reason = "hangup" if leg.outcome == "abandoned" else str(leg.outcome)
        yield "task.canceled", leg.ended, {**queue, "TaskCanceledReason": reason}
