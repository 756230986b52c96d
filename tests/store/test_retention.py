"""Retention on a real PostgreSQL: what is too old is gone, what is kept is whole, and no number has changed."""

import asyncio
import logging
import math
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.core.event import microseconds
from service.store.database import Database
from service.store.forgetting import Forgotten
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.retention import Retention
from service.telemetry import Telemetry
from service.timer import Timer
from tests.reference.walk import DAY, SECOND
from tests.store.retained import (
    ANNA,
    BEN,
    CLIO,
    DAYS,
    HISTORY,
    KEPT,
    KEPT_FROM,
    KEPT_FROM_US,
    NOW_US,
    OLD,
    audited,
    day,
    event,
    numbers,
    partitions,
    post,
    retain,
    subjects,
    tables_with,
    visit,
)
from tests.store.stored import fetch, identity_gaps, scalar
from tests.terms import answered_within, promises


@pytest.fixture
async def told(database: Database, ledger: Ledger) -> Ledger:
    """A ledger that knows the history, and all that time has made of it."""
    await Policies(database).publish(promises(till=answered_within(20 * SECOND, 0.9)), NOW_US)
    await post(ledger, HISTORY)
    await Timer(ledger, Telemetry()).tick(NOW_US)
    return ledger


async def test_what_is_too_old_is_gone_and_no_number_has_changed(
    told: Ledger, database: Database, registry: Registry
) -> None:
    before = await numbers(database)
    done = await retain(database, told)
    assert await numbers(database) == before
    assert await subjects(database) == KEPT
    assert done == Forgotten(interactions=len(OLD), events=21, contacts=5, customers=1)
    assert await partitions(database) == {"events_2025_02", "events_2025_03", "events_before_1970"}
    assert await scalar(database, "SELECT count(*) FROM events WHERE time < '2025-02-01'") == 0
    assert await scalar(database, "SELECT count(*) FROM event_keys") == await scalar(
        database, "SELECT count(*) FROM events"
    )
    assert {row[0] for row in await fetch(database, "SELECT DISTINCT subject FROM breaches")} <= {
        *KEPT,
        "j1\x012025-02",
        "j2\x012025-02",
    }
    assert await identity_gaps(database) == {}
    assert await audited(database, registry) == []


async def test_an_interaction_with_an_event_that_is_kept_is_kept_whole(told: Ledger, database: Database) -> None:
    kept = "SELECT jsonb_array_length(convert_from(facts, 'UTF8')::jsonb) FROM interactions WHERE subject = 'spans'"
    await retain(database, told)
    assert await scalar(database, kept) == 2
    before = await scalar(database, "SELECT coalesce(sum(handled), 0) FROM rollups WHERE minute = '2025-01-31 23:55Z'")
    await post(told, [event("spans", "completed", KEPT_FROM + timedelta(minutes=3))])
    assert await scalar(database, kept) == 3
    after = await scalar(database, "SELECT coalesce(sum(handled), 0) FROM rollups WHERE minute = '2025-01-31 23:55Z'")
    assert (before, after) == (0, 1)


async def test_it_goes_with_the_month_of_its_last_event(told: Ledger, database: Database, registry: Registry) -> None:
    await retain(database, told)
    before = await numbers(database)
    later = NOW_US + 31 * DAY
    await retain(database, told, now_us=later)
    assert await subjects(database) == {"m1", "m2", "waits"}
    assert await numbers(database) == before
    assert await audited(database, registry, later) == []


async def test_customers_are_forgotten_when_no_window_needs_them(
    told: Ledger, database: Database, registry: Registry, database_url: str
) -> None:
    await retain(database, told)
    # Clio came on 10 January: up to 9 February somebody else's repeat may follow from that.
    assert await subjects(database, "contacts WHERE bare") == {"j1\x012025-02", "j2\x012025-02"}
    assert await tables_with(database_url, CLIO) >= {"contacts", "customers"}
    assert await tables_with(database_url, BEN) >= {"customers", "interactions"}
    # A month later nothing is left of January but its last day.
    later = NOW_US + 31 * DAY
    await retain(database, told, now_us=later)
    assert await subjects(database, "contacts") == {"spans\x012025-03", "f1\x012025-03", "m1", "m2"}
    assert await tables_with(database_url, BEN) == {"contacts", "customers"}
    last = NOW_US + 120 * DAY
    await Timer(told, Telemetry()).tick(last)
    await retain(database, told, now_us=last)
    for customer in (ANNA, BEN, CLIO):
        assert await tables_with(database_url, customer) == set()
    assert await subjects(database) == set()
    assert await scalar(database, "SELECT count(*) FROM breaches") == 0
    assert await audited(database, registry, last) == []


