"""Adding a batch's differences to the rollups and the live totals, in a few statements."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg

from service.core.calendar import Calendar
from service.core.catalogue.measures import (
    HISTOGRAM_BY_CODE,
    MEASURE_BY_CODE,
    MEASURE_BY_NAME,
    WITHIN_DAYS,
    Scope,
)
from service.core.codes import CELL_BASE, OBJECTIVE_COUNTS, cell_parts, objective_parts
from service.core.difference import Amounts, Differences
from service.core.event import MINUTE_US
from service.store.database import Connection
from service.store.tables import BUCKETS


def _codes(*names: str) -> tuple[int, ...]:
    return tuple(MEASURE_BY_NAME[name].code for name in names)


_SERVED = _codes(
    *("offered", "answered", "answered_waits", "answered_wait_us", "handled", "service_us"),
    *("interactions", "interactions_answered", "completed", "late_events", "contacts"),
    *("responses", "response_us", "one_window", "verifiable"),
)
_LEFT = _codes(
    *("abandoned", "short_abandoned", "abandoned_waits", "abandoned_wait_us", "expired", "waiting"),
    *(f"repeat_contacts_{within}" for within in WITHIN_DAYS),
)
_ENDED = _codes(
    *("hold_us", "wrap_up_us", "resolved", "unresolved", "resolutions", "resolution_us", "business_resolution_us"),
    *("decided", "long_matters", "told_waits", "wait_difference_us", "told_services", "service_difference_us"),
)
_CONTACTS = tuple(measure.code for measure in MEASURE_BY_CODE.values() if measure.scope is Scope.CONTACT)
_BESIDE = tuple(
    measure.code
    for measure in MEASURE_BY_CODE.values()
    if measure.scope in (Scope.PROMISE, Scope.FEEDBACK, Scope.ASSESSMENT)
    or measure.name in ("late_events", "skewed_events", "skew_us")
)
_ALL = tuple(MEASURE_BY_CODE)
_COLUMN_SETS = tuple(
    (codes, frozenset(_ALL).difference(codes))
    for codes in (_SERVED, _SERVED + _LEFT, _CONTACTS, _SERVED + _LEFT + _ENDED, _BESIDE, _ALL)
)
"""The measures that a statement may write, each with those that it leaves out: few sets, so that all stay prepared."""
_MANY_ROWS = 200
_CELLS = frozenset(code for code, histogram in HISTOGRAM_BY_CODE.items() if histogram.cells)
_DAY = "date '1970-01-01' + {0}"
_BOUNDS_US = {code: histogram.bounds_us for code, histogram in HISTOGRAM_BY_CODE.items()}
_Cell = tuple[int, int, int, int, int]
_Rows = dict[tuple[int, int], Amounts]
_LARGEST = 2**63 - 1
_OBJECTIVE_COLUMNS = ("series_id", "minute", "objective_id", *OBJECTIVE_COUNTS)
_CELL_COLUMNS = ("series_id", "minute", "histogram", "duration_us", "amount")
_LIVE_CELLS_SQL = """
INSERT INTO live_cells AS t (series_id, histogram, bucket, stripe, amount)
SELECT s, h, b, $1, n FROM unnest($2::int[], $3::smallint[], $4::smallint[], $5::bigint[]) AS u (s, h, b, n)
ON CONFLICT (series_id, histogram, bucket, stripe) DO UPDATE SET amount = t.amount + excluded.amount
"""
_BUCKETS_SQL = f"""
INSERT INTO buckets_daily AS t (series_id, day, histogram, stripe, longest_us, taken_back, {", ".join(BUCKETS)})
SELECT s, date '1970-01-01' + d, h, $1, longest, back, {", ".join(BUCKETS)}
FROM unnest($2::int[], $3::int[], $4::smallint[], $5::bigint[], $6::bigint[],
    {", ".join(f"${place}::bigint[]" for place in range(7, 7 + len(BUCKETS)))})
    AS u (s, d, h, longest, back, {", ".join(BUCKETS)})
ON CONFLICT (series_id, day, histogram, stripe) DO UPDATE SET
    longest_us = greatest(t.longest_us, excluded.longest_us), taken_back = t.taken_back + excluded.taken_back,
    {", ".join(f"{bucket} = t.{bucket} + excluded.{bucket}" for bucket in BUCKETS)}
