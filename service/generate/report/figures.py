"""What a report on a month tells: each objective everywhere, at each site, in each queue and channel, and by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from service.core.budget import Spend
from service.core.catalogue.measures import WITHIN_DAYS
from service.core.objective import Objective, Terms
from service.core.standing import Place
from service.core.window import date_of


class Result(StrEnum):
    """Whether a promise was kept. NO_DATA: fewer events than it takes to say anything."""

    MET = "met"
    NOT_MET = "not_met"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class DayFigure:
    """What an objective came to on a local day, at all sites of the report together."""

    day: int
    settled: Spend
    provisional: Spend | None


@dataclass(frozen=True, slots=True)
class Section:
    """An objective over the month; `terms` are those in force on its days, each with these days."""

    objective: Objective
    terms: Sequence[tuple[Terms, range]]
    whole: Place
    sites: Sequence[Place]
    series: Sequence[Place]
    days: Sequence[DayFigure]

    @property
    def title(self) -> str:
        """What to call it."""
        return self.objective.about.title or self.objective.name


@dataclass(frozen=True, slots=True)
class Report:
    """A report on the local `days` of a month, made at a moment of data up to the latest event.

    Without `sites` it is about all of them. `is_over` says that the month is over at every site; `since` and `until`
    are the moments between which it lies at all of them. `is_outdated`: a rebuild is wanted.
    """

    days: range
    is_over: bool
    sites: Sequence[str]
    since: datetime
    until: datetime
    made_at: datetime
    last_event_at: datetime | None
    version: str
    is_outdated: bool
    sections: Sequence[Section]

    @property
    def month(self) -> str:
        """The month as 2026-11."""
        return f"{date_of(self.days[0]):%Y-%m}"

    def is_so_far(self, provisional: Spend | None) -> bool:
        """Whether more is to come: the rest of the month, or cases that are provisional."""
        return not self.is_over or (provisional is not None and provisional.events > 0)

    def settled_on(self, terms: Terms) -> date | None:
        """The date on which every case closed by the month's end is settled; None where all are at once."""
        return date_of(self.days.stop) + timedelta(days=WITHIN_DAYS[terms.within]) if terms.settles else None


def result(place: Place) -> Result:
    """Whether what was promised somewhere was kept, by what is settled."""
    if place.settled.events < place.terms.minimum_events:
        return Result.NO_DATA
    return Result.NOT_MET if place.settled.is_overspent else Result.MET
