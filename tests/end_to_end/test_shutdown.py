"""The end of a process: nothing that was acknowledged is lost, and nobody is left without an answer he can use."""

import asyncio
import itertools
import time
from collections.abc import Callable

import httpx
import pytest

from tests.end_to_end.conftest import ServiceProcess

Serve = Callable[..., ServiceProcess]


def body(name: str) -> str:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return (
        f'{{"id":"{name}","source":"till","type":"interaction.queued","time":"{now}","subject":"{name}",'
        '"data":{"site":"shop","queue":"tills","channel":"pos"}}'
    )


async def post_until_closed(url: str, key: str, name: str, seen: dict[int, list[str]]) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        for number in itertools.count():
            event = f"{name}-{number}"
            try:
                answer = await client.post("/v1/events", content=body(event), headers=headers)
            except httpx.TransportError:
                return
            seen.setdefault(answer.status_code, []).append(event)


def offered(url: str) -> int:
    params = {"kpi": "offered", "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    answer = httpx.get(f"{url}/v1/kpis", params=params, timeout=30)
    return int(answer.json()["results"][0]["points"][0]["value"])


def test_sigterm_under_load_answers_what_it_took(serve: Serve) -> None:
    service = serve()
    key = service.new_source("tills")
    seen: dict[int, list[str]] = {}
    exit_code = None

    async def run() -> None:
        nonlocal exit_code
        posting = [asyncio.create_task(post_until_closed(service.url, key, f"c{n}", seen)) for n in range(16)]
        while len(seen.get(202, [])) < 200:
            await asyncio.sleep(0.01)
        exit_code = await asyncio.to_thread(service.stop)
        await asyncio.gather(*posting)

    asyncio.run(run())
    assert exit_code == 0, service.log
    assert set(seen) <= {202, 503}
    service.start()
    stored = offered(service.url)
    assert stored >= len(seen[202])
    for event in seen[202]:
        answer = httpx.get(f"{service.url}/v1/interactions/tills/{event}")
        assert answer.status_code == 200, event


def test_readiness_turns_false_before_the_door_closes(serve: Serve) -> None:
    service = serve(FRONTLINE_SHUTDOWN_DELAY_SECONDS="2")
    assert service.process is not None
    with httpx.Client(base_url=service.url) as client:
        assert client.get("/readyz").status_code == 200
        service.process.terminate()
        deadline = time.monotonic() + 1.5
        while client.get("/readyz").status_code == 200:
            assert time.monotonic() < deadline, "it stays ready"
        assert client.get("/healthz").status_code == 200
    assert service.process.wait(30) == 0


def test_a_second_start_on_the_same_port_says_so(serve: Serve) -> None:
    service = serve()
    other = ServiceProcess(service.folder, FRONTLINE_DATA_DIR=str(service.folder / "other"))
    other.port = service.port
    other.folder = service.folder / "elsewhere"
    other.folder.mkdir()
    with pytest.raises(AssertionError, match="ended at its start"):
        other.start()
    assert other.process is not None
    assert other.process.wait(30) != 0
    assert "address already in use" in other.log
