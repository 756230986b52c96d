"""PostgreSQL goes away under load: posts are refused at once, nothing acknowledged is lost, and it heals by itself."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.end_to_end.conftest import ServiceProcess
from tests.end_to_end.test_shutdown import body, offered

Serve = Callable[..., ServiceProcess]
AT_ONCE_SECONDS = 10


def postmaster(service: ServiceProcess) -> int:
    return int(Path(service.folder, "data", "postgresql", "postmaster.pid").read_text().splitlines()[0])


async def post_until_told(url: str, key: str, name: str, seen: dict[int, list[str]], enough: asyncio.Event) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    number = 0
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while not enough.is_set():
            number += 1
            event = f"{name}-{number}"
            answer = await client.post("/v1/events", content=body(event), headers=headers)
            seen.setdefault(answer.status_code, []).append(event)
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) >= 1
                await asyncio.sleep(0.05)


def test_a_killed_postgresql_comes_back_and_nothing_acknowledged_is_lost(serve: Serve) -> None:
    service = serve()
    key = service.new_source("tills")
    seen: dict[int, list[str]] = {}

    async def run() -> None:
        enough = asyncio.Event()
        posting = [asyncio.create_task(post_until_told(service.url, key, f"c{n}", seen, enough)) for n in range(8)]
        for round_ in range(1, 4):
            while len(seen.get(202, [])) < 100 * round_:
                await asyncio.sleep(0.01)
            os.kill(postmaster(service), signal.SIGKILL)
            refused, accepted = len(seen.get(503, [])), len(seen[202])
            async with asyncio.timeout(60):
                while len(seen.get(503, [])) == refused or len(seen[202]) <= accepted + 8:
                    await asyncio.sleep(0.01)
        enough.set()
        await asyncio.gather(*posting)

    asyncio.run(run())
    assert set(seen) == {202, 503}
    assert offered(service.url) >= len(seen[202])
    for event in seen[202]:
        assert httpx.get(f"{service.url}/v1/interactions/tills/{event}").status_code == 200
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < 60
    assert not Path(service.folder, "data", "postgresql", "postmaster.pid").exists()