"""


class _Sums:
    """A batch's differences by minute and by local day: measures and objectives' counts, and durations.

    `minutes` by (series, minute), `days` by (series, day), `durations` by (series, day, histogram).
    """

    def __init__(self) -> None:
        self.minutes: _Rows = {}
        self.days: _Rows = {}
        self.cells: list[_Cell] = []
        self.durations: dict[tuple[int, int, int], _Durations] = {}

    def add(self, series: int, minute: int, day: int, amounts: Amounts) -> None:
        """Add what was booked to a minute, which must be given once."""
        of_minute: Amounts = {}
        of_day = self.days.get((series, day), {})
        for code, amount in amounts.items():
            if code < CELL_BASE:
                of_minute[code] = amount
                of_day[code] = of_day.get(code, 0) + amount
            elif amount:
                histogram, duration = cell_parts(code)
                if histogram in _CELLS:
                    self.cells.append((series, minute * MINUTE_US, histogram, duration, amount))
                    self._count((series, day, histogram), duration, amount)
        if of_minute:
            self.minutes[series, minute] = of_minute
            self.days[series, day] = of_day

    def _count(self, key: tuple[int, int, int], duration_us: int, amount: int) -> None:
        found = self.durations.get(key)
        if found is None:
            found = self.durations[key] = _Durations()
        found.buckets[bisect_left(_BOUNDS_US[key[2]], duration_us)] += amount
        if amount < 0:
            found.taken_back -= amount
        elif duration_us > found.longest_us:
            found.longest_us = duration_us

    def rows(self) -> list[tuple[int, ...]]:
        """The durations as rows of their table."""
        return [(*key, found.longest_us, found.taken_back, *found.buckets) for key, found in self.durations.items()]


class _Durations:
    """Durations of one histogram, series and day: how many in each bucket, the longest, how many were taken back."""

    __slots__ = ("buckets", "longest_us", "taken_back")

    def __init__(self) -> None:
        self.buckets = [0] * len(BUCKETS)
        self.longest_us = 0
        self.taken_back = 0


async def flush_differences(
    connection: Connection, differences: Differences, stripe: int, calendars: Mapping[int, Calendar]
) -> None:
    """Add differences to the rows of a stripe, which must be this transaction's alone.

    `calendars` are those of the series' sites, by the series' numbers: they tell the local days.
    """
    sums = _Sums()
    for (series, minute), amounts in differences.rollups.items():
        sums.add(series, minute, calendars[series].day_of(minute), amounts)
    await add_minutes(connection, sums.minutes)
    await add_days(connection, sums.days, stripe)
    await add_totals(connection, differences.totals, stripe)
    if sums.cells:
        await connection.copy_records_to_table("rollup_cells", records=sums.cells, columns=_CELL_COLUMNS)
    if sums.durations:
        await connection.execute(_BUCKETS_SQL, stripe, *zip(*sums.rows(), strict=True))
    live = [(*key, amount) for key, amount in differences.live_cells.items() if amount]
    if live:
        await connection.execute(_LIVE_CELLS_SQL, stripe, *zip(*live, strict=True))


async def add_minutes(connection: Connection, amounts: _Rows) -> None:
    """Put measures and objectives' counts by (series, minute) beside those that are there.

    Putting rows in takes a quarter of the time of finding those to add to, and a minute has a few of them.
    """
    for codes, of_codes in _by_columns(amounts):
        columns = ("series_id", "minute", *(MEASURE_BY_CODE[code].name for code in codes))
        records = [
            (series, minute * MINUTE_US, *[part.get(code) or None for code in codes])
            for (series, minute), of_minute in of_codes.items()
            for part in _within_64_bits(of_minute)
        ]
        await connection.copy_records_to_table("rollups", records=records, columns=columns)
    promised = [(series, minute * MINUTE_US, *counts) for series, minute, *counts in _promised(amounts)]
    if promised:
        await connection.copy_records_to_table("objective_rollups", records=promised, columns=_OBJECTIVE_COLUMNS)


async def add_days(connection: Connection, amounts: _Rows, stripe: int) -> None:
    """Add measures and objectives' counts by (series, local day)."""
    await _add_amounts(connection, ("rollups_daily", "objective_rollups_daily"), "day", _DAY, amounts, stripe)


async def add_totals(connection: Connection, amounts: _Rows, stripe: int) -> None:
    """Add measures and objectives' counts by (series, class)."""
    await _add_amounts(connection, ("live_totals", "objective_totals"), "class", "{0}", amounts, stripe)


async def add_buckets(connection: Connection, missing: Sequence[tuple[int, int, int, int, int]], stripe: int) -> None:
    """Add durations by (series, local day, histogram, bucket); the longest is looked up from then on."""
    rows: dict[tuple[int, int, int], list[int]] = {}
    for series, day, histogram, bucket, amount in missing:
        rows.setdefault((series, day, histogram), [0] * len(BUCKETS))[bucket] += amount
    if rows:
        records = [(*key, 0, 1, *buckets) for key, buckets in rows.items()]
        await connection.execute(_BUCKETS_SQL, stripe, *zip(*records, strict=True))


