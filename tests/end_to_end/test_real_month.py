"""A real month of a call centre, posted in every unkind way, gives the numbers of an independent program."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence

from service.client import FrontlineClient, Retry
from tests.end_to_end.conftest import ServiceProcess
from tests.end_to_end.month import differences, lines

KILLS = 5
CLIENTS = 4
Serve = Callable[..., ServiceProcess]


def posts(events: Sequence[bytes], sizes: Iterator[int]) -> list[Sequence[bytes]]:
    made = []
    start = 0
    while start < len(events):
        size = next(sizes)
        made.append(events[start : start + size])
        start += size
    return made


async def post_all(
    url: str, key: str, made: list[Sequence[bytes]], clients: int, posted: Callable[[int], None] = lambda _: None
) -> tuple[int, int]:
    """Post everything from several clients at once, retrying; the accepted and the duplicates that they saw.

    `posted` is told the number of the post that was answered last.
    """
    waiting = iter(enumerate(made))
    seen = [0, 0]

    async def one() -> None:
        async with FrontlineClient(url, key, retry=Retry(budget=120)) as client:
            for number, post in waiting:
                result = await client.post_events(post)
                assert not result.rejected
                seen[0] += result.accepted
                seen[1] += result.duplicates
                posted(number)

    await asyncio.gather(*(one() for _ in range(clients)))
    return seen[0], seen[1]


def test_in_order(serve: Serve) -> None:
    service = serve()
    events = lines()
    key = service.new_source("acd")
    made = posts(events, iter(lambda: 500, None))
    assert asyncio.run(post_all(service.url, key, made, 1)) == (len(events), 0)
    assert differences(service) == []


def test_shuffled_with_duplicates_in_posts_of_random_size_from_four_clients(serve: Serve) -> None:
    service = serve()
    chance = random.Random(4711)
    events = lines()
    events += chance.sample(events, len(events) // 10)
    chance.shuffle(events)
    made = posts(events, iter(lambda: chance.randint(1, 2000), None))
    key = service.new_source("acd")
    accepted, duplicates = asyncio.run(post_all(service.url, key, made, CLIENTS))
    assert (accepted, accepted + duplicates) == (87_382, len(events))
    assert differences(service) == []


def test_while_the_service_is_killed_again_and_again(serve: Serve) -> None:
    """What is stored is held against the log after each kill, while posts go on."""
    service = serve()
    chance = random.Random(1)
    events = lines()
    chance.shuffle(events)
    made = posts(events, iter(lambda: chance.randint(50, 500), None))
    key = service.new_source("acd")

    reached = 0

    def posted(number: int) -> None:
        nonlocal reached
        reached = max(reached, number)

    proofs: list[asyncio.Task[None]] = []

    async def kill_and_restart() -> None:
        for kill in range(1, KILLS + 1):
            while reached < len(made) * kill // (KILLS + 1):
                await asyncio.sleep(0.001)
            await asyncio.sleep(chance.uniform(0, 0.02))
            assert reached < len(made) - CLIENTS, "all was posted before the last kill"
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.start)
            # Posts go on meanwhile, and so do kills.
            proofs.append(asyncio.create_task(asyncio.to_thread(service.verify)))

    async def run() -> None:
        await asyncio.gather(post_all(service.url, key, made, CLIENTS, posted), kill_and_restart())
        await asyncio.gather(*proofs)

    asyncio.run(run())
    assert differences(service) == []
    before = service.get("/metrics/kpi").text
    assert service.stop() == 0
    service.start()
    assert service.get("/metrics/kpi").text == before


def test_two_workers_share_the_work(serve: Serve) -> None:
    service = serve("--workers", "2")
    chance = random.Random(2)
    events = lines()
    chance.shuffle(events)
    made = posts(events, iter(lambda: chance.randint(50, 1000), None))
    key = service.new_source("acd")
    asyncio.run(post_all(service.url, key, made, CLIENTS))
    assert differences(service) == []
    assert "frontline_ingest_events_total" in service.get("/metrics").text
    service.kill()
    time.sleep(2)  # the workers end with their parent, and give the port back
    service.start()
    assert differences(service) == []


def test_on_the_older_postgresql(serve: Serve) -> None:
    """The embedded package brings two versions; the other tests run on the newer one."""
    service = serve(PGSERVER_POSTGRES_VERSION="16")
    assert (service.folder / "data" / "postgresql" / "PG_VERSION").read_text().strip() == "16"
    events = lines()
    key = service.new_source("acd")
    asyncio.run(post_all(service.url, key, posts(events, iter(lambda: 2000, None)), CLIENTS))
    assert differences(service) == []


def test_two_replicas_on_one_database_show_the_same(serve: Serve, database_url: str) -> None:
    replicas = [serve(FRONTLINE_DATABASE_URL=database_url) for _ in range(2)]
    chance = random.Random(3)
    events = lines()
    chance.shuffle(events)
    key = replicas[0].new_source("acd")
    made = posts(events, iter(lambda: chance.randint(50, 1000), None))

    async def run() -> None:
        halves = (made[::2], made[1::2])
        await asyncio.gather(*(post_all(one.url, key, half, 2) for one, half in zip(replicas, halves, strict=True)))

    asyncio.run(run())
    assert differences(replicas[0]) == differences(replicas[1]) == []
    first, second = (one.get("/metrics/kpi").text for one in replicas)
    assert first == second
