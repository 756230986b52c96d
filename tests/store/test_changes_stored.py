"""Changes in the database: kept once whatever the order, proven by an audit, and put right by a rebuild."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from service.core.change import Change
from service.store.changes import ChangeLog
from service.store.database import Database
from service.store.findings import Finding
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.verdicts import Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.walk import micros
from tests.store.proof import findings, rebuild_by

NOW_US = micros(NOW)
Event = dict[str, Any]


def told(id_: str, name: str, days_ago: float, **data: Any) -> Event:
    return {
        "id": id_,
        "source": "rota",
        "type": "change.made",
        "time": (NOW - timedelta(days=days_ago)).isoformat(),
        "data": {"name": name, "kind": "training", **data},
    }


EVENTS = [
    told("1", "course", 20, sites=["vilnius-1", "riga-1"], queues=["tills"]),
    told("2", "course", 10, sites=["kaunas-2"]),
    told("3", "rota", 20, kind="staffing"),
]


@pytest.fixture
async def log(database: Database) -> ChangeLog:
    async with database.engine.begin() as connection:
        await connection.execute(text("INSERT INTO sources (name, sites) VALUES ('one', '{*}'), ('two', '{*}')"))
    return ChangeLog(database)


@pytest.fixture
def audited(database: Database, registry: Registry) -> Callable[[], Awaitable[list[Finding]]]:
    return lambda: findings(database, registry, NOW_US)


async def post(ledger: Ledger, events: Sequence[Event], source: int = 1) -> None:
    await ledger.commit([Post(source, accept(list(events), NOW_US))], NOW_US)


async def test_the_earliest_of_a_name_decides(log: ChangeLog, ledger: Ledger) -> None:
    await post(ledger, EVENTS)
    course = Change("course", "training", micros(NOW - timedelta(days=20)), ("vilnius-1", "riga-1"), ("tills",))
    rota = Change("rota", "staffing", micros(NOW - timedelta(days=20)))
    assert await log.all() == [course, rota]
    assert await log.named("course") == course
    assert await log.named("nothing") is None


async def test_of_two_at_one_moment_the_lesser_source_and_id_decides(log: ChangeLog, ledger: Ledger) -> None:
    await post(ledger, [told("0", "tie", 5, sites=["of-two"])], source=2)
    await post(ledger, [told("b", "tie", 5, sites=["b"]), told("a", "tie", 5, sites=["a"])])
    found = await log.named("tie")
    assert found is not None
    assert found.sites == ("a",)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(len(EVENTS))), again=st.integers(0, len(EVENTS) - 1), cut=st.integers(0, len(EVENTS))
)
async def test_order_repetition_and_batches_make_no_difference(
    log: ChangeLog, ledger: Ledger, database: Database, order: list[int], again: int, cut: int
) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("TRUNCATE changes, events, event_keys"))
    await post(ledger, EVENTS)
    expected = await log.all()
    async with database.engine.begin() as connection:
        await connection.execute(text("TRUNCATE changes, events, event_keys"))
    shuffled = [EVENTS[number] for number in (*order, again)]
    for some in (shuffled[:cut], shuffled[cut:]):
        if some:
            await post(ledger, some)
    assert await log.all() == expected


TAMPERED = {
    "a change that is gone": ("DELETE FROM changes WHERE id = '1'", "not among the changes"),
    "a change that nobody told of": (
        "INSERT INTO changes SELECT source_id, source, 'x', at, name, kind, sites, queues FROM changes WHERE id = '3'",
        "not in the log",
    ),
    "another time": ("UPDATE changes SET at = at - interval '1 day' WHERE id = '1'", "otherwise than the log"),
    "another kind": ("UPDATE changes SET kind = 'system' WHERE id = '1'", "otherwise than the log"),
    "other sites": ("UPDATE changes SET sites = '{riga-1}' WHERE id = '1'", "otherwise than the log"),
    "all sites": ("UPDATE changes SET sites = NULL WHERE id = '1'", "otherwise than the log"),
    "some queues": ("UPDATE changes SET queues = '{tills}' WHERE id = '3'", "otherwise than the log"),
}


@pytest.mark.parametrize("wrong", TAMPERED)
async def test_what_is_wrong_is_found_by_an_audit_and_put_right_by_a_rebuild(
    log: ChangeLog,
    ledger: Ledger,
    database: Database,
    registry: Registry,
    audited: Callable[[], Awaitable[list[Finding]]],
    wrong: str,
) -> None:
    await post(ledger, EVENTS)
    before = await log.all()
    assert await audited() == []
    statement, says = TAMPERED[wrong]
    async with database.engine.begin() as connection:
        assert (await connection.execute(text(statement))).rowcount == 1
    (finding,) = await audited()
    assert finding.what == "change"
    assert finding.where.startswith("one/rota/")
    assert says in finding.detail
    await rebuild_by(ledger, database, registry, NOW_US).run()
    assert await audited() == []
    assert await log.all() == before


async def test_what_is_no_change_is_not_among_them(log: ChangeLog, ledger: Ledger) -> None:
    heartbeat = told("4", "x", 1) | {"type": "heartbeat", "data": {"site": "vilnius-1"}}
    await post(ledger, [heartbeat])
    assert await log.all() == []


async def test_what_is_forgotten_of_the_log_is_taken_as_given(
    log: ChangeLog,
    ledger: Ledger,
    database: Database,
    audited: Callable[[], Awaitable[list[Finding]]],
) -> None:
    await post(ledger, EVENTS)
    before = await log.all()
    await Policies(database).keep_from(micros(NOW - timedelta(days=15)))
    async with database.engine.begin() as connection:
        for table in ("events", "event_keys"):
            assert (await connection.execute(text(f"DELETE FROM {table} WHERE id IN ('1', '3')"))).rowcount == 2
    assert await audited() == []
    assert await log.all() == before
