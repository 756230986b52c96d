"""Adding a batch's differences to the rollups and the live totals, in one statement a table."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncpg

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, LATE_LAGS_SECONDS, MEASURE_BY_CODE, MEASURE_BY_NAME
from service.core.difference import Amounts, Differences
from service.core.event import Fact
from service.core.measure import CELL_BASE, MINUTE_US, cell_parts
from service.core.walk import LATE_US
from service.store.database import Connection

_COMMON = tuple(
    MEASURE_BY_NAME[name].code
    for name in (
        *("offered", "answered", "abandoned", "short_abandoned", "waiting", "answered_waits", "answered_wait_us"),
        *("abandoned_waits", "abandoned_wait_us", "handled", "service_us"),
        *("interactions", "interactions_answered", "completed", "late_events"),
    )
)
_ALL = tuple(MEASURE_BY_CODE)
_CELLS = frozenset(code for code, histogram in HISTOGRAM_BY_CODE.items() if histogram.cells)
_MINUTE = "to_timestamp({0} * 60.0)"

_HOUR_US, _DAY_US = LATE_LAGS_SECONDS["1h"] * 1_000_000, LATE_LAGS_SECONDS["1d"] * 1_000_000
_CELL_COLUMNS = ("series_id", "minute", "histogram", "duration_us", "amount")
_LIVE_CELLS_SQL = """
INSERT INTO live_cells AS t (series_id, histogram, bucket, stripe, amount)
SELECT s, h, b, $1, n FROM unnest($2::int[], $3::smallint[], $4::smallint[], $5::bigint[]) AS u (s, h, b, n)
ON CONFLICT (series_id, histogram, bucket, stripe) DO UPDATE SET amount = t.amount + excluded.amount
"""
_ACTIVITY_SQL = """
INSERT INTO source_activity AS t
    (source_id, site_id, stripe, last_event_at, late_1m, late_1h, late_1d, skewed, skew_us)
SELECT source_id, site_id, $1, max(last_event_at), sum(m), sum(h), sum(d), sum(skewed), max(skew_us)
FROM unnest($2::int[], $3::int[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[]) AS u (source_id, series_id, last_event_at, m, h, d, skewed, skew_us)
JOIN series ON series.id = u.series_id
GROUP BY source_id, site_id
ON CONFLICT (source_id, site_id, stripe) DO UPDATE SET
    last_event_at = greatest(t.last_event_at, excluded.last_event_at), late_1m = t.late_1m + excluded.late_1m,
    late_1h = t.late_1h + excluded.late_1h, late_1d = t.late_1d + excluded.late_1d,
    skewed = t.skewed + excluded.skewed, skew_us = greatest(t.skew_us, excluded.skew_us)
"""


class Punctuality:
    """How the times of a source's events compare with the clock here, for one batch; a late one counts at one lag."""

    __slots__ = ("last_us", "late_1d", "late_1h", "late_1m", "skew_us", "skewed")

    def __init__(self) -> None:
        self.last_us = -(1 << 62)
        self.late_1m = 0
        self.late_1h = 0
        self.late_1d = 0
        self.skewed = 0
        self.skew_us = 0

    def see(self, facts: Sequence[Fact]) -> None:
        """Take new events into account: their own times, and the time here when they came."""
        for fact in facts:
            at = fact.at
            lag = fact.received_at - at
            if at > self.last_us:
                self.last_us = at
            if lag > _DAY_US:
                self.late_1d += 1
            elif lag > _HOUR_US:
                self.late_1h += 1
            elif lag > LATE_US:
                self.late_1m += 1
            elif lag < 0:
                self.skewed += 1
                self.skew_us = max(self.skew_us, -lag)


async def flush_differences(connection: Connection, differences: Differences, stripe: int) -> None:
    """Add differences to the rows of a stripe, which must be this transaction's alone."""
    cells: list[tuple[int, int, int, int, int]] = []
    measures: dict[tuple[int, int], Amounts] = {}
    for key, amounts in differences.rollups.items():
        plain: Amounts = {}
        for code, amount in amounts.items():
            if code < CELL_BASE:
                plain[code] = amount
            elif amount:
                histogram, duration = cell_parts(code)
                if histogram in _CELLS:
                    cells.append((key[0], key[1] * MINUTE_US, histogram, duration, amount))
        if plain:
            measures[key] = plain
    await _add_measures(connection, "rollups", "minute", _MINUTE, measures, stripe)
    await _add_measures(connection, "live_totals", "class", "{0}", differences.totals, stripe)
    if cells:
        await connection.copy_records_to_table("rollup_cells", records=cells, columns=_CELL_COLUMNS)
    live = [(*key, amount) for key, amount in differences.live_cells.items() if amount]
    if live:
        await connection.execute(_LIVE_CELLS_SQL, stripe, *zip(*live, strict=True))


async def _add_measures(
    connection: Connection,
    table: str,
    key_column: str,
    key_expression: str,
    rows: dict[tuple[int, int], Amounts],
    stripe: int,
) -> None:
    if not rows:
        return
    # Two statements only, so that they stay prepared: one for what nearly every batch holds, one for all.
    present = {code for amounts in rows.values() for code in amounts}
    codes = _COMMON if present.issubset(_COMMON) else _ALL
    columns: list[list[Any]] = [[key[0] for key in rows], [key[1] for key in rows]]
    values = rows.values()
    columns.extend([amounts.get(code, 0) for amounts in values] for code in codes)
    try:
        await connection.execute(_measures_sql(table, key_column, key_expression, codes, "bigint"), stripe, *columns)
    except asyncpg.DataError:
        # Some thousand durations of a century in one batch: the driver has sent nothing yet.
        await connection.execute(_measures_sql(table, key_column, key_expression, codes, "numeric"), stripe, *columns)


@lru_cache(maxsize=16)
def _measures_sql(table: str, key_column: str, key_expression: str, codes: tuple[int, ...], number: str) -> str:
    names = [MEASURE_BY_CODE[code].name for code in codes]
    arrays = ", ".join(f"${place}::{number}[]" for place in range(4, 4 + len(names)))
    listed = ", ".join(names)
    sums = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in names)
    return f"""
    INSERT INTO {table} AS t (series_id, {key_column}, stripe, {listed})
    SELECT s, {key_expression.format("k")}, $1, {listed}
    FROM unnest($2::int[], $3::int[], {arrays}) AS u (s, k, {listed})
    ON CONFLICT (series_id, {key_column}, stripe) DO UPDATE SET {sums}
    """  # noqa: S608


async def flush_punctuality(connection: Connection, seen: dict[tuple[int, int], Punctuality], stripe: int) -> None:
    """Add what was seen of sources, by (source, series), to the rows of a stripe."""
    if not seen:
        return
    rows = [
        (
            source_id,
            series_id,
            seen_there.last_us,
            seen_there.late_1m + seen_there.late_1h + seen_there.late_1d,
            seen_there.late_1h + seen_there.late_1d,
            seen_there.late_1d,
            seen_there.skewed,
            seen_there.skew_us,
        )
        for (source_id, series_id), seen_there in seen.items()
    ]
    await connection.execute(_ACTIVITY_SQL, stripe, *zip(*rows, strict=True))
