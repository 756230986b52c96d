"""The proof after retention: what was before is given, all else follows from it, and what doesn't is found."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from service.store.database import Database
from service.store.erasures import Erased, erase_customer
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.rebuild import Rebuild
from service.store.registry import Registry
from service.telemetry import Telemetry
from service.timer import Timer
from tests.reference.walk import SECOND
from tests.store.proof import rebuild_by
from tests.store.retained import (
    ANNA,
    BEN,
    CLIO,
    HISTORY,
    KEPT,
    KEPT_FROM,
    NOW_US,
    audited,
    day,
    event,
    numbers,
    post,
    retain,
    subjects,
    tables_with,
    visit,
)
from tests.store.stored import fetch, scalar, stored_days, stored_rollups
from tests.terms import answered_within, promises


@pytest.fixture
async def kept(database: Database, ledger: Ledger) -> Ledger:
    """A ledger that knows the history, of which what is too old is forgotten."""
    async with database.engine.begin() as connection:
        await connection.execute(text("INSERT INTO sources (name, sites) VALUES ('pos-vendor', '{*}')"))
    await Policies(database).publish(promises(till=answered_within(20 * SECOND, 0.9)), NOW_US)
    await post(ledger, HISTORY)
    await Timer(ledger, Telemetry()).tick(NOW_US)
    await retain(database, ledger)
    return ledger


@pytest.fixture
def rebuild(kept: Ledger, database: Database, registry: Registry) -> Rebuild:
    return rebuild_by(kept, database, registry, NOW_US)


async def execute(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        assert (await connection.execute(text(statement))).rowcount > 0, statement


async def everything(database: Database) -> dict[str, object]:
    """All numbers as they add up, and all that is kept."""
    rows = {
        name: sorted(map(repr, await fetch(database, f"SELECT * FROM {name}")))
        for name in ("interactions", "contacts", "customers", "open_visits", "event_keys", "events")
    }
    return {**rows, "minutes": await stored_rollups(database), "days": await stored_days(database)}


async def test_a_rebuild_of_what_is_kept_changes_nothing(database: Database, rebuild: Rebuild) -> None:
    before, sums = await everything(database), await numbers(database)
    report = await rebuild.run()
    assert report.findings == []
    assert (await everything(database), await numbers(database)) == (before, sums)


TAMPER = """
UPDATE {} SET booking = convert_to(replace(convert_from(booking, 'UTF8'), '"{}"\\:1', '"{}"\\:{}'), 'UTF8')
WHERE subject = '{}'
"""
OF_BEFORE, SINCE = f"minute < '{KEPT_FROM:%Y-%m-%d}'", f"minute >= '{KEPT_FROM:%Y-%m-%d}'"
FOUND = {
    "a booking": (TAMPER.format("interactions", "2", "2", 2, "f1"), "interaction", "pos-vendor/f1"),
    "a booking of one that began before": (
        TAMPER.format("interactions", "2", "2", 2, "spans"),
        "interaction",
        "pos-vendor/spans",
    ),
    "a fact of before": (
        "UPDATE interactions SET facts = convert_to(replace(convert_from(facts, 'UTF8'), 'tills', 'door'), 'UTF8')"
        " WHERE subject = 'spans'",
        "interaction",
        "pos-vendor/spans",
    ),
    "an interaction that is gone": ("DELETE FROM interactions WHERE subject = 'm1'", "interaction", "pos-vendor/m1"),
    "an event that is gone": (
        "DELETE FROM events WHERE subject = 'spans'",
        "interaction",
        "pos-vendor/spans",
    ),
    "a contact's neighbour": (
        "UPDATE contacts SET previous_at = NULL WHERE subject = 'f1'",
        "contact",
        "pos-vendor/f1",
    ),
    "a contact's next neighbour": (
        "UPDATE contacts SET next_at = NULL WHERE subject = 'f1'",
        "contact",
        "pos-vendor/f1",
    ),
    "a neighbour of before": ("DELETE FROM contacts WHERE subject LIKE 'j2%'", "contact", "pos-vendor/f1"),
    "a contact that is gone": ("DELETE FROM contacts WHERE subject = 'm2'", "contact", "pos-vendor/m2"),
    "a contact of before that is gone": ("DELETE FROM contacts WHERE subject = 'spans'", "contact", "pos-vendor/spans"),
    "a contact that is bare": ("UPDATE contacts SET bare = true WHERE subject = 'm2'", "contact", "pos-vendor/m2"),
    "a contact's booking": (TAMPER.format("contacts", "40", "40", 3, "f1"), "contact", "pos-vendor/f1"),
    "a minute": (f"UPDATE rollups SET answered = answered + 1 WHERE {SINCE}", "minute", "vilnius-1/tills/pos"),
    "a minute of before, by its day": (
        f"UPDATE rollups SET answered = answered + 1 WHERE {OF_BEFORE}",
        "day",
        "vilnius-1/tills/pos",
    ),
    "a minute of before that is gone": (f"DELETE FROM rollups WHERE {OF_BEFORE}", "live totals", "vilnius-1/tills/pos"),
    "an objective's minute of before": (
        f"UPDATE objective_rollups SET breaches = 0 WHERE {OF_BEFORE}",
        "day",
        "vilnius-1/tills/pos",
    ),
    "a duration of before": (
        f"UPDATE rollup_cells SET duration_us = 9000000 WHERE {OF_BEFORE} AND histogram = 1",
        "day",
        "vilnius-1/tills/pos",
    ),
    "a day of before": ("UPDATE rollups_daily SET offered = 0 WHERE day < '2025-01-01'", "day", "vilnius-1/tills/pos"),
    "a bucket of before": (
        "UPDATE buckets_daily SET b6 = b6 + 2 WHERE day < '2025-01-01'",
        "day",
        "vilnius-1/tills/pos",
    ),
    "a live total": ("UPDATE live_totals SET offered = offered + 1", "live totals", "vilnius-1/tills/pos"),
    "a breach that is not listed": ("DELETE FROM breaches WHERE subject = 'm1'", "breach", "vilnius-1/tills/pos"),
    "a breach of one that is forgotten": (
        "UPDATE breaches SET subject = 'j1' WHERE subject = 'm1'",
        "breach",
        "vilnius-1/tills/pos",
    ),
    "an event without its key": ("DELETE FROM event_keys WHERE id LIKE 'm1-q%'", "event", "pos-vendor/till-3/m1-q"),
    "a key without its event": (
        "INSERT INTO event_keys VALUES (1, 'till-3', 'j1-queued')",
        "event",
        "pos-vendor/till-3/j1-queued",
    ),
}


@pytest.mark.parametrize("what", FOUND)
async def test_what_was_tampered_with_is_found_and_put_right(
    what: str, database: Database, registry: Registry, rebuild: Rebuild
) -> None:
    statement, kind, where = FOUND[what]
    await execute(database, statement)
    found = await audited(database, registry)
    assert any(finding.what == kind and finding.where.startswith(where) for finding in found), found
    assert (await rebuild.run()).findings
    assert await audited(database, registry) == []


async def test_sums_of_before_are_not_repaired_away(database: Database, registry: Registry, rebuild: Rebuild) -> None:
    """All that can be made again is; what only the sums know stays, in the days, the totals and the buckets too."""
    before = await everything(database)
    buckets = "SELECT day, histogram, sum(b6), sum(b7) FROM buckets_daily GROUP BY 1, 2 ORDER BY 1, 2"
    of_days = await fetch(database, buckets)
    for statement in (
        "DELETE FROM rollups_daily",
        "DELETE FROM buckets_daily",
        "DELETE FROM objective_rollups_daily",
        "DELETE FROM live_totals",
        "DELETE FROM objective_totals",
        f"DELETE FROM rollups WHERE {SINCE}",
        f"DELETE FROM rollup_cells WHERE {SINCE}",
        f"DELETE FROM objective_rollups WHERE {SINCE}",
        "DELETE FROM open_visits",
        "DELETE FROM breaches",
        "DELETE FROM event_keys",
    ):
        await execute(database, statement)
    await rebuild.run()
    after = await everything(database)
    assert after == before
    assert await fetch(database, buckets) == of_days
    assert await audited(database, registry) == []


async def test_a_contact_whose_old_interaction_was_lost_stays_as_a_neighbour(
    database: Database, registry: Registry, rebuild: Rebuild, kept: Ledger
) -> None:
    minutes = await stored_rollups(database)
    await execute(database, "UPDATE contacts SET subject = 'j3', bare = false WHERE subject LIKE 'j1%'")
    found = await audited(database, registry)
    assert ("pos-vendor/j3", "no interaction has it") in {(finding.where, finding.detail) for finding in found}
    await rebuild.run()
    assert await subjects(database, "contacts WHERE bare") == {"j2\x012025-02", "j3\x012025-02"}
    assert await stored_rollups(database) == minutes
    assert await audited(database, registry) == []


async def test_a_rebuild_does_not_bring_back_what_is_forgotten_meanwhile(
    database: Database, registry: Registry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(ledger, HISTORY)
    await Timer(ledger, Telemetry()).tick(NOW_US)
    await execute(database, "UPDATE interactions SET facts = convert_to('[]', 'UTF8') WHERE subject IN ('j1', 'm1')")
    work = rebuild_by(ledger, database, registry, NOW_US)
    mend = work._mend

    async def late(wrong: object) -> None:
        await execute(database, "DELETE FROM interactions WHERE subject = 'j1'")
        await execute(database, "UPDATE contacts SET subject = E'j1\x01', bare = true WHERE subject = 'j1'")
        await retain(database, ledger)
        monkeypatch.setattr(work, "_mend", mend)
        await mend(wrong)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "_mend", late)
    await work.run()
    assert await subjects(database) == KEPT
    assert await audited(database, registry) == []


async def test_sums_are_looked_at_again_where_more_is_forgotten_meanwhile(
    database: Database, registry: Registry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was missing is nobody's any more by the time at which it would be put back."""
    await post(ledger, HISTORY)
    await Timer(ledger, Telemetry()).tick(NOW_US)
    await execute(database, "DELETE FROM event_keys WHERE id LIKE 'j1-%'")
    work = rebuild_by(ledger, database, registry, NOW_US)
    transact = ledger.transact

    async def late(*arguments: Any) -> Any:
        monkeypatch.setattr(ledger, "transact", transact)
        await retain(database, ledger)
        return await transact(*arguments)

    monkeypatch.setattr(ledger, "transact", late)
    await work.run()
    assert await subjects(database) == KEPT
    assert await audited(database, registry) == []