async def test_who_comes_within_thirty_days_of_one_that_is_forgotten_is_a_repeat(
    told: Ledger, database: Database, registry: Registry
) -> None:
    repeats = "SELECT coalesce(sum(repeat_contacts_30d), 0) FROM rollups WHERE minute >= '2025-02-01'"
    await retain(database, told)
    before = await scalar(database, repeats)
    await post(told, visit("late-1", day("2025-02-09"), CLIO))
    assert await scalar(database, repeats) == before + 1
    # Clio's case of 10 January was not resolved at the first contact after all, and that is told of January.
    assert await scalar(database, "SELECT sum(settled_30d) - sum(settled_resolved_30d) FROM rollups") > 0
    await post(told, visit("late-2", day("2025-02-12"), CLIO))
    assert await audited(database, registry) == []


async def test_what_is_too_old_is_refused_for_itself(told: Ledger, database: Database) -> None:
    await retain(database, told)
    last = KEPT_FROM - timedelta(microseconds=1)
    outcome = await post(
        told,
        [
            event("new-1", "queued", last),
            event("new-2", "queued", KEPT_FROM),
            HISTORY[1],  # it was there once
            HISTORY[-1],  # it is
        ],
    )
    assert (outcome.accepted, outcome.duplicates) == (1, 1)
    assert [(one.index, one.code) for one in outcome.rejected] == [(0, "too_old"), (2, "too_old")]
    assert outcome.rejected[0].detail.startswith("time: ")
    assert "2025-02-01T00:00:00Z" in outcome.rejected[0].detail
    assert "FRONTLINE_RETENTION_DAYS" in outcome.rejected[0].detail
    outcome = await post(told, [event("new-1", "queued", last)])
    assert (outcome.accepted, outcome.duplicates, len(outcome.rejected)) == (0, 0, 1)
    assert await subjects(database) == KEPT | {"new-2"}


async def test_two_events_of_one_name_of_which_one_is_too_old(told: Ledger, database: Database) -> None:
    await retain(database, told)
    young = event("new-1", "queued", KEPT_FROM)
    old = {**young, "time": (KEPT_FROM - timedelta(days=1)).isoformat()}
    outcome = await post(told, [old, young, young])
    assert (outcome.accepted, outcome.duplicates, [one.index for one in outcome.rejected]) == (1, 1, [0])


async def test_an_event_for_one_that_is_forgotten_begins_another(
    told: Ledger, database: Database, registry: Registry
) -> None:
    """Also where the first one is still a neighbour, and where the second one is forgotten in its turn."""
    await retain(database, told)
    await post(told, visit("j2", day("2025-02-06"), ANNA))
    assert await subjects(database, "contacts WHERE customer = '" + ANNA + "'") == {"j2\x012025-02", "j2", "f1", "m1"}
    assert await audited(database, registry) == []
    later = NOW_US + 31 * DAY
    await retain(database, told, now_us=later)
    await post(told, visit("j2", day("2025-03-06"), ANNA), later)
    assert await subjects(database, "contacts WHERE customer = '" + ANNA + "'") == {
        *("j2\x012025-03", "f1\x012025-03"),
        *("m1", "j2"),
    }
    assert await audited(database, registry, later) == []


async def test_the_moment_only_ever_moves_on(told: Ledger, database: Database) -> None:
    policies = Policies(database)
    await retain(database, told)
    version = (await policies.latest()).version
    await retain(database, told, days=400)
    await retain(database, told, now_us=NOW_US - 90 * DAY)
    assert (await policies.latest()).kept_from_us == KEPT_FROM_US
    assert (await policies.latest()).version == version
    assert await policies.keep_from(KEPT_FROM_US - 1) == KEPT_FROM_US
    assert (await policies.latest()).version == version
    assert (await post(told, [event("new", "queued", KEPT_FROM - timedelta(days=300))])).accepted == 0


async def test_a_clock_that_is_ahead_makes_nothing_forgotten(ledger: Ledger, database: Database) -> None:
    now = datetime.now(UTC)
    await post(ledger, [event("today", "queued", now)], microseconds(now))
    await retain(database, ledger, days=31, now_us=microseconds(now) + 5 * 365 * DAY)
    assert await subjects(database) == {"today"}
    kept_from_us = (await Policies(database).latest()).kept_from_us
    assert kept_from_us is not None
    assert kept_from_us < microseconds(now)


