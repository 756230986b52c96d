"""Sites, their lines, and those who come to them, as they are at one moment of a simulation."""

from collections import deque
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from service.simulator.profile import QueueProfile, SiteProfile


@dataclass(slots=True)
class Place:
    """A site: whether its people are `trained`, its quotes `generous`, what is broken, and what waits for an answer.

    `run` names the simulation, in ids.
    """

    profile: SiteProfile
    zone: ZoneInfo
    run: str
    trained: bool = False
    generous: bool = False
    broken: int = 0
    complaints: int = 0

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def label(self) -> str:
        return f"{self.run}-{self.name}"


@dataclass(slots=True)
class Line:
    """A queue of a site."""

    place: Place
    profile: QueueProfile
    arrivals: Random
    arrived: int = 0
    waiting: deque["Visit"] = field(default_factory=deque)
    free: list[int] = field(default_factory=list)

    def capacity(self, slip: float) -> int:
        """The servers at work: at worst half of them."""
        return max(1, self.profile.servers - int(self.profile.servers * slip / 2 + 0.5))

    @property
    def busy(self) -> int:
        return self.profile.servers - len(self.free)

    @property
    def strain(self) -> float:
        """How hard pressed its people are: from 0, nobody waits, to 1, two or more wait for each of them."""
        return min(1.0, len(self.waiting) / (2 * self.profile.servers))

    def rate(self, at: float) -> float:
        """Customers a second."""
        return self.place.profile.arrival_rate(self.profile, at, self.place.zone) / 3600


@dataclass(slots=True)
class Encounter:
    """One contact of a customer about a matter; `summarised` ones tell of themselves only at their end.

    `chance` decides what happens in the line, `beside` all else, so that the line is the same without it. `ours` are
    those that we began.
    """

    matter: str
    source: str
    chance: Random
    beside: Random
    topic: str
    customer: str | None
    summarised: bool
    contact: int = 1
    events: int = 0
    visits: int = 0
    waited: float = 0.0
    ours: bool = False
    informed: bool = False
    verified: bool = False

    @property
    def subject(self) -> str:
        return self.matter if self.contact == 1 else f"{self.matter}.{self.contact}"

    def again(self) -> "Encounter":
        """The next contact about the same matter."""
        return replace(
            self,
            contact=self.contact + 1,
            events=0,
            visits=0,
            waited=0.0,
            ours=False,
            informed=False,
            verified=False,
        )


@dataclass(slots=True)
class Visit:
    """One wait in a line and the service after it; `about` is what is known when it begins."""

    encounter: Encounter
    line: Line
    queued_at: float
    about: dict[str, Any] = field(default_factory=dict)
    answered_at: float = 0.0
    held: float = 0.0
    server: int | None = None
