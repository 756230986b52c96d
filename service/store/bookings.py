"""What is kept of interactions beside their facts, and the rows that a transaction writes of them."""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg
import msgspec

from service.core.customer import Contact
from service.core.difference import Amounts
from service.core.event import AsideFact, Fact
from service.core.keys import MARK, is_aside
from service.core.measure import Booking, OpenVisit, SeriesKey
from service.core.stories.story import Story, story_of
from service.store.contacts import Move
from service.store.database import Connection
from service.store.verdicts import EventKey, Refusal

InteractionKey = tuple[int, str]

LOCK_SQL = f"""
SELECT i.source_id, i.subject, i.facts, i.booking
FROM unnest($1::int[], $2::text[]) AS wanted (source_id, subject)
JOIN interactions i USING (source_id, subject)
ORDER BY i.subject >= chr({ord(MARK)}), i.source_id, i.subject FOR UPDATE OF i
"""
"""Locks the stories of some keys, all writers in the same order, interactions first, and reads what is stored."""
_UPDATE_SQL = """
UPDATE interactions i SET facts = new.facts, booking = new.booking
FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[]) AS new (source_id, subject, facts, booking)
WHERE i.source_id = new.source_id AND i.subject = new.subject
"""
_CLOSE_SQL = """
DELETE FROM open_visits o USING unnest($1::int[], $2::text[]) AS gone (source_id, subject)
WHERE o.source_id = gone.source_id AND o.subject = gone.subject
"""
_OPEN_SQL = """
INSERT INTO open_visits (source_id, subject, state, series_id, since, expires_at, due_at)
SELECT * FROM unnest($1::int[], $2::text[], $3::smallint[], $4::int[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[])
"""
_INTERACTION_COLUMNS = ("source_id", "subject", "facts", "booking")

_encode = msgspec.json.Encoder().encode
_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_aside_facts = msgspec.json.Decoder(list[AsideFact]).decode


class Contended(Exception):
    """Another writer put the same interaction in at the same moment."""


class Booked(msgspec.Struct, array_like=True, gc=False):
    """What is kept with an interaction: its booking as (series, minute, amounts by code), open visits, peaks.

    `contact` is what it has said of its customer, `home` where the interaction is that it is about.
    """

    entries: list[tuple[int, int, dict[int, int]]]
    open: list[OpenVisit]
    peaks: dict[int, int]
    contact: Contact | None = None
    home: SeriesKey | None = None

    @classmethod
    def of(
        cls,
        booking: Booking,
        opened: list[OpenVisit],
        peaks: Amounts,
        contact: Contact | None,
        home: SeriesKey | None = None,
    ) -> "Booked":
        """What is to be kept of a booking."""
        entries = [(number, minute, amounts) for (number, minute), amounts in booking.items()]
        return cls(entries, opened, peaks, contact, home)

    @property
    def booking(self) -> Booking:
        """The booking that is kept."""
        return {(series, minute): amounts for series, minute, amounts in self.entries}


NOTHING_BOOKED = Booked([], [], {})
"""What is kept of an interaction that is not there yet."""


def facts_of(key: str, kept: bytes) -> list[Fact]:
    """The facts of a story, as they are kept."""
    return list(_decode_aside_facts(kept)) if is_aside(key) else _decode_facts(kept)


class Work(msgspec.Struct, gc=False):
    """One story on its way through a transaction: what is new, all of it, what was kept of it, and what it makes.

    `home` is where the interaction is that it is about, where it is about one.
    """

    key: InteractionKey
    new_facts: list[Fact]
    facts: list[Fact]
    booked: Booked | None
    story: Story
    home: SeriesKey | None = None


def without(work: Work, refused: Mapping[EventKey, Refusal]) -> Work | None:
    """A story without the new facts that are refused; None where nothing is left of it."""
    source_id = work.key[0]
    if not refused or not any((source_id, fact.source, fact.id) in refused for fact in work.new_facts):
        return work
    present = work.facts[: len(work.facts) - len(work.new_facts)]
    new = [fact for fact in work.new_facts if (source_id, fact.source, fact.id) not in refused]
    if not present and not new:
        return None
    return Work(work.key, new, present + new, work.booked, story_of(work.key[1], present + new), work.home)


async def close_visits(connection: Connection, works: Sequence[Work], others: Iterable[InteractionKey] = ()) -> None:
    """Take the open visits of stories out, so that what is open now is put in whatever was there.

    So are those of others, which may be of stories that are gone.
    """
    keys = {*others, *(work.key for work in works)}
    await connection.execute(_CLOSE_SQL, *zip(*keys, strict=True))
    for work in works:
        if work.booked is not None:
            work.booked.open = []


class Changes:
    """The rows of interactions and open visits that a transaction writes, column by column.

    `moves` is what changed of the interactions' customers.
    """

    def __init__(self) -> None:
        self.moves: list[Move] = []
        self._inserted: list[tuple[int, str, bytes, bytes]] = []
        self._updated: list[tuple[int, str, bytes, bytes]] = []
        self._closed: list[InteractionKey] = []
        self._opened: list[tuple[object, ...]] = []

    def add(self, key: InteractionKey, facts: Sequence[Fact], old: Booked | None, new: Booked) -> None:
        """Take an interaction's facts, what was kept of it (None where it is new), and what is to be kept."""
        rows = self._inserted if old is None else self._updated
        rows.append((*key, _encode(facts), _encode(new)))
        before = old or NOTHING_BOOKED
        if before.contact != new.contact:
            self.moves.append(Move(key, before.contact, new.contact))
        if before.open == new.open:
            return
        if before.open:
            self._closed.append(key)
        for visit in new.open:
            self._opened.append((*key, visit.state, visit.series, visit.since_us, visit.expires_us, visit.due_us))

    async def write(self, connection: Connection) -> None:
        """Write all of it. Raises Contended where another writer has put one of the new interactions in."""
        if self._inserted:
            try:
                await connection.copy_records_to_table(
                    "interactions", records=self._inserted, columns=_INTERACTION_COLUMNS
                )
            except asyncpg.UniqueViolationError as error:
                raise Contended from error
        if self._updated:
            await connection.execute(_UPDATE_SQL, *zip(*self._updated, strict=True))
        if self._closed:
            await connection.execute(_CLOSE_SQL, *zip(*self._closed, strict=True))
        if self._opened:
            await connection.execute(_OPEN_SQL, *zip(*self._opened, strict=True))