async def test_what_time_still_changes_stays_until_it_has(database: Database, ledger: Ledger) -> None:
    """The timer has not run: one still waits as far as is known, and a case is not settled."""
    arrival = day("2025-01-17")
    await post(ledger, [event("waited", "queued", arrival)], microseconds(arrival))
    await post(ledger, HISTORY)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE contacts SET due_at = '2025-03-01' WHERE subject = 'j1'"))
    before = await numbers(database)
    await retain(database, ledger)
    assert await numbers(database) == before
    assert await subjects(database) == {*KEPT, "j1", "waited"}
    assert "events_2025_01" in await partitions(database)
    assert "events_2024_12" not in await partitions(database)
    await Timer(ledger, Telemetry()).tick(NOW_US)
    await retain(database, ledger)
    assert await subjects(database) == KEPT
    assert await partitions(database) == {"events_2025_02", "events_2025_03", "events_before_1970"}
    assert await scalar(database, "SELECT sum(expired) FROM rollups WHERE minute = '2025-01-17 09:00Z'") == 1


async def test_months_that_are_not_kept_get_no_partition(told: Ledger, database: Database, registry: Registry) -> None:
    await retain(database, told)
    here = await partitions(database)
    await post(told, [event("new-1", "queued", day("2024-05-05"))])
    assert await partitions(database) == here
    # A process that does not know yet makes one; it stays empty, and is dropped the next time.
    other = Ledger(database, registry, Partitions(database), Policies(database), number=1, live_horizon_seconds=3600)
    assert (await post(other, [event("new-1", "queued", day("2024-05-05"))])).accepted == 0
    assert await partitions(database) == {*here, "events_2024_05"}
    await retain(database, told)
    assert await partitions(database) == here
    await other.close()


async def test_a_partition_in_use_is_dropped_a_minute_later(told: Ledger, database: Database) -> None:
    retention = Retention(database, Policies(database), told, days=DAYS)
    async with database.engine.connect() as reader:
        await reader.execute(text("SELECT count(*) FROM events"))
        await retention.go_on(NOW_US, math.inf)
        assert "events_2024_11" in await partitions(database)
        await reader.rollback()
    assert await retention.go_on(NOW_US + 59 * SECOND, math.inf) == Forgotten()
    done = await retention.go_on(NOW_US + 60 * SECOND, math.inf)
    assert (done.interactions, done.events) == (0, 20)
    assert await partitions(database) == {"events_2025_02", "events_2025_03", "events_before_1970"}


async def test_the_timer_s_holder_alone_carries_it_out(told: Ledger, database: Database, registry: Registry) -> None:
    ledgers = [
        Ledger(database, registry, Partitions(database), Policies(database), number=n, live_horizon_seconds=3600)
        for n in range(1, 5)
    ]
    telemetry = [Telemetry(), Telemetry()]
    first, second = (
        Timer(timing, told_by, Retention(database, Policies(database), forgetting, days=DAYS))
        for timing, forgetting, told_by in zip(ledgers[:2], ledgers[2:], telemetry, strict=True)
    )
    await told.close()
    await Timer(ledgers[0], Telemetry()).tick(NOW_US)
    await second.tick(NOW_US)
    assert await subjects(database) == OLD | KEPT
    while await subjects(database) != KEPT or len(await partitions(database)) > 3:
        await first.tick(NOW_US)
    page = telemetry[0].render().decode()
    assert f'frontline_retention_forgotten_total{{what="interactions"}} {len(OLD)}.0' in page
    assert f"frontline_retention_kept_from_timestamp_seconds {KEPT_FROM_US / SECOND:.7g}".rstrip("0") in page
    assert 'frontline_retention_forgotten_total{what="interactions"} 0.0' in telemetry[1].render().decode()
    await first.stop()
    await second.stop()


async def test_retention_that_fails_holds_nothing_up_and_is_tried_again(
    told: Ledger, database: Database, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(database, registry, Partitions(database), Policies(database), number=1, live_horizon_seconds=3600)
    timer = Timer(told, Telemetry(), Retention(database, Policies(database), ledger, days=DAYS))
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events_2024_11 RENAME TO events_of_november"))
    for seconds in range(3):
        assert await timer.tick(NOW_US + seconds * SECOND) == 0
        await asyncio.sleep(0.3)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "retention failed; it is tried again in a minute"
    ]
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE events_of_november RENAME TO events_2024_11"))
    while await subjects(database) != KEPT or len(await partitions(database)) > 3:
        await timer.tick(NOW_US + 61 * SECOND)
    await timer.stop()


async def test_without_the_setting_nothing_is_forgotten(told: Ledger, database: Database) -> None:
    for hours in range(3):
        await Timer(told, Telemetry()).tick(NOW_US + hours * 3600 * SECOND)
    assert await subjects(database) == OLD | KEPT
    assert (await Policies(database).latest()).kept_from_us is None


async def test_it_is_logged_in_numbers_without_names(
    told: Ledger, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.store.retention"):
        await retain(database, told)
    told_lines = [record.getMessage() for record in caplog.records]
    assert "retention, events_2025_01: 3 interactions and 8 events; it is gone" in told_lines
    for name in (*OLD, *KEPT, ANNA, BEN, CLIO):
        assert not any(name in line.replace("events", "") for line in told_lines), name
