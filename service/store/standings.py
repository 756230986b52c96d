"""How objectives stand: the events and breaches of whole local days, added up over windows, series by series.

What it costs depends on the number of series and objectives and on the length of their windows, never on how much was
counted or how far back the numbers go.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.budget import Spend, allowed_parts, elapsed_share
from service.core.codes import OBJECTIVE_COUNTS, ObjectiveCodes
from service.core.event import MINUTE_US
from service.core.objective import Objective, Terms
from service.core.policy import Policy
from service.core.series import Series
from service.core.standing import Standing
from service.core.window import date_of, number_of
from service.store.tables import objective_totals

_RECENT_DAYS = 2
_SUMS = ", ".join(
    f"CAST(sum(t.{name}){only} AS bigint)"
    for only in ("", " FILTER (WHERE t.day >= part.recent)")
    for name in OBJECTIVE_COUNTS
)
# A subquery of its own, so that each part costs a look into the index, however far back the table goes.
_COUNT_SQL = f"""
SELECT part.place, sums.* FROM unnest(CAST(:places AS int[]), CAST(:series AS int[]), CAST(:objectives AS int[]),
    CAST(:first AS date[]), CAST(:last AS date[]), CAST(:recent AS date[]))
    AS part (place, series_id, objective_id, first, last, recent),
LATERAL (SELECT {_SUMS} FROM objective_rollups_daily AS t WHERE t.series_id = part.series_id
    AND t.objective_id = part.objective_id AND t.day BETWEEN part.first AND part.last) AS sums
"""

_DAYS_SQL = f"""
SELECT part.kind, days.day, {", ".join(f"CAST(sum(days.{name}) AS bigint)" for name in OBJECTIVE_COUNTS)}
FROM unnest(CAST(:kinds AS int[]), CAST(:series AS int[]), CAST(:objectives AS int[]),
    CAST(:first AS date[]), CAST(:last AS date[])) AS part (kind, series_id, objective_id, first, last),
LATERAL (SELECT t.day, {", ".join(f"sum(t.{name}) AS {name}" for name in OBJECTIVE_COUNTS)}
    FROM objective_rollups_daily AS t WHERE t.series_id = part.series_id
    AND t.objective_id = part.objective_id AND t.day BETWEEN part.first AND part.last GROUP BY t.day) AS days
GROUP BY 1, 2
"""
_NONE = (0,) * len(OBJECTIVE_COUNTS)

Judged = tuple[int, int]
"""A series and an objective of which something was judged there, by their numbers."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a local day came to of an objective, in all series asked for; `provisional` as in a standing."""

    objective: Objective
    day: int
    settled: Spend
    provisional: Spend | None


class _Part(NamedTuple):
    """Days of a window under the same terms; those from `recent` on came last."""

    place: int
    series: int
    objective: int
    days: range
    recent: int
    target: float


class _Wanted(NamedTuple):
    """An objective in a series: the terms, the days, the local date of now there, and the share that is over."""

    objective: Objective
    terms: Terms
    series: Series
    days: range
    today: int
    elapsed: float


async def read_standings(
    connection: AsyncConnection,
    policy: Policy,
    series: Sequence[Series],
    now_us: int,
    days: range | None = None,
    judged: Collection[Judged] | None = None,
) -> list[Standing]:
    """How each objective stands in each of the series that it covers, over its current window or the days given.

    Of what is beside interactions only in series in which any of it was ever `judged`, which is read where it is None.
    """
    judged = await _read_judged(connection, policy) if judged is None else judged
    wanted = list(_wanted(policy, series, now_us, days, judged))
    parts = [part for place, one in enumerate(wanted) for part in _parts(place, one)]
    spent = [(Spend(), Spend()) for _ in wanted]
    for part, row in zip(parts, await _count(connection, parts), strict=True):
        settled, provisional = spent[part.place]
        more, later = _spends(row, allowed_parts(part.target), settles=wanted[part.place].objective.settles)
        spent[part.place] = settled + more, provisional + later
    return [
        Standing(
            one.objective,
            one.terms,
            one.series,
            one.days,
            one.elapsed,
            settled,
            provisional if one.objective.settles else None,
        )
        for one, (settled, provisional) in zip(wanted, spent, strict=True)
    ]


