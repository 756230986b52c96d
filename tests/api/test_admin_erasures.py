"""`POST /v1/admin/erasures`, as an administrator calls it."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.store.registry import pseudonym
from tests.api.conftest import Api, Serve, accepted, event, held, is_problem, until

RAW = "anna@example.org"
NONE = {"interactions": 0, "events": 0, "contacts": 0}
ERASING = """
SELECT %s FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%contacts WHERE customer = $1%%'
"""


def visit(minutes_ago: int, customer: str | None = RAW, **data: Any) -> dict[str, Any]:
    place = {"site": "vilnius-1", "queue": "tills", "channel": "pos"} | ({"customer": customer} if customer else {})
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return event(time=at.isoformat(), data=place | data)


async def everything(api: Api) -> str:
    """Every column of every row of every table, as text."""
    tables = await api.sql("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg_|sql_)'")
    rows = [row for (table,) in map(tuple, tables) for row in await api.sql(f"SELECT * FROM {table}")]
    return "\n".join(
        repr([value.decode(errors="replace") if isinstance(value, bytes) else value for value in row]) for row in rows
    )


async def counts(api: Api) -> tuple[int, ...]:
    """Contacts, repeats and visits in the rollups, which are what is published."""
    columns = ("contacts", "repeat_contacts_1d", "repeat_visits_1d", "offered")
    return tuple((await api.sql(f"SELECT {', '.join(f'sum({name})::int' for name in columns)} FROM rollups"))[0])


def counters(page: str) -> list[str]:
    """The lines of counters, which time alone does not change."""
    return [line for line in page.splitlines() if "_total{" in line]


async def test_a_customer_is_forgotten_and_no_number_changes(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events = [visit(30), visit(20), visit(10, "ben")]
    accepted(await api.post(events), 3)
    known_as = pseudonym(api.parts.pseudonym_key, RAW)
    assert known_as in await everything(api)
    before = await counts(api)
    assert before == (3, 1, 1, 3)
    page = (await api.client.get("/metrics/kpi")).text
    answer = await api.admin("POST", "/erasures", {"customer": RAW})
    assert answer.status_code == 200
    assert answer.json() == {"interactions": 2, "events": 2, "contacts": 2}
    found = await everything(api)
    assert known_as not in found
    assert RAW not in found
    assert pseudonym(api.parts.pseudonym_key, "ben") in found
    assert await counts(api) == before
    assert counters((await api.client.get("/metrics/kpi")).text) == counters(page)
    assert known_as not in caplog.text
    assert RAW not in caplog.text
    # Again, by a network's retry, there is nothing left to do; what was posted before stays a duplicate.
    assert (await api.admin("POST", "/erasures", {"customer": RAW})).json() == NONE
    accepted(await api.post(events), 0, 3)
    assert known_as not in await everything(api)


async def test_the_same_person_comes_as_somebody_new(api: Api) -> None:
    accepted(await api.post([visit(30), visit(20)]), 2)
    await api.admin("POST", "/erasures", {"customer": RAW})
    accepted(await api.post(visit(10)), 1)
    assert await counts(api) == (3, 1, 1, 3)
    accepted(await api.post(visit(5)), 1)
    assert await counts(api) == (4, 2, 2, 4)


async def test_a_customer_nobody_knows_answers_zeros(api: Api) -> None:
    answer = await api.admin("POST", "/erasures", {"customer": "nobody"})
    assert answer.status_code == 200
    assert answer.json() == NONE


@pytest.mark.parametrize("customer", ["x", "x" * 256, "ŽŠČ" * 85, "a\x00b", " ", "' OR 1 = 1", "🙂" * 256])
async def test_whatever_events_take_as_a_customer_can_be_forgotten(api: Api, customer: str) -> None:
    accepted(await api.post(visit(30, customer)), 1)
    answer = await api.admin("POST", "/erasures", {"customer": customer})
    assert answer.json() == {"interactions": 1, "events": 1, "contacts": 1}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer": ""},
        {"customer": "x" * 257},
        {"customer": None},
        {"customer": 7},
        {"customer": ["secret"]},
        {"customer": {"secret": 1}},
        {"customers": "secret"},
        {"customer": "secret", "more": 1},
        [],
        "secret",
        None,
    ],
)
async def test_a_wrong_request_is_refused_and_not_quoted(api: Api, body: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await api.admin("POST", "/erasures", body)
    problem = is_problem(answer, 422)
    assert "secret" not in answer.text
    assert "secret" not in caplog.text
    assert problem["field"] in ("customer", "customers", "more", "body")


async def test_half_a_surrogate_pair_is_refused(api: Api) -> None:
    answer = await api.client.post(
        "/v1/admin/erasures",
        content=b'{"customer": "\\ud800"}',
        headers={"Authorization": "Bearer fl_admin_of_the_tests", "Content-Type": "application/json"},
    )
    is_problem(answer, 422)


async def test_an_admin_key_is_needed(api: Api) -> None:
    accepted(await api.post(visit(30)), 1)
    body = {"customer": RAW}
    is_problem(await api.admin("POST", "/erasures", body, key="wrong"), 401)
    is_problem(await api.client.post("/v1/admin/erasures", json=body), 401)
    is_problem(await api.admin("POST", "/erasures", body, key=api.key), 403)
    assert (await api.admin("POST", "/erasures", body)).json()["events"] == 1


async def test_a_database_that_fails_meanwhile_is_a_503_and_nothing_is_done(api: Api) -> None:
    accepted(await api.post(visit(30)), 1)
    known_as = pseudonym(api.parts.pseudonym_key, RAW)
    async with held(api, "contacts"):
        asked = asyncio.create_task(api.admin("POST", "/erasures", {"customer": RAW}))

        async def waits() -> bool:
            return bool(await api.sql(ERASING % "pid"))

        await until(waits)
        await api.sql(ERASING % "pg_terminate_backend(pid)")
        answer = await asked
    is_problem(answer, 503)
    assert answer.headers["retry-after"]
    assert known_as not in answer.text
    assert known_as in await everything(api)
    assert (await api.admin("POST", "/erasures", {"customer": RAW})).json()["contacts"] == 1


async def test_replicas_post_and_erase_at_once(serve: Serve) -> None:
    first, second = await serve(), await serve()
    key = await first.source()
    erased = 0

    async def post(api: Api, lane: int) -> None:
        for number in range(15):
            accepted(await api.post([visit(30 * lane + number), visit(500 + number, "ben")], key=key), 2)

    async def erase() -> None:
        nonlocal erased
        while not all(task.done() for task in posting):
            answer = await second.admin("POST", "/erasures", {"customer": RAW})
            assert answer.status_code == 200, answer.text
            erased += answer.json()["contacts"]

    posting = [asyncio.create_task(post(api, lane)) for lane, api in enumerate((first, second, first, second))]
    async with asyncio.timeout(60):
        await asyncio.gather(*posting, erase())
    erased += (await first.admin("POST", "/erasures", {"customer": RAW})).json()["contacts"]
    assert erased == 60
    assert pseudonym(first.parts.pseudonym_key, RAW) not in await everything(first)
    assert (await counts(first))[0] == 120
