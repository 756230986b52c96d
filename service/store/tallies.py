"""What is added up for KPIs, and where it stands: in tables of minutes and in tables of local days."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from service.core.catalogue.kpi import OBJECTIVE_BREACHES, OBJECTIVE_EVENTS
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, MEASURE_BY_NAME, Histogram, Unit
from service.core.kpi import Needs
from service.store.tables import BUCKETS

Key = str | tuple[str, int]
"""Where a number belongs: the name of a term, or a histogram's name and the number of its bucket."""
LONGEST = ""
"""The key of the longest wait."""
WAITS = f"t.histogram IN ({HISTOGRAM_BY_NAME['wait'].code}, {HISTOGRAM_BY_NAME['abandoned_wait'].code})"
"""The condition on rows of durations that they are of waits."""

_IS_STALE = """EXISTS (SELECT FROM unnest(CAST(:stale_series AS int[]), CAST(:stale_days AS date[]))
    AS stale (series_id, day) WHERE stale.series_id = t.series_id AND stale.day = t.day)"""


@dataclass(frozen=True, slots=True)
class Number:
    """A number to put together, as SQL over a row t of minutes, and over one of days; `type` is that of the whole."""

    of_minutes: str
    of_days: str
    type: str = "bigint"
    aggregate: str = "sum"


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of the same two tables. Without `days` there are minutes only; `condition` is on a row t of either."""

    minutes: str
    days: str
    numbers: Mapping[Key, Number]
    condition: str = "true"
    values: Mapping[str, Any] = field(default_factory=dict)


def tallies(needs: Needs) -> list[Tally]:
    """All that has to be added up, but for the longest wait."""
    found = []
    if needs.measures:
        found.append(Tally("rollups", "rollups_daily", {name: _measure(name) for name in sorted(needs.measures)}))
    if needs.objective is not None:
        found.append(_objective(needs.objective))
    for name, histogram in HISTOGRAM_BY_NAME.items():
        found += _durations(histogram, needs.within.get(name), needs.threshold_us, buckets=name in needs.histograms)
    return found


def longest_waits(stale: Sequence[tuple[int, date]]) -> Tally:
    """The longest known waits, but for those of stale series and local days; `minutes` cannot be read as numbers."""
    numbers: dict[Key, Number] = {LONGEST: Number("", "t.longest_us", aggregate="max")}
    if not stale:
        return Tally("", "buckets_daily", numbers, WAITS)
    values = {"stale_series": [number for number, _ in stale], "stale_days": [day for _, day in stale]}
    return Tally("", "buckets_daily", numbers, f"{WAITS} AND NOT {_IS_STALE}", values)


def _objective(number: int) -> Tally:
    return Tally(
        "objective_rollups",
        "objective_rollups_daily",
        {OBJECTIVE_EVENTS: Number("t.events", "t.events"), OBJECTIVE_BREACHES: Number("t.breaches", "t.breaches")},
        "t.objective_id = :objective",
        {"objective": number},
    )


def _measure(name: str) -> Number:
    column = f"coalesce(t.{name}, 0)"
    return Number(column, column, "bigint" if MEASURE_BY_NAME[name].unit is Unit.COUNT else "numeric")


def _durations(histogram: Histogram, within: str | None, limit_us: int, *, buckets: bool) -> list[Tally]:
    """A histogram's buckets, and how many of its durations do not exceed the threshold, under the term `within`.

    Where the threshold lies inside a bucket, the buckets below it are counted, and the durations of this one alone.
    """
    bounds = histogram.bounds_us
    condition = f"t.histogram = {histogram.code}"
    numbers: dict[Key, Number] = {}
    found = []
    if buckets:
        numbers |= {(histogram.name, place): _bucket(bounds, place) for place in range(len(bounds) + 1)}
    if within is not None:
        below = bisect_right(bounds, limit_us)
        bound = bounds[below - 1] if below else -1
        if below:
            of_minutes = f"CASE WHEN t.duration_us <= {bound} THEN t.amount ELSE 0 END"
            numbers[within] = Number(of_minutes, " + ".join(f"t.{name}" for name in BUCKETS[:below]))
        if bound != limit_us:
            inside = f"{condition} AND t.duration_us > {bound} AND t.duration_us <= {limit_us}"
            found.append(Tally("rollup_cells", "", {within: Number("t.amount", "")}, inside))
    if numbers:
        found.append(Tally("rollup_cells", "buckets_daily", numbers, condition))
    return found


def _bucket(bounds: Sequence[int], place: int) -> Number:
    above = f"t.duration_us > {bounds[place - 1]}" if place else "true"
    upto = f"t.duration_us <= {bounds[place]}" if place < len(bounds) else "true"
    return Number(f"CASE WHEN {above} AND {upto} THEN t.amount ELSE 0 END", f"t.{BUCKETS[place]}")
