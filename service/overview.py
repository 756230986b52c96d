"""How objectives stand, put together for people: each as a whole, and the places where it stands worst."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.core.budget import Status
from service.core.objective import Objective, Terms
from service.core.standing import Place, Standing, everywhere, places, terms_over

_BY_URGENCY = (Status.BREACHED, Status.AT_RISK, Status.MET, Status.NO_DATA)


@dataclass(frozen=True, slots=True)
class Overview:
    """An objective over a window: by its latest terms, everywhere, and place by place, the worst first.

    `days` are the local days of the window; where sites are on different dates, all of them.
    """

    objective: Objective
    terms: Terms
    days: range
    whole: Place
    places: Sequence[Place]


def overviews(
    objectives: Iterable[Objective], standings: Sequence[Standing], today: int, by: Sequence[str] = ("site",)
) -> list[Overview]:
    """The objectives that are in force today or have a standing; `by` is what places are told apart by."""
    found = []
    for objective in objectives:
        own = [standing for standing in standings if standing.objective.number == objective.number]
        terms = terms_over(objective, own, today)
        if terms is None:
            continue
        days = terms.window.around(today)
        if own:
            days = range(min(one.days.start for one in own), max(one.days.stop for one in own))
        told = sorted(places(terms, own, by), key=_urgency)
        found.append(Overview(objective, terms, days, everywhere(terms, own), told))
    return found


def _urgency(place: Place) -> tuple[int, float, str]:
    left = place.settled.left_ratio
    return _BY_URGENCY.index(place.status), 1.0 if left is None else left, place.site or ""
