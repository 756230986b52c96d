"""What is refused before it is read: posts that would wait too long, and bodies for which there is no room."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from service.api import admission
from service.core.errors import Unavailable
from tests.api.conftest import Api, Serve, accepted, event, held, is_problem, until

KIBIBYTE = 1024


async def upload(api: Api, *pieces: bytes, gate: asyncio.Event | None = None) -> httpx.Response:
    """Post a body in pieces, the last of them once a gate is open."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces[:-1]:
            yield piece
        if gate is not None:
            await gate.wait()
        yield pieces[-1]

    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    return await api.client.post("/v1/events", content=body(), headers=headers)


async def queued(api: Api, events: int) -> None:
    """Wait until so many events wait for their commit."""

    async def are_there() -> bool:
        return f"frontline_queue_events {float(events)}" in (await api.client.get("/metrics")).text

    await until(are_there)


async def refusals(api: Api, reason: str) -> float:
    page = (await api.client.get("/metrics")).text
    found = page.partition(f'frontline_refused_total{{reason="{reason}"}} ')[2].partition("\n")[0]
    return float(found or 0)


async def test_a_post_that_would_wait_too_long_is_refused_unread(serve: Serve) -> None:
    api = await serve(wait_seconds=0)
    await api.source()
    accepted(await api.post(event()), 1)
    async with held(api):
        first = asyncio.create_task(api.post(event()))
        await queued(api, 1)
        second = asyncio.create_task(api.post(event()))
        await queued(api, 2)
        for body, key in ((event(), api.key), (b"no JSON", api.key), (event(), "no key")):
            response = await api.post(body, key=key)
            assert "wait" in is_problem(response, 503)["detail"]
            assert int(response.headers["retry-after"]) >= 1
        assert (await api.client.get("/readyz")).status_code == 200
        assert (await api.client.get("/healthz")).status_code == 200
        assert await refusals(api, "wait") == 3
    accepted(await first, 1)
    accepted(await second, 1)
    accepted(await api.post(event()), 1)
    assert await api.stored() == 4


async def test_a_post_whose_turn_has_gone_while_it_was_read_is_refused(serve: Serve) -> None:
    api = await serve(wait_seconds=0)
    await api.source()
    gate = asyncio.Event()
    reading = asyncio.create_task(upload(api, b"[", b"]", gate=gate))
    async with held(api):
        waiting = [asyncio.create_task(api.post(event()))]
        await queued(api, 1)
        waiting.append(asyncio.create_task(api.post(event())))
        await queued(api, 2)
        gate.set()
        is_problem(await reading, 503)
    for one in waiting:
        accepted(await one, 1)


async def test_a_large_post_is_turned_away_before_a_small_one(serve: Serve) -> None:
    api = await serve(wait_seconds=3)
    await api.source()
    accepted(await api.post(event()), 1)
    large = [event(id="x" * 100 + str(number)) for number in range(100)]
    async with held(api):
        waiting = [asyncio.create_task(api.post(event()))]
        await queued(api, 1)
        waiting.append(asyncio.create_task(api.post(event())))
        await queued(api, 2)

        async def is_turned_away() -> bool:
            try:
                api.parts.writer.check(0.5)
            except Unavailable:
                return True
            return False

        await until(is_turned_away)
        assert (await api.post(large)).status_code == 503
        waiting.append(asyncio.create_task(api.post(event())))
        await queued(api, 3)
    for one in waiting:
        accepted(await one, 1)


async def test_bodies_have_a_bound_together(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_HELD_BYTES", 100 * KIBIBYTE)
    monkeypatch.setattr(admission, "MAX_OTHERS_HELD_BYTES", 50 * KIBIBYTE)
    large = {"time_zone": "x" * 60 * KIBIBYTE}
    refused = await api.admin("PUT", "/sites/shop", large, key="nobody")
    is_problem(refused, 503)
    assert int(refused.headers["retry-after"]) >= 1
    gate = asyncio.Event()
    first = asyncio.create_task(upload(api, b" " * 60 * KIBIBYTE, b"[]", gate=gate))
    await asyncio.sleep(0.1)
    second = await upload(api, b" " * 60 * KIBIBYTE, b"[]")
    is_problem(second, 503)
    assert int(second.headers["retry-after"]) >= 1
    assert (await api.admin("PUT", "/sites/shop", {"time_zone": "UTC"})).status_code == 200, "that is apart"
    gate.set()
    accepted(await first, 0)
    accepted(await upload(api, b" " * 60 * KIBIBYTE, b"[]"), 0)
    assert await refusals(api, "bodies") == 2
