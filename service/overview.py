"""How objectives stand, put together for people: each as a whole, and the places where it stands worst."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from service.core.budget import Spend, Status
from service.core.objective import Objective, Terms
from service.store.standings import Standing

_BY_URGENCY = (Status.BREACHED, Status.AT_RISK, Status.MET, Status.NO_DATA)


@dataclass(frozen=True, slots=True)
class Place:
    """What an objective comes to somewhere: at a site, in a queue, or everywhere; what is not told apart is None.

    `terms` are those there. `provisional` is None where all cases are settled at once. `elapsed` is the share of the
    window that is over.
    """

    site: str | None
    queue: str | None
    channel: str | None
    terms: Terms
    settled: Spend
    provisional: Spend | None
    elapsed: float

    @property
    def status(self) -> Status:
        """How it stands by what is settled; at risk, too, where what is not settled yet leads to a breach."""
        status = self.settled.status(self.elapsed, self.terms.minimum_events)
        if self.provisional is None or status in (Status.BREACHED, Status.AT_RISK):
            return status
        ahead = self.provisional.status(self.elapsed, self.terms.minimum_events)
        return Status.AT_RISK if ahead in (Status.BREACHED, Status.AT_RISK) else status


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
        terms = objective.at(today)
        if own:
            # Where sites are on different dates, the terms of the latest: they may change with the day.
            starts = {one.terms.start_day for one in own}
            terms = [known for known in objective.terms if known.start_day in starts][-1]
        if terms is None or (terms.ended and not own):
            continue
        days = terms.window.around(today)
        if own:
            days = range(min(one.days.start for one in own), max(one.days.stop for one in own))
        groups: dict[tuple[str, ...], list[Standing]] = {}
        for standing in own:
            groups.setdefault(tuple(getattr(standing.series, name) for name in by), []).append(standing)
        places = [_place(dict(zip(by, labels, strict=True)), group, terms) for labels, group in groups.items()]
        found.append(Overview(objective, terms, days, _place({}, own, terms), sorted(places, key=_urgency)))
    return found


def _place(labels: dict[str, str], standings: Sequence[Standing], terms: Terms) -> Place:
    return Place(
        labels.get("site"),
        labels.get("queue"),
        labels.get("channel"),
        terms.of_site(labels["site"]) if "site" in labels else terms,
        _sum(standings, lambda one: one.settled),
        _sum(standings, lambda one: one.provisional) if terms.settles else None,
        max((standing.elapsed for standing in standings), default=0.0),
    )


def _sum(standings: Sequence[Standing], of: Callable[[Standing], Spend | None]) -> Spend:
    total = Spend()
    for standing in standings:
        total += of(standing) or Spend()
    return total


def _urgency(place: Place) -> tuple[int, float, str]:
    left = place.settled.left_ratio
    return _BY_URGENCY.index(place.status), 1.0 if left is None else left, place.site or ""
