"""Objectives on the service level: which visits are events of an objective, and which of those are breaches.

Readings adopted where the definitions are silent:

- A visit is judged by the version that held when it arrived, for good: the one with the latest start at or
  before its arrival, and of several with the same start the last one listed. Before the first there is none.
- The version that holds decides alone, also where its filter lets the visit out that an earlier one let in.
- Whoever has waited longer than the threshold T, and then gave up or was diverted, is an event and a breach by
  every formula: the breach happened when T passed.
- Who still waits, or expired, is an event and a breach from the very moment T after the arrival, and nothing
  before that. Who is answered at that very moment is answered in time.
- An answer after an unknown wait is a breach; giving up after one is what each formula makes of a wait that is
  not known to be short. A diversion after an unknown wait is a breach of `diversions_hurt` alone.
- The short-abandon limit s says nothing about a wait longer than T, even where s is the larger.
- What belongs to no known site is judged nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from tests.reference.kpis import SHORT
from tests.reference.rows import VisitRow
from tests.reference.walk import span


class Verdict(Enum):
    """What a visit is to an objective."""

    NOTHING = "nothing"
    GOOD = "good"
    BREACH = "breach"


@dataclass(frozen=True)
class Version:
    """What an objective says from `start` on, in microseconds since 1970, or ever. An empty filter lets all in."""

    threshold: float
    formula: str = "abandons_hurt"
    start: int | None = None
    short: float = SHORT
    sites: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def matches(self, visit: VisitRow) -> bool:
        """Whether the visit is of a site, queue and channel that this is about."""
        asked = ((self.sites, visit.site), (self.queues, visit.queue), (self.channels, visit.channel))
        return all(not allowed or place in allowed for allowed, place in asked)


@dataclass(frozen=True)
class Objective:
    """An objective as it has changed over time."""

    name: str
    versions: tuple[Version, ...]

    def version_for(self, visit: VisitRow) -> Version | None:
        """The version by which a visit is judged, if any held when it arrived."""
        held = [version for version in self.versions if version.start is None or version.start <= visit.arrival]
        return max(reversed(held), key=_since, default=None)


def _since(version: Version) -> float:
    return -inf if version.start is None else version.start


def judge(objective: Objective, visit: VisitRow, now: int) -> Verdict:
    """What a visit is to an objective, as things stand at `now`, in microseconds since 1970."""
    version = objective.version_for(visit)
    if visit.site is None or version is None or not version.matches(visit):
        return Verdict.NOTHING
    threshold = span(version.threshold)
    in_time = visit.wait is not None and visit.wait <= threshold
    too_late = visit.wait is not None and visit.wait > threshold
    if visit.outcome == "A":
        return Verdict.GOOD if in_time else Verdict.BREACH
    if visit.outcome in "WX":
        return Verdict.BREACH if now >= visit.arrival + threshold else Verdict.NOTHING
    if too_late:
        return Verdict.BREACH
    if visit.outcome == "F":
        return Verdict.BREACH if version.formula == "diversions_hurt" else Verdict.NOTHING
    short = visit.wait is not None and visit.wait <= span(version.short)
    return {
        "abandons_help": Verdict.GOOD if in_time else Verdict.BREACH,
        "abandons_ignored": Verdict.NOTHING,
        "abandons_hurt": Verdict.BREACH,
        "late_abandons_hurt": Verdict.NOTHING,
        "short_abandons_help": Verdict.GOOD if short else Verdict.BREACH,
        "short_abandons_excluded": Verdict.NOTHING if short else Verdict.BREACH,
        "diversions_hurt": Verdict.BREACH,
    }[version.formula]


def tally(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """How many events, and how many breaches among them."""
    breaches = verdicts.count(Verdict.BREACH)
    return breaches + verdicts.count(Verdict.GOOD), breaches
