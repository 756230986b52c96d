"""All numbers again from the log, while posts go on: what an audit finds to be wrong is put right.

Only what differs is written, through the same differences as everything else, so numbers stay as they are wherever
their definition does. How far the interactions are is kept, and a rebuild that was stopped goes on from there.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import msgspec
from sqlalchemy import delete, insert, select, update

from service.core.catalogue.measures import MEASURE_BY_CODE, Scope
from service.core.codes import CELL_BASE, cell_parts, is_settled
from service.core.customer import measure_contact
from service.core.difference import Class, Differences
from service.core.event import MINUTE_US, Fact
from service.core.policy import Policy
from service.core.stories.story import story_of
from service.store.audit import Audit, auditing
from service.store.bookings import LOCK_SQL, Booked, InteractionKey, Work, close_visits, facts_of
from service.store.breaches import Breaches
from service.store.changes import mend_changes
from service.store.clock import Clock
from service.store.contacts import CONTACT_COLUMNS, lay_bare, link_of, lock_customers, rebook_contact, row_of
from service.store.database import Connection, Database, translated
from service.store.findings import Progress, Report, WrongContact, WrongInteraction
from service.store.flush import add_buckets, add_days, add_minutes, add_totals
from service.store.ledger import Ledger
from service.store.level_audit import LevelGaps, mend_levels
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.sums import Sums
from service.store.tables import policy, rebuild_progress
from service.store.turn import Turn

_AT_ONCE = 500
_ROUNDS = 3
_NEVER_US = 1 << 62
_PUT_BACK_SQL = "INSERT INTO interactions (source_id, subject, facts, booking) VALUES ($1, $2, $3, $4)"
_DROP_SQL = """
DELETE FROM interactions i USING unnest($1::int[], $2::text[]) AS gone (source_id, subject)
WHERE i.source_id = gone.source_id AND i.subject = gone.subject
"""
_CONTACT_SQL = f"SELECT {', '.join(CONTACT_COLUMNS)} FROM contacts WHERE source_id = $1 AND subject = $2 FOR UPDATE"
_DELETE_CONTACT_SQL = "DELETE FROM contacts WHERE source_id = $1 AND subject = $2"
_INSERT_KEY_SQL = "INSERT INTO event_keys (source_id, source, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_DELETE_KEY_SQL = "DELETE FROM event_keys WHERE source_id = $1 AND source = $2 AND id = $3"
_CELLS_SQL = """
INSERT INTO rollup_cells (series_id, minute, histogram, duration_us, amount) VALUES ($1, $2, $3, $4, $5)
"""
_LONGEST_SQL = """
UPDATE buckets_daily SET taken_back = taken_back + 1
WHERE series_id = $1 AND day = date '1970-01-01' + $2::int AND histogram = $3
"""

_decode_booked = msgspec.json.Decoder(Booked).decode


class Rebuild:
    """One rebuild of a database; `run` it."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        policies: Policies,
        ledger: Ledger,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._database = database
        self._registry = registry
        self._policies = policies
        self._ledger = ledger
        self._clock = clock
        self._progress = progress

    async def run(self) -> Report:
        """Put everything right that is not as the log says; what was wrong is reported. Raises Unavailable."""
        version = (await self._policies.current()).version
        report = await self._interactions(version)
        for _ in range(_ROUNDS):
            wrong = await self._contacts(report)
            if not wrong:
                break
        while not await self._sums(report):
            pass
        for _ in range(_ROUNDS):
            gaps = await self._levels(report)
            if not gaps.levels:
                break
        report.events += gaps.events
        await self._done(version)
        return report

    def _auditing(self) -> AbstractAsyncContextManager[Audit]:
        return auditing(self._database, self._registry, self._policies, self._clock, self._progress)

    async def _interactions(self, version: int) -> Report:
        after = await self._resume(version)
        async with self._auditing() as audit:
            batch: list[WrongInteraction] = []
            async for wrong in audit.interactions(after):
                batch.append(wrong)
                if len(batch) >= _AT_ONCE:
                    await self._mend(batch)
                    await self._keep(version, batch[-1].key)
                    batch = []
            await self._mend(batch)
            return audit.report

    async def _mend(self, wrong: Sequence[WrongInteraction]) -> None:
        by_key = {one.key: one for one in wrong}

        async def run(connection: Connection, turn: Turn) -> None:
            keys = sorted(by_key)
            rows = await connection.fetch(LOCK_SQL, *zip(*keys, strict=True))
            stored = {(row[0], row[1]): (facts_of(row[1], row[2]), _decode_booked(row[3])) for row in rows}
            keys = [key for key in keys if key in stored or not _is_forgotten(by_key[key].in_log, turn.policy)]
            missing = [key for key in keys if key not in stored]
            await _put_back(connection, missing, stored)
            works = []
            for key in keys:
                facts, booked = stored[key]
                kept, in_log = by_key[key].kept, by_key[key].in_log
                # What came after the audit's snapshot is right; what it saw is as the log has it.
                seen = {(fact.source, fact.id) for fact in kept}
                if sorted(fact for fact in facts if (fact.source, fact.id) in seen) != kept and key not in missing:
                    continue  # it was changed in itself since, as an erasure does: the next rebuild looks again
                facts = in_log + [fact for fact in facts if (fact.source, fact.id) not in seen]
                home = by_key[key].home if kept or in_log else booked.home
                story = story_of(key[1], facts)
                story.stand_at(home)
                works.append(Work(key, [], facts, booked, story, home))
            if not works:
                return
            await close_visits(connection, works)
            await self._ledger.rebook(connection, works, _repairing(turn))
            unknown = [work.key for work in works if not work.facts]
            if unknown:
                await connection.execute(_DROP_SQL, *zip(*unknown, strict=True))

        if by_key:
            await self._ledger.transact(run, self._clock())

    async def _contacts(self, report: Report) -> int:
        async with self._auditing() as audit:
            wrong = [one async for one in audit.contacts()]
            report.contacts = audit.report.contacts
            report.findings.extend(audit.report.findings)
        for one in wrong:
            await self._mend_contact(one)
        return len(wrong)

    async def _mend_contact(self, wrong: WrongContact) -> None:
        customers = {wrong.right.contact.customer} if wrong.right is not None else set()
        if wrong.stored is not None:
            customers.add(wrong.stored[2])

        async def run(connection: Connection, turn: Turn) -> None:
            await lock_customers(connection, sorted(customers))
            row = await connection.fetchrow(_CONTACT_SQL, *wrong.key)
            if (None if row is None else tuple(row)) != wrong.stored:
                return  # it has changed since; the next round looks again
            differences, breaches = Differences(), Breaches()
            link = None if wrong.stored is None else link_of(wrong.stored)
            old, peaks = ({}, {}) if link is None else (link.booking, link.peaks)
            kept_from_us = turn.policy.kept_from_us
            if wrong.right is None:
                if link is not None and kept_from_us is not None and link.contact.arrival < kept_from_us:
                    await lay_bare(connection, {wrong.key: link.booking}, breaches, kept_from_us)
                elif link is not None:
                    await connection.execute(_DELETE_CONTACT_SQL, *wrong.key)
                    rebook_contact(link, {}, (), differences, breaches, _NEVER_US)
            else:
                await connection.execute(_DELETE_CONTACT_SQL, *wrong.key)
                wrong.right.booking, wrong.right.peaks = old, peaks
                keys = await turn.series.keys_of({wrong.right.contact.series})
                key, arrival = keys[wrong.right.contact.series], wrong.right.contact.arrival
                judges = turn.policy.judging(Scope.CONTACT, key, arrival)
                booking = measure_contact(wrong.right, turn.now_us, judges)
                rebook_contact(wrong.right, booking, judges, differences, breaches, _NEVER_US)
                await connection.copy_records_to_table(
                    "contacts", records=[row_of(wrong.right, turn.now_us)], columns=CONTACT_COLUMNS
                )
            await self._ledger.flush(connection, differences, breaches, _repairing(turn))

        await self._ledger.transact(run, self._clock())

    async def _sums(self, report: Report) -> bool:
        """Mend the sums. False where more is forgotten by now than when they were looked at: nothing is done."""
        async with self._auditing() as audit:
            sums = await audit.sums()
            report.sums = audit.report.sums
            report.findings.extend(audit.report.findings)
        if sums.is_right:
            return True

        async def run(connection: Connection, turn: Turn) -> bool:
            if turn.policy.kept_from_us != audit.policy.kept_from_us:
                return False
            await _mend_sums(connection, sums, turn.stripe)
            await sums.breaches.write(connection, is_repair=True)
            await mend_changes(connection, sums.changes)
            return True

        if not await self._ledger.transact(run, self._clock()):
            return False
        await self._mend([WrongInteraction(key, [], [], None) for key in sums.open_visits])
        return True

    async def _levels(self, report: Report) -> LevelGaps:
        """Mend levels; what was wrong is returned."""
        async with self._auditing() as audit:
            gaps = await audit.levels()
            report.findings.extend(audit.report.findings)

        async def run(connection: Connection, _turn: Turn) -> None:
            await mend_levels(connection, gaps)

        if gaps.levels:
            await self._ledger.transact(run, self._clock())
        return gaps

    async def _resume(self, version: int) -> InteractionKey:
        """The interaction up to which a rebuild came that was stopped, under the same policy."""
        statement = select(rebuild_progress.c.source_id, rebuild_progress.c.subject)
        with translated():
            async with self._database.engine.connect() as connection:
                rows = await connection.execute(statement.where(rebuild_progress.c.policy_version == version))
                row = rows.one_or_none()
        return (-1, "") if row is None else (row.source_id, row.subject)

    async def _keep(self, version: int, key: InteractionKey) -> None:
        with translated():
            async with self._database.engine.begin() as connection:
                await connection.execute(delete(rebuild_progress))
                values = {"policy_version": version, "source_id": key[0], "subject": key[1]}
                await connection.execute(insert(rebuild_progress).values(values))

    async def _done(self, version: int) -> None:
        with translated():
            async with self._database.engine.begin() as connection:
                await connection.execute(delete(rebuild_progress))
                measured = update(policy).where(policy.c.version == version)
                await connection.execute(measured.values(rebuild_wanted=False))


