"""Effects of changes: the days around one read, and what was before it compared with what came after."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core.catalogue.kpi import Shape
from service.core.catalogue.measures import SETTLED, WITHIN_DAYS
from service.core.change import Change, meets
from service.core.comparison import Comparison, Material, Place, Reading, compare
from service.core.effect import Amount, Daily
from service.core.errors import InvalidInput
from service.core.event import DAY_US, MINUTE_US, duration_us, microseconds, moment
from service.core.interval import Interval, Step
from service.core.kpi import Needs, Values, evaluate, needs
from service.core.policy import Policy
from service.core.question import Question
from service.core.series import OTHER
from service.core.spans import EARLIER_WEEKS, MAX_WEEKS
from service.core.window import number_of
from service.store.changes import ChangeLog
from service.store.cohorts import Selection
from service.store.rollups import Gathered, Rollups

MAX_NUMBERS = 2_000_000
_ANYTHING = "offered"
_BEFORE = timedelta(weeks=MAX_WEEKS + EARLIER_WEEKS, days=2)
_AFTER = timedelta(weeks=MAX_WEEKS, days=3)


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found; a KPI is told as so many times its numerator over its denominator as `scale` says."""

    comparison: Comparison
    reading: Reading
    scale: int


async def compared(
    change: Change,
    question: Question,
    selection: Selection,
    weeks: int | None,
    rollups: Rollups,
    log: ChangeLog,
    policy: Policy,
    now: datetime,
) -> Compared:
    """Compare the time after a change with the time before it, in the series selected, over whole days that are over.

    Cases that settle with time are taken from days that are old enough. Raises InvalidInput where there are too many
    series, and Unavailable.
    """
    at = moment(change.at_us)
    interval = Interval(at - _BEFORE, at + _AFTER)
    gathered = await rollups.gather(
        interval, Step.DAY, selection, ("site", "queue"), needs([question]), check_points=_check_numbers
    )
    visits = await rollups.gather(interval, Step.DAY, Selection(), ("site",), Needs(frozenset({_ANYTHING})))
    others = await log.all(since=interval.start, until=interval.end)
    # With many sites this takes a while, in which posts should go on.
    return await asyncio.to_thread(
        _compared, change, question, weeks, gathered, visits, others, policy, microseconds(now)
    )


def _compared(
    change: Change,
    question: Question,
    weeks: int | None,
    gathered: Gathered,
    visits: Gathered,
    others: Sequence[Change],
    policy: Policy,
    now_us: int,
) -> Compared:
    is_count = question.kpi.shape is Shape.COUNT
    amounts = {
        (site, queue): _daily(_days_of(gathered), evaluate(question, sums), is_count=is_count)
        for (site, queue), sums in gathered.groups.items()
        if site != OTHER  # the sites over the limit, changed and unchanged ones together
    }
    there = _there(amounts, visits)
    sites = sorted({site for site, _ in amounts})
    over = min((_day(policy, site, now_us) for site in sites), default=0) - _settling_days(question)
    known = range((change.at_us - duration_us(_BEFORE.total_seconds())) // DAY_US + 2, over)
    material = Material(amounts, there, known, lambda site, day: not policy.calendar(site).openings(day))
    meanwhile = [
        (other, _dates(other, sites, policy).start)
        for other in others
        if other.name != change.name and meets(other, amounts)
    ]
    reading = Reading(is_count, question.kpi.shape is Shape.RATIO, question.kpi.better)
    found = compare(change, _dates(change, sites, policy), meanwhile, material, reading, weeks)
    return Compared(found, reading, question.kpi.per)


def _there(amounts: Mapping[Place, Daily], visits: Gathered) -> dict[str, frozenset[int]]:
    """The days of each site on which anybody came, or anything was counted."""
    days = _days_of(visits)
    found: dict[str, set[int]] = {}
    for (site,), sums in visits.groups.items():
        offered = sums.terms.get(_ANYTHING, [])
        found[site] = {day for day, number in zip(days, offered, strict=False) if number}
    for (site, _), daily in amounts.items():
        found.setdefault(site, set()).update(day for day, amount in daily.items() if amount.is_something)
    return {site: frozenset(posted) for site, posted in found.items()}


def _days_of(gathered: Gathered) -> list[int]:
    return [number_of(start.date()) for start in gathered.grid.starts]


def _check_numbers(numbers: int) -> None:
    if numbers > MAX_NUMBERS:
        raise InvalidInput(
            f"there are {numbers} days of queues around the change; at most {MAX_NUMBERS} are compared: name some",
            field="queue",
            code="contradiction",
        )


def _daily(days: Sequence[int], values: Values, *, is_count: bool) -> Daily:
    if is_count:
        return {day: Amount(value or 0.0) for day, value in zip(days, values.values, strict=True)}
    both = zip(days, values.numerators, values.denominators, strict=True)
    return {day: Amount(numerator or 0.0, denominator or 0.0) for day, numerator, denominator in both}


def _settling_days(question: Question) -> int:
    """How old a day has to be for its cases to be settled."""
    return WITHIN_DAYS[question.within] if question.within and question.maturity == SETTLED else 0


def _dates(change: Change, sites: Iterable[str], policy: Policy) -> range:
    """The local dates at which a change was made, at some of the sites."""
    dates = {_day(policy, site, change.at_us) for site in sites} or {change.at_us // DAY_US}
    return range(min(dates), max(dates) + 1)


def _day(policy: Policy, site: str, at_us: int) -> int:
    return policy.calendar(site).day_of(at_us // MINUTE_US)
