"""The audit finds every kind of difference, by name; a rebuild puts it right, online, and changes nothing that is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.core.event import Kind
from service.core.vocabulary import KIND_OF_TYPE
from service.store.database import Database
from service.store.findings import Finding
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.rebuild import Rebuild
from service.store.registry import Registry
from service.store.verdicts import Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.walk import DAY as DAY_US
from tests.reference.walk import SECOND, micros
from tests.store.proof import findings, rebuild_by
from tests.store.stored import SUMS, fetch, identity_gaps, scalar, stored_days, stored_rollups
from tests.terms import answered_within, promises

NOW_US = micros(NOW)
Event = dict[str, Any]
Audited = Callable[[], Awaitable[list[Finding]]]


def event(subject: str, kind: str, minutes_ago: float, **data: Any) -> Event:
    return {
        "id": f"{subject}-{kind}",
        "source": "till-3",
        "type": f"interaction.{kind}",
        "time": (NOW - timedelta(minutes=minutes_ago)).isoformat(),
        "subject": subject,
        "data": {"site": "vilnius-1", "queue": "tills", "channel": "pos", **data},
    }


def visit(subject: str, minutes_ago: float, customer: str) -> list[Event]:
    return [
        event(subject, "queued", minutes_ago, customer=customer),
        event(subject, "answered", minutes_ago - 0.4),
        event(subject, "completed", minutes_ago - 2, resolved=True),
    ]


DAY = 24 * 60
HISTORY = [
    *visit("order-1", 40 * DAY, "anna"),
    *visit("order-2", 3 * DAY, "anna"),
    *visit("order-3", 30, "anna"),
    *visit("order-4", 20, "ben"),
    event("order-5", "queued", 5),
    event("order-6", "queued", 10),
    event("order-6", "abandoned", 9),
]


@pytest.fixture
def policies(database: Database) -> Policies:
    return Policies(database)


@pytest.fixture
async def told(database: Database, ledger: Ledger, policies: Policies) -> Ledger:
    """A ledger that knows the history, under one objective."""
    async with database.engine.begin() as connection:
        await connection.execute(text("INSERT INTO sources (name, sites) VALUES ('pos-vendor', '{*}')"))
    await policies.publish(promises(till=answered_within(20 * SECOND, 0.9)), NOW_US)
    await ledger.commit([Post(1, accept(HISTORY, NOW_US))], NOW_US)
    return ledger


@pytest.fixture
def audited(told: Ledger, database: Database, registry: Registry) -> Audited:
    """Runs an audit and gives what it found."""
    return lambda: findings(database, registry, NOW_US)


@pytest.fixture
def rebuild(told: Ledger, database: Database, registry: Registry) -> Rebuild:
    return rebuild_by(told, database, registry, NOW_US)


async def everything(database: Database) -> dict[str, Any]:
    """All that readers see, as it adds up."""
    objectives = (
        "SELECT series_id, {key}, objective_id, sum(events), sum(breaches) FROM {table} GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )
    return {
        "rollups": await stored_rollups(database),
        "days": await stored_days(database),
        "gaps": await identity_gaps(database),
        "promised": [
            [tuple(row) for row in await fetch(database, objectives.format(key=key, table=table))]
            for key, table in (("minute", "objective_rollups"), ("day", "objective_rollups_daily"))
        ],
        "live": [
            tuple(row)
            for row in await fetch(
                database,
                f"SELECT series_id, {SUMS} FROM live_totals WHERE class = 0 GROUP BY 1 ORDER BY 1",
            )
        ],
        "contacts": sorted(
            tuple(row)
            for row in await fetch(database, "SELECT subject, previous_at, next_at, booking::text FROM contacts")
        ),
        "open": sorted(tuple(row) for row in await fetch(database, "SELECT subject, state, due_at FROM open_visits")),
    }


async def execute(database: Database, *statements: str) -> None:
    async with database.engine.begin() as connection:
        for statement in statements:
            assert (await connection.execute(text(statement))).rowcount > 0, statement


async def test_what_was_told_is_proven(audited: Audited) -> None:
    assert await audited() == []


TAMPER = """
UPDATE {} SET booking = convert_to(replace(convert_from(booking, 'UTF8'), '"{}"\\:1', '"{}"\\:{}'), 'UTF8')
WHERE subject = '{}'
"""
TAMPERED = {
    "a booking": (TAMPER.format("interactions", "2", "2", 2, "order-4"), ("interaction", "pos-vendor/order-4")),
    "the facts of an interaction": (
        "UPDATE interactions SET facts = convert_to('[]', 'UTF8') WHERE subject = 'order-3'",
        ("interaction", "pos-vendor/order-3"),
    ),
    "an interaction that is gone": (
        "DELETE FROM interactions WHERE subject = 'order-2'",
        ("interaction", "pos-vendor/order-2"),
    ),
    "an event that is gone": (
        "DELETE FROM events WHERE subject = 'order-6' AND type = 'interaction.abandoned'",
        ("interaction", "pos-vendor/order-6"),
    ),
    "a contact's neighbour": (
        "UPDATE contacts SET next_at = NULL WHERE subject = 'order-2'",
        ("contact", "pos-vendor/order-2"),
    ),
    "a contact that is gone": ("DELETE FROM contacts WHERE subject = 'order-1'", ("contact", "pos-vendor/order-1")),
    "a contact's booking": (
        TAMPER.format("contacts", "40", "40", 3, "order-1"),
        ("contact", "pos-vendor/order-1"),
    ),
    "a minute": ("UPDATE rollups SET answered = answered + 1", ("minute", "vilnius-1/tills/pos")),
    "a duration": (
        "UPDATE rollup_cells SET amount = amount + 1 WHERE histogram = 1",
        ("minute", "vilnius-1/tills/pos"),
    ),
    "a day": ("UPDATE rollups_daily SET offered = offered - 1", ("day", "vilnius-1/tills/pos")),
    "a bucket of a day": ("UPDATE buckets_daily SET b6 = b6 + 2", ("day", "vilnius-1/tills/pos")),
    "the longest of a day": (
        "UPDATE buckets_daily SET longest_us = 1 WHERE histogram = 1",
        ("day", "vilnius-1/tills/pos"),
    ),
    "an objective's minute": (
        "UPDATE objective_rollups SET breaches = breaches + 1",
        ("minute", "vilnius-1/tills/pos"),
    ),
    "an objective's day": ("DELETE FROM objective_rollups_daily", ("day", "vilnius-1/tills/pos")),
    "a live total": (
        "UPDATE live_totals SET completed = completed + 1 WHERE class = 0",
        ("live totals", "vilnius-1/tills/pos"),
    ),
    "an objective's total": ("UPDATE objective_totals SET events = 0", ("live totals", "vilnius-1/tills/pos")),
    "a breach that is not listed": (
        "DELETE FROM breaches WHERE subject = 'order-1'",
        ("breach", "vilnius-1/tills/pos"),
    ),
    "a breach that is listed twice": (
        "INSERT INTO breaches SELECT * FROM breaches",
        ("breach", "vilnius-1/tills/pos"),
    ),
    "a breach that is none": ("UPDATE breaches SET subject = 'order-0'", ("breach", "vilnius-1/tills/pos")),
    "an open visit": (
        "UPDATE open_visits SET due_at = due_at + interval '1 hour'",
        ("open visit", "pos-vendor/order-5"),
    ),
    "an event's key": (
        "DELETE FROM event_keys WHERE id = 'order-5-queued'",
        ("event", "pos-vendor/till-3/order-5-queued"),
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_tampered_with_is_found_and_put_right(
    what: str, database: Database, audited: Audited, rebuild: Rebuild
) -> None:
    statement, (kind, where) = TAMPERED[what]
    await execute(database, statement)
    found = await audited()
    assert any(finding.what == kind and finding.where.startswith(where) for finding in found), found
    report = await rebuild.run()
    assert report.findings
    assert await audited() == []


async def test_a_rebuild_of_what_is_right_writes_nothing(
    database: Database, audited: Audited, rebuild: Rebuild
) -> None:
    before = await everything(database)
    rows = "SELECT array_agg(xmin::text || ctid::text ORDER BY ctid) FROM {}"
    written = [await scalar(database, rows.format(name)) for name in ("interactions", "contacts", "rollups")]
    report = await rebuild.run()
    assert (report.findings, report.interactions, report.contacts) == ([], 6, 4)
    assert written == [await scalar(database, rows.format(name)) for name in ("interactions", "contacts", "rollups")]
    assert await everything(database) == before


async def test_everything_but_the_log_is_made_again(database: Database, audited: Audited, rebuild: Rebuild) -> None:
    before = await everything(database)
    await execute(
        database,
        "DELETE FROM interactions",
        "DELETE FROM contacts",
        "DELETE FROM rollups",
        "DELETE FROM rollup_cells",
        "DELETE FROM buckets_daily",
        "DELETE FROM rollups_daily",
        "DELETE FROM objective_rollups",
        "DELETE FROM open_visits",
        "DELETE FROM event_keys",
    )
    await rebuild.run()
    after = await everything(database)
    assert after == before
    assert await audited() == []


async def test_posts_go_on_while_it_is_rebuilt(
    database: Database, ledger: Ledger, audited: Audited, rebuild: Rebuild
) -> None:
    await execute(
        database,
        "UPDATE interactions SET booking = convert_to('[[],[],{},null]', 'UTF8')",
        "DELETE FROM rollups",
        "DELETE FROM contacts",
        "DELETE FROM open_visits",
    )
    late = [event(f"order-{number}", "transferred", 1) for number in range(1, 7)]
    new = [one for number in range(10, 60) for one in visit(f"order-{number}", number, "anna")]

    async def post() -> None:
        for one in (*late, *new):
            await ledger.commit([Post(1, accept([one], NOW_US))], NOW_US)

    other = rebuild_by(_sibling(rebuild, database), database, rebuild._registry, NOW_US)
    await asyncio.gather(post(), other.run())
    await other.run()
    assert await audited() == []
    await other._ledger.close()


def _sibling(rebuild: Rebuild, database: Database) -> Ledger:
    one = rebuild._ledger
    return Ledger(database, one._registry, one._partitions, one._policies, number=7, live_horizon_seconds=3600)


async def test_a_rebuild_that_was_stopped_goes_on_where_it_was(
    database: Database, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.rebuild._AT_ONCE", 2)
    await execute(database, "UPDATE interactions SET facts = convert_to('[]', 'UTF8')")
    mend = rebuild._mend
    mended: list[str] = []

    async def failing(wrong: Any) -> None:
        if len(mended) >= 2:
            raise RuntimeError("stopped")
        await mend(wrong)
        mended.extend(one.key[1] for one in wrong)

    monkeypatch.setattr(rebuild, "_mend", failing)
    with pytest.raises(RuntimeError):
        await rebuild.run()
    assert mended == ["order-1", "order-2"]
    assert await scalar(database, "SELECT subject FROM rebuild_progress") == "order-2"
    monkeypatch.setattr(rebuild, "_mend", mend)
    report = await rebuild.run()
    assert [finding.where for finding in report.findings if finding.what == "interaction"] == [
        f"pos-vendor/order-{number}" for number in (3, 4, 5, 6)
    ]
    assert await scalar(database, "SELECT count(*) FROM rebuild_progress") == 0


async def test_a_new_threshold_is_measured_over_history_and_nothing_else_moves(
    database: Database, audited: Audited, rebuild: Rebuild, policies: Policies
) -> None:
    """All waited 24 s but one, who gave up after 60 s, and one who still waits: the promise of 20 s was broken."""
    counts = "SELECT sum(events), sum(breaches) FROM objective_rollups"
    before = await everything(database)
    assert [tuple(row) for row in await fetch(database, counts)] == [(6, 6)]
    changed = [replace(one, rewrites=True) for one in promises(till=answered_within(30 * SECOND, 0.9))]
    assert await policies.publish(changed, NOW_US)
    assert await policies.rebuild_wanted()
    assert {finding.what for finding in await audited()} >= {"interaction"}
    await rebuild.run()
    assert [tuple(row) for row in await fetch(database, counts)] == [(6, 2)]
    assert await audited() == []
    assert not await policies.rebuild_wanted()
    after = await everything(database)
    assert after["rollups"] == before["rollups"]
    assert after["days"] == before["days"]
    assert after["live"] == before["live"]


async def test_terms_from_a_date_on_change_nothing_before(
    database: Database, ledger: Ledger, audited: Audited, policies: Policies
) -> None:
    today = NOW_US // DAY_US
    ever, later = answered_within(20 * SECOND, 0.9), answered_within(30 * SECOND, 0.9, start_day=today + 1)
    assert await policies.publish(promises(till=(ever, later)), NOW_US)
    assert not await policies.rebuild_wanted()
    assert await audited() == []
    then = NOW_US + 14 * 3600 * SECOND
    events = accept(
        [{**one, "time": (NOW + timedelta(hours=13)).isoformat()} for one in visit("order-9", 0, "eve")[:1]], then
    )
    answered = {**visit("order-9", 0, "eve")[1], "time": (NOW + timedelta(hours=13, seconds=24)).isoformat()}
    await ledger.commit([Post(1, events), Post(1, accept([answered], then))], then)
    counts = "SELECT sum(events), sum(breaches) FROM objective_rollups"
    assert [tuple(row) for row in await fetch(database, counts)] == [(7, 6)]


def test_every_kind_of_event_is_known_to_the_audit() -> None:
    assert sorted(KIND_OF_TYPE.values()) == sorted(set(Kind) - {Kind.ATTACHED})
