"""Which interactions are a breach of which objective, kept so that a number leads to what it counts."""

from service.core.codes import objective_parts
from service.core.event import MINUTE_US
from service.core.measure import Booking
from service.store.database import Connection

BREACH_COLUMNS = ("source_id", "subject", "objective_id", "series_id", "minute")
BreachRow = tuple[int, str, int, int, int]
"""A row of the table; the minute is in microseconds since 1970."""

_BREACHES = 1
_DELETE_SQL = f"""
DELETE FROM breaches b
USING unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::timestamptz[]) AS gone ({", ".join(BREACH_COLUMNS)})
WHERE {" AND ".join(f"b.{name} = gone.{name}" for name in BREACH_COLUMNS)}
"""


class Breaches:
    """The changes that a transaction makes to the list."""

    def __init__(self) -> None:
        self.added: list[BreachRow] = []
        self.gone: list[BreachRow] = []

    def note(self, key: tuple[int, str], old: Booking, new: Booking) -> None:
        """Take note that a booking of an interaction, or of it as a contact, takes another's place."""
        before, after = _breached(old), _breached(new)
        if before != after:
            self.added += [(*key, *place) for place in after if place not in before]
            self.gone += [(*key, *place) for place in before if place not in after]

    async def write(self, connection: Connection, *, is_repair: bool) -> None:
        """Write them; where it is a repair, some that are added may be there already."""
        gone = [*self.gone, *self.added] if is_repair else self.gone
        if gone:
            await connection.execute(_DELETE_SQL, *zip(*sorted(gone), strict=True))
        if self.added:
            await connection.copy_records_to_table("breaches", records=self.added, columns=BREACH_COLUMNS)


def breach_rows(key: tuple[int, str], booking: Booking) -> list[BreachRow]:
    """The rows that a booking makes."""
    return [(*key, *place) for place in _breached(booking)]


def _breached(booking: Booking) -> list[tuple[int, int, int]]:
    found = []
    for (series, minute), amounts in booking.items():
        for code, amount in amounts.items():
            if code < 0 and -code & 3 == _BREACHES and amount > 0:
                found.append((objective_parts(code)[0], series, minute * MINUTE_US))
    return found