async def test_a_new_threshold_reaches_back_to_what_is_kept(
    database: Database, registry: Registry, rebuild: Rebuild
) -> None:
    """All but two waited 24 s. Of those that are forgotten, what was promised then is what counts."""
    counts = "SELECT sum(events)::int, sum(breaches)::int FROM objective_rollups WHERE {}"
    before = tuple((await fetch(database, counts.format(OF_BEFORE)))[0])
    minutes = await stored_rollups(database)
    changed = [replace(one, rewrites=True) for one in promises(till=answered_within(30 * SECOND, 0.9))]
    assert await Policies(database).publish(changed, NOW_US)
    await rebuild.run()
    assert tuple((await fetch(database, counts.format(OF_BEFORE)))[0]) == before
    assert tuple((await fetch(database, counts.format(SINCE)))[0]) == (4, 1)
    assert await stored_rollups(database) == minutes
    assert await audited(database, registry) == []
    assert not await Policies(database).rebuild_wanted()


async def test_a_time_zone_can_change_and_days_are_cut_again(
    database: Database, registry: Registry, kept: Ledger
) -> None:
    minutes = await stored_rollups(database)
    await registry.put_site(
        "vilnius-1", time_zone="Pacific/Auckland", hours=None, holidays=None, since=None, queues=[], actor="test"
    )
    assert await audited(database, registry) == []
    assert await stored_rollups(database) == minutes
    assert {where[-1] for where in await stored_days(database)} >= {"1969-07-21", "2025-01-10"}
    await post(kept, visit("after", day("2025-02-20"), BEN))
    assert await audited(database, registry) == []


