"""How objectives stand: in one series, and added up over places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.core.budget import Spend, Status
from service.core.objective import Objective, Terms
from service.core.series import Series


@dataclass(frozen=True, slots=True)
class Standing:
    """How an objective stands in one series over `days`, of which `elapsed` is the share that is over.

    `terms` are those at the site on the last of the days that have come. `provisional` are cases that are not settled
    yet; None where all of them are settled at once.
    """

    objective: Objective
    terms: Terms
    series: Series
    days: range
    elapsed: float
    settled: Spend
    provisional: Spend | None


@dataclass(frozen=True, slots=True)
class Place:
    """What an objective comes to somewhere: at a site, in a queue, or everywhere; what is not told apart is None.

    `terms` are those there. `provisional` are cases that are not settled yet, None where all of them are settled at
    once; they are never added to the settled ones. `elapsed` is the share of the window that is over.
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


def everywhere(terms: Terms, standings: Sequence[Standing]) -> Place:
    """What an objective comes to in all of its standings together."""
    return _place(terms, standings)


def places(terms: Terms, standings: Iterable[Standing], by: Sequence[str]) -> list[Place]:
    """What an objective comes to in each place, in the order of the standings.

    `by` says what places are told apart by, of `site`, `queue` and `channel`; `terms` are those of the objective.
    """
    groups: dict[tuple[str, ...], list[Standing]] = {}
    for standing in standings:
        groups.setdefault(tuple(getattr(standing.series, name) for name in by), []).append(standing)
    return [_place(terms, group, **dict(zip(by, labels, strict=True))) for labels, group in groups.items()]


def terms_over(objective: Objective, standings: Sequence[Standing], today: int) -> Terms | None:
    """The terms by which an objective stands, given its standings; None where nothing is promised, nor was judged.

    Where sites are on different dates, those of the latest: they may change with the day. Without any standing they are
    those of `today`.
    """
    if standings:
        starts = {one.terms.start_day for one in standings}
        return [known for known in objective.terms if known.start_day in starts][-1]
    terms = objective.at(today)
    return None if terms is None or terms.ended else terms


def _place(
    terms: Terms,
    standings: Sequence[Standing],
    site: str | None = None,
    queue: str | None = None,
    channel: str | None = None,
) -> Place:
    return Place(
        site,
        queue,
        channel,
        terms if site is None else terms.of_site(site),
        sum((one.settled for one in standings), Spend()),
        sum((one.provisional for one in standings if one.provisional is not None), Spend()) if terms.settles else None,
        max((one.elapsed for one in standings), default=0.0),
    )
