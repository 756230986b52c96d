"""The proof on demand: everything computed again from the log, held against what is stored, in one snapshot.

Three stages, each resting on the one before: the log gives every interaction's facts and booking; the interactions
give every contact and its neighbours; the bookings give every sum. What agrees in all three is proven.

Where retention has forgotten what was before a moment, that is taken as given, and all else has to follow from it: the
older facts of interactions that have younger ones, the neighbours of older contacts, the sums of older minutes.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from service.core.catalogue.measures import Scope
from service.core.customer import measure_contact, settles_at
from service.core.errors import ConfigurationError
from service.core.event import FIRST_KIND_OF_LEVELS, MIN_US, AsideData, AsideFact, Fact, Kind, StoredData
from service.core.keys import is_aside, told
from service.core.measure import Booking, OpenVisit, SeriesKey
from service.core.policy import Policy
from service.core.retention import NEIGHBOUR_US
from service.core.stories.story import Story, story_of
from service.core.vocabulary import KIND_OF_TYPE, TYPE_OF_KIND
from service.store.bookings import NOTHING_BOOKED, Booked, InteractionKey, facts_of
from service.store.changes import wrong_changes
from service.store.contacts import CONTACT_COLUMNS, link_of
from service.store.database import Connection, Database, translated
from service.store.findings import Finding, Progress, Report, WrongContact, WrongInteraction
from service.store.level_audit import LevelGaps, find_level_gaps
from service.store.policies import POLICY_VERSION_SQL, Policies
from service.store.registry import Registry
from service.store.scans import AT_ONCE, chunks, groups
from service.store.sums import Sums, find_gaps

_AHEAD_US = 5_000_000

_ATTACHED = "attached"
_LEVELS = ", ".join(f"'{TYPE_OF_KIND[kind]}'" for kind in sorted(TYPE_OF_KIND) if kind >= FIRST_KIND_OF_LEVELS)
_FOUNDING = ", ".join(f"'{TYPE_OF_KIND[kind]}'" for kind in (Kind.PROMISE_MADE, Kind.FEEDBACK_RECEIVED))
_ABOUT = "(data ->> 'about') COLLATE \"C\""
_LOG_SQL = f"""
SELECT * FROM (
    SELECT source_id, subject, time, type, id, source, data, received_at FROM events
    WHERE (source_id, subject) > ($1, $2) AND time >= $3 AND type NOT IN ({_LEVELS})
    UNION ALL
    SELECT source_id, {_ABOUT}, time, '{_ATTACHED}', id, source, jsonb_build_object('record', subject), received_at
    FROM events WHERE (source_id, {_ABOUT}) > ($1, $2) AND time >= $3
        AND type IN ({_FOUNDING}) AND data ->> 'site' IS NULL AND data ->> 'about' IS NOT NULL
) AS told ORDER BY source_id, subject
"""
_INTERACTIONS_SQL = """
SELECT source_id, subject, facts, booking FROM interactions
WHERE (source_id, subject) > ($1, $2) ORDER BY source_id, subject
"""
_NAMES_SQL = "SELECT id, name FROM sources"
_SERIES_SQL = "SELECT s.id, t.name, s.queue, s.channel, s.facet FROM series s JOIN sites t ON t.id = s.site_id"
_EXPECTED_SQL = """
CREATE TEMP TABLE audit_contacts (source_id int, subject text COLLATE "C", customer text COLLATE "C",
    topic text COLLATE "C", arrival timestamptz, known_at timestamptz, series_id int, in_store bool,
    closed_at timestamptz, resolved bool, reopened_at timestamptz, agent text COLLATE "C",
    bare bool NOT NULL DEFAULT false) ON COMMIT DROP
"""
_EXPECTED_COLUMNS = CONTACT_COLUMNS[:12]
_BARE_SQL = f"""
INSERT INTO audit_contacts SELECT {", ".join(_EXPECTED_COLUMNS)}, true FROM contacts WHERE bare AND arrival < $1
"""
_CHAIN = "ORDER BY arrival, source_id, subject"
_CHAINED_SQL = f"""
WITH chained AS (
    SELECT *, lag(arrival) OVER topics AS previous_at, lead(arrival) OVER topics AS next_at,
        CASE WHEN in_store THEN lag(arrival) OVER stores END AS previous_visit_at,
        coalesce(lag(agent) OVER topics, '') AS previous_agent
    FROM audit_contacts
    WINDOW topics AS (PARTITION BY customer, topic {_CHAIN}), stores AS (PARTITION BY customer, in_store {_CHAIN}))
SELECT {", ".join(f"e.{name} AS e_{name}" for name in CONTACT_COLUMNS[:16])},
    {", ".join(f"c.{name}" for name in CONTACT_COLUMNS)}, e.bare, c.bare
