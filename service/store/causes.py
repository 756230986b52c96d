"""From a number to its cause: the interactions that are a breach of an objective."""

from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.event import Fact, microseconds
from service.core.interval import Interval
from service.core.series import Series
from service.store.bookings import facts_of
from service.store.cohorts import Selection
from service.store.tables import breaches, interactions, series, sites, sources


@dataclass(frozen=True, slots=True)
class StoredBreach:
    """A story that is a breach of an objective: its key, the series and minute of its booking, and its facts."""

    source: str
    subject: str
    series: Series
    minute_us: int
    facts: list[Fact]


async def read_breaches(
    connection: AsyncConnection, objective: int, selection: Selection, interval: Interval, limit: int
) -> list[StoredBreach]:
    """The breaches of an objective that arrived in an interval, the latest first, at most as many as `limit`."""
    row = breaches.c
    statement = (
        select(
            sources.c.name,
            row.subject,
            sites.c.name,
            series.c.queue,
            series.c.channel,
            row.series_id,
            series.c.facet,
            row.minute,
            interactions.c.facts,
        )
        .select_from(
            breaches.join(series, series.c.id == row.series_id)
            .join(sites, sites.c.id == series.c.site_id)
            .join(sources, sources.c.id == row.source_id)
            .join(
                interactions,
                and_(interactions.c.source_id == row.source_id, interactions.c.subject == row.subject),
            )
        )
        .where(row.objective_id == objective, row.minute >= interval.start, row.minute < interval.end)
        .where(selection.condition())
        .order_by(row.minute.desc(), row.series_id, row.source_id, row.subject)
        .limit(limit)
    )
    return [
        StoredBreach(
            source,
            subject,
            Series(site, queue, channel, number, facet),
            microseconds(minute),
            facts_of(subject, facts),
        )
        for source, subject, site, queue, channel, number, facet, minute, facts in await connection.execute(statement)
    ]