async def read_days(
    connection: AsyncConnection, policy: Policy, series: Sequence[Series], now_us: int, days: range
) -> list[Day]:
    """What each of the days came to, of each objective in all of the series together; sorted, days of nothing left out.

    It adds up to the standings over these days.
    """
    wanted = list(_wanted(policy, series, now_us, days, await _read_judged(connection, policy)))
    parts = [part for place, one in enumerate(wanted) for part in _parts(place, one)]
    if not parts:
        return []
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys((part.objective, part.target) for part in parts))}
    columns: dict[str, list[Any]] = {
        "kinds": [kinds[part.objective, part.target] for part in parts],
        "series": [part.series for part in parts],
        "objectives": [part.objective for part in parts],
        "first": [date_of(part.days[0]) for part in parts],
        "last": [date_of(part.days[-1]) for part in parts],
    }
    objectives = {one.objective.number: one.objective for one in wanted}
    told = list(kinds)
    found: dict[tuple[int, int], tuple[Spend, Spend]] = {}
    for kind, day, *counts in await connection.execute(text(_DAYS_SQL), columns):
        number, target = told[kind]
        more, later = _spends([*counts, *_NONE], allowed_parts(target), settles=objectives[number].settles)
        settled, provisional = found.get((number, number_of(day)), (Spend(), Spend()))
        found[number, number_of(day)] = settled + more, provisional + later
    return [
        Day(objectives[number], day, settled, provisional if objectives[number].settles else None)
        for (number, day), (settled, provisional) in sorted(found.items(), key=lambda item: item[0])
        if settled.events or provisional.events
    ]


class _Current(NamedTuple):
    """An objective on a local date: the terms in force, the days of the window, their elapsed share, all terms."""

    terms: Terms
    days: range
    elapsed: float
    judging: Sequence[Terms]


async def _read_judged(connection: AsyncConnection, policy: Policy) -> Collection[Judged]:
    """Where anything was judged of objectives of what is beside interactions."""
    beside = [objective.number for objective in policy.objectives.all if objective.is_beside]
    if not beside:
        return ()
    totals = objective_totals.c
    statement = select(totals.series_id, totals.objective_id).distinct().where(totals.objective_id.in_(beside))
    return {(number, objective) for number, objective in await connection.execute(statement)}


def _wanted(
    policy: Policy, series: Sequence[Series], now_us: int, days: range | None, judged: Collection[Judged]
) -> Iterator[_Wanted]:
    today_at = {site: policy.calendar(site).day_of(now_us // MINUTE_US) for site in {one.site for one in series}}
    for objective in policy.objectives.all:
        by_date = {today: _current(objective, today, days) for today in set(today_at.values())}
        is_beside = objective.is_beside
        for one in series:
            if is_beside and (one.id, objective.number) not in judged:
                continue
            today = today_at[one.site]
            current = by_date[today]
            # What a series spent counts for the window, even if the latest terms do not cover it any more.
            if current is not None and any(terms.covers(*one.key) for terms in current.judging):
                terms = current.terms.of_site(one.site)
                yield _Wanted(objective, terms, one, current.days, today, current.elapsed)


def _current(objective: Objective, today: int, days: range | None) -> _Current | None:
    latest = today if days is None else min(today, days[-1])
    terms = objective.at(latest)
    if terms is None or (days is None and terms.ended):
        return None
    if days is None:
        window, elapsed = terms.window.around(today), elapsed_share(terms.window, today)
    else:
        window, elapsed = days, min(1.0, max(0.0, (today - days.start + 1) / len(days)))
    judging = [judged for judged, _ in objective.during(range(window.start, latest + 1))]
    return _Current(terms, window, elapsed, judging)


def _parts(place: int, one: _Wanted) -> Iterator[_Part]:
    """The days cut where the terms change; under those that don't cover the series nothing is booked."""
    recent = one.today - _RECENT_DAYS + 1
    for terms, days in one.objective.during(one.days):
        target = terms.of_site(one.series.site).target
        yield _Part(place, one.series.id, one.objective.number, days, recent, target)


async def _count(connection: AsyncConnection, parts: Sequence[_Part]) -> list[Sequence[int | None]]:
    if not parts:
        return []
    dates = {day: date_of(day) for part in parts for day in (part.days[0], part.days[-1], part.recent)}
    columns: dict[str, list[Any]] = {
        "places": list(range(len(parts))),
        "series": [part.series for part in parts],
        "objectives": [part.objective for part in parts],
        "first": [dates[part.days[0]] for part in parts],
        "last": [dates[part.days[-1]] for part in parts],
        "recent": [dates[part.recent] for part in parts],
    }
    rows = {row[0]: row[1:] for row in await connection.execute(text(_COUNT_SQL), columns)}
    return [rows[place] for place in range(len(parts))]


def _spends(row: Sequence[int | None], allowed: int, *, settles: bool) -> tuple[Spend, Spend]:
    """What is settled and what is provisional, of the counts of all days and of the recent ones."""
    counts = [number or 0 for number in row]
    every, recent = ObjectiveCodes(*counts[:4]), ObjectiveCodes(*counts[4:])
    if not settles:
        return Spend(every.events, every.breaches, allowed * every.events, recent.events, recent.breaches), Spend()
    settled = Spend(
        every.settled_events,
        every.settled_breaches,
        allowed * every.settled_events,
        recent.settled_events,
        recent.settled_breaches,
    )
    events = every.events - settled.events
    provisional = Spend(
        events,
        every.breaches - settled.breaches,
        allowed * events,
        recent.events - settled.recent_events,
        recent.breaches - settled.recent_breaches,
    )
    return settled, provisional
