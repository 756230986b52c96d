"""A model of service: customers come, wait in line, are served well or badly, and some come back.

A discrete-event simulation. Arrivals are a Poisson process whose rate follows the local hour and weekday
(by thinning); each line serves its customers in their order with a number of servers; those who wait longer
than their patience leave. Waits are nowhere drawn at random: they follow from arrivals, servers and service.
What customers say, what they were promised and how a site is kept follow from that in turn.

It is pure: the same sites, seed, label, start and changes give the same events. Each encounter has random numbers of
its own, so a run that slips serves the very customers of one that doesn't.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from service.simulator.attention import Attention
from service.simulator.changes import Change
from service.simulator.durations import Duration, LogNormal
from service.simulator.lines import Encounter, Line, Place, Visit
from service.simulator.profile import QueueProfile, SiteProfile
from service.simulator.promises import Promises
from service.simulator.stage import Event, Stage, seeded, utc
from service.simulator.upkeep import ROTA, Inspection, Rota, Works
from service.simulator.voice import Voice

_RETURN = LogNormal(5400, 0.8)  # seconds until an unresolved matter comes back
_REDIAL = LogNormal(900, 0.7)  # seconds until one who gave up tries again
_REOPEN = LogNormal(2400, 0.7)
_REWORK = LogNormal(480, 0.5)
_NOTICE = LogNormal(120, 0.8)  # seconds until an error is noticed
_RECOVER = LogNormal(240, 0.6)
_RETURNING, _REDIALLING, _RECOVERING = 0.6, 0.4, 0.9  # chances
_UNTRAINED = 0.6  # of the matters that are left open, how many still are after a training
_WALK = 2.0  # seconds between a transfer and the next line
_LATER = 1800.0


class Simulation:
    """The sites from `start` on. `label` goes into every id and subject, so that runs don't collide.

    `slip`, from 0 (as planned) to 1, may change at any time: servers go missing (half of them at 1) and
    service takes longer (twice at 1), so lines grow as lines do. `changes` are made at their times.
    """

    def __init__(
        self,
        sites: Sequence[SiteProfile],
        *,
        seed: int,
        start: datetime,
        label: str = "sim",
        slip: float = 0.0,
        changes: Iterable[Change] = (),
    ) -> None:
        self._slip = slip
        self._seed, self._label = seed, f"{label}-{seed}"
        self._stage = Stage(start)
        self._attention, self._voice = Attention(self._stage), Voice(self._stage)
        self._promises = Promises(self._stage)
        self._places = {site.name: Place(site, ZoneInfo(site.time_zone), self._label) for site in sites}
        self._lines = {(site.name, queue.name): self._line(site, queue) for site in sites for queue in site.queues}
        for line in self._lines.values():
            self._expect(line)
        self._rotas: list[Rota] = []
        for place in self._places.values():
            self._keep(place)
        self._stage.plan(0.0, self._follow)
        for change in changes:
            self._stage.plan(change.at.timestamp() - start.timestamp(), partial(self._make, change))

    def until(self, end: datetime) -> Iterator[Event]:
        """The events before `end` that were not yet given, in the order of their times."""
        return self._stage.until(end.timestamp())

    @property
    def slip(self) -> float:
        """How far service slips, 0 to 1."""
        return self._slip

    @slip.setter
    def slip(self, slip: float) -> None:
        if slip != self._slip:
            self._slip = slip
            self._stage.plan(0.0, self._staff)

    @property
    def waiting(self) -> dict[tuple[str, str], int]:
        """How many wait now, by site and queue."""
        return {name: len(line.waiting) for name, line in self._lines.items()}

    def _line(self, site: SiteProfile, queue: QueueProfile) -> Line:
        arrivals = seeded(f"{self._seed}/{site.name}/{queue.name}")
        return Line(self._places[site.name], queue, arrivals, free=list(range(queue.servers)))

    # --- the site itself ---

    def _keep(self, place: Place) -> None:
        upkeep = place.profile.upkeep
        if upkeep is None:
            return
        lines = [line for line in self._lines.values() if line.place is place]
        Inspection(self._stage, place, upkeep, lines, seeded(f"{self._seed}/{place.name}/checks"))
        for resource in upkeep.resources:
            Works(self._stage, place, resource, seeded(f"{self._seed}/{place.name}/resource/{resource.name}"))
        self._rotas += [Rota(self._stage, line) for line in lines]

    def _follow(self) -> None:
        self._staff()
        self._stage.plan(ROTA, self._follow)

    def _staff(self) -> None:
        for rota in self._rotas:
            rota.follow(self._slip)

    def _make(self, change: Change) -> None:
        for name in change.sites:
            if name in self._places:
                change.apply(self._places[name])
        told = {"name": change.name, "kind": change.kind, "sites": list(change.sites)}
        self._stage.say("change.made", f"{self._label}:{change.name}", "management", **told)

    # --- coming ---

    def _expect(self, line: Line) -> None:
        """Plan the next arrival: candidates at the highest rate, kept with the chance that the hour gives."""
        highest = max(line.profile.arrivals) * max(line.profile.weekdays) / 3600
        at = self._stage.now
        while highest > 0:
            at += line.arrivals.expovariate(highest)
            if line.arrivals.random() * highest < line.rate(at):
                self._stage.plan(at - self._stage.now, partial(self._arrive, line))
                return

    def _arrive(self, line: Line) -> None:
        line.arrived += 1
        number, site, queue = line.arrived, line.place.profile, line.profile
        name = f"{self._seed}/{site.name}/{queue.name}/{number}"
        chance = seeded(name)
        regular = int(site.customers * chance.random() ** 2)  # the squared draw makes some come often
        encounter = Encounter(
            matter=f"{self._label}-{site.name}-{queue.name}-{number}",
            source="acd"
            if queue.channel == "phone"
            else f"{queue.name.removesuffix('s')}-{number % queue.servers + 1}",
            chance=chance,
            beside=seeded(f"{name}/beside"),
            topic=chance.choice(queue.topics),
            customer=f"{site.name}-customer-{regular}" if chance.random() < queue.known else None,
            summarised=chance.random() < queue.summarised,
        )
        self._join(encounter, line)
        self._expect(line)

    def _come_back(self, visit: Visit, pause: Duration, likely: float) -> tuple[Encounter, float] | None:
        """The same customer's next contact about the same matter and the seconds until then, when the line is open."""
        encounter, line = visit.encounter, visit.line
        if encounter.chance.random() >= likely:
            return None
        after = pause.sample(encounter.chance)
        again = encounter.again()
        if any(line.profile.arrivals):
            while line.rate(self._stage.now + after) == 0:
                after += _LATER
        self._stage.plan(after, partial(self._join, again, line))
        return again, after

    # --- waiting ---

    def _join(self, encounter: Encounter, line: Line) -> None:
        encounter.visits += 1
        visit = Visit(encounter, line, self._stage.now)
        queue = line.profile
        visit.about = {"topic": encounter.topic, "customer": encounter.customer, **self._attention.greet(visit)}
        self._stage.tell(visit, "queued", queue=queue.name, channel=queue.channel, **visit.about)
        line.waiting.append(visit)
        patience = queue.patience.sample(encounter.chance)
        self._stage.plan(patience, partial(self._lose_patience, visit))
        self._attention.while_waiting(visit, patience)
        self._serve(line)

    def _lose_patience(self, visit: Visit) -> None:
        if visit.server is not None:
            return
        visit.line.waiting.remove(visit)
        visit.encounter.waited += self._stage.now - visit.queued_at
        queue, chance = visit.line.profile, visit.encounter.chance
        if chance.random() < queue.diverted:
            to = chance.choice(queue.diversions)
            self._end_unserved(visit, "diverted", to=to)
            if to == "callback":
                self._promises.instead_of_waiting(visit)
        else:
            self._end_unserved(visit, "abandoned")
            if queue.channel == "phone":
                self._come_back(visit, _REDIAL, _REDIALLING)
            self._voice.left(visit)

    def _end_unserved(self, visit: Visit, outcome: str, **how: str) -> None:
        self._stage.tell(visit, outcome, **how)
        if visit.encounter.summarised:
            self._stage.record(visit, outcome=outcome)

    # --- being served ---

    def _serve(self, line: Line) -> None:
        while line.waiting and line.busy < line.capacity(self._slip):
            visit = line.waiting.popleft()
            visit.server, visit.answered_at = heappop(line.free), self._stage.now
            waited = self._stage.now - visit.queued_at
            visit.encounter.waited += waited
            agent = f"{line.place.name}-{line.profile.name}-{visit.server + 1}"
            self._stage.tell(visit, "answered", agent=agent, wait_seconds=_told(visit, waited))
            self._attend(visit)

    def _attend(self, visit: Visit) -> None:
        queue, chance = visit.line.profile, visit.encounter.chance
        lasting = queue.service.sample(chance) * (1 + self._slip)
        self._attention.while_served(visit, lasting)
        if chance.random() < queue.escalated:
            self._stage.plan(lasting * 0.3, partial(self._stage.tell, visit, "escalated"))
        if chance.random() < queue.held:
            hold = visit.held = queue.hold.sample(chance)
            self._stage.plan(lasting * 0.5, partial(self._stage.tell, visit, "held"))
            self._stage.plan(lasting * 0.5 + hold, partial(self._stage.tell, visit, "resumed"))
            lasting += hold
        self._stage.plan(lasting, partial(self._finish, visit))

    def _finish(self, visit: Visit) -> None:
        queue, encounter, place = visit.line.profile, visit.encounter, visit.line.place
        for name, likely in queue.transfers.items():
            if encounter.visits == 1 and encounter.chance.random() < likely:
                self._stage.tell(visit, "transferred", to_queue=name)
                self._stage.plan(_WALK, partial(self._join, encounter, self._lines[place.name, name]))
                self._release(visit)
                return
        unresolved = (1 - queue.resolved) * (_UNTRAINED if place.trained else 1.0)
        resolved = encounter.chance.random() < 1 - unresolved
        wrap_up = queue.wrap_up.sample(encounter.chance) if queue.wrap_up else 0.0
        service = _told(visit, self._stage.now - visit.answered_at - visit.held)
        self._stage.tell(
            visit,
            "completed",
            resolved=resolved,
            wrap_up_seconds=round(wrap_up, 1) or None,
            service_seconds=service,
        )
        if encounter.summarised:
            self._stage.record(visit, answered_at=utc(visit.answered_at), resolved=resolved, outcome="answered")
        self._stage.plan(wrap_up, partial(self._release, visit))
        self._aftermath(visit, resolved)

    def _release(self, visit: Visit) -> None:
        if visit.server is not None:
            heappush(visit.line.free, visit.server)
        self._serve(visit.line)

    def _aftermath(self, visit: Visit, resolved: bool) -> None:
        queue, chance, plan = visit.line.profile, visit.encounter.chance, self._stage.plan
        wrong = chance.random() < queue.corrected
        if wrong:
            noticed, lasting = _NOTICE.sample(chance), _RECOVER.sample(chance)
            plan(noticed, partial(self._stage.tell, visit, "corrected", kind=chance.choice(queue.corrections)))
            if chance.random() < _RECOVERING:
                plan(noticed + lasting, partial(self._stage.tell, visit, "recovered"))
        returns = None
        if not resolved:
            returns = self._come_back(visit, _RETURN, _RETURNING)
        elif chance.random() < queue.reopened:
            after = _REOPEN.sample(chance)
            plan(after, partial(self._stage.tell, visit, "reopened"))
            plan(after + _REWORK.sample(chance), partial(self._stage.tell, visit, "completed", resolved=True))
        calls = self._promises.after_service(visit, resolved=resolved, returns_in=returns[1] if returns else None)
        if returns:
            returns[0].ours = calls
        self._voice.served(visit, resolved=resolved, wrong=wrong)


def _told(visit: Visit, seconds: float) -> int | None:
    """What a telephone system itself says of a duration: whole seconds."""
    return int(seconds) if visit.line.profile.channel == "phone" else None
