"""The harness itself: whatever is lost, counted twice or answered wrongly, its check says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from tests.faults.conftest import MakeHarness
from tests.faults.harness import Harness
from tests.faults.scraping import Scraper
from tests.faults.traffic import Balancer, Record

_ONE = "id = (SELECT min(id) FROM events WHERE type = 'interaction.queued')"
_DAY = "(series_id, day, stripe) = (SELECT series_id, day, stripe FROM rollups_daily ORDER BY 1, 2, 3 LIMIT 1)"


async def nothing(harness: Harness) -> None:
    """No fault at all."""


@asynccontextmanager
async def meddling(harness: Harness, change: str, undo: str) -> AsyncIterator[None]:
    """One row changed behind the service's back, and changed back afterwards."""
    connection = await asyncpg.connect(harness.database_url)
    try:
        assert (await connection.execute(change)).endswith(" 1"), change
        yield
        assert (await connection.execute(undo)).endswith(" 1"), undo
    finally:
        await connection.close()


async def test_the_check_fails_where_the_log_or_a_number_is_wrong(make_harness: MakeHarness) -> None:
    harness = await make_harness(1)
    await harness.survive(nothing)
    connection = await asyncpg.connect(harness.database_url)
    await connection.execute(f"CREATE TABLE kept AS SELECT * FROM events WHERE {_ONE}")
    await connection.close()

    restore = "INSERT INTO events SELECT * FROM kept"
    async with meddling(harness, f"DELETE FROM events WHERE {_ONE}", restore):
        with pytest.raises(AssertionError, match="1 acknowledged events are not in the log"):
            await harness.check()
    await harness.check()

    once_again = f"DELETE FROM events WHERE ctid = (SELECT max(ctid) FROM events WHERE {_ONE}) AND {_ONE}"
    async with meddling(harness, restore, once_again):
        with pytest.raises(AssertionError, match="1 events are in the log more than once"):
            await harness.check()

    for count, complaint in (("offered", " tells "), ("abandoned", "verify: ")):
        more, less = (f"UPDATE rollups_daily SET {count} = coalesce({count}, 0) {by} 1 WHERE {_DAY}" for by in "+-")
        async with meddling(harness, more, less):
            with pytest.raises(AssertionError, match=complaint):
                await harness.check()


async def test_a_check_fails_where_a_post_was_acknowledged_and_not_kept(make_harness: MakeHarness) -> None:
    harness = await make_harness(1)
    harness.record.acknowledged.add(("c0", "never-sent"))
    with pytest.raises(AssertionError, match="never-sent"):
        await harness.check()


def page(**sites: int) -> str:
    samples = (f'frontline_queue_offered_total{{site="{site}"}} {value}\n' for site, value in sites.items())
    return "# TYPE frontline_queue_offered_total counter\n" + "".join(samples)


@pytest.mark.parametrize(
    ("then", "complaint"), [(page(shop=4), "went down from 5 to 4"), (page(bank=9), "is gone"), (page(shop=5), None)]
)
def test_a_counter_may_not_go_down_or_away(then: str, complaint: str | None) -> None:
    scraper = Scraper(["a", "b"], {})
    scraper.take("a", page(shop=5))
    scraper.take("b", page(shop=3))  # each replica is scraped by itself
    scraper.take("a", then)
    assert len(scraper.complaints) == (complaint is not None)
    assert all(complaint in one for one in scraper.complaints if complaint)


@pytest.mark.parametrize(
    ("accepted", "duplicates", "attempts", "complaint"),
    [
        (3, 2, 1, None),
        (1, 4, 2, None),  # an attempt before it was committed and not answered
        (3, 1, 1, "the sum is wrong"),
        (4, 1, 2, "taken as new"),
        (2, 3, 1, "taken as known"),
    ],
)
def test_an_answer_that_cannot_be_true_is_noticed(
    accepted: int, duplicates: int, attempts: int, complaint: str | None
) -> None:
    record = Record()
    record.judge(accepted, duplicates, new=3, posted=5, attempts=attempts)
    assert len(record.complaints) == (complaint is not None)
    assert all(complaint in one for one in record.complaints if complaint)


@pytest.mark.parametrize(
    ("status", "headers", "complaint"),
    [
        (202, {}, None),
        (503, {"Retry-After": "1"}, None),
        (503, {}, "a 503 does not say when to try again"),
        (500, {}, "a client saw 500"),
    ],
)
async def test_a_status_outside_the_contract_is_noticed(
    status: int, headers: dict[str, str], complaint: str | None
) -> None:
    record = Record()
    balancer = Balancer([1], record, httpx.MockTransport(lambda _: httpx.Response(status, headers=headers)))
    await balancer.handle_async_request(httpx.Request("POST", "http://127.0.0.1/v1/events"))
    assert record.complaints == ([] if complaint is None else [complaint])


@pytest.mark.parametrize(
    ("raised", "complaints"), [(httpx.ReadError, 0), (httpx.ConnectError, 0), (httpx.ReadTimeout, 1)]
)
async def test_a_client_that_is_left_waiting_is_noticed(raised: type[httpx.TransportError], complaints: int) -> None:
    def leave(_: httpx.Request) -> httpx.Response:
        raise raised("gone")

    record = Record()
    balancer = Balancer([1], record, httpx.MockTransport(leave))
    with pytest.raises(raised):
        await balancer.handle_async_request(httpx.Request("POST", "http://127.0.0.1/v1/events"))
    assert len(record.complaints) == complaints
