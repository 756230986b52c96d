"""Which interactions are a breach of which objective, kept so that a number leads to what it counts."""

from collections.abc import Iterator

from service.core.codes import objective_parts
from service.core.event import MINUTE_US
from service.core.measure import Booking
from service.store.database import Connection

BREACH_COLUMNS = ("source_id", "subject", "objective_id", "series_id", "minute")
BreachRow = tuple[int, str, int, int, int]
"""A row of the table; the minute is in microseconds since 1970."""

_BREACHES = 1
_ARRAYS = "$1::int[], $2::text[], $3::int[], $4::int[], $5::timestamptz[]"
_INSERT_SQL = f"""
INSERT INTO breaches ({", ".join(BREACH_COLUMNS)}) SELECT * FROM unnest({_ARRAYS}) ON CONFLICT DO NOTHING
"""
_DELETE_SQL = f"""
DELETE FROM breaches b USING unnest({_ARRAYS}) AS gone ({", ".join(BREACH_COLUMNS)})
WHERE {" AND ".join(f"b.{name} = gone.{name}" for name in BREACH_COLUMNS)}
"""


class Breaches:
    """The changes that a transaction makes to the list."""

    def __init__(self) -> None:
        self.added: list[BreachRow] = []
        self.gone: list[BreachRow] = []

    def note(self, key: tuple[int, str], old: Booking, new: Booking) -> None:
        """Take note that a booking of an interaction, or of it as a contact, takes another's place."""
        before, after = set(_breached(old)), set(_breached(new))
        if before != after:
            self.added += [(*key, *place) for place in after - before]
            self.gone += [(*key, *place) for place in before - after]

    async def write(self, connection: Connection) -> None:
        """Write them."""
        if self.gone:
            await connection.execute(_DELETE_SQL, *zip(*sorted(self.gone), strict=True))
        if self.added:
            await connection.execute(_INSERT_SQL, *zip(*sorted(self.added), strict=True))


def breach_rows(key: tuple[int, str], booking: Booking) -> list[BreachRow]:
    """The rows that a booking makes."""
    return [(*key, *place) for place in _breached(booking)]


def _breached(booking: Booking) -> Iterator[tuple[int, int, int]]:
    for (series, minute), amounts in booking.items():
        for code, amount in amounts.items():
            if code < 0 and amount > 0:
                objective, part = objective_parts(code)
                if part == _BREACHES:
                    yield objective, series, minute * MINUTE_US
