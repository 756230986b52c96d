"""Series: the places in which everything is counted."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.tables import series, sites


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """A series: where it is counted. `id` is the number by which bookings know it."""

    site: str
    queue: str
    channel: str
    id: int

    @property
    def is_placeholder(self) -> bool:
        """Whether it stands for a site of which no queue and channel may be known yet."""
        return not self.queue and not self.channel


async def read_series(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Series]:
    """The series of which a condition on series and sites is true, sorted."""
    statement = select(sites.c.name, series.c.queue, series.c.channel, series.c.id).join_from(series, sites)
    return sorted(Series(*row) for row in await connection.execute(statement.where(condition)))
