"""`POST /v1/events` as clients see it: every form, every answer, and what becomes of the events."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from service.api.bodies import MAX_BODY_BYTES
from service.core.event import MAX_EVENTS_PER_POST
from tests.api.conftest import ADMIN_KEY, Api, Serve, event, until
from tests.conftest import at_database


def accepted(response: httpx.Response, count: int, duplicates: int = 0) -> None:
    """The answer of a post of which everything was good."""
    assert response.status_code == 202, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"accepted": count, "duplicates": duplicates, "rejected": []}


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The members of an answer that must be problem+json."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["type"]
    assert body["title"]
    assert body["detail"]
    return body


@asynccontextmanager
async def held(api: Api, table: str = "events") -> AsyncIterator[asyncpg.Connection]:
    """Let no transaction of the service commit while the context is open."""
    connection = await asyncpg.connect(api.database_url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


def binary(one: dict[str, Any], **changes: str) -> dict[str, str]:
    """The headers of an event in binary mode."""
    names = ("id", "source", "type", "time", "subject")
    return {"ce-specversion": "1.0", **{f"ce-{name}": one[name] for name in names}, **changes}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/cloudevents+json",
        "application/cloudevents+json; charset=UTF-8",
        None,
    ],
)
async def test_one_event(api: Api, content_type: str | None) -> None:
    accepted(await api.post(event(specversion="1.0"), content_type=content_type), 1)
    assert await api.stored() == 1


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents-batch+json"])
async def test_an_array(api: Api, content_type: str) -> None:
    accepted(await api.post([event(specversion="1.0") for _ in range(3)], content_type=content_type), 3)
    accepted(await api.post([], content_type=content_type), 0)
    assert await api.stored() == 3


async def test_lines(api: Api) -> None:
    body = b"\r\n".join([json.dumps(event()).encode(), b"", json.dumps(event()).encode(), b""])
    accepted(await api.post(body, content_type="application/x-ndjson"), 2)
    body = b"\n".join([b"{broken", json.dumps(event()).encode()])
    response = await api.post(body, content_type="application/x-ndjson; charset=utf-8")
    assert response.status_code == 202
    assert response.json()["accepted"] == 1
    assert [(one["index"], one["id"], one["code"]) for one in response.json()["rejected"]] == [
        (0, None, "invalid_json")
    ]


async def test_binary_mode(api: Api) -> None:
    one = event()
    accepted(await api.post(one["data"], headers=binary(one)), 1)
    accepted(await api.post(one, content_type="application/cloudevents+json"), 0, 1)
    without_data = event("interaction.answered")
    accepted(await api.post(b"", content_type=None, headers=binary(without_data)), 1)
    found = await api.sql("SELECT source, id, subject, type, data FROM events ORDER BY type")
    assert [tuple(row)[:4] for row in found] == [
        (event_["source"], event_["id"], event_["subject"], event_["type"]) for event_ in (without_data, one)
    ]
    assert json.loads(found[1]["data"]) == one["data"]


async def test_binary_mode_reads_percent_encoding_and_utf8(api: Api) -> None:
    one = event()
    headers = binary(one, **{"ce-subject": "order%204711%25%22%E2%82%AC"})
    accepted(await api.post(one["data"], headers=headers), 1)
    raw = {name.encode(): value.encode() for name, value in binary(event(), **{"ce-subject": "užsakymas"}).items()}
    response = await api.client.post(
        "/v1/events",
        content=b"{}",
        headers=[
            (b"authorization", f"Bearer {api.key}".encode()),
            (b"content-type", b"application/json"),
            *raw.items(),
        ],
    )
    assert response.status_code == 422  # queued, and no queue
    assert response.json()["rejected"][0]["detail"].startswith("data.queue: is missing")
    assert [row[0] for row in await api.sql("SELECT subject FROM events")] == ['order 4711%"€']
    body = is_problem(await api.post(b"{}", headers=binary(one, **{"ce-subject": "%ff"})), 400)
    assert body["field"] == "ce-subject"


@pytest.mark.parametrize("body", [b"{", b'{},"id":"forged"', b'{"site":"a"}}', b"nope"])
async def test_a_body_in_binary_mode_must_be_json(api: Api, body: bytes) -> None:
    is_problem(await api.post(body, headers=binary(event())), 400)
    assert await api.stored() == 0


async def test_binary_mode_names_a_missing_header(api: Api) -> None:
    headers = binary(event())
    del headers["ce-time"]
    response = await api.post({"queue": "tills"}, headers=headers)
    assert response.status_code == 422
    assert response.json()["rejected"][0]["detail"].startswith("time: is missing")
    response = await api.post({"queue": "tills"}, headers=binary(event(), **{"ce-specversion": "0.3"}))
    assert response.json()["rejected"][0]["detail"].startswith("specversion: ")


@pytest.mark.parametrize("level", [0, 9])
async def test_gzip(api: Api, level: int) -> None:
    body = gzip.compress(json.dumps([event(), event()]).encode(), level)
    accepted(await api.post(body, headers={"Content-Encoding": "gzip"}), 2)


async def test_gzip_of_several_members(api: Api) -> None:
    members = [gzip.compress(json.dumps(event()).encode() + b"\n") for _ in range(500)]
    body = b"".join([gzip.compress(b""), *members, gzip.compress(b"")])
    headers = {"Content-Encoding": "GZIP"}
    accepted(await api.post(body, content_type="application/x-ndjson", headers=headers), 500)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"[]")[:-1],
        gzip.compress(b"[]")[:5],
        gzip.compress(b"[]") + b"tail",
        gzip.compress(b"[]") + gzip.compress(b"[]")[:-4],
        b"[]",
        b"\x1f\x8b",
        b"",
    ],
)
async def test_a_broken_gzip_body_is_refused(api: Api, body: bytes) -> None:
    is_problem(await api.post(body, headers={"Content-Encoding": "gzip"}), 400)


async def test_a_gzip_bomb_is_cut_off(api: Api) -> None:
    bomb = gzip.compress(b" " * (1 << 30), 1)
    assert len(bomb) < MAX_BODY_BYTES
    tracemalloc.start()
    try:
        response = await api.post(bomb, headers={"Content-Encoding": "gzip"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    is_problem(response, 413)
    assert peak < 6 * MAX_BODY_BYTES


async def test_a_gzip_body_of_countless_members_takes_no_age(api: Api) -> None:
    empty = gzip.compress(b"")
    async with asyncio.timeout(20):
        response = await api.post(empty * (MAX_BODY_BYTES // len(empty)), headers={"Content-Encoding": "gzip"})
    is_problem(response, 400)


async def test_a_body_at_its_limit_is_taken_and_one_over_it_is_not(api: Api) -> None:
    one = json.dumps(event()).encode()
    accepted(await api.post(one + b" " * (MAX_BODY_BYTES - len(one))), 1)
    over = one + b" " * (MAX_BODY_BYTES + 1 - len(one))
    body = is_problem(await api.post(over), 413)
    assert str(MAX_BODY_BYTES) in body["detail"]
    is_problem(await api.post(gzip.compress(over), headers={"Content-Encoding": "gzip"}), 413)


async def test_a_body_that_does_not_tell_its_length_is_cut_off(api: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BODY_BYTES:
            sent += 65_536
            yield b" " * 65_536

    response = await api.client.post(
        "/v1/events",
        content=endless(),
        headers={"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"},
    )
    is_problem(response, 413)


async def test_too_many_events_are_refused_whole(api: Api) -> None:
    body = is_problem(await api.post([{}] * (MAX_EVENTS_PER_POST + 1)), 413)
    assert str(MAX_EVENTS_PER_POST) in body["detail"]
    lines = b"{}\n" * (MAX_EVENTS_PER_POST + 1)
    is_problem(await api.post(lines, content_type="application/x-ndjson"), 413)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json"])
async def test_other_content_types_are_not_read(api: Api, content_type: str) -> None:
    body = is_problem(await api.post(event(), content_type=content_type), 415)
    assert "application/x-ndjson" in body["detail"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "nope"])
async def test_other_encodings_are_not_read(api: Api, encoding: str) -> None:
    body = is_problem(await api.post(event(), headers={"Content-Encoding": encoding}), 415)
    assert "gzip" in body["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[{]", b"\xff\xfe", b'{"id": "1"} trailing', b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(api: Api, body: bytes) -> None:
    assert is_problem(await api.post(body), 400)["code"] == "invalid_json"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz", "wrong", "Bearer " + "x" * 5000],
)
async def test_a_key_is_needed(api: Api, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await api.client.post("/v1/events", json=event(), headers=headers)
    is_problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert await api.stored() == 0


async def test_the_scheme_is_read_in_any_case(api: Api) -> None:
    response = await api.client.post("/v1/events", json=event(), headers={"Authorization": f"bearer  {api.key}"})
    accepted(response, 1)


async def test_an_admin_key_posts_no_events(api: Api) -> None:
    is_problem(await api.post(event(), key=ADMIN_KEY), 403)


async def test_a_source_posts_for_its_own_sites_only(api: Api) -> None:
    key = await api.source("vilnius-tills", ["vilnius-1", "vilnius-2"])
    foreign = {"site": "kaunas-1", "queue": "tills", "channel": "pos"}
    alone = is_problem(await api.post(event(data=foreign), key=key), 403)
    assert "kaunas-1" in alone["detail"]
    one = event(data=foreign)
    all_foreign = is_problem(await api.post([one, event(data=foreign)], key=key), 403)
    assert [entry["index"] for entry in all_foreign["rejected"]] == [0, 1]
    mixed = await api.post([one, event(), event("interaction.answered", data={})], key=key)
    assert mixed.status_code == 202
    assert mixed.json()["accepted"] == 2
    assert [(entry["index"], entry["id"], entry["code"]) for entry in mixed.json()["rejected"]] == [
        (0, one["id"], "site_forbidden")
    ]
    bad = await api.post([one, event(time="never")], key=key)
    assert bad.status_code == 422
    assert {row[0] for row in await api.sql("SELECT name FROM sites")} == {"vilnius-1"}


async def test_nothing_accepted_and_something_rejected_is_422_with_the_same_body(api: Api) -> None:
    response = await api.post([event(time="never"), event(data={"channel": "fax"})])
    assert response.status_code == 422
    body = response.json()
    assert list(body) == ["accepted", "duplicates", "rejected"]
    assert (body["accepted"], body["duplicates"]) == (0, 0)
    assert [list(one) for one in body["rejected"]] == [["index", "id", "code", "detail"]] * 2
    known = event()
    accepted(await api.post(known), 1)
    response = await api.post([known, event(time="never")])
    assert response.status_code == 422
    assert (response.json()["accepted"], response.json()["duplicates"]) == (0, 1)


async def test_a_bad_event_never_fails_its_neighbours(api: Api) -> None:
    bad = [
        event(type="interaction.lost"),
        event(data={"queue": "x" * 100}),
        event(subject="a\x00b"),
        event(time="2099-01-01T00:00:00Z"),
        event(time="9999-12-31T23:59:59-12:00"),
        event("interaction.recorded", data={"answered_at": "2098-01-01T00:00:00Z"}),
        event(subject="\ud800"),
        "text",
        None,
        [],
    ]
    body = [one for pair in zip(bad, [event() for _ in bad], strict=True) for one in pair]
    response = await api.post(body)
    assert response.status_code == 202
    assert response.json()["accepted"] == len(bad)
    assert [one["index"] for one in response.json()["rejected"]] == list(range(0, 2 * len(bad), 2))
    assert await api.stored() == len(bad)


async def test_duplicates_count_once(api: Api) -> None:
    one, two = event(), event()
    accepted(await api.post([one, one, two, one]), 2, 2)
    accepted(await api.post([one, two]), 0, 2)
    accepted(await api.post([two, event()]), 1, 1)
    # The same id with other content is the same event: what came first stands.
    accepted(await api.post({**one, "subject": "another", "time": "2020-01-01T00:00:00Z"}), 0, 1)
    assert await api.stored() == 3


async def test_another_source_attribute_or_registered_source_makes_it_another_event(api: Api) -> None:
    one = event()
    accepted(await api.post(one), 1)
    accepted(await api.post({**one, "source": "till-4"}), 1)
    other = await api.source("another-vendor")
    accepted(await api.post(one, key=other), 1)
    accepted(await api.post([one, {**one, "source": "till-4"}], key=other), 1, 1)
    found = await api.sql("SELECT source_id, subject, convert_from(facts, 'UTF8') FROM interactions ORDER BY source_id")
    assert [json.loads(row[2])[0][2] for row in found] == [one["id"]] * 2
    assert [len(json.loads(row[2])) for row in found] == [2, 2]


async def test_the_same_events_posted_at_once_count_once(serve: Serve) -> None:
    first, second = await serve(), await serve()
    key = await first.source()
    events = [event() for _ in range(40)]
    posts = [api.post(events[::step], key=key) for api in (first, second) for step in (1, -1) for _ in range(4)]
    answers = [response.json() for response in await asyncio.gather(*posts)]
    assert sum(answer["accepted"] for answer in answers) == 40
    assert sum(answer["duplicates"] for answer in answers) == 15 * 40
    assert await first.stored() == 40
    offered = await first.sql("SELECT sum(offered), sum(waiting) FROM rollups")
    assert tuple(offered[0]) == (40, 40)


async def test_an_answer_comes_after_its_commit(api: Api) -> None:
    accepted(await api.post(event()), 1)
    async with held(api) as connection:
        posting = asyncio.create_task(api.post(event()))
        _, pending = await asyncio.wait([posting], timeout=0.5)
        assert pending
        assert await connection.fetchval("SELECT count(*) FROM events") == 1
    accepted(await posting, 1)
    assert await api.stored() == 2


async def test_unknown_fields_and_raw_customers_are_not_stored(api: Api) -> None:
    data = {"queue": "tills", "site": "vilnius-1", "customer": "loyalty-8812", "card": "4111-1111"}
    accepted(await api.post(event(data=data, note="do not keep")), 1)
    stored = json.loads((await api.sql("SELECT data FROM events"))[0][0])
    assert set(stored) == {"queue", "site", "customer"}
    facts = (await api.sql("SELECT convert_from(facts, 'UTF8') FROM interactions"))[0][0]
    for text in (json.dumps(stored), facts):
        assert "8812" not in text
        assert "4111" not in text
        assert "do not keep" not in text


async def test_the_customer_of_a_source_is_the_same_pseudonym_after_a_restart(serve: Serve) -> None:
    first = await serve()
    key = await first.source()
    one = {"queue": "tills", "site": "vilnius-1", "customer": "loyalty-8812"}
    accepted(await first.post(event(data=one)), 1)
    second = await serve()
    accepted(await second.post(event(data=one), key=key), 1)
    assert len(await first.sql("SELECT DISTINCT data ->> 'customer' FROM events")) == 1


async def test_a_full_queue_refuses_at_once_and_does_nothing(serve: Serve) -> None:
    api = await serve(queue_events=10)
    await api.source()
    accepted(await api.post(event()), 1)
    async with asyncio.TaskGroup() as posting, held(api):
        waits = posting.create_task(api.post([event() for _ in range(8)]))
        await until(lambda: _is(api.parts.telemetry.queue_events._value.get() == 8))
        async with asyncio.timeout(1):
            refused = await api.post([event() for _ in range(3)])
        body = is_problem(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert "try again" in body["detail"]
        fits = posting.create_task(api.post([event() for _ in range(2)]))
        await until(lambda: _is(api.parts.telemetry.queue_events._value.get() == 10))
    accepted(waits.result(), 8)
    accepted(fits.result(), 2)
    assert await api.stored() == 11
    assert api.parts.telemetry.queue_events._value.get() == 0


async def _is(value: bool) -> bool:
    return value


async def test_while_the_database_is_away_posts_get_503_and_then_it_goes_on_by_itself(
    api: Api, postgres_url: str
) -> None:
    accepted(await api.post(event()), 1)
    name = api.database_url.partition("?")[0].rpartition("/")[2]
    administrator = await asyncpg.connect(at_database(postgres_url, "postgres"))
    try:
        await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        first = event()
        for _ in range(3):
            async with asyncio.timeout(5):
                response = await api.post([first])
            is_problem(response, 503)
            assert int(response.headers["retry-after"]) >= 1
        ready = await api.client.get("/readyz")
        is_problem(ready, 503)
        assert (await api.client.get("/healthz")).status_code == 200
        unknown = await api.post(event(), key="fl_ingest_never_seen")
        is_problem(unknown, 503)
        is_problem(await api.admin("GET", "/sites"), 503)
    finally:
        await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await administrator.close()

    async def works() -> bool:
        return (await api.post([first])).status_code == 202

    await until(works)
    assert (await api.client.get("/readyz")).status_code == 200
    accepted(await api.post([first, event()]), 1, 1)
    assert await api.stored() == 3


async def test_connections_cut_in_the_middle_lose_nothing_and_count_nothing_twice(api: Api, postgres_url: str) -> None:
    name = api.database_url.partition("?")[0].rpartition("/")[2]
    events = [event() for _ in range(300)]
    done = asyncio.Event()

    async def cut() -> None:
        administrator = await asyncpg.connect(at_database(postgres_url, "postgres"))
        try:
            while not done.is_set():
                await administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
                )
                await asyncio.sleep(0.2)
        finally:
            await administrator.close()

    async def deliver(part: list[dict[str, Any]]) -> int:
        for _ in range(200):
            response = await api.post(part)
            if response.status_code == 202:
                return int(response.json()["accepted"]) + int(response.json()["duplicates"])
            is_problem(response, 503)
            await asyncio.sleep(0.1)
        raise AssertionError("never accepted")

    cutting = asyncio.create_task(cut())
    await asyncio.sleep(0.05)
    delivering = [asyncio.create_task(deliver(events[start : start + 10])) for start in range(0, 300, 10)]
    await asyncio.sleep(1)
    done.set()
    await cutting
    assert sum(await asyncio.gather(*delivering)) == 300
    assert await api.stored() == 300
    assert (await api.sql("SELECT sum(offered) FROM rollups"))[0][0] == 300


async def test_many_posts_share_transactions(api: Api) -> None:
    accepted(await api.post(event()), 1)
    before = _commits(api)
    async with held(api):
        posts = [asyncio.create_task(api.post(event())) for _ in range(200)]
        await until(lambda: _is(api.parts.telemetry.queue_events._value.get() == 200))
    for response in await asyncio.gather(*posts):
        accepted(response, 1)
    assert _commits(api) - before <= 10
    assert await api.stored() == 201


def _commits(api: Api) -> float:
    samples = next(iter(api.parts.telemetry.commit_seconds.collect())).samples
    return next(sample.value for sample in samples if sample.name.endswith("_count"))


async def test_a_poisonous_post_does_not_fail_its_neighbours(serve: Serve) -> None:
    api = await serve(writers=1)
    await api.source()
    await api.sql("ALTER TABLE interactions ADD CONSTRAINT poison CHECK (subject <> 'poison')")
    async with held(api):
        first = asyncio.create_task(api.post(event()))
        await until(lambda: _is(api.parts.telemetry.queue_events._value.get() == 1))
        poison = asyncio.create_task(api.post(event(subject="poison")))
        others = [asyncio.create_task(api.post(event())) for _ in range(10)]
        await until(lambda: _is(api.parts.telemetry.queue_events._value.get() == 12))
    is_problem(await poison, 500)
    for response in (await first, *await asyncio.gather(*others)):
        accepted(response, 1)
    assert await api.stored() == 11
    accepted(await api.post(event()), 1)


async def test_the_first_events_of_many_months_can_come_at_once(api: Api) -> None:
    posts = [
        api.post([event(time=f"{year}-{month:02d}-15T10:00:00Z") for month in range(1, 13) for _ in range(10)])
        for year in (1999, 2005, 2011)
        for _ in range(4)
    ]
    for response in await asyncio.gather(*posts):
        accepted(response, 120)
    assert await api.stored() == 1440


async def test_a_source_of_old_dates_does_not_poison_its_series(api: Api) -> None:
    """The sum of waits since 1900 goes over 64 bits after some thousand events, and yet the series must go on."""
    data = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "queued_at": "1900-01-01T00:00:00Z"}
    for _ in range(8):
        accepted(await api.post([event("interaction.recorded", data=data) for _ in range(1500)]), 1500)
    accepted(await api.post(event()), 1)
    for path in ("/metrics/kpi", "/v1/kpis?kpi=average_wait&from=1890-01-01T00:00:00Z&step=total"):
        assert (await api.client.get(path)).status_code == 200, path


async def test_what_became_of_posts_is_counted(api: Api) -> None:
    one = event()
    await api.post([one, event()])
    await api.post([one, event(time="never")])
    await api.post(b"{")
    await api.post(event(), key="wrong")
    page = (await api.client.get("/metrics")).text
    for line in (
        'frontline_ingest_events_total{result="accepted"} 2.0',
        'frontline_ingest_events_total{result="duplicate"} 1.0',
        'frontline_ingest_events_total{result="rejected"} 1.0',
        'frontline_ingest_posts_total{status="202"} 1.0',
        'frontline_ingest_posts_total{status="422"} 1.0',
        'frontline_ingest_posts_total{status="400"} 1.0',
        'frontline_ingest_posts_total{status="401"} 1.0',
    ):
        assert line in page


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/events"), ("GET", "/v1/nothing"), ("DELETE", "/healthz")])
async def test_every_error_is_a_problem(api: Api, method: str, path: str) -> None:
    response = await api.client.request(method, path)
    is_problem(response, response.status_code)
    assert response.status_code in (404, 405)


async def test_what_came_late_or_from_a_clock_ahead_is_told(api: Api) -> None:
    now = datetime.now(UTC)
    times = [
        now - timedelta(days=2),
        now - timedelta(seconds=90),
        now - timedelta(seconds=5),
        now + timedelta(minutes=2),
    ]
    await api.post([event(time=at.isoformat()) for at in times])
    params = {"kpi": "late_events,clock_skew", "from": (now - timedelta(days=3)).isoformat()}
    params["to"] = (now + timedelta(hours=1)).isoformat()
    answer = await api.client.get("/v1/kpis", params=params)
    late, skew = (result["points"][0] for result in answer.json()["results"])
    assert late["value"] == 2
    assert skew["denominator"] == 1
    assert 100 < skew["value"] <= 120
    page = (await api.client.get("/metrics/kpi")).text
    assert 'frontline_late_events_total{lag="1d",site="vilnius-1",source="pos-vendor"} 1.0' in page
    assert 'frontline_late_events_total{lag="1m",site="vilnius-1",source="pos-vendor"} 2.0' in page
    assert 'frontline_clock_skew_events_total{site="vilnius-1",source="pos-vendor"} 1.0' in page