async def _add_amounts(
    connection: Connection,
    tables: tuple[str, str],
    key_column: str,
    key_expression: str,
    rows: _Rows,
    stripe: int,
) -> None:
    """Add amounts by (series, key): measures to the first table, objectives' events and breaches to the second."""
    await _add_all_measures(connection, tables[0], key_column, key_expression, rows, stripe)
    promised = _promised(rows)
    if promised:
        columns = zip(*promised, strict=True)
        await connection.execute(_objectives_sql(tables[1], key_column, key_expression), stripe, *columns)


def _within_64_bits(amounts: Amounts) -> Iterable[Amounts]:
    """The amounts, in parts where some thousand durations of a century in one batch make one that is too large."""
    while amounts and (max(amounts.values()) > _LARGEST or min(amounts.values()) < -_LARGEST):
        part = {code: max(-_LARGEST, min(_LARGEST, amount)) for code, amount in amounts.items()}
        yield part
        amounts = {code: amount - part[code] for code, amount in amounts.items()}
    yield amounts


def _promised(rows: _Rows) -> list[tuple[int, ...]]:
    """What is counted of objectives, as (series, key, objective, the counts of an objective)."""
    found = []
    for key, amounts in rows.items():
        counts: dict[int, list[int]] = {}
        for code, amount in amounts.items():
            if code < 0 and amount:
                number, place = objective_parts(code)
                counts.setdefault(number, [0, 0, 0, 0])[place] = amount
        found += [(*key, number, *of_objective) for number, of_objective in counts.items()]
    return found


@lru_cache(maxsize=16)
def _objectives_sql(table: str, key_column: str, key_expression: str) -> str:
    counts = ", ".join(OBJECTIVE_COUNTS)
    arrays = ", ".join(f"${place}::bigint[]" for place in range(5, 5 + len(OBJECTIVE_COUNTS)))
    return f"""
    INSERT INTO {table} AS t (series_id, {key_column}, objective_id, stripe, {counts})
    SELECT s, {key_expression.format("k")}, o, $1, {counts}
    FROM unnest($2::int[], $3::int[], $4::int[], {arrays}) AS u (s, k, o, {counts})
    ON CONFLICT (series_id, {key_column}, objective_id, stripe)
    DO UPDATE SET {", ".join(f"{name} = t.{name} + excluded.{name}" for name in OBJECTIVE_COUNTS)}
    """


async def _add_all_measures(
    connection: Connection, table: str, key_column: str, key_expression: str, rows: _Rows, stripe: int
) -> None:
    for codes, of_codes in _by_columns(rows):
        await _add_measures(connection, table, key_column, key_expression, codes, of_codes, stripe)


def _by_columns(rows: _Rows) -> Iterable[tuple[tuple[int, ...], _Rows]]:
    """Many rows by the first set of columns that has theirs, as the driver's work grows with columns; few as one."""
    if len(rows) < _MANY_ROWS:
        return [(_columns_for(set().union(*rows.values())), rows)] if rows else []
    found: dict[tuple[int, ...], _Rows] = {}
    for key, amounts in rows.items():
        found.setdefault(_columns_for(amounts), {})[key] = amounts
    return found.items()


def _columns_for(codes: Iterable[int]) -> tuple[int, ...]:
    return next(columns for columns, left_out in _COLUMN_SETS if left_out.isdisjoint(codes))


async def _add_measures(
    connection: Connection,
    table: str,
    key_column: str,
    key_expression: str,
    codes: tuple[int, ...],
    rows: _Rows,
    stripe: int,
) -> None:
    columns: list[list[Any]] = [[key[0] for key in rows], [key[1] for key in rows]]
    values = rows.values()
    columns.extend([amounts.get(code) or None for amounts in values] for code in codes)
    try:
        await connection.execute(_measures_sql(table, key_column, key_expression, codes, "bigint"), stripe, *columns)
    except asyncpg.DataError:
        # Some thousand durations of a century in one batch: the driver has sent nothing yet.
        await connection.execute(_measures_sql(table, key_column, key_expression, codes, "numeric"), stripe, *columns)


@lru_cache(maxsize=64)
def _measures_sql(table: str, key_column: str, key_expression: str, codes: tuple[int, ...], number: str) -> str:
    names = [MEASURE_BY_CODE[code].name for code in codes]
    arrays = ", ".join(f"${place}::{number}[]" for place in range(4, 4 + len(names)))
    listed = ", ".join(names)
    sums = ", ".join(f"{name} = coalesce(t.{name}, 0) + coalesce(excluded.{name}, 0)" for name in names)
    return f"""
    INSERT INTO {table} AS t (series_id, {key_column}, stripe, {listed})
    SELECT s, {key_expression.format("k")}, $1, {listed}
    FROM unnest($2::int[], $3::int[], {arrays}) AS u (s, k, {listed})
    ON CONFLICT (series_id, {key_column}, stripe) DO UPDATE SET {sums}
    """
