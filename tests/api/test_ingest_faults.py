"""`POST /v1/events` when things go wrong, or come in masses: nothing is lost, and nothing is counted twice."""

import asyncio
from typing import Any

import asyncpg

from tests.api.conftest import Api, Serve, accepted, event, held, is_problem, until
from tests.conftest import at_database


async def test_a_full_queue_refuses_at_once_and_does_nothing(serve: Serve) -> None:
    api = await serve(queue_events=10)
    await api.source()
    accepted(await api.post(event()), 1)
    async with asyncio.TaskGroup() as posting, held(api):
        waits = posting.create_task(api.post([event() for _ in range(8)]))
        await until(lambda: _is(api.parts.telemetry.queue_events._value.get() == 8))
        async with asyncio.timeout(30):
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
            async with asyncio.timeout(30):
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