def _is_forgotten(facts: Sequence[Fact], policy: Policy) -> bool:
    """Whether an interaction that isn't there any more is rightly so."""
    return policy.kept_from_us is not None and all(fact.at < policy.kept_from_us for fact in facts)


def _repairing(turn: Turn) -> Turn:
    """What is put right happened when it happened: no live counter may take it for something new."""
    return turn._replace(horizon_us=_NEVER_US, is_repair=True)


async def _put_back(
    connection: Connection, missing: Sequence[InteractionKey], stored: dict[InteractionKey, tuple[list[Fact], Booked]]
) -> None:
    """Put interactions that are not there back in, with nothing but the contact that still is."""
    for key in missing:
        row = await connection.fetchrow(_CONTACT_SQL, *key)
        booked = Booked([], [], {}, None if row is None else link_of(tuple(row)).contact)
        await connection.execute(_PUT_BACK_SQL, *key, msgspec.json.encode([]), msgspec.json.encode(booked))
        stored[key] = ([], booked)


async def _mend_sums(connection: Connection, sums: Sums, stripe: int) -> None:
    """Add what is missing in the sums; who writes meanwhile adds to other rows."""
    minutes: dict[tuple[int, int], dict[int, int]] = {}
    cells = []
    for series, minute, code, amount in sums.minutes:
        if code < CELL_BASE:
            minutes.setdefault((series, minute), {})[code] = amount
        else:
            histogram, duration = cell_parts(code)
            cells.append((series, minute * MINUTE_US, histogram, duration, amount))
    days: dict[tuple[int, int], dict[int, int]] = {}
    for series, day, code, amount in sums.days:
        days.setdefault((series, day), {})[code] = amount
    totals: dict[tuple[int, int], dict[int, int]] = {}
    for series, code, amount in sums.totals:
        is_state = MEASURE_BY_CODE[code].state if code > 0 else is_settled(code)
        kind = Class.LIVE if is_state else Class.CORRECTED_UP if amount > 0 else Class.CORRECTED_DOWN
        totals.setdefault((series, kind.value), {})[code] = amount if is_state else abs(amount)
    await add_minutes(connection, minutes)
    await add_days(connection, days, stripe)
    await add_totals(connection, totals, stripe)
    await add_buckets(connection, sums.buckets, stripe)
    await connection.executemany(_CELLS_SQL, cells)
    await connection.executemany(_LONGEST_SQL, sums.longest)
    for source_id, source, number, in_log in sums.keys:
        await connection.execute(_INSERT_KEY_SQL if in_log else _DELETE_KEY_SQL, source_id, source, number)
