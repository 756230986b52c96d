"""The statements that add cohorts up: measures, thresholds, buckets and maxima per group and step.

Rollups keep a row per series, minute and stripe, and a row per exact duration, signed. So a threshold may be any, a
duration that was taken back adds up to nothing, and what a query costs depends on its interval alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from service.core.catalogue.measures import HISTOGRAM_BY_NAME
from service.core.event import EPOCH
from service.core.interval import Grid, Step
from service.store.tables import rollup_cells, rollups, series, sites

LABELS: dict[str, ColumnElement[str]] = {
    "site": sites.c.name,
    "queue": series.c.queue,
    "channel": series.c.channel,
}
"""The columns that tell series apart, by the name of their label."""

_WAIT, _ABANDONED_WAIT = HISTOGRAM_BY_NAME["wait"].code, HISTOGRAM_BY_NAME["abandoned_wait"].code
_Moment = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """The series asked for: those whose labels are among the values given; nothing given is any."""

    site: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()

    def condition(self) -> ColumnElement[bool]:
        """The condition on series and sites."""
        wanted = {"site": self.site, "queue": self.queue, "channel": self.channel}
        return and_(literal(True), *(LABELS[name].in_(values) for name, values in wanted.items() if values))


def zones(selection: Selection) -> Select[Any]:
    """The time zones of the sites that a selection concerns."""
    joined = series.join(sites, sites.c.id == series.c.site_id)
    return select(sites.c.time_zone).distinct().select_from(joined).where(selection.condition())


class Statements:
    """The statements of one request. Each answers the labels of `group_by`, then `point`, then what it adds up."""

    def __init__(self, grid: Grid, selection: Selection, group_by: Sequence[str]) -> None:
        self._grid = grid
        self._selection = selection
        self._labels = [LABELS[name] for name in group_by]

    def measures(self, names: Sequence[str]) -> Select[Any]:
        """Sums of measures, in the order of their names, as numbers of any size."""
        return self._over(rollups, *(func.sum(rollups.c[name], type_=Numeric()) for name in names))

    def thresholds(self, thresholds_us: Sequence[int]) -> Select[Any]:
        """For each threshold the answered, then the abandoned visits that waited at most so long."""
        cells = rollup_cells.c
        sums = (
            _total(cells.amount, and_(cells.histogram == histogram, cells.duration_us <= limit))
            for limit in thresholds_us
            for histogram in (_WAIT, _ABANDONED_WAIT)
        )
        return self._over(rollup_cells, *sums).where(cells.histogram.in_((_WAIT, _ABANDONED_WAIT)))

    def buckets(self, names: Sequence[str]) -> Select[Any]:
        """Code of the histogram, index of the bucket, number of durations in it."""
        cells = rollup_cells.c
        histograms = [HISTOGRAM_BY_NAME[name] for name in names]
        # width_bucket counts the bounds at or below its operand, a bucket holds what is at most its bound: hence - 1.
        bucket = case(
            *(
                (
                    cells.histogram == histogram.code,
                    func.width_bucket(
                        cells.duration_us - 1,
                        literal([round(bound * 1_000_000) for bound in histogram.bounds], ARRAY(BigInteger)),
                    ),
                )
                for histogram in histograms
            )
        ).label("bucket")
        statement = self._over(rollup_cells, cells.histogram, bucket, _total(cells.amount))
        wanted = cells.histogram.in_([histogram.code for histogram in histograms])
        return statement.where(wanted).group_by(cells.histogram, bucket)

    def longest(self) -> Select[Any]:
        """The longest wait, in microseconds, of visits that were answered or gave up."""
        cells = rollup_cells.c
        waits = (
            self._over(rollup_cells, cells.duration_us)
            .where(cells.histogram.in_((_WAIT, _ABANDONED_WAIT)))
            .group_by(cells.duration_us)
            .having(func.sum(cells.amount) > 0)
            .subquery()
        )
        keys = list(waits.c)[:-1]
        return select(*keys, func.max(waits.c.duration_us)).group_by(*keys)

    def _over(self, table: Table, *columns: Any) -> Select[Any]:
        interval = self._grid.interval
        keys: list[Any] = [*self._labels, self._point(table.c.minute).label("point")]
        joined = table.join(series, series.c.id == table.c.series_id).join(sites, sites.c.id == series.c.site_id)
        return (
            select(*keys, *columns)
            .select_from(joined)
            .where(
                table.c.minute >= literal(interval.start, _Moment),
                table.c.minute < literal(interval.end, _Moment),
                self._selection.condition(),
            )
            .group_by(*keys)
        )

    def _point(self, minute: ColumnElement[object]) -> ColumnElement[object]:
        """The start of a minute's hour, or the number of its day among the points."""
        match self._grid.step:
            case Step.TOTAL:
                return literal(0, Integer)
            case Step.MINUTE:
                return minute
            case Step.HOUR:
                return func.date_bin(literal(timedelta(hours=1), Interval), minute, literal(EPOCH, _Moment))
            case Step.DAY:
                # The calendar is the one that made the grid, not a second one of the database's.
                return case(
                    *(
                        (
                            sites.c.time_zone == zone,
                            func.width_bucket(minute, literal(list(days.midnights), ARRAY(_Moment)))
                            + (days.first_point - 1),
                        )
                        for zone, days in self._grid.days.items()
                    )
                )


def _total(amount: ColumnElement[int], only: ColumnElement[bool] | None = None) -> ColumnElement[object]:
    total = func.sum(amount)
    filtered = total if only is None else total.filter(only)
    return cast(func.coalesce(filtered, 0), BigInteger)
