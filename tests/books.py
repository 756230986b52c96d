"""The ledger's arithmetic without a database: what gather, measure and difference make of batches of events."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, MEASURE_BY_CODE, MEASURES, Scope
from service.core.codes import CELL_BASE, cell_parts, objective_parts
from service.core.customer import Contact, ContactKey, Link, Position, measure_contact, relink
from service.core.customer import made_at as contact_made_at
from service.core.difference import Amounts, Class, Differences, Origin
from service.core.event import FIRST_KIND_OF_LEVELS, Accepted, Fact, Kind
from service.core.intake import admit, read_json
from service.core.keys import is_aside
from service.core.measure import Booking, OpenVisit, SeriesKey
from service.core.policy import Policy
from service.core.stories.aside import subject_attached_to
from service.core.stories.story import Story, attachment, story_of
from tests.reference.judging import Counts
from tests.reference.rollups import Place

HOUR_US = 3_600_000_000


class Numbers(dict[SeriesKey, int]):
    """Series numbered as they are asked for."""

    def __missing__(self, key: SeriesKey) -> int:
        self[key] = len(self) + 1
        return self[key]


def accept(events: Iterable[dict[str, Any]], now_us: int) -> list[Accepted]:
    """Valid events, admitted as a post's are."""
    body = msgspec.json.encode(list(events))
    accepted, rejected = admit(
        read_json(body), now_us=now_us, pseudonym=lambda customer: customer, may_post=lambda _: True
    )
    assert not rejected
    return accepted