async def test_a_customer_is_erased_from_what_is_kept_too(
    database: Database, registry: Registry, kept: Ledger, database_url: str
) -> None:
    before = await numbers(database)
    assert await erase_customer(database, CLIO, actor="test") == Erased(interactions=1, events=1, contacts=2)
    # Ben's name was in an event that is gone; the interaction holds it still.
    assert await erase_customer(database, BEN, actor="test") == Erased(interactions=1, events=0, contacts=1)
    assert await tables_with(database_url, CLIO) == set()
    assert await tables_with(database_url, BEN) == set()
    assert await numbers(database) == before
    assert await audited(database, registry) == []


async def test_a_customer_whom_only_a_forgotten_event_named_is_erased(
    database: Database, registry: Registry, ledger: Ledger, database_url: str
) -> None:
    """No contact leads there, for the interaction is somebody else's."""
    await post(ledger, [event("both", "queued", day("2025-01-30"), customer=BEN)])
    await post(ledger, [event("both", "held", day("2025-01-31"), customer=ANNA)])
    await post(ledger, [event("both", "answered", day("2025-02-01"))])
    await Timer(ledger, Telemetry()).tick(NOW_US)
    await retain(database, ledger)
    assert await tables_with(database_url, ANNA) == {"interactions"}
    assert await erase_customer(database, ANNA, actor="test") == Erased(interactions=1, events=0, contacts=0)
    assert await tables_with(database_url, ANNA) == set()
    assert await scalar(database, "SELECT customer FROM contacts") == BEN
    assert await audited(database, registry) == []
