"""What the tests of the reference share: events of one interaction, its visits as they are told, and rows by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.reference.rows import InteractionRow, Row, VisitRow
from tests.reference.walk import (
    SECOND,
    Event,
    Interaction,
    Visit,
)
from tests.reference.walker import walk

START = datetime(2025, 3, 31, 9, 0, tzinfo=UTC)
EPSILON = timedelta(microseconds=1)


def at(seconds: float) -> str:
    """A time so many seconds after the start."""
    return (START + timedelta(seconds=seconds)).isoformat()


def event(seconds: float, kind: str, *, id: str = "", source: str = "till", **data: Any) -> Event:  # noqa: A002  # the field's name
    """An event of the one interaction that most cases are about."""
    return {
        "id": id or f"{seconds}-{kind}",
        "source": source,
        "type": f"interaction.{kind}",
        "time": at(seconds),
        "subject": "order",
        "data": data,
    }


def queued(seconds: float, queue: str = "tills", **data: Any) -> Event:
    """A `queued`, which joins the tills unless told."""
    return event(seconds, "queued", queue=queue, **data)


def walked(*events: Event, now: datetime = START + timedelta(minutes=30)) -> Interaction:
    """The interaction that these events make."""
    return walk(list(events), now)


def told(visit: Visit) -> tuple[str, str, float | None]:
    """A visit as its queue, outcome and wait in seconds."""
    return visit.queue, visit.outcome, None if visit.wait is None else visit.wait / SECOND


def times(visit: Visit) -> tuple[float, float, float] | None:
    """A handled visit as its service, hold and wrap-up in seconds."""
    if not visit.handled:
        return None
    assert visit.service is not None
    return visit.service / SECOND, visit.hold / SECOND, visit.wrap / SECOND


def visits(number: int, outcome: str, wait: float | None = None, **changes: Any) -> list[Row]:
    """So many like visits."""
    fields: dict[str, Any] = {
        "site": "bank",
        "queue": "tills",
        "channel": "pos",
        "minute": 0,
        "arrival": 0,
        "outcome": outcome,
        "wait": None if wait is None else int(wait * SECOND),
        "service": None,
        "hold": 0,
        "wrap": 0,
        "handled": False,
        "in_service_now": False,
    }
    return [VisitRow(**(fields | changes))] * number


def interaction(**changes: Any) -> InteractionRow:
    """An interaction of which nothing is told."""
    fields: dict[str, Any] = {
        "registration": 1,
        "subject": "order",
        "site": "bank",
        "queue": "tills",
        "channel": "pos",
        "minute": 0,
        "arrival": 0,
        "customer": None,
        "topic": None,
        "answered": False,
        "completed": False,
        "resolved": None,
        "reopened": False,
        "transferred": False,
        "escalated": False,
        "corrected": False,
        "recovered": False,
        "conflicts": 0,
        "closed": None,
        "resolution": None,
        "business_resolution": None,
        "recoveries": (),
        "unrecovered": 0,
    }
    return InteractionRow(**(fields | changes))


def said(seconds: float, type: str, /, *, id: str = "", source: str = "crm", subject: str = "", **data: Any) -> Event:  # noqa: A002  # the field's name
    """An event beside interactions, of a kind like "promise.made"; about one of them where a subject is given."""
    about = {"subject": subject} if subject else {}
    return {"id": id or f"{seconds}-{type}", "source": source, "type": type, "time": at(seconds), "data": data, **about}