class Books:
    """All of it in memory: facts and bookings of stories and contacts, rollups, totals by class, live cells."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.series = Numbers()
        self.seen: set[tuple[int, str, str]] = set()
        self.facts: defaultdict[ContactKey, list[Fact]] = defaultdict(list)
        self.bookings: dict[ContactKey, Booking] = {}
        self.peaks: dict[ContactKey, Amounts] = {}
        self.open: dict[ContactKey, list[OpenVisit]] = {}
        self.links: dict[ContactKey, Link] = {}
        self.sums = Differences()

    def deliver(
        self, events: Iterable[dict[str, Any]], now_us: int, horizon_us: int = HOUR_US, registration: int = 1
    ) -> None:
        """Take a batch of a registered source as the ledger does."""
        touched: dict[ContactKey, None] = {}
        for event in accept(events, now_us):
            fact = event.fact
            identity = (registration, fact.source, fact.id)
            if identity in self.seen:
                continue
            self.seen.add(identity)
            if fact.kind >= FIRST_KIND_OF_LEVELS:
                continue
            self._gather((registration, event.subject), fact, touched)
            about = subject_attached_to(fact) if fact.kind > Kind.ATTACHED else None
            if about is not None:
                self._gather((registration, about), attachment(event.subject, fact), touched)
        self.remeasure(touched, now_us, horizon_us)

    def _gather(self, key: ContactKey, fact: Fact, touched: dict[ContactKey, None]) -> None:
        self.facts[key].append(fact)
        touched[key] = None

    def tick(self, now_us: int, horizon_us: int = HOUR_US) -> None:
        """Measure again all that time alone has changed."""
        due = [key for key, visits in self.open.items() if any(v.due_us <= now_us for v in visits)]
        self.remeasure(due, now_us, horizon_us)
        self._remeasure_contacts(now_us, horizon_us)

    def _stories(self, keys: Iterable[ContactKey]) -> dict[ContactKey, Story]:
        """The stories of keys, and those that are about them; each where it is."""
        found = {key: story_of(key[1], self.facts[key]) for key in keys}
        attached = {(key[0], beside) for key, story in found.items() for beside in story.attached}
        found |= {key: story_of(key[1], self.facts[key]) for key in attached}
        for key, story in found.items():
            if is_aside(key[1]):
                about = (key[0], story.about or "")
                story.stand_at(story_of(about[1], self.facts[about]).home if about in self.facts else None)
        return found

    def remeasure(self, keys: Iterable[ContactKey], now_us: int, horizon_us: int) -> None:
        moved: set[ContactKey] = set()
        gone: list[tuple[Position, Contact]] = []
        for key, story in self._stories(keys).items():
            booking = story.booking(self.series, now_us, self.policy)
            self.peaks[key] = self.sums.move(
                self.bookings.get(key, {}),
                booking,
                story.origin(now_us, self.policy),
                peaks=self.peaks.get(key, {}),
                horizon_us=now_us - horizon_us,
            )
            self.bookings[key] = booking
            self.open[key] = story.opened(self.series, now_us, self.policy)
            contact = story.contact(self.series)
            link = self.links.get(key)
            if contact is None:
                if link is not None:
                    gone.append((link.position, link.contact))
                    self._forget(self.links.pop(key), now_us - horizon_us)
                    moved.add(key)
            else:
                if link is None:
                    self.links[key] = Link(key, contact)
                else:
                    gone.append((link.position, link.contact))
                    link.contact = contact
                moved.add(key)
        relink(self.links.values(), gone, moved)
        self._remeasure_contacts(now_us, horizon_us)

    def _forget(self, link: Link, horizon_us: int) -> None:
        """Take back what a contact counted for that is none any more."""
        made = contact_made_at(link, ())
        origin = Origin(min(made.values()), max(made.values()), partial(dict, made))
        self.sums.move(link.booking, {}, origin, peaks=link.peaks, horizon_us=horizon_us)

    def _remeasure_contacts(self, now_us: int, horizon_us: int) -> None:
        labels = {number: key for key, number in self.series.items()}
        for link in self.links.values():
            judges = self.policy.judging(Scope.CONTACT, labels[link.contact.series], link.contact.arrival)
            booking = measure_contact(link, now_us, judges)
            made = contact_made_at(link, judges)
            origin = Origin(min(made.values()), max(made.values()), partial(dict, made))
            link.peaks = self.sums.move(link.booking, booking, origin, peaks=link.peaks, horizon_us=now_us - horizon_us)
            link.booking = booking

    def objectives(self) -> dict[tuple[Place, str], Counts]:
        """What is counted of each objective, by place and its name, where anything is."""
        labels = {number: key for key, number in self.series.items()}
        names = {objective.number: objective.name for objective in self.policy.objectives.all}
        found: defaultdict[tuple[Place, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for (series, minute), amounts in self.sums.rollups.items():
            for code, amount in amounts.items():
                if code < 0:
                    number, place = objective_parts(code)
                    found[(*labels[series], minute), names[number]][place] += amount
        return {where: Counts(*counts) for where, counts in found.items() if any(counts)}

    def rollups(self) -> dict[Place, dict[str, int]]:
        """Every measure that is not 0, by place."""
        labels = {number: key for key, number in self.series.items()}
        found = {
            (*labels[series], minute): {
                MEASURE_BY_CODE[code].name: amount
                for code, amount in amounts.items()
                if 0 < code < CELL_BASE and amount
            }
            for (series, minute), amounts in self.sums.rollups.items()
        }
        return {place: amounts for place, amounts in found.items() if amounts}

    def cells(self) -> dict[tuple[Place, str, int], int]:
        """How often each exact duration occurs, by place and histogram, where durations are kept."""
        labels = {number: key for key, number in self.series.items()}
        found = {}
        for (series, minute), amounts in self.sums.rollups.items():
            for code, amount in amounts.items():
                if code >= CELL_BASE and amount:
                    histogram, duration = cell_parts(code)
                    if HISTOGRAM_BY_CODE[histogram].cells:
                        found[(*labels[series], minute), HISTOGRAM_BY_CODE[histogram].name, duration] = amount
        return found

    def identity_gaps(self) -> dict[tuple[int, str], int]:
        """What live + backfilled + up - down leaves over the rollups, by series and measure."""
        sign = {Class.LIVE: 1, Class.BACKFILLED: 1, Class.CORRECTED_UP: 1, Class.CORRECTED_DOWN: -1}
        gaps: defaultdict[tuple[int, str], int] = defaultdict(int)
        for (series, kind), amounts in self.sums.totals.items():
            for code, amount in amounts.items():
                gaps[series, _name(code)] += sign[Class(kind)] * amount
        for (series, _), amounts in self.sums.rollups.items():
            for code, amount in amounts.items():
                if code < CELL_BASE:
                    gaps[series, _name(code)] -= amount
        return {key: gap for key, gap in gaps.items() if gap}

    def live(self) -> dict[tuple[int, str], int]:
        """The live counters, by series and measure."""
        states = {measure.name for measure in MEASURES if measure.state}
        found = {
            (series, _name(code)): amount
            for (series, kind), amounts in self.sums.totals.items()
            if kind == Class.LIVE
            for code, amount in amounts.items()
        }
        return {key: amount for key, amount in found.items() if key[1] not in states}


def _name(code: int) -> str:
    return f"objective {code}" if code < 0 else MEASURE_BY_CODE[code].name
