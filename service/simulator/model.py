"""A model of service: customers come, wait in line, are served well or badly, and some come back.

A discrete-event simulation. Arrivals are a Poisson process whose rate follows the local hour and weekday
(by thinning); each line serves its customers in their order with a number of servers; those who wait longer
than their patience leave. Waits are nowhere drawn at random: they follow from arrivals, servers and service.

It is pure: the same sites, seed, label and start give the same events. Each encounter has random numbers of
its own, so a run that slips serves the very customers of one that doesn't.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from service.simulator.profile import Duration, LogNormal, QueueProfile, SiteProfile

Event = dict[str, Any]

_RETURN = LogNormal(5400, 0.8)  # seconds until an unresolved matter comes back
_REDIAL = LogNormal(900, 0.7)  # seconds until one who gave up tries again
_REOPEN = LogNormal(2400, 0.7)
_REWORK = LogNormal(480, 0.5)
_NOTICE = LogNormal(120, 0.8)  # seconds until an error is noticed
_RECOVER = LogNormal(240, 0.6)
_RETURNING, _REDIALLING, _RECOVERING = 0.6, 0.4, 0.9  # chances
_WALK = 2.0  # seconds between a transfer and the next line
_LATER = 1800.0


@dataclass(slots=True)
class _Line:
    """A queue of a site at this moment."""

    site: SiteProfile
    profile: QueueProfile
    zone: ZoneInfo
    arrivals: Random
    arrived: int = 0
    waiting: deque["_Visit"] = field(default_factory=deque)
    free: list[int] = field(default_factory=list)

    def capacity(self, slip: float) -> int:
        """The servers at work: at worst half of them."""
        return max(1, self.profile.servers - int(self.profile.servers * slip / 2 + 0.5))

    @property
    def busy(self) -> int:
        return self.profile.servers - len(self.free)

    def rate(self, at: float) -> float:
        """Customers a second."""
        return self.site.arrival_rate(self.profile, at, self.zone) / 3600


@dataclass(slots=True)
class _Encounter:
    """One contact of a customer about a matter; `summarised` ones tell of themselves only at their end."""

    matter: str
    source: str
    chance: Random
    topic: str
    customer: str | None
    summarised: bool
    contact: int = 1
    events: int = 0
    visits: int = 0

    @property
    def subject(self) -> str:
        return self.matter if self.contact == 1 else f"{self.matter}.{self.contact}"


@dataclass(slots=True)
class _Visit:
    encounter: _Encounter
    line: _Line
    queued_at: float
    answered_at: float = 0.0
    held: float = 0.0
    server: int | None = None


class Simulation:
    """The sites from `start` on. `label` goes into every id and subject, so that runs don't collide.

    `slip`, from 0 (as planned) to 1, may change at any time: servers go missing (half of them at 1) and
    service takes longer (twice at 1), so lines grow as lines do.
    """

    def __init__(
        self,
        sites: Sequence[SiteProfile],
        *,
        seed: int,
        start: datetime,
        label: str = "sim",
        slip: float = 0.0,
    ) -> None:
        self.slip = slip
        self._seed, self._label = seed, label
        self._now = start.timestamp()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self._told: deque[Event] = deque()
        self._lines = {(site.name, queue.name): self._line(site, queue) for site in sites for queue in site.queues}
        for line in self._lines.values():
            self._expect(line)

    def until(self, end: datetime) -> Iterator[Event]:
        """The events before `end` that were not yet given, in the order of their times."""
        last = end.timestamp()
        while self._agenda and self._agenda[0][0] < last:
            self._now, _, action = heapq.heappop(self._agenda)
            action()
            while self._told:
                yield self._told.popleft()

    @property
    def waiting(self) -> dict[tuple[str, str], int]:
        """How many wait now, by site and queue."""
        return {name: len(line.waiting) for name, line in self._lines.items()}

    def _line(self, site: SiteProfile, queue: QueueProfile) -> _Line:
        arrivals = _chance(f"{self._seed}/{site.name}/{queue.name}")
        return _Line(site, queue, ZoneInfo(site.time_zone), arrivals, free=list(range(queue.servers)))

    def _plan(self, after: float, action: Callable[[], None]) -> None:
        self._planned += 1
        heapq.heappush(self._agenda, (self._now + after, self._planned, action))

    # --- coming ---

    def _expect(self, line: _Line) -> None:
        """Plan the next arrival: candidates at the highest rate, kept with the chance that the hour gives."""
        highest = max(line.profile.arrivals) * max(line.profile.weekdays) / 3600
        at = self._now
        while highest > 0:
            at += line.arrivals.expovariate(highest)
            if line.arrivals.random() * highest < line.rate(at):
                self._plan(at - self._now, partial(self._arrive, line))
                return

    def _arrive(self, line: _Line) -> None:
        line.arrived += 1
        number, site, queue = line.arrived, line.site, line.profile
        chance = _chance(f"{self._seed}/{site.name}/{queue.name}/{number}")
        regular = int(site.customers * chance.random() ** 2)  # the squared draw makes some come often
        encounter = _Encounter(
            matter=f"{self._label}-{self._seed}-{site.name}-{queue.name}-{number}",
            source="acd"
            if queue.channel == "phone"
            else f"{queue.name.removesuffix('s')}-{number % queue.servers + 1}",
            chance=chance,
            topic=chance.choice(queue.topics),
            customer=f"{site.name}-customer-{regular}" if chance.random() < queue.known else None,
            summarised=chance.random() < queue.summarised,
        )
        self._join(encounter, line)
        self._expect(line)

    def _come_back(self, encounter: _Encounter, line: _Line, pause: Duration, likely: float) -> None:
        """The same customer comes once more about the same matter, when the line is open."""
        if encounter.chance.random() >= likely:
            return
        after = pause.sample(encounter.chance)
        again = replace(encounter, contact=encounter.contact + 1, events=0, visits=0)
        if any(line.profile.arrivals):
            while line.rate(self._now + after) == 0:
                after += _LATER
        self._plan(after, partial(self._join, again, line))

    # --- waiting ---

    def _join(self, encounter: _Encounter, line: _Line) -> None:
        encounter.visits += 1
        visit = _Visit(encounter, line, self._now)
        queue = line.profile
        about = {"topic": encounter.topic, "customer": encounter.customer}
        self._tell(visit, "queued", queue=queue.name, channel=queue.channel, **about)
        line.waiting.append(visit)
        self._plan(queue.patience.sample(encounter.chance), partial(self._lose_patience, visit))
        self._serve(line)

    def _lose_patience(self, visit: _Visit) -> None:
        if visit.server is not None:
            return
        visit.line.waiting.remove(visit)
        queue, chance = visit.line.profile, visit.encounter.chance
        if chance.random() < queue.diverted:
            self._end_unserved(visit, "diverted", to=chance.choice(queue.diversions))
        else:
            self._end_unserved(visit, "abandoned")
            if queue.channel == "phone":
                self._come_back(visit.encounter, visit.line, _REDIAL, _REDIALLING)

    def _end_unserved(self, visit: _Visit, outcome: str, **how: str) -> None:
        self._tell(visit, outcome, **how)
        if visit.encounter.summarised:
            self._record(visit, outcome=outcome)

    # --- being served ---

    def _serve(self, line: _Line) -> None:
        while line.waiting and line.busy < line.capacity(self.slip):
            visit = line.waiting.popleft()
            visit.server, visit.answered_at = heapq.heappop(line.free), self._now
            agent = f"{line.site.name}-{line.profile.name}-{visit.server + 1}"
            self._tell(visit, "answered", agent=agent, wait_seconds=_told(visit, self._now - visit.queued_at))
            self._attend(visit)

    def _attend(self, visit: _Visit) -> None:
        queue, chance = visit.line.profile, visit.encounter.chance
        lasting = queue.service.sample(chance) * (1 + self.slip)
        if chance.random() < queue.escalated:
            self._plan(lasting * 0.3, partial(self._tell, visit, "escalated"))
        if chance.random() < queue.held:
            hold = visit.held = queue.hold.sample(chance)
            self._plan(lasting * 0.5, partial(self._tell, visit, "held"))
            self._plan(lasting * 0.5 + hold, partial(self._tell, visit, "resumed"))
            lasting += hold
        self._plan(lasting, partial(self._finish, visit))

    def _finish(self, visit: _Visit) -> None:
        queue, encounter = visit.line.profile, visit.encounter
        for name, likely in queue.transfers.items():
            if encounter.visits == 1 and encounter.chance.random() < likely:
                self._tell(visit, "transferred", to_queue=name)
                self._plan(_WALK, partial(self._join, encounter, self._lines[visit.line.site.name, name]))
                self._release(visit)
                return
        resolved = encounter.chance.random() < queue.resolved
        wrap_up = queue.wrap_up.sample(encounter.chance) if queue.wrap_up else 0.0
        service = _told(visit, self._now - visit.answered_at - visit.held)
        self._tell(
            visit,
            "completed",
            resolved=resolved,
            wrap_up_seconds=round(wrap_up, 1) or None,
            service_seconds=service,
        )
        if encounter.summarised:
            self._record(visit, answered_at=_utc(visit.answered_at), resolved=resolved, outcome="answered")
        self._plan(wrap_up, partial(self._release, visit))
        self._aftermath(visit, resolved)

    def _release(self, visit: _Visit) -> None:
        if visit.server is not None:
            heapq.heappush(visit.line.free, visit.server)
        self._serve(visit.line)

    def _aftermath(self, visit: _Visit, resolved: bool) -> None:
        queue, encounter, chance = visit.line.profile, visit.encounter, visit.encounter.chance
        if chance.random() < queue.corrected:
            noticed, lasting = _NOTICE.sample(chance), _RECOVER.sample(chance)
            self._plan(noticed, partial(self._tell, visit, "corrected", kind=chance.choice(queue.corrections)))
            if chance.random() < _RECOVERING:
                self._plan(noticed + lasting, partial(self._tell, visit, "recovered"))
        if not resolved:
            self._come_back(encounter, visit.line, _RETURN, _RETURNING)
        elif chance.random() < queue.reopened:
            after = _REOPEN.sample(chance)
            self._plan(after, partial(self._tell, visit, "reopened"))
            self._plan(after + _REWORK.sample(chance), partial(self._tell, visit, "completed", resolved=True))

    # --- telling ---

    def _tell(self, visit: _Visit, what: str, **data: Any) -> None:
        if not visit.encounter.summarised:
            self._emit(visit, what, data)

    def _record(self, visit: _Visit, **data: Any) -> None:
        encounter, queue = visit.encounter, visit.line.profile
        about = {"topic": encounter.topic, "customer": encounter.customer, "queued_at": _utc(visit.queued_at)}
        self._emit(visit, "recorded", {"queue": queue.name, "channel": queue.channel, **about, **data})

    def _emit(self, visit: _Visit, what: str, data: Event) -> None:
        encounter = visit.encounter
        encounter.events += 1
        known = {name: value for name, value in data.items() if value is not None}
        self._told.append(
            {
                "id": f"{encounter.subject}:{encounter.events}",
                "source": encounter.source,
                "type": f"interaction.{what}",
                "time": _utc(self._now),
                "subject": encounter.subject,
                "data": {"site": visit.line.site.name, **known},
            }
        )


def _chance(name: str) -> Random:
    return Random(name)  # noqa: S311 - a model, not a secret


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _told(visit: _Visit, seconds: float) -> int | None:
    """What a telephone system itself says of a duration: whole seconds."""
    return int(seconds) if visit.line.profile.channel == "phone" else None
