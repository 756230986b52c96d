"""A new series stands at 0 in the first scrape, and is nobody's newborn when it is old."""

from datetime import UTC, datetime

from sqlalchemy import text

from service.exporter import render
from service.store.clock import system_clock_us
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.rollups import Rollups
from service.store.verdicts import Post
from tests.books import accept

OFFERED = 'frontline_queue_offered_total{channel="pos",queue="tills",site="shop"} '
WAITS = 'frontline_wait_seconds_count{channel="pos",site="shop"} '
PATIENCE_SECONDS = 0.000_001


async def post(ledger: Ledger) -> None:
    now = datetime.now(UTC).isoformat()
    data = {"site": "shop", "queue": "tills", "channel": "pos"}
    events = [
        {"id": kind, "source": "till", "type": f"interaction.{kind}", "time": now, "subject": "order", "data": data}
        for kind in ("queued", "answered")
    ]
    now_us = system_clock_us()
    await ledger.commit([Post(1, accept(events, now_us))], now_us)


async def page(database: Database, scrape_seconds: float | None) -> str:
    return (await render(Rollups(database), datetime.now(UTC), scrape_seconds)).decode()


async def test_a_scraper_sees_a_new_series_at_0_once(database: Database, ledger: Ledger) -> None:
    await post(ledger)
    first = await page(database, PATIENCE_SECONDS)
    assert f"{OFFERED}0.0\n" in first
    assert f"{WAITS}0.0\n" in first
    assert 'frontline_queue_residual{channel="pos",queue="tills",site="shop"} 0.0' in first
    second = await page(database, PATIENCE_SECONDS)
    assert f"{OFFERED}1.0\n" in second
    assert f"{WAITS}1.0\n" in second


async def test_a_second_scraper_within_its_patience_sees_it_at_0_too(database: Database, ledger: Ledger) -> None:
    await post(ledger)
    for _ in range(2):
        assert f"{OFFERED}0.0\n" in await page(database, 60)


async def test_who_is_no_scraper_sees_it_at_once(database: Database, ledger: Ledger) -> None:
    await post(ledger)
    assert f"{OFFERED}1.0\n" in await page(database, None)


async def test_a_series_that_nobody_scraped_for_long_keeps_its_history(database: Database, ledger: Ledger) -> None:
    await post(ledger)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE series SET registered_at = now() - interval '6 minutes'"))
    assert f"{OFFERED}1.0\n" in await page(database, 60)


async def test_a_series_that_was_seen_stays_so_when_the_clock_of_the_database_goes_back(
    database: Database, ledger: Ledger
) -> None:
    await post(ledger)
    await page(database, 60)
    async with database.engine.begin() as connection:
        hour_ahead = "registered_at = registered_at + interval '1 hour', shown_at = shown_at + interval '1 hour'"
        await connection.execute(text(f"UPDATE series SET {hour_ahead}"))
    assert f"{OFFERED}1.0\n" in await page(database, 60)
