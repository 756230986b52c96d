"""The walk: one interaction's facts, in time order, become its visits and its counts.

Pure, and the only reader of what events mean. Sorting the facts first makes the outcome a function of their set, so
that the order, the duplication and the batching in which they came cannot show.
"""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from service.core.catalogue.measures import LATE_LAGS_SECONDS
from service.core.event import SECOND_US, Fact, Kind, duration_us
from service.core.recorded import expand

_QUEUED = Kind.QUEUED.value
_ANSWERED = Kind.ANSWERED.value
_HELD = Kind.HELD.value
_RESUMED = Kind.RESUMED.value
_TRANSFERRED = Kind.TRANSFERRED.value
_ESCALATED = Kind.ESCALATED.value
_CORRECTED = Kind.CORRECTED.value
_RECOVERED = Kind.RECOVERED.value
_ABANDONED = Kind.ABANDONED.value
_DIVERTED = Kind.DIVERTED.value
_COMPLETED = Kind.COMPLETED.value
_REOPENED = Kind.REOPENED.value
_RECORDED = Kind.RECORDED.value
_INFORMED = Kind.INFORMED.value
_VERIFIED = Kind.VERIFIED.value

LATE_US = LATE_LAGS_SECONDS["1m"] * SECOND_US
"""An event that arrives here so long after its own time is late, in microseconds."""

WAITING = 0
ANSWERED = 1
ABANDONED = 2
DIVERTED = 3


class Visit(msgspec.Struct, gc=False):
    """One wait in one queue and the service that followed. Times in microseconds since 1970, None where unknown.

    `opened_at` is its arrival. `known` says whether the wait began with a `queued`, so that it can be measured.
    `left_at` is when the wait ended, `ended_at` when the service did. What is `told` is what the source itself says.
    """

    queue: str
    opened_at: int
    known: bool
    outcome: int = WAITING
    left_at: int | None = None
    ended_at: int | None = None
    held_at: int | None = None
    hold_us: int = 0
    wrap_up_us: int = 0
    told_wait_us: int | None = None
    told_service_us: int | None = None

    @property
    def wait_us(self) -> int | None:
        """How long the customer waited, None while waiting or where the wait is unknown."""
        return self.left_at - self.opened_at if self.known and self.left_at is not None else None

    def end(self, at: int) -> None:
        """End the service; an open hold ends with it."""
        if self.held_at is not None:
            self.hold_us += at - self.held_at
            self.held_at = None
        self.ended_at = at


class Interaction(msgspec.Struct, gc=False):
    """What the walk makes of an interaction's facts. Times in microseconds since 1970, None where there is none.

    `first_at` holds when each kind of event happened first, by the number of the kind; `customer_at` when the event
    happened that names the customer; `completed_at` is the latest completion, `resolved_at` the first as resolved.
    """

    arrival: int = 0
    last_at: int = 0
    site: str | None = None
    queue: str | None = None
    channel: str | None = None
    customer: str | None = None
    customer_at: int | None = None
    topic: str | None = None
    visits: list[Visit] = []
    first_at: dict[int, int] = {}
    waiting: Visit | None = None
    serving: Visit | None = None
    answered: int | None = None
    completed_at: int | None = None
    resolved: bool | None = None
    resolved_at: int | None = None
    open_errors: list[int] = []
    recoveries_us: list[int] = []
    conflicts: int = 0
    late_events: int = 0
    skewed_events: int = 0
    skew_us: int = 0

    @property
    def reopened_at(self) -> int | None:
        """When the same matter first came back."""
        return self.first_at.get(_REOPENED)


def walk(facts: Collection[Fact]) -> Interaction:
    """The interaction that a set of facts, at least one and each once, makes; see `kpis.md`, "The walk"."""
    story = sorted(_current(facts))
    for fact in story:
        if fact.kind == _RECORDED:
            story = sorted(_told(story))
            break
    it = Interaction(story[0].at, story[-1].at)
    for fact in facts:
        lag = fact.received_at - fact.at
        if lag > LATE_US:
            it.late_events += 1
        elif lag < 0:
            it.skewed_events += 1
            it.skew_us -= lag
    for fact in story:
        _describe(it, fact)
        it.first_at.setdefault(fact.kind, fact.at)
        _STEPS[fact.kind](it, fact)
    return it


def _current(facts: Collection[Fact]) -> Collection[Fact]:
    """The facts without those of a record's revisions before the last."""
    latest: dict[str, int] = {}
    for fact in facts:
        record = fact.data.record
        if record is not None:
            latest[record] = max(latest.get(record, 0), fact.data.revision or 0)
    if not latest:
        return facts
    return [fact for fact in facts if fact.data.record is None or (fact.data.revision or 0) == latest[fact.data.record]]


