"""What there is of levels now, and what they came to on the local day so far, read in the snapshot of a page."""

from collections.abc import Collection, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.event import MINUTE_US
from service.core.levels import STAFFING, Level, record_of, resources
from service.core.levels_now import Handled, LevelsKnown, ResourceNow, how_it_stands, turned_at
from service.core.policy import Policy
from service.core.window import date_of
from service.store.level_reading import read_levels, read_records, read_records_at
from service.store.level_tables import levels
from service.store.tables import sites

_HANDLED_SQL = """
SELECT w.site, w.queue,
    CAST(coalesce(sum(t.service_us), 0) + coalesce(sum(t.hold_us), 0) + coalesce(sum(t.wrap_up_us), 0) AS bigint),
    CAST(coalesce(sum(t.offered), 0) AS bigint)
FROM unnest(CAST(:sites AS text[]), CAST(:queues AS text[]), CAST(:days AS date[])) AS w (site, queue, day)
JOIN sites ON sites.name = w.site
JOIN series ON series.site_id = sites.id AND series.queue = w.queue
JOIN rollups_daily t ON t.series_id = series.id AND t.day = w.day
GROUP BY w.site, w.queue
"""


async def read_levels_now(connection: AsyncConnection, policy: Policy, now_us: int) -> LevelsKnown:
    """What is known of all levels at a moment. That costs two statements more where there are any."""
    known = await read_levels(connection, now_us + 1)
    if not known:
        return LevelsKnown()
    days = {site: policy.calendar(site).day_of(now_us // MINUTE_US) for site in {level.key.site for level in known}}
    midnights = {site: policy.calendar(site).midnight_us(day) for site, day in days.items()}
    staffing = [level for level in known if level.key.kind == STAFFING]
    return LevelsKnown(
        now_us,
        resources(known),
        staffing,
        await read_records(connection, known, midnights, now_us + 1),
        await _read_handled(connection, staffing, days),
        midnights,
    )


async def read_resources(connection: AsyncConnection, sites_: Collection[str], now_us: int) -> list[ResourceNow]:
    """How each resource of some sites stands at a moment, of all where none is named; sorted."""
    named = [sites.c.name.in_(sites_)] if sites_ else []
    known = await read_levels(connection, now_us + 1, levels.c.kind != STAFFING, *named)
    at_all = {level.id: now_us for level in known}
    found = resources(known)
    now = await read_records_at(connection, known, at_all)
    standing = [(resource, record) for resource in found if (record := record_of(resource, now)) is not None]
    turned = {level.id: turned_at(record) for resource, record in standing for level in resource.levels}
    then = await read_records_at(connection, [level for level in known if level.id in turned], turned)
    return [
        how_it_stands(resource, record, record_of(resource, then) or record, now_us) for resource, record in standing
    ]


async def _read_handled(
    connection: AsyncConnection, staffing: Collection[Level], days: Mapping[str, int]
) -> dict[tuple[str, str], Handled]:
    if not staffing:
        return {}
    keys = [level.key for level in staffing]
    values = {
        "sites": [key.site for key in keys],
        "queues": [key.name for key in keys],
        "days": [date_of(days[key.site]) for key in keys],
    }
    return {(row[0], row[1]): Handled(row[2], row[3]) for row in await connection.execute(text(_HANDLED_SQL), values)}
