"""The series that the database knows."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.series import Series
from service.store.tables import series, sites


async def read_series(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Series]:
    """The series of which a condition on series and sites is true, sorted."""
    statement = select(sites.c.name, series.c.queue, series.c.channel, series.c.id, series.c.facet).join_from(
        series, sites
    )
    return sorted(Series(*row) for row in await connection.execute(statement.where(condition)))