def _told(story: Iterable[Fact]) -> Iterator[Fact]:
    """The facts with those that a recorded one stands for in its place."""
    for fact in story:
        if fact.kind == _RECORDED:
            yield from expand(fact)
        else:
            yield fact


def _describe(it: Interaction, fact: Fact) -> None:
    """The earliest fact that carries a description decides it."""
    data = fact.data
    if it.site is None:
        it.site = data.site
    if it.queue is None:
        it.queue = data.queue
    if it.channel is None:
        it.channel = data.channel
    if it.customer is None and data.customer is not None:
        it.customer = data.customer
        it.customer_at = fact.at
    if it.topic is None:
        it.topic = data.topic


def _open(it: Interaction, fact: Fact) -> Visit:
    """A visit that no `queued` announced: in the line that the fact names, else in the line visited last."""
    queue = fact.data.queue or (it.visits[-1].queue if it.visits else "")
    visit = Visit(queue, fact.at, False)
    it.visits.append(visit)
    return visit


def _queued(it: Interaction, fact: Fact) -> None:
    queue = fact.data.queue or ""
    waiting = it.waiting
    if waiting is not None:
        if waiting.queue == queue:
            return
        waiting.outcome = DIVERTED
        waiting.left_at = fact.at
    it.waiting = Visit(queue, fact.at, True)
    it.visits.append(it.waiting)


def _answered(it: Interaction, fact: Fact) -> None:
    visit = it.waiting
    if visit is None:
        if it.serving is not None:
            return
        visit = _open(it, fact)
    it.waiting = None
    visit.outcome = ANSWERED
    visit.left_at = fact.at
    if it.serving is not None:
        it.serving.end(fact.at)
    it.serving = visit
    if it.answered is None:
        it.answered = fact.at


def _answered_now(it: Interaction, fact: Fact) -> None:
    waiting = it.waiting
    _answered(it, fact)
    if waiting is not None:
        waiting.told_wait_us = _told_us(fact.data.wait_seconds)


def _leave(it: Interaction, fact: Fact, outcome: int) -> None:
    visit = it.waiting
    if visit is None:
        if it.visits:
            it.conflicts += 1
            return
        visit = _open(it, fact)
    it.waiting = None
    visit.outcome = outcome
    visit.left_at = fact.at
    visit.told_wait_us = _told_us(fact.data.wait_seconds)


def _told_us(seconds: float | None) -> int | None:
    return None if seconds is None else duration_us(seconds)


def _abandoned(it: Interaction, fact: Fact) -> None:
    _leave(it, fact, ABANDONED)


def _diverted(it: Interaction, fact: Fact) -> None:
    _leave(it, fact, DIVERTED)


def _completed(it: Interaction, fact: Fact) -> None:
    if it.serving is None and (it.waiting is not None or not it.visits):
        _answered(it, fact)
    visit = it.serving
    data = fact.data
    if visit is not None:
        visit.end(fact.at)
        visit.wrap_up_us = duration_us(data.wrap_up_seconds or 0)
        visit.told_service_us = _told_us(data.service_seconds)
        it.serving = None
    it.completed_at = fact.at
    if data.resolved is not None:
        it.resolved = data.resolved
        if data.resolved and it.resolved_at is None:
            it.resolved_at = fact.at


def _held(it: Interaction, fact: Fact) -> None:
    if it.serving is None:
        it.conflicts += 1
    elif it.serving.held_at is None:
        it.serving.held_at = fact.at


def _resumed(it: Interaction, fact: Fact) -> None:
    visit = it.serving
    if visit is None or visit.held_at is None:
        it.conflicts += 1
        return
    visit.hold_us += fact.at - visit.held_at
    visit.held_at = None


def _corrected(it: Interaction, fact: Fact) -> None:
    it.open_errors.append(fact.at)


def _recovered(it: Interaction, fact: Fact) -> None:
    if it.open_errors:
        it.recoveries_us.append(fact.at - it.open_errors.pop(0))


def _noted(_it: Interaction, _fact: Fact) -> None:
    """Nothing but when it happened first, which is kept of every kind."""


_STEPS = {
    _QUEUED: _queued,
    _ANSWERED: _answered_now,
    _HELD: _held,
    _RESUMED: _resumed,
    _TRANSFERRED: _noted,
    _ESCALATED: _noted,
    _CORRECTED: _corrected,
    _RECOVERED: _recovered,
    _ABANDONED: _abandoned,
    _DIVERTED: _diverted,
    _COMPLETED: _completed,
    _REOPENED: _noted,
    _INFORMED: _noted,
    _VERIFIED: _noted,
}
