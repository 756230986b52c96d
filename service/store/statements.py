"""The statements that add up numbers of whole local days and of minutes.

Each is answered with a row for each group: its number, then its points, then the numbers in these points, as arrays.
So an answer of a thousand groups is a thousand rows. A point may be there several times; where hardly any two rows of
a table share a point, it is cheaper to leave adding up to the reader.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import TextClause, text

from service.core.interval import Grid, Step
from service.store.tallies import Tally

Columns = Mapping[str, list[Any]]
"""What `Cut.days` and `Cut.spans` give."""
Statement = tuple[TextClause, dict[str, Any]]

_WORTH_ADDING = 4
_MOST_RANGES = 8
_STEP_SECONDS = {Step.MINUTE: 60, Step.HOUR: 3600}
# A member has its days in one piece. Where PostgreSQL can see that, it does not think of sorting a million rows first.
_OF_DAYS = """(SELECT DISTINCT ON (series_id) * FROM unnest(CAST(:series AS int[]), CAST(:groups AS int[]),
    CAST(:first AS date[]), CAST(:last AS date[])) AS one (series_id, grp, first, last)) AS member"""
_OF_SPANS = """unnest(CAST(:series AS int[]), CAST(:groups AS int[]), CAST(:rulers AS int[]), CAST(:signs AS int[]),
    CAST(:starts AS timestamptz[]), CAST(:stops AS timestamptz[]))
    AS member (series_id, grp, ruler, sign, start, stop)"""
_IN_SPAN = "t.series_id = member.series_id AND t.minute >= member.start AND t.minute < member.stop"
_STALE_SQL = f"""
SELECT DISTINCT t.series_id, t.day FROM {_OF_DAYS}
JOIN buckets_daily AS t ON t.series_id = member.series_id AND t.day BETWEEN member.first AND member.last
WHERE t.day BETWEEN :first_of_all AND :last_of_all AND t.taken_back > 0 AND {{condition}}
"""


class Statements:
    """The statements of one request. `origin` is the local date of the grid's first point, where its step is a day."""

    def __init__(self, grid: Grid, origin: date) -> None:
        self._grid = grid
        self._origin = origin
        # The calendar is the one that made the grid, not a second one of the database's.
        self._rulers = sorted(set(grid.days.values()), key=lambda days: (days.first_point, days.midnights))
        self.rulers = {zone: self._rulers.index(days) for zone, days in grid.days.items()}

    def over_days(self, tally: Tally, days: Columns, groups: int) -> Statement:
        """What whole local days hold, of so many groups."""
        bounds = _bounds(days)
        rows = len(days["series"]) * ((bounds["last_of_all"] - bounds["first_of_all"]).days + 1)
        is_added = rows >= _WORTH_ADDING * groups * len(self._grid.starts)
        numbers = [number.of_days for number in tally.numbers.values()]
        if is_added:
            numbers = [
                f"CAST({number.aggregate}({number.of_days}) AS {number.type})" for number in tally.numbers.values()
            ]
        differ = len(set(days["first"])) > 1 or len(set(days["last"])) > 1
        values = {**days, **bounds, **tally.values}
        point = "0"
        if self._grid.step is Step.DAY:
            point = "t.day - CAST(:origin AS date)"
            values["origin"] = self._origin
        # PostgreSQL cannot see that there is one group only, and would expect a few hundred.
        group = "member.grp" if groups > 1 else "0 AS grp"
        return _in_arrays(
            f"""SELECT {group}, {point} AS point, {_named(numbers)}
            FROM {_OF_DAYS} JOIN {tally.days} AS t ON t.series_id = member.series_id
                {"AND t.day BETWEEN member.first AND member.last" if differ else ""}
            WHERE t.day BETWEEN :first_of_all AND :last_of_all AND {tally.condition}
            {"GROUP BY 1, 2" if is_added else ""}""",
            len(numbers),
            values,
        )

    def over_spans(self, tally: Tally, spans: Columns) -> Statement:
        """What spans of minutes hold, by their signs."""
        numbers = [
            f"CAST(sum(member.sign * ({number.of_minutes})) AS {number.type})" for number in tally.numbers.values()
        ]
        point, values = self._point()
        near, bounds = _near(spans)
        return _in_arrays(
            f"""SELECT member.grp, {point} AS point, {_named(numbers)}
            FROM {_OF_SPANS} JOIN {tally.minutes} AS t ON {_IN_SPAN}
            WHERE ({near}) AND {tally.condition} GROUP BY 1, 2""",
            len(numbers),
            {**spans, **values, **bounds, **tally.values},
        )

    def longest_in(self, condition: str, spans: Columns) -> Statement:
        """The longest duration in spans of minutes that was not taken back."""
        point, values = self._point()
        near, bounds = _near(spans)
        return _in_arrays(
            f"""SELECT grp, point, max(duration_us) AS n0
            FROM (SELECT member.grp, {point} AS point, t.duration_us
                FROM {_OF_SPANS} JOIN rollup_cells AS t ON {_IN_SPAN}
                WHERE ({near}) AND {condition} GROUP BY 1, 2, 3 HAVING sum(t.amount) > 0) AS durations
            GROUP BY 1, 2""",
            1,
            {**spans, **values, **bounds},
        )

    def stale(self, condition: str, days: Columns) -> Statement:
        """The series and local days whose longest durations may have been taken back."""
        return text(_STALE_SQL.format(condition=condition)), {**days, **_bounds(days)}

    def _point(self) -> tuple[str, dict[str, Any]]:
        """The number of the point to which a minute belongs."""
        if self._grid.step is Step.TOTAL:
            return "0", {}
        if self._grid.step is Step.DAY:
            cases = " ".join(
                f"WHEN {number} THEN width_bucket(t.minute, CAST(:ruler_{number} AS timestamptz[])) "
                f"+ {days.first_point - 1}"
                for number, days in enumerate(self._rulers)
            )
            midnights = {f"ruler_{number}": list(days.midnights) for number, days in enumerate(self._rulers)}
            return f"CASE member.ruler {cases} END", midnights
        seconds = "extract(epoch FROM t.minute - CAST(:beginning AS timestamptz))"
        point = f"CAST(CAST({seconds} AS bigint) / {_STEP_SECONDS[self._grid.step]} AS int)"
        return point, {"beginning": self._grid.starts[0]}


