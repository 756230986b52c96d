"""The walk over one interaction's events, by brute force.

Everything here is a plain reading of the definitions, one event after the other, in integer microseconds; it
shares no code with the service, so that an agreement of the two means something.

Readings adopted where the definitions are silent:

- Ties are ordered by time, kind, id and source, which is total after deduplication.
- A visit that no `queued` opened is in the queue that its opening event names, else in that of the
  interaction's latest visit so far, else in "". The interaction's queue is the first that any event carries,
  else "".
- A further leg changes no times: a hold goes on until it is resumed or the visit ends.
- Wrap-up counts on the visit that its `completed` ended, and nowhere if it ended none.
- `reopened`, `transferred`, `escalated`, `corrected` and `recovered` are never conflicts.
- Each `recovered` closes the earliest correction that is still open, if there is one.
- The hold of a `recorded` begins at its answer; a hold of 0 is no hold. Its `transferred` is at its end. All
  the events that it stands for carry its common fields, and each of them may be a conflict. Its own `time`
  counts for nothing once `completed_at` is given, not even as the interaction's last event.
- A visit expires, and a service stops being open, at the very instant that the expiry time is reached.
- The end of a visit in service that a later answer ended is a known end.
- What a source tells of a wait stands on the event that ends it, and counts where the wait is known; of a service,
  on the `completed` that ends it. A `recorded` tells a duration where it gives the times that imply it too.
- Of the events with the same `record`, those of the greatest `revision` (0 where there is none) are there.
"""

from __future__ import annotations

from collections import deque
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
    seen: set[tuple[str, str]] = set()
    gathered: dict[Key, list[Event]] = {}
    for event in events:
        identity = (event["source"], event["id"])
        if identity not in seen:
            seen.add(identity)
            gathered.setdefault((registration, event["subject"]), []).append(event)
    return gathered


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


def walk(events: list[Event], now: datetime) -> Interaction:
    """Walk the events of one interaction, already without duplicates, as things stand at `now`."""
    line = sorted((step for event in current(events) for step in steps(event)), key=lambda step: step.order)
    interaction = Interaction(
        arrival=line[0].time,
        last=line[-1].time,
        site=_first(line, "site"),
        queue=_first(line, "queue") or "",
        channel=_first(line, "channel") or "",
        customer=_first(line, "customer"),
        topic=_first(line, "topic"),
    )
    walker = _Walker(interaction)
    for step in line:
        getattr(walker, step.kind)(step)
    walker.close(micros(now))
    return interaction


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


def _first(line: list[Step], name: str) -> str | None:
    return next((step.data[name] for step in line if step.data.get(name) is not None), None)


def _told(step: Step, name: str) -> int | None:
    value = step.data.get(name)
    return None if value is None else span(value)


class _Walker:
    """Who waits and who is in service, at most one of each, and a method for each kind of event."""

    def __init__(self, interaction: Interaction) -> None:
        self.interaction = interaction
        self.waiting: Visit | None = None
        self.serving: Visit | None = None
        self.uncorrected: deque[int] = deque()

    def close(self, now: int) -> None:
        """What is true once all events are walked."""
        self.interaction.unrecovered = len(self.uncorrected)
        fresh = now - self.interaction.last < EXPIRY.get(self.interaction.channel, EXPIRY_ELSE)
        if self.waiting is not None:
            self.waiting.outcome = "W" if fresh else "X"
        if self.serving is not None:
            self.serving.in_service_now = fresh

    def queued(self, step: Step) -> None:
        queue = step.data.get("queue") or ""
        if self.waiting is not None:
            if self.waiting.queue == queue:
                return
            self._leave("F", step)
        self.waiting = Visit(queue, step.time)
        self.interaction.visits.append(self.waiting)

    def answered(self, step: Step) -> None:
        if self.waiting is not None:
            self.waiting.told_wait = _told(step, "wait_seconds")
            self._end_service(step)
            self._serve_waiting(step)
        elif self.serving is None:
            self._serve_unqueued(step)

    def abandoned(self, step: Step) -> None:
        self._give_up("B", step)

    def diverted(self, step: Step) -> None:
        self._give_up("F", step)

    def completed(self, step: Step) -> None:
        self._note_completion(step)
        if self.serving is None:
            if self.waiting is not None:
                self._serve_waiting(step)
            elif not self.interaction.visits:
                self._serve_unqueued(step)
        if self.serving is not None:
            self.serving.wrap = span(step.data.get("wrap_up_seconds", 0))
            self.serving.told_service = _told(step, "service_seconds")
            self._end_service(step)

    def held(self, step: Step) -> None:
        if self.serving is None:
            self.interaction.conflicts += 1
        elif self.serving.held_since is None:
            self.serving.held_since = step.time

    def resumed(self, step: Step) -> None:
        if self.serving is None or self.serving.held_since is None:
            self.interaction.conflicts += 1
        else:
            self._end_hold(self.serving, step)

    def transferred(self, _step: Step) -> None:
        self.interaction.transferred = True

    def escalated(self, _step: Step) -> None:
        self.interaction.escalated = True

    def reopened(self, _step: Step) -> None:
        self.interaction.reopened = True

    def corrected(self, step: Step) -> None:
        self.interaction.corrected = True
        self.uncorrected.append(step.time)

    def recovered(self, step: Step) -> None:
        self.interaction.recovered = True
        if self.uncorrected:
            self.interaction.recoveries.append(step.time - self.uncorrected.popleft())

    def _note_completion(self, step: Step) -> None:
        self.interaction.completed = True
        self.interaction.closed = step.time
        resolved = step.data.get("resolved")
        if resolved is not None:
            self.interaction.resolved = resolved
            if resolved and self.interaction.resolution is None:
                self.interaction.resolution = step.time - self.interaction.arrival

    def _give_up(self, outcome: str, step: Step) -> None:
        if self.waiting is not None:
            self.waiting.told_wait = _told(step, "wait_seconds")
            self._leave(outcome, step)
        elif not self.interaction.visits:
            visit = Visit(self._queue_of_unqueued(step), step.time, outcome, ended=step.time)
            self.interaction.visits.append(visit)
        else:
            self.interaction.conflicts += 1

    def _leave(self, outcome: str, step: Step) -> None:
        visit, self.waiting = self.waiting, None
        assert visit is not None
        visit.outcome = outcome
        visit.wait = step.time - visit.arrival
        visit.ended = step.time

    def _serve_waiting(self, step: Step) -> None:
        visit, self.waiting = self.waiting, None
        assert visit is not None
        visit.outcome = "A"
        visit.wait = step.time - visit.arrival
        visit.answered = step.time
        self.serving = visit

    def _serve_unqueued(self, step: Step) -> None:
        self.serving = Visit(self._queue_of_unqueued(step), step.time, "A", answered=step.time)
        self.interaction.visits.append(self.serving)

    def _queue_of_unqueued(self, step: Step) -> str:
        visits = self.interaction.visits
        return step.data.get("queue") or (visits[-1].queue if visits else "")

    def _end_service(self, step: Step) -> None:
        visit, self.serving = self.serving, None
        if visit is not None:
            if visit.held_since is not None:
                self._end_hold(visit, step)
            visit.ended = step.time

    def _end_hold(self, visit: Visit, step: Step) -> None:
        assert visit.held_since is not None
        visit.hold += step.time - visit.held_since
        visit.held_since = None
