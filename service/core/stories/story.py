"""What a set of facts makes, whatever it is of: what it contributes, what time will change of it, and where it is."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Protocol

from service.core.customer import Contact, contact_of
from service.core.difference import Origin
from service.core.event import AsideData, Fact, Kind, StoredData
from service.core.keys import is_aside, kind_of_aside
from service.core.measure import (
    Booking,
    OpenVisit,
    SeriesKey,
    home_of,
    made_at,
    measure,
    open_visits,
    series_of,
)
from service.core.policy import Policy
from service.core.stories.assessment import Assessment
from service.core.stories.feedback import Feedback
from service.core.stories.promise import Promise
from service.core.walk import Interaction, walk


class Story(Protocol):
    """What a set of facts makes. Methods that measure raise KeyError for a series that `series` doesn't number."""

    @property
    def home(self) -> SeriesKey | None:
        """The series of its first events; None while its site is unknown."""
        ...

    @property
    def attached(self) -> Collection[str]:
        """The keys of what is beside it and takes over where it is."""
        ...

    @property
    def about(self) -> str | None:
        """The subject of the interaction from which it takes over where it is."""
        ...

    def stand_at(self, home: SeriesKey | None) -> None:
        """Take over where the interaction is that this is about, where its own events don't tell."""

    def series_keys(self) -> set[SeriesKey]:
        """The series to which it contributes."""
        ...

    def booking(self, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> Booking:
        """What it contributes as of a moment."""
        ...

    def opened(self, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> list[OpenVisit]:
        """What of it is open as of a moment: visits, a promise to be kept, a complaint to be answered."""
        ...

    def origin(self, as_of_us: int, policy: Policy) -> Origin:
        """When what it contributes was made."""
        ...

    def contact(self, series: Mapping[SeriesKey, int]) -> Contact | None:
        """What it says of its customer."""
        ...


class Encounter:
    """An interaction as a story."""

    __slots__ = ("it",)

    def __init__(self, it: Interaction) -> None:
        self.it = it

    @property
    def home(self) -> SeriesKey | None:
        """The series to which what is counted of it goes."""
        return home_of(self.it)

    @property
    def attached(self) -> Collection[str]:
        """The keys of what is about it and has no site of its own."""
        return self.it.attached

    @property
    def about(self) -> str | None:
        """An interaction is about itself."""
        return None

    def stand_at(self, home: SeriesKey | None) -> None:
        """It is where its own events say."""

    def series_keys(self) -> set[SeriesKey]:
        """The series of its visits, and its own."""
        return series_of(self.it)

    def booking(self, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> Booking:
        """What it contributes as of a moment."""
        return measure(self.it, series, as_of_us, policy)

    def opened(self, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> list[OpenVisit]:
        """Its visits that wait or are in service as of a moment."""
        return open_visits(self.it, series, as_of_us, policy)

    def origin(self, _as_of_us: int, policy: Policy) -> Origin:
        """When what it contributes was made."""
        return Origin(self.it.arrival, self.it.last_at, partial(made_at, self.it, policy))

    def contact(self, series: Mapping[SeriesKey, int]) -> Contact | None:
        """The contact that it is."""
        return contact_of(self.it, series)


_ASIDES: Mapping[str, Callable[[Collection[Fact]], Story]] = {
    "promise": Promise,
    "feedback": Feedback,
    "assessment": Assessment,
}


def attachment(key: str, fact: Fact) -> Fact:
    """The fact by which an interaction knows of a story that is about it."""
    return Fact(fact.at, Kind.ATTACHED.value, fact.id, fact.source, StoredData(record=key), fact.received_at)


def subject_told(key: str, facts: Collection[Fact]) -> str | None:
    """The subject of the interaction that a story is, or is about; None where it is about none."""
    if not is_aside(key):
        return key
    return next(
        (fact.data.about for fact in sorted(facts) if isinstance(fact.data, AsideData) and fact.data.about), None
    )


def story_of(key: str, facts: Collection[Fact]) -> Story:
    """The story that the facts of a key make."""
    if is_aside(key):
        return _ASIDES[kind_of_aside(key)](facts)
    return Encounter(walk(facts) if facts else Interaction())
