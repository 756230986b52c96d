"""A day of calls as Genesys Cloud tells it. Customers are handed over blindly, to another line."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from service.vendors.reading.delivery import Delivery
from tests.vendors.call_day import QUEUES, SITE, Call, Carried, since_nine
from tests.vendors.genesys_samples import sent

CARRIED = Carried(first_ends="transfer")
MAPPING = {"queues": dict(zip(QUEUES, QUEUES, strict=True)), "sites": {"*": SITE}}


def deliveries(of: Iterable[Call]) -> list[Delivery]:
    """Each event as EventBridge posts it."""
    return [delivery for call in of for delivery in _call(call)]


def _call(call: Call) -> Iterator[Delivery]:
    def told(kind: str, when: datetime, session: str, **more: Any) -> Delivery:
        about = {"conversation": call.subject.replace(".", "_"), "session": session, "ani": call.customer}
        return sent(kind, since_nine(when), **about, **more)

    for number, leg in enumerate(call.legs):
        stay = f"line-{number}"
        yield told("acd.start", leg.queued, stay, queue=leg.queue)
        if leg.answered is None:
            if leg.ended is not None:
                outcome = "ABANDON" if leg.outcome == "abandoned" else "FLOW_OUT"
                waited = _milliseconds(leg.ended - leg.queued)
                yield told("acd.end", leg.ended, stay, queue=leg.queue, acdOutcome=outcome, connectedDurationMs=waited)
            continue
        yield told("acd.end", leg.answered, stay, queue=leg.queue, acdOutcome="ANSWERED", answeredUserId=leg.agent)
        over = leg.transferred or leg.ended
        if over is None:
            continue
        agent = {"session": f"agent-{number}", "queue": leg.queue, "userId": leg.agent}
        talked = _milliseconds(over - leg.answered - leg.held)
        yield told(
            "user.end",
            over,
            **agent,
            disconnectType="TRANSFER" if leg.transferred else "PEER",
            interactingDurationMs=max(talked, 1),
            heldDurationMs=_milliseconds(leg.held),
        )
        if leg.wrap_up:
            wrap_up = timedelta(seconds=leg.wrap_up)
            yield told("acw", over + wrap_up, **agent, wrapupDurationMs=_milliseconds(wrap_up))


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
