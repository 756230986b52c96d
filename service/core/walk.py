"""The walk: one interaction's facts, in time order, become its visits and its counts.

Pure, and the only reader of what events mean. Sorting the facts first makes the outcome a function of their set, so
that the order, the duplication and the batching in which they came cannot show.
"""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from service.core.catalogue.measures import LATE_LAGS_SECONDS
from service.core.catalogue.quality_measures import MISROUTED_WITHIN_SECONDS
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
_ATTACHED = Kind.ATTACHED.value

MISROUTED_US = MISROUTED_WITHIN_SECONDS * SECOND_US
"""A visit that is transferred after so little service was in the wrong line, in microseconds."""
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
    `quote_us` is what the customer was told of the wait. One that is `misrouted` was soon handed to somebody else.
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
    quote_us: int | None = None
    misrouted: bool = False

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
    `agent` is the first who is told to have answered, else the first who is told at all; `taken_over` says whether
    another went on within one visit. `has_answered` says which of the two `agent` is.
    `attached` are the keys of what is beside interactions and about this one.
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
    initiated_by: str | None = None
    known_customer: bool | None = None
    agent: str | None = None
    has_answered: bool = False
    agents: set[str] = set()
    taken_over: bool = False
    informed: list[int] = []
    attached: set[str] = set()

    @property
    def reopened_at(self) -> int | None:
        """When the same matter first came back."""
        return self.first_at.get(_REOPENED)


def walk(facts: Collection[Fact]) -> Interaction:
    """The interaction that a set of facts, at least one and each once, makes; see `kpis.md`, "The walk"."""
    own, attached = _current(facts)
    story = sorted(own)
    for fact in story:
        if fact.kind == _RECORDED:
            story = sorted(_told(story))
            break
    if not story:
        return Interaction(attached=attached)
    it = Interaction(story[0].at, story[-1].at, attached=attached)
    for fact in facts if not attached else [fact for fact in facts if fact.kind != _ATTACHED]:
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


def _current(facts: Collection[Fact]) -> tuple[Collection[Fact], set[str]]:
    """The facts without those of a record's revisions before the last; and the keys of what is attached."""
    latest: dict[str, int] = {}
    for fact in facts:
        record = fact.data.record
        if record is not None:
            latest[record] = max(latest.get(record, 0), fact.data.revision or 0)
    if not latest:
        return facts, set()
    attached = {fact.data.record for fact in facts if fact.kind == _ATTACHED and fact.data.record is not None}
    current = [
        fact
        for fact in facts
        if fact.data.record is None
        or (fact.kind != _ATTACHED and (fact.data.revision or 0) == latest[fact.data.record])
    ]
    return current, attached


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
    if it.initiated_by is None:
        it.initiated_by = data.initiated_by
    if it.known_customer is None:
        it.known_customer = data.known_customer
    if data.agent is not None:
        it.agents.add(data.agent)
        if it.agent is None or (fact.kind == _ANSWERED and not it.has_answered):
            it.agent, it.has_answered = data.agent, fact.kind == _ANSWERED


def _open(it: Interaction, fact: Fact) -> Visit:
    """A visit that no `queued` announced: in the line that the fact names, else in the line visited last."""
    queue = fact.data.queue or (it.visits[-1].queue if it.visits else "")
    visit = Visit(queue, fact.at, False)
    it.visits.append(visit)
    return visit


def _queued(it: Interaction, fact: Fact) -> None:
    queue = fact.data.queue or ""
    waiting = it.waiting
    quote_us = _told_us(fact.data.quoted_wait_seconds)
    if waiting is not None:
        if waiting.queue == queue:
            if waiting.quote_us is None:
                waiting.quote_us = quote_us
            return
        waiting.outcome = DIVERTED
        waiting.left_at = fact.at
    it.waiting = Visit(queue, fact.at, True, quote_us=quote_us)
    it.visits.append(it.waiting)


def _answered(it: Interaction, fact: Fact) -> None:
    visit = it.waiting
    if visit is None:
        if it.serving is not None:
            it.taken_over = True
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


def _transferred(it: Interaction, fact: Fact) -> None:
    """Who is answered in the next line at the very moment of the transfer was handed over by the line before."""
    visit = it.serving
    if visit is None or visit.left_at == fact.at:
        ended_now = (one for one in reversed(it.visits) if one is not visit and one.ended_at == fact.at)
        visit = next(ended_now, visit)
    if visit is None or visit.left_at is None:
        return
    held = visit.hold_us if visit.held_at is None else visit.hold_us + fact.at - visit.held_at
    if fact.at - visit.left_at - held <= MISROUTED_US:
        visit.misrouted = True


def _informed(it: Interaction, fact: Fact) -> None:
    it.informed.append(fact.at)


def _noted(_it: Interaction, _fact: Fact) -> None:
    """Nothing but when it happened first, which is kept of every kind."""


_STEPS = {
    _QUEUED: _queued,
    _ANSWERED: _answered_now,
    _HELD: _held,
    _RESUMED: _resumed,
    _TRANSFERRED: _transferred,
    _ESCALATED: _noted,
    _CORRECTED: _corrected,
    _RECOVERED: _recovered,
    _ABANDONED: _abandoned,
    _DIVERTED: _diverted,
    _COMPLETED: _completed,
    _REOPENED: _noted,
    _INFORMED: _informed,
    _VERIFIED: _noted,
}
