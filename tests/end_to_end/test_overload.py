"""More posts than the service can take: it says so to the rest at once, and is itself again afterwards."""

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import psutil

from tests.end_to_end.conftest import ServiceProcess

Serve = Callable[..., ServiceProcess]

CONNECTIONS = 100
EVENTS = 200
FLOOD_SECONDS = 6
HEALING_SECONDS = 20
PAUSE_SECONDS = 0.05
MEBIBYTE = 1 << 20
LEAST_POSTS = 5


@dataclass
class Told:
    """What the clients were told."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    events: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    without_a_hint: int = 0


def body(name: str, events: int) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return b"\n".join(
        (
            f'{{"id":"{name}-{number}","source":"flood","type":"interaction.queued","time":"{now}",'
            f'"subject":"{name}-{number}","data":{{"site":"shop","queue":"tills","channel":"pos"}}}}'
        ).encode()
        for number in range(events)
    )


async def flood(service: ServiceProcess, key: str, name: str, ended: asyncio.Event, told: Told) -> None:
    """Post without a pause, and what was refused once more after one, over one connection after another."""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Length: "
    ).encode()
    numbers = itertools.count()
    content = body(f"{name}-{next(numbers)}", EVENTS)
    while not ended.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        try:
            while not ended.is_set():
                sent = time.monotonic()
                writer.write(head + str(len(content)).encode() + b"\r\n\r\n" + content)
                answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
                result = json.loads(await reader.readexactly(length))
                status = int(answer.split()[1])
                told.seconds.setdefault(status, []).append(time.monotonic() - sent)
                if status == 202:
                    told.events += result["accepted"]
                    assert result["accepted"] + result["duplicates"] == EVENTS
                    content = body(f"{name}-{next(numbers)}", EVENTS)
                else:
                    told.without_a_hint += "retry-after: " not in answer
                    await asyncio.sleep(PAUSE_SECONDS)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            told.ends[type(error).__name__] += 1
        finally:
            writer.close()


async def watch(service: ServiceProcess, ended: asyncio.Event, paths: Counter[tuple[str, int]]) -> int:
    """Ask what a load balancer and Prometheus ask; the largest memory meanwhile."""
    process = psutil.Process(service.process.pid if service.process else None)
    largest = 0
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        while not ended.is_set():
            for path in ("/healthz", "/readyz", "/metrics", "/metrics/kpi"):
                paths[path, (await client.get(path)).status_code] += 1
            largest = max(largest, process.memory_info().rss)
    return largest


def offered(service: ServiceProcess) -> int:
    params = {"kpi": "offered", "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    answer = httpx.get(f"{service.url}/v1/kpis", params=params, timeout=60)
    return int(answer.json()["results"][0]["points"][0]["value"])


def test_a_flood_is_taken_in_part_and_leaves_nothing_behind(serve: Serve) -> None:
    # One transaction at a time, of one post each, so that there is too much for it on any machine.
    service = serve(FRONTLINE_WRITERS="1", FRONTLINE_BATCH_EVENTS=str(EVENTS), FRONTLINE_WAIT_SECONDS="1")
    key = service.new_source("flood")
    before = psutil.Process(service.process.pid if service.process else None).memory_info().rss
    told = Told()
    paths: Counter[tuple[str, int]] = Counter()

    async def run() -> int:
        ended = asyncio.Event()
        watching = asyncio.create_task(watch(service, ended, paths))
        flooding = [asyncio.create_task(flood(service, key, f"c{n}", ended, told)) for n in range(CONNECTIONS)]
        await asyncio.sleep(FLOOD_SECONDS)
        while len(told.seconds.get(202, [])) < LEAST_POSTS:
            await asyncio.sleep(0.1)
        ended.set()
        await asyncio.gather(*flooding)
        return await watching

    largest = asyncio.run(run())
    assert set(told.seconds) == {202, 503}, (told.ends, service.log)
    assert told.without_a_hint == 0
    assert {status for _, status in paths} == {200}, "it lives, it is ready, and it can be scraped"
    assert statistics.median(told.seconds[503]) < statistics.median(told.seconds[202]), "a refusal waits for nothing"
    assert largest - before < 256 * MEBIBYTE

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    until = time.monotonic() + HEALING_SECONDS
    while httpx.post(f"{service.url}/v1/events", content=body("after", 1), headers=headers).status_code != 202:
        assert time.monotonic() < until, "it does not take a post again"
        time.sleep(0.1)
    if not told.ends:
        assert offered(service) == told.events + 1, "what was acknowledged is stored once, and what was refused is not"
    assert offered(service) >= told.events + 1
