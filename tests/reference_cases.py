"""What the tests of the reference share: events of one interaction, and its visits as they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.reference.walk import (
    SECOND,
    Event,
    Interaction,
    Visit,
    walk,
)

START = datetime(2025, 3, 31, 9, 0, tzinfo=UTC)
EPSILON = timedelta(microseconds=1)


def at(seconds: float) -> str:
    """A time so many seconds after the start."""
    return (START + timedelta(seconds=seconds)).isoformat()


def event(seconds: float, kind: str, *, id: str = "", source: str = "till", **data: Any) -> Event:  # noqa: A002
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
