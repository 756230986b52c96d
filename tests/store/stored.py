"""What a database holds, told in the reference's terms: by (site, queue, channel, facet, minute or local day)."""

from collections import defaultdict
from typing import Any

from sqlalchemy import text

from service.core.catalogue.measures import HISTOGRAM_BY_CODE, MEASURES
from service.core.measure import SeriesKey
from service.store.database import Database
from tests.reference.judging import Counts
from tests.reference.rollups import Day, Place

NAMES = [measure.name for measure in MEASURES]
SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in NAMES)
TABLES = (
    "event_keys, events, interactions, open_visits, customers, contacts, breaches, rollups, rollup_cells, "
    "rollups_daily, buckets_daily, objective_rollups, objective_rollups_daily, objective_totals, live_totals, "
    "live_cells, source_activity, levels, level_changes, heartbeats, changes"
)
"""Everything that events make."""


async def labels(database: Database) -> dict[int, SeriesKey]:
    sql = "SELECT s.id, sites.name, s.queue, s.channel, s.facet FROM series s JOIN sites ON sites.id = s.site_id"
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in await fetch(database, sql)}


async def stored_rollups(database: Database) -> dict[Place, dict[str, int]]:
    sql = f"SELECT series_id, extract(epoch FROM minute)::bigint / 60, {SUMS} FROM rollups GROUP BY 1, 2"
    return await _measures(database, sql)


async def stored_days(database: Database) -> dict[Day, dict[str, int]]:
    return await _measures(database, f"SELECT series_id, day::text, {SUMS} FROM rollups_daily GROUP BY 1, 2")


async def _measures(database: Database, sql: str) -> dict[Any, dict[str, int]]:
    known = await labels(database)
    found = {
        (*known[row[0]], row[1]): {name: int(amount) for name, amount in zip(NAMES, row[2:], strict=True) if amount}
        for row in await fetch(database, sql)
    }
    return {place: amounts for place, amounts in found.items() if amounts}


async def stored_cells(database: Database) -> dict[tuple[Place, str, int], int]:
    sql = """SELECT series_id, extract(epoch FROM minute)::bigint / 60, histogram, duration_us, sum(amount)
             FROM rollup_cells GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0"""
    known = await labels(database)
    return {
        ((*known[row[0]], int(row[1])), HISTOGRAM_BY_CODE[row[2]].name, int(row[3])): int(row[4])
        for row in await fetch(database, sql)
    }


async def stored_objectives(database: Database) -> dict[tuple[Place, str], Counts]:
    sums = ", ".join(f"sum({name})::int" for name in Counts._fields)
    sql = f"""SELECT series_id, extract(epoch FROM minute)::bigint / 60, name, {sums}
              FROM objective_rollups JOIN objectives ON id = objective_id GROUP BY 1, 2, 3"""
    known = await labels(database)
    found = {((*known[row[0]], int(row[1])), row[2]): Counts(*row[3:]) for row in await fetch(database, sql)}
    return {place: counts for place, counts in found.items() if any(counts)}


async def identity_gaps(database: Database) -> dict[tuple[int, str], int]:
    """What live + backfilled + up - down leaves over the rollups, by series and measure."""
    gaps: defaultdict[tuple[int, str], int] = defaultdict(int)
    for kind, sign in ((0, 1), (1, 1), (2, 1), (3, -1)):
        totals = f"SELECT series_id, {SUMS} FROM live_totals WHERE class = {kind} GROUP BY 1"
        for row in await fetch(database, totals):
            for name, amount in zip(NAMES, row[1:], strict=True):
                gaps[row[0], name] += sign * int(amount)
    for row in await fetch(database, f"SELECT series_id, {SUMS} FROM rollups GROUP BY 1"):
        for name, amount in zip(NAMES, row[1:], strict=True):
            gaps[row[0], name] -= int(amount)
    return {key: gap for key, gap in gaps.items() if gap}


async def fetch(database: Database, sql: str) -> list[Any]:
    async with database.engine.connect() as connection:
        return list(await connection.execute(text(sql)))


async def scalar(database: Database, sql: str) -> Any:
    async with database.engine.connect() as connection:
        return await connection.scalar(text(sql))
