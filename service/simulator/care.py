"""What is done for customers beside serving them: in a line, and for the site as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.simulator.durations import Duration, LogNormal

_TROUBLE, _EVERY_THREE_HOURS = LogNormal(1500, 0.8), LogNormal(10_800, 0.3)


@dataclass(frozen=True, slots=True)
class Care:
    """How the people of a line care for its customers, and how those speak of it. All but `tolerance` are chances.

    `quoted`: to be told how long the wait will be, where there is one. `informed`: to be told how things stand, in a
    matter that takes long, when few wait. `verified`: to be asked who one is. `recognised`: that a known customer is
    seen to be one. `called_back`: to be promised a call where a matter is left open. `promised`: to be promised one of
    `promises` where it is settled. `surveyed`, `reviewing`, `commenting`: to answer a survey, to write a review or a
    comment. `complaining`: to complain of an ordinary encounter; a bad one raises it. `tolerance` are the seconds of
    waiting that are felt as one step of trouble.
    """

    tolerance: float
    quoted: float = 0.0
    informed: float = 0.0
    verified: float = 0.0
    recognised: float = 0.5
    called_back: float = 0.0
    promised: float = 0.0
    promises: tuple[str, ...] = ()
    surveyed: float = 0.08
    reviewing: float = 0.008
    commenting: float = 0.006
    complaining: float = 0.002


@dataclass(frozen=True, slots=True)
class Resource:
    """A till, a line, a door: it works for `works`, and then is in trouble for `fails`; its name "" is the site itself.

    `degraded` is the share of its troubles in which it still works after a fashion. One that `beats` says at intervals
    that it is alive, and shows trouble by nothing but silence.
    """

    name: str
    kind: str
    works: Duration
    fails: Duration = _TROUBLE
    degraded: float = 0.4
    beats: bool = False


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a site has that may break, and the `standards` that are checked there.

    A standard's number is the share of items that are found in order before anybody is trained. `checked` is the
    time from one check to the next.
    """

    resources: tuple[Resource, ...]
    standards: Mapping[str, float]
    checked: Duration = _EVERY_THREE_HOURS
