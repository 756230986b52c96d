"""What a walk over one interaction's events goes over, and what it makes of them, by brute force.

Everything here is a plain reading of the definitions, one event after the other, in integer microseconds; it
shares no code with the service, so that an agreement of the two means something. `walker` does the walking.

Readings adopted where the definitions are silent:

- Ties are ordered by time, kind, id and source, which is total after deduplication.
- A visit that no `queued` opened is in the queue that its opening event names, else in that of the
  interaction's latest visit so far, else in "". The interaction's queue is the first that any event carries,
  else "".
- A further leg changes no times: a hold goes on until it is resumed or the visit ends.
- Wrap-up counts on the visit that its `completed` ended, and nowhere if it ended none.
- `reopened`, `transferred`, `escalated`, `corrected`, `recovered`, `informed` and `verified` are never conflicts.
- Each `recovered` closes the earliest correction that is still open, if there is one.
- The hold of a `recorded` begins at its answer; a hold of 0 is no hold. Its `transferred` is at its end. All
  the events that it stands for carry its common fields, and each of them may be a conflict. Its own `time`
  counts for nothing once `completed_at` is given, not even as the interaction's last event.
- A visit expires, and a service stops being open, at the very instant that the expiry time is reached.
- The end of a visit in service that a later answer ended is a known end.
- What a source tells of a wait stands on the event that ends it, and counts where the wait is known; of a service,
  on the `completed` that ends it. A `recorded` tells a duration where it gives the times that imply it too.
- A quote is that of the `queued` that opens the visit, where it has one, else of the first later one that has one and
  changes nothing. A quote of a `recorded` is its `queued`'s: where it has none, there is no quote.
- A visit is misrouted also where it is on hold as it is transferred: the hold up to then is no service.
- Who is answered in the next line at the very moment of the transfer was handed on by the line before.
- Of the events with the same `record`, those of the greatest `revision` (0 where there is none) are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

Event = dict[str, Any]
Key = tuple[int, str]  # an interaction: the number of its registered source, and its subject

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

KINDS = (
    "queued",
    "answered",
    "held",
    "resumed",
    "transferred",
    "escalated",
    "corrected",
    "recovered",
    "abandoned",
    "diverted",
    "completed",
    "reopened",
    "informed",
    "verified",
)

EXPIRY = {"phone": 4 * HOUR, "pos": 4 * HOUR, "chat": 24 * HOUR, "email": 14 * DAY}
EXPIRY_ELSE = 24 * HOUR


@dataclass(frozen=True)
class Step:
    """One event of the walk: what was sent, or one of those that a `recorded` stands for."""

    time: int
    kind: str
    id: str
    source: str
    data: dict[str, Any]

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Where the step comes in the walk."""
        return self.time, KINDS.index(self.kind), self.id, self.source


@dataclass
class Visit:
    """One wait in one queue. Times are microseconds since 1970, durations microseconds."""

    queue: str
    arrival: int
    outcome: str = "W"
    wait: int | None = None
    answered: int | None = None
    ended: int | None = None
    hold: int = 0
    wrap: int = 0
    told_wait: int | None = None
    told_service: int | None = None
    held_since: int | None = None
    in_service_now: bool = False
    quote: int | None = None
    misrouted: bool = False

    @property
    def handled(self) -> bool:
        """Whether it was answered and its end is known."""
        return self.outcome == "A" and self.ended is not None

    @property
    def service(self) -> int | None:
        """From the answer to the end, without hold; None where either is unknown."""
        if self.outcome != "A" or self.answered is None or self.ended is None:
            return None
        return self.ended - self.answered - self.hold


@dataclass
class Interaction:
    """What the walk makes of one interaction."""

    arrival: int
    last: int
    site: str | None
    queue: str
    channel: str
    customer: str | None
    topic: str | None
    visits: list[Visit] = field(default_factory=list)
    completed: bool = False
    resolved: bool | None = None
    resolution: int | None = None
    closed: int | None = None
    reopened: bool = False
    transferred: bool = False
    escalated: bool = False
    corrected: bool = False
    recovered: bool = False
    recoveries: list[int] = field(default_factory=list)
    unrecovered: int = 0
    conflicts: int = 0
    taken_over: bool = False
    informed: list[int] = field(default_factory=list)
    verified: list[int] = field(default_factory=list)
    initiated_by: str | None = None
    known_customer: bool | None = None
    agents: set[str] = field(default_factory=set)
    agent: str | None = None

    @property
    def answered(self) -> bool:
        """Whether any of its visits was answered."""
        return any(visit.outcome == "A" for visit in self.visits)


def instant(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset: {text}")
    return micros(moment)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(time: int) -> datetime:
    """The time in UTC of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=time)


def span(seconds: float) -> int:
    """Microseconds of a number of seconds, read as the decimal that it was written as."""
    return round(Fraction(str(seconds)) * SECOND)


def gather(events: Iterable[Event], registration: int = 1) -> dict[Key, list[Event]]:
    """What one registered source, known by its number, posted, in the order posted, by interaction.

    Events with the same `source` and `id` are one event, and the first posted is the one, even where a later
    one says something else or names another subject. Several registrations are the union of their gatherings.
    """
    gathered: dict[Key, list[Event]] = {}
    for event in once(events):
        if event["type"].startswith("interaction."):
            gathered.setdefault((registration, event["subject"]), []).append(event)
    return gathered


def once(events: Iterable[Event]) -> list[Event]:
    """The events without those that were posted before: what is the same `source` and `id` is the same event."""
    found: dict[tuple[str, str], Event] = {}
    for event in events:
        found.setdefault((event["source"], event["id"]), event)
    return list(found.values())


def steps(event: Event) -> Iterator[Step]:
    """The steps that an event stands for: itself, or for a `recorded` those that it summarises."""
    kind = event["type"].removeprefix("interaction.")
    data = event.get("data") or {}
    if kind == "recorded":
        times = {"wait_seconds": "queued_at", "service_seconds": "answered_at"}
        told = {name: value for name, value in data.items() if times.get(name, name) in data}
        for time, implied in _summarised(instant(event["time"]), data):
            yield Step(time, implied, event["id"], event["source"], told)
    else:
        yield Step(instant(event["time"]), kind, event["id"], event["source"], data)


def _summarised(time: int, data: dict[str, Any]) -> Iterator[tuple[int, str]]:
    end = instant(data["completed_at"]) if "completed_at" in data else time
    outcome = data.get("outcome", "answered")
    turn = end
    if outcome == "answered":
        hold = span(data.get("hold_seconds", 0))
        if "answered_at" in data:
            turn = instant(data["answered_at"])
        else:
            turn = end - span(data.get("service_seconds", 0)) - hold
        yield turn, "answered"
        if hold:
            yield turn, "held"
            yield turn + hold, "resumed"
        yield end, "completed"
    else:
        yield end, outcome
    if "queued_at" in data:
        yield instant(data["queued_at"]), "queued"
    elif "wait_seconds" in data:
        yield turn - span(data["wait_seconds"]), "queued"
    if data.get("transfers", 0) > 0:
        yield end, "transferred"


def current(events: list[Event]) -> list[Event]:
    """Those that no later revision of the same record has taken the place of."""

    def revision(event: Event) -> int:
        return int(event["data"].get("revision") or 0)

    def record(event: Event) -> object:
        return (event.get("data") or {}).get("record")

    return [
        event
        for event in events
        if record(event) is None
        or all(revision(other) <= revision(event) for other in events if record(other) == record(event))
    ]