def _in_arrays(points: str, numbers: int, values: dict[str, Any]) -> Statement:
    arrays = ", ".join(f"array_agg(n{place})" for place in range(numbers))
    return text(f"SELECT grp, array_agg(point), {arrays} FROM ({points}) AS points GROUP BY grp"), values


def _named(numbers: Iterable[str]) -> str:
    return ", ".join(f"{number} AS n{place}" for place, number in enumerate(numbers))


def _bounds(days: Columns) -> dict[str, date]:
    return {"first_of_all": min(days["first"]), "last_of_all": max(days["last"])}


def _near(spans: Columns) -> tuple[str, dict[str, Any]]:
    """The bounds of all spans: what members' own bounds do not tell PostgreSQL before it has to choose a plan."""
    ranges: list[list[Any]] = []
    for start, stop in sorted(set(zip(spans["starts"], spans["stops"], strict=True))):
        if ranges and start <= ranges[-1][1]:
            ranges[-1][1] = max(stop, ranges[-1][1])
        else:
            ranges.append([start, stop])
    if len(ranges) > _MOST_RANGES:
        ranges = [[ranges[0][0], ranges[-1][1]]]
    values = {f"near_{place}": bound for place, bound in enumerate(bound for one in ranges for bound in one)}
    condition = " OR ".join(
        f"(t.minute >= :near_{2 * place} AND t.minute < :near_{2 * place + 1})" for place in range(len(ranges))
    )
    return condition, values
