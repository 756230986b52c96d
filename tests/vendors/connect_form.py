"""A day of calls as Amazon Connect tells it, in contact events or in contact records.

Events tell of no hold, which is in the service then, and of no customer. Records know whole seconds, and no hold of a
contact that was handed over. In both, who hands a customer over is done with him when he is in the next line.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from service.vendors.reading.delivery import Delivery
from tests.vendors.call_day import QUEUES, SITE, Call, Carried, Leg, since_nine
from tests.vendors.connect_samples import firehose, record, sent

OF_EVENTS = Carried(customers=False, holds=False, first_ends="line")
OF_RECORDS = Carried(first_ends="line", hold_of_transferred=False)
MAPPING = {"queues": dict(zip(QUEUES, QUEUES, strict=True)), "sites": {"*": SITE}}
_REASONS = {"abandoned": "CUSTOMER_DISCONNECT"}
_FLOW = "CONTACT_FLOW_DISCONNECT"


def events(of: Iterable[Call]) -> list[Delivery]:
    """Contact events, each as EventBridge posts it."""
    return [delivery for call in of for delivery in _events(call)]


def records(of: Iterable[Call], at_once: int = 20) -> list[Delivery]:
    """Contact records by the batch, as Firehose posts them."""
    told = [one for call in of for one in _records(call)]
    return [firehose(*told[start : start + at_once]) for start in range(0, len(told), at_once)]


def _contacts(call: Call) -> Iterator[tuple[Leg, Leg | None, dict[str, Any]]]:
    """The legs, each with the one that follows, and how their contacts hang together."""
    for number, leg in enumerate(call.legs):
        about: dict[str, Any] = {"contact": f"{call.subject}/{number}", "initiated": since_nine(leg.queued)}
        if number:
            before = call.legs[number - 1]
            about |= {"before": f"{call.subject}/{number - 1}", "initial": f"{call.subject}/0", "method": "TRANSFER"}
            about["initiated"] = since_nine(before.transferred or leg.queued)
        yield leg, call.legs[number + 1] if number + 1 < len(call.legs) else None, about


def _events(call: Call) -> Iterator[Delivery]:
    for leg, following, about in _contacts(call):
        yield sent("INITIATED", about["initiated"], **about)
        line: dict[str, Any] = {**about, "queue": leg.queue, "enqueued": since_nine(leg.queued)}
        yield sent("QUEUED", since_nine(leg.queued), **line)
        if leg.answered is not None:
            line |= {"agent": leg.agent, "connected": since_nine(leg.answered)}
            yield sent("CONNECTED_TO_AGENT", since_nine(leg.answered), **line)
        over = _over(leg, following)
        if over is not None:
            line |= {"ended": over, "reason": _REASONS.get(str(leg.outcome), _FLOW)}
            yield sent("DISCONNECTED", over, **line)
            if leg.wrap_up:
                line["after_work"] = (over, leg.wrap_up)
            yield sent("COMPLETED", over + leg.wrap_up, **line)


def _records(call: Call) -> Iterator[dict[str, Any]]:
    for number, (leg, following, about) in enumerate(_contacts(call)):
        over = _over(leg, following)
        assert over is not None
        left = since_nine(leg.answered) if leg.answered else over
        contact = about.pop("contact")
        yield record(
            contact,
            over + 60,
            **about,
            following=f"{call.subject}/{number + 1}" if following else None,
            queue=(leg.queue, since_nine(leg.queued), left),
            agent=(str(leg.agent), since_nine(leg.answered)) if leg.answered else None,
            talked=int(over - left - leg.held.total_seconds()) if leg.answered else None,
            held=int(leg.held.total_seconds()),
            after_work=int(leg.wrap_up),
            ended=over,
            reason=_REASONS.get(str(leg.outcome), _FLOW),
            customer=call.customer,
        )


def _over(leg: Leg, following: Leg | None) -> float | None:
    """When a contact ended; of one that was handed over, when the next one answered, or left."""
    ended: datetime | None = leg.ended
    if following is not None:
        ended = following.answered or following.ended
    return None if ended is None else since_nine(ended)
