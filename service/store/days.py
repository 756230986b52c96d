"""Local days cut again from the minutes: when a site's time zone changes, and where days don't agree with minutes."""

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.calendar import Calendar
from service.core.catalogue.measures import MEASURES
from service.core.codes import OBJECTIVE_COUNTS
from service.core.event import MINUTE_US, microseconds, moment
from service.store.buckets import bucket_sql
from service.store.tables import BUCKETS, rollups, series

_DAILY = ("rollups_daily", "buckets_daily", "objective_rollups_daily")
_DAY = "date '1970-01-01' + CAST(:first_day AS int) + width_bucket(minute, CAST(:midnights AS timestamptz[])) - 1"
_MEASURES = ", ".join(measure.name for measure in MEASURES)
_SUMS = ", ".join(f"sum({measure.name})" for measure in MEASURES)
_ROLLUPS_SQL = f"""
INSERT INTO rollups_daily (series_id, day, stripe, {_MEASURES})
SELECT series_id, {_DAY} AS day, 0, {_SUMS} FROM rollups WHERE series_id = ANY(:numbers) GROUP BY 1, 2
"""
_OBJECTIVES_SQL = f"""
INSERT INTO objective_rollups_daily (series_id, day, objective_id, stripe, {", ".join(OBJECTIVE_COUNTS)})
SELECT series_id, {_DAY} AS day, objective_id, 0, {", ".join(f"sum({name})" for name in OBJECTIVE_COUNTS)}
FROM objective_rollups WHERE series_id = ANY(:numbers) GROUP BY 1, 2, 3
"""
_BUCKET = bucket_sql("histogram", "duration_us")
_IN_BUCKETS = ", ".join(f"coalesce(sum(amount) FILTER (WHERE bucket = {number}), 0)" for number in range(len(BUCKETS)))
_BUCKETS_SQL = f"""
INSERT INTO buckets_daily (series_id, day, histogram, stripe, longest_us, taken_back, {", ".join(BUCKETS)})
SELECT series_id, day, histogram, 0, max(duration_us), 0, {_IN_BUCKETS} FROM (
    SELECT series_id, {_DAY} AS day, histogram, duration_us, {_BUCKET} AS bucket, sum(amount) AS amount
    FROM rollup_cells WHERE series_id = ANY(:numbers)
    GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0) AS durations
GROUP BY 1, 2, 3
"""


async def cut_days(connection: AsyncConnection, site_id: int, calendar: Calendar) -> None:
    """Add the minutes of a site up to its local days anew. No writer may be at work meanwhile."""
    numbers = list(await connection.scalars(select(series.c.id).where(series.c.site_id == site_id)))
    for table in _DAILY:
        await connection.execute(text(f"DELETE FROM {table} WHERE series_id = ANY(:numbers)"), {"numbers": numbers})
    span = select(func.min(rollups.c.minute), func.max(rollups.c.minute)).where(rollups.c.series_id.in_(numbers))
    first, last = (await connection.execute(span)).one()
    if first is None:
        return
    first_day = calendar.day_of(microseconds(first) // MINUTE_US)
    last_day = calendar.day_of(microseconds(last) // MINUTE_US)
    midnights = [moment(calendar.midnight_us(day)) for day in range(first_day, last_day + 1)]
    values = {"numbers": numbers, "first_day": first_day, "midnights": midnights}
    for statement in (_ROLLUPS_SQL, _OBJECTIVES_SQL, _BUCKETS_SQL):
        await connection.execute(text(statement), values)