FROM chained e FULL JOIN contacts c ON c.source_id = e.source_id AND c.subject = e.subject
"""
_OPEN_SQL = """
SELECT source_id, subject, state, series_id, since, expires_at, due_at FROM open_visits
ORDER BY source_id, subject, state
"""
_KEYS_SQL = """
SELECT coalesce(e.source_id, k.source_id), coalesce(e.source, k.source), coalesce(e.id, k.id), e.id IS NOT NULL
FROM events e
FULL JOIN event_keys k ON k.source_id = e.source_id AND k.source = e.source AND k.id = e.id
WHERE e.id IS NULL OR (k.id IS NULL AND e.time >= $1)
"""

_decode_booked = msgspec.json.Decoder(Booked).decode
_decode_data = msgspec.json.Decoder(StoredData).decode
_decode_aside_data = msgspec.json.Decoder(AsideData).decode


class Audit:
    """One snapshot of a database, in which everything is computed again as of `now_us`."""

    def __init__(
        self, connection: Connection, registry: Registry, policy: Policy, now_us: int, progress: Progress
    ) -> None:
        self.report = Report()
        self.policy = policy
        self._connection = connection
        self._registry = registry
        self._now_us = now_us
        self._progress = progress
        self._sources: dict[int, str] = {}
        self._series: dict[int, SeriesKey] = {}
        self._homes: dict[InteractionKey, SeriesKey | None] = {}
        self._kept_from_us = MIN_US if policy.kept_from_us is None else policy.kept_from_us

    async def prepare(self) -> None:
        """Read the names that findings are told by."""
        self._sources = {row[0]: row[1] for row in await self._connection.fetch(_NAMES_SQL)}
        self._series = {row[0]: (row[1], row[2], row[3], row[4]) for row in await self._connection.fetch(_SERIES_SQL)}

    async def run(self) -> None:
        """All three stages, and levels; the report then says what differs."""
        async for _ in self.interactions():
            pass
        async for _ in self.contacts():
            pass
        await self.sums()
        await self.levels()

    async def interactions(self, after: InteractionKey = (-1, "")) -> AsyncIterator[WrongInteraction]:
        """Compare every interaction behind a key with the log; those that differ are given, the first key first."""
        log = groups(self._connection, _LOG_SQL, *after, self._kept_from_us)
        stored = groups(self._connection, _INTERACTIONS_SQL, *after)
        events, kept = await anext(log, None), await anext(stored, None)
        while events is not None or kept is not None:
            key = min(group[0] for group in (events, kept) if group is not None)
            in_log: list[Fact] = []
            row = None
            if events is not None and events[0] == key:
                in_log = sorted(_fact(row) for row in events[1])
                events = await anext(log, None)
            if kept is not None and kept[0] == key:
                row = kept[1][0]
                kept = await anext(stored, None)
            self.report.events += len(in_log)
            self.report.interactions += 1
            wrong = await self._compare(key, in_log, row)
            if wrong is not None:
                yield wrong
            if self.report.interactions % AT_ONCE == 0:
                self._progress("interactions", self.report)

    async def _compare(self, key: InteractionKey, in_log: list[Fact], row: Any) -> WrongInteraction | None:
        kept = sorted(facts_of(key[1], row[2])) if row is not None else []
        booked = _decode_booked(row[3]) if row is not None else NOTHING_BOOKED
        given = [fact for fact in kept if fact.at < self._kept_from_us]
        right = given + in_log
        home = booked.home
        detail = ""
        if kept != right:
            young = len(kept) - len(given)
            detail = f"{len(in_log)} events are in the log, {young} are kept with the interaction, not the same"
        if right:
            story = story_of(key[1], right)
            home = self._home_of(key, story, booked.home)
            story.stand_at(home)
            detail = detail or await self._compare_booking(story, home, booked)
        if not detail:
            return None
        self._find("interaction", self._name(key), detail)
        return WrongInteraction(key, right, kept, home)

    def _home_of(self, key: InteractionKey, story: Story, given: SeriesKey | None) -> SeriesKey | None:
        """Where the interaction is that a story is about; what is `given`, where that one is not looked at."""
        if story.attached:
            self._homes[key] = story.home
        return None if story.about is None else self._homes.get((key[0], story.about), given)

    async def _compare_booking(self, story: Story, home: SeriesKey | None, booked: Booked) -> str:
        await self._registry.ensure_series(story.series_keys())
        series = self._registry.series
        if story.contact(series) != booked.contact:
            return "its contact with the customer is another"
        if home != booked.home:
            return "the interaction that it is about is elsewhere"
        due = min((visit.due_us for visit in booked.open), default=None)
        detail = ""
        for as_of in self._moments(due):
            booking = story.booking(series, as_of, self.policy)
            opened = story.opened(series, as_of, self.policy)
            if _same(booking, booked.booking) and opened == booked.open:
                self.report.overdue += as_of < self._now_us
                return ""
            detail = detail or self._difference(booking, booked.booking, opened, booked.open)
        return detail

    def _moments(self, due_us: int | None) -> list[int]:
        """The moments as of which something may rightly be stored: now, or before what the timer has yet to do.

        A moment ahead too, for a process whose clock is a little ahead of the one here.
        """
        moments = [self._now_us, self._now_us + _AHEAD_US]
        if due_us is not None and due_us <= self._now_us:
            moments.append(due_us - 1)
        return moments

    async def contacts(self) -> AsyncIterator[WrongContact]:
        """Compare every contact with what the interactions say of customers; those that differ are given."""
        await self._connection.execute(_EXPECTED_SQL)
        async for rows in chunks(self._connection, "SELECT source_id, subject, booking FROM interactions"):
            contacts = [(row[0], row[1], _decode_booked(row[2]).contact) for row in rows]
            records = [
                (source_id, subject, *msgspec.structs.astuple(contact))
                for source_id, subject, contact in contacts
                if contact is not None
            ]
            await self._connection.copy_records_to_table("audit_contacts", records=records, columns=_EXPECTED_COLUMNS)
        await self._connection.execute(_BARE_SQL, self._kept_from_us)
        await self._connection.execute("ANALYZE audit_contacts")
        async for rows in chunks(self._connection, _CHAINED_SQL):
            for row in rows:
                self.report.contacts += 1
                wrong = None if row[34] else self._compare_contact(tuple(row[:16]), tuple(row[16:34]), is_bare=row[35])
                if wrong is not None:
                    yield wrong
            self._progress("contacts", self.report)

    def _compare_contact(
        self, expected: tuple[Any, ...], stored: tuple[Any, ...], *, is_bare: bool | None
    ) -> WrongContact | None:
        if expected[0] is not None:
            expected = self._provable(expected, stored)
        right = None if expected[0] is None else link_of((*expected, None, b"[[],{}]"))
        if right is None:
            self._find("contact", self._name(stored[:2]), "no interaction has it")
            return WrongContact((stored[0], stored[1]), None, stored)
        if stored[0] is None:
            self._find("contact", self._name(right.key), "is not there")
            return WrongContact(right.key, right, None)
        link = link_of(stored)
        detail = ""
        if is_bare or expected != self._provable(stored, stored)[:16]:
            detail = "its customer, its state or its neighbours are others"
        else:
            judges = self.policy.judging(Scope.CONTACT, self._series[right.contact.series], right.contact.arrival)
            for as_of in self._moments(stored[16]):
                booking = measure_contact(right, as_of, judges)
                if _same(booking, link.booking) and settles_at(right.contact, as_of) == stored[16]:
                    self.report.overdue += as_of < self._now_us
                    return None
                detail = detail or self._difference(booking, link.booking, [], [])
        self._find("contact", self._name(right.key), detail or "it is due at another time")
        return WrongContact(right.key, right, stored)

    def _provable(self, contact: tuple[Any, ...], stored: tuple[Any, ...]) -> tuple[Any, ...]:
        """A contact with the neighbours that can be proven, and the stored ones where these are given.

        What an older contact has for neighbours was known before some of them were forgotten. One that is kept has no
        neighbour before it that is so old that it decides nothing.
        """
        given = contact[:12] + stored[12:16] + contact[16:]
        if contact[4] < self._kept_from_us:
            return contact if stored[0] is None else given
        oldest_us = self._kept_from_us - NEIGHBOUR_US
        previous_at, next_at, previous_visit_at, previous_agent = contact[12:16]
        if previous_at is not None and previous_at < oldest_us:
            previous_at, previous_agent = None, ""
        if previous_visit_at is not None and previous_visit_at < oldest_us:
            previous_visit_at = None
        return (*contact[:12], previous_at, next_at, previous_visit_at, previous_agent, *contact[16:])

    async def sums(self) -> Sums:
        """Add all bookings up again and compare; what differs is found, and returned to be mended."""
        sums = Sums(self._connection, self._registry, self.policy)
        await sums.create()
        opened: list[tuple[Any, ...]] = []
        statement = "SELECT source_id, subject, booking FROM interactions ORDER BY source_id, subject"
        async for rows in chunks(self._connection, statement):
            for row in rows:
                booked = _decode_booked(row[2])
                sums.add((row[0], row[1]), booked.booking)
                opened.extend(
                    (row[0], row[1], visit.state, visit.series, *visit[2:])
                    for visit in sorted(booked.open, key=lambda visit: visit.state)
                )
            await sums.write()
            self.report.sums += len(rows)
            self._progress("sums", self.report)
        async for rows in chunks(self._connection, f"SELECT {', '.join(CONTACT_COLUMNS)} FROM contacts"):
            for row in rows:
                sums.add((row[0], row[1]), link_of(tuple(row)).booking)
            await sums.write()
        right_due = {row[:3]: row[6] for row in opened}
        # One that is due at its beginning waits for the timer to look at it under a new policy.
        there = [
            (*row[:6], right_due.get(tuple(row[:3])) if row[6] == row[4] else row[6])
            for row in await self._connection.fetch(_OPEN_SQL)
        ]
        for key in sorted({row[:2] for row in {*opened} ^ {*there}}):
            self._find("open visit", self._name(key), "is not as its booking says")
            sums.open_visits.append(key)
        for what, number, where, detail in await find_gaps(sums):
            self._find(what, f"{'/'.join(self._series.get(number, ('?',)))}, {where}", detail)
        for source_id, source, number, in_log in await self._connection.fetch(_KEYS_SQL, self._kept_from_us):
            detail = "is in the log without its key" if in_log else "has a key, but is not in the log"
            self._find("event", f"{self._sources.get(source_id, '?')}/{source}/{number}", detail)
            sums.keys.append((source_id, source, number, in_log))
        sums.changes = await wrong_changes(self._connection, self._kept_from_us)
        for change in sums.changes:
            self._find("change", f"{self._sources.get(change[0], '?')}/{change.source}/{change.id}", change.detail)
        return sums

    async def levels(self) -> LevelGaps:
        """Compare what is kept of resources and staffing with the log; what differs is returned to be mended."""
        gaps = await find_level_gaps(self._connection, self._registry.levels, self._kept_from_us)
        self.report.events += gaps.events
        for where, detail in gaps.told:
            self._find("level", where, detail)
        return gaps

    def _name(self, key: Sequence[Any]) -> str:
        return f"{self._sources.get(key[0], key[0])}/{told(key[1])}"

    def _find(self, what: str, where: str, detail: str) -> None:
        self.report.findings.append(Finding(what, where, detail))

    def _difference(
        self, right: Booking, stored: Booking, opened: list[OpenVisit], stored_open: list[OpenVisit]
    ) -> str:
        for key in sorted(right.keys() | stored.keys()):
            here, there = right.get(key, {}), stored.get(key, {})
            for code in sorted(here.keys() | there.keys()):
                if here.get(code, 0) != there.get(code, 0):
                    place = "/".join(self._series.get(key[0], ("?",)))
                    return (
                        f"counts {there.get(code, 0)} {Sums.name(code)} in {place}, "
                        f"where its events make {here.get(code, 0)}"
                    )
        return "" if opened == stored_open else "its open visits are others"


@asynccontextmanager
async def auditing(
    database: Database, registry: Registry, policies: Policies, now_us: Callable[[], int], progress: Progress
) -> AsyncIterator[Audit]:
    """An audit in a snapshot of its own. Raises Unavailable, and ConfigurationError while the policy is changing."""
    with translated():
        connection = await database.connect_writer(for_scans=True)
        try:
            async with connection.transaction(isolation="repeatable_read"):
                # Before the snapshot: a partition that is dropped after it would be missed by what the snapshot shows.
                await connection.execute("LOCK TABLE events IN ACCESS SHARE MODE")
                version = await connection.fetchval(POLICY_VERSION_SQL)
                policy = await policies.current()
                if policy.version != version:
                    raise ConfigurationError("objectives, calendars or what is kept are being changed; try again")
                audit = Audit(connection, registry, policy, now_us(), progress)
                await audit.prepare()
                yield audit
        finally:
            connection.terminate()


def _same(one: Booking, other: Booking) -> bool:
    """Whether two bookings count the same; a place or a code that counts nothing is as good as none."""
    return one == other or _counted(one) == _counted(other)


def _counted(booking: Booking) -> Booking:
    found = {key: {code: amount for code, amount in amounts.items() if amount} for key, amounts in booking.items()}
    return {key: amounts for key, amounts in found.items() if amounts}


def _fact(row: Any) -> Fact:
    if row[3] == _ATTACHED:
        return Fact(row[2], Kind.ATTACHED.value, row[4], row[5], _decode_data(row[6]), row[7])
    kind = KIND_OF_TYPE[row[3]]
    if is_aside(row[1]):
        return AsideFact(row[2], kind, row[4], row[5], _decode_aside_data(row[6]), row[7])
    return Fact(row[2], kind, row[4], row[5], _decode_data(row[6]), row[7])
