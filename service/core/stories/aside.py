"""What is beside interactions: what promises, feedback and assessments have in common."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar, NamedTuple

from service.core.catalogue.measures import LATE_LAGS_SECONDS, MEASURE_BY_NAME, Scope
from service.core.customer import Contact
from service.core.difference import Origin
from service.core.event import MINUTE_US, SECOND_US, AsideData, Fact
from service.core.measure import Booking, OpenVisit, SeriesKey, book
from service.core.policy import Policy
from service.core.quality import NO_FACET

_LATE_US = LATE_LAGS_SECONDS["1m"] * SECOND_US
_LATE_EVENTS = MEASURE_BY_NAME["late_events"].code
_SKEWED_EVENTS, _SKEW_US = MEASURE_BY_NAME["skewed_events"].code, MEASURE_BY_NAME["skew_us"].code

FAR_US = 253_370_764_800_000_000
"""The year 9999: when time alone changes nothing any more."""


class Part(NamedTuple):
    """What an aside contributes to one series and moment, and when each count of it was made, by code."""

    key: SeriesKey
    at_us: int
    amounts: dict[int, int]
    made_at: dict[int, int]


class Open(NamedTuple):
    """What of an aside is open: see `OpenVisit`."""

    key: SeriesKey
    state: int
    since_us: int
    expires_us: int
    due_us: int


class Aside(ABC):
    """A story beside interactions.

    It is where the earliest of its events says that names a site; where none does, where the interaction is that it is
    about.
    """

    scope: ClassVar[Scope]

    def __init__(self, facts: Collection[Fact]) -> None:
        self.facts = sorted(facts)
        self.home: SeriesKey | None = None
        self.attached: Collection[str] = ()
        self.about = next(filter(None, map(subject_attached_to, self.facts)), None)
        self._own: SeriesKey | None = None
        site = next((fact.data.site for fact in self.facts if fact.data.site is not None), None)
        if site is not None:
            queue = next((fact.data.queue for fact in self.facts if fact.data.queue is not None), "")
            channel = next((fact.data.channel for fact in self.facts if fact.data.channel is not None), "")
            self._own = self.home = (site, queue, channel, NO_FACET)

    def stand_at(self, home: SeriesKey | None) -> None:
        """Take over where the interaction is that this is about, where its own events don't tell."""
        if self._own is None:
            self.home = home

    @abstractmethod
    def parts(self, home: SeriesKey, as_of_us: int) -> Iterator[Part]:
        """What it contributes as of a moment."""

    def open(self, _home: SeriesKey, _as_of_us: int) -> Iterator[Open]:
        """What of it is open as of a moment."""
        return iter(())

    def series_keys(self) -> set[SeriesKey]:
        """The series to which it may contribute at any time."""
        if self.home is None:
            return set()
        return {self.home} | {part.key for part in self.parts(self.home, FAR_US)}

    def booking(self, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> Booking:
        """What it contributes as of a moment."""
        booking: Booking = {}
        for part in self._parts(as_of_us):
            amounts = part.amounts
            for judge in policy.judging(self.scope, part.key, part.at_us):
                book(judge, judge.rule_of_interactions.of_amounts(amounts), amounts)
            place = booking.setdefault((series[part.key], part.at_us // MINUTE_US), {})
            for code, amount in amounts.items():
                if amount:
                    place[code] = place.get(code, 0) + amount
        return {place: amounts for place, amounts in booking.items() if amounts}

    def opened(self, series: Mapping[SeriesKey, int], as_of_us: int, _policy: Policy) -> list[OpenVisit]:
        """What of it is open as of a moment."""
        if self.home is None:
            return []
        return [OpenVisit(series[key], *when) for key, *when in self.open(self.home, as_of_us)]

    def origin(self, as_of_us: int, policy: Policy) -> Origin:
        """When what it contributes was made."""
        made: dict[int, int] = {}
        for part in self._parts(as_of_us):
            of_part = part.made_at
            for judge in policy.judging(self.scope, part.key, part.at_us):
                events, breaches = judge.rule_of_interactions.made(of_part, self.facts[-1].at)
                of_part[judge.codes.events], of_part[judge.codes.breaches] = events, breaches
            for code, at_us in of_part.items():
                made[code] = max(made.get(code, at_us), at_us)
        times = made.values() or [fact.at for fact in self.facts] or [0]
        return Origin(min(times), max(times), lambda: made)

    def contact(self, _series: Mapping[SeriesKey, int]) -> Contact | None:
        """It says nothing of customers."""
        return None

    def _parts(self, as_of_us: int) -> Iterator[Part]:
        """Its parts; the first counts which of all its events came late or ahead of time."""
        if self.home is None:
            return
        late, skewed, skew_us = self._punctuality()
        for part in self.parts(self.home, as_of_us):
            for code, amount in ((_LATE_EVENTS, late), (_SKEWED_EVENTS, skewed), (_SKEW_US, skew_us)):
                if amount:
                    part.amounts[code] = amount
                    part.made_at[code] = self.facts[-1].at
            late = skewed = skew_us = 0
            yield part

    def _punctuality(self) -> tuple[int, int, int]:
        lags = [fact.received_at - fact.at for fact in self.facts]
        ahead = [-lag for lag in lags if lag < 0]
        return sum(lag > _LATE_US for lag in lags), len(ahead), sum(ahead)


def subject_attached_to(fact: Fact) -> str | None:
    """The interaction from which a story takes over where it is, as one of its facts says; None where it does not.

    Whether another fact names a site does not matter: then the interaction is remembered, and not needed.
    """
    data = fact.data
    return data.about if isinstance(data, AsideData) and data.site is None else None


def said(fact: Fact) -> AsideData:
    """What a fact beside interactions says."""
    data = fact.data
    if not isinstance(data, AsideData):
        raise TypeError(f"{type(data).__name__} is of an interaction")
    return data
