"""`/metrics/kpi` to the letter: a small history of every kind of series and class, held against a golden file.

After an intended change: `FRONTLINE_WRITE_GOLDEN=1 pytest tests/golden`, and read the difference.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from service.core.catalogue.metrics import METRICS
from service.core.event import microseconds
from service.exporter import encode, render
from service.store.database import Database
from service.store.ledger import Ledger, Post
from service.store.live import LiveState, Series, Snapshot
from service.store.partitions import Partitions
from service.store.registry import Registry
from service.store.rollups import Rollups
from tests.books import accept
from tests.reference.histories import NOW

GOLDEN = Path(__file__).parent / "exposition.txt"
LINES = (("", "", 1), ("sales", "phone", 2))
OUTCOMES = ("answered", "abandoned", "diverted", "expired", "waiting")


def event(subject: str, kind: str, ago: float, /, **data: Any) -> dict[str, Any]:
    """An event some seconds before now."""
    at = NOW - timedelta(seconds=ago)
    return {
        "id": f"{subject}-{kind}-{ago:g}",
        "source": "acd",
        "type": f"interaction.{kind}",
        "time": at.isoformat(),
        "subject": subject,
        "data": data,
    }


BANK = {"site": "bank", "queue": "sales", "channel": "phone"}
HISTORY = (
    # Live: served after 12 s, resolved, with an error put right.
    event("served", "queued", 900, **BANK),
    event("served", "answered", 888),
    event("served", "held", 880),
    event("served", "resumed", 870),
    event("served", "corrected", 860, kind="billing"),
    event("served", "recovered", 830),
    event("served", "completed", 800, resolved=True, wrap_up_seconds=15),
    # Gave up after 4 s and after 70 s; diverted; a conflict.
    event("short", "queued", 700, **BANK),
    event("short", "abandoned", 696),
    event("long", "queued", 700, **BANK),
    event("long", "abandoned", 630),
    event("diverted", "queued", 600, **BANK),
    event("diverted", "diverted", 540, to="voicemail"),
    event("odd", "queued", 500, **(BANK | {"queue": "billing"})),
    event("odd", "resumed", 490),
    # Waiting for 45.5 s, and in service.
    event("waiting", "queued", 45.5, **(BANK | {"queue": "billing"})),
    event("serving", "queued", 100, **BANK),
    event("serving", "answered", 40),
    # Yesterday: backfilled.
    event("old", "queued", 86_400, **BANK),
    event("old", "answered", 86_390),
    event("old", "completed", 86_000, resolved=False),
    # A customer of whom neither queue nor channel is known.
    event("vague", "completed", 300, site="kiosk-only"),
    # A till whose clock is ahead.
    event("ahead", "recorded", -30, site="vilnius-1", queue="tills", channel="pos", wait_seconds=1),
)
CORRECTIONS = (
    # The one who gave up had been answered before; the resolved was not, and then was: down, and up again.
    (event("long", "answered", 650), event("served", "completed", 700, resolved=False)),
    (event("served", "completed", 600, resolved=True),),
)


async def _post(ledger: Ledger, source_id: int, events: tuple[dict[str, Any], ...], now: datetime) -> None:
    now_us = microseconds(now)
    await ledger.commit([Post(source_id, accept(events, now_us))], now_us)


async def _history(database: Database, registry: Registry) -> None:
    await registry.create_source("acd", ["*"])
    (source,) = await registry.list_sources()
    queues = [("drive-thru", "pos")]
    await registry.put_site("kaunas-2", time_zone="Europe/Vilnius", hours=None, holidays=None, queues=queues)
    await registry.put_site("not-open-yet", time_zone="UTC", hours=None, holidays=None, queues=())
    ledger = Ledger(database, registry, Partitions(database), number=0, live_horizon_seconds=3600)
    for events in (HISTORY, *CORRECTIONS):
        await _post(ledger, source.id, events, NOW)
    await ledger.close()


async def test_the_page_is_the_golden_one(database: Database, registry: Registry) -> None:
    await _history(database, registry)
    page = (await render(Rollups(database), NOW)).decode()
    if os.environ.get("FRONTLINE_WRITE_GOLDEN"):
        GOLDEN.write_text(page)
    assert page == GOLDEN.read_text()


async def test_a_restart_changes_nothing(database: Database, database_url: str, registry: Registry) -> None:
    await _history(database, registry)
    before = await render(Rollups(database), NOW)
    again = Database(database_url)
    try:
        assert await render(Rollups(again), NOW) == before
    finally:
        await again.close()


def test_every_metric_of_the_catalogue_is_there_and_parses() -> None:
    families = {family.name: family for family in text_string_to_metric_families(GOLDEN.read_text())}
    assert families.keys() == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind.value
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == set(metric.labels)


def test_nothing_is_left_over_and_nothing_is_of_no_series() -> None:
    families = {family.name: family for family in text_string_to_metric_families(GOLDEN.read_text())}
    residual = families["frontline_queue_residual"].samples
    assert {sample.value for sample in residual} == {0.0}
    places = {(sample.labels["site"], sample.labels["queue"]) for sample in residual}
    # The placeholder of a site goes when a line of it is known, unless something was counted there.
    assert {queue for site, queue in places if site == "kaunas-2"} == {"drive-thru"}
    assert {queue for site, queue in places if site == "not-open-yet"} == {""}
    assert {queue for site, queue in places if site == "kiosk-only"} == {""}


def test_a_placeholder_on_which_something_was_counted_stays() -> None:
    states = [LiveState(Series("bank", queue, channel, number), 0, 0, 0.0) for queue, channel, number in LINES]
    nothing = encode(Snapshot(states, {}, {}, []))
    assert b'frontline_queue_offered_total{channel="",queue="",site="bank"}' not in nothing
    counted = encode(Snapshot(states, {(1, 0): {"offered": 1, **dict.fromkeys(OUTCOMES, 0)}}, {}, []))
    assert b'frontline_queue_offered_total{channel="",queue="",site="bank"} 1.0\n' in counted
    assert b'frontline_queue_residual{channel="",queue="",site="bank"} 1.0\n' in counted
