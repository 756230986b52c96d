"""`/metrics/kpi` to the letter: a small history of every kind of series and class, held against a golden file.

After an intended change: `FRONTLINE_WRITE_GOLDEN=1 pytest tests/golden`, and read the difference.
"""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from service.core.calendar import Calendar
from service.core.catalogue.measures import MEASURE_BY_NAME, MEASURES
from service.core.catalogue.metrics import METRICS
from service.core.event import microseconds
from service.core.judge import Objectives
from service.core.objective import Objective, Override, Terms
from service.core.policy import Policy
from service.core.series import Series
from service.core.window import Span, Window
from service.exporter import encode, families, render
from service.store.access import Access
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.live import LiveState, Snapshot
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from service.store.verdicts import Post
from tests.books import accept
from tests.by_library import by_library
from tests.reference.histories import NOW
from tests.terms import answered_within, promises

GOLDEN = Path(__file__).parent / "exposition.txt"
LINES = (("", "", 1), ("sales", "phone", 2))
NOW_US = microseconds(NOW)
DAY_US = 86_400_000_000


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


def record(subject: str, ago: float, **data: Any) -> dict[str, Any]:
    """A whole visit of a known customer at a till, some seconds before now."""
    place = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "customer": "mara"}
    return event(subject, "recorded", ago, **place, **data)


def level(type_: str, ago: float, /, **data: Any) -> dict[str, Any]:
    """An event some seconds before now that says how something is from then on."""
    at = NOW - timedelta(seconds=ago)
    return {"id": f"{type_}-{ago:g}", "source": "acd", "type": type_, "time": at.isoformat(), "data": data}


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
    event("misjudged", "queued", 400, **BANK),
    event("misjudged", "abandoned", 390),
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
    # A customer who came three days ago (backfilled) and twice today, and called twice about the same.
    record("bread", 3 * 86_400, wait_seconds=300, service_seconds=60),
    record("milk", 2400, wait_seconds=200, service_seconds=30),
    record("salt", 1200, wait_seconds=20, service_seconds=30),
    event("first-call", "queued", 2000, **BANK, customer="mara", topic="card"),
    event("first-call", "answered", 1980),
    event("first-call", "completed", 1900, resolved=True),
    event("second-call", "queued", 1000, **BANK, customer="mara", topic="card"),
    event("second-call", "answered", 979),
    event("second-call", "completed", 950, resolved=True),
    # Two lines, of which one is down, and a till that went silent; three who serve, then two; a site that is closed.
    level("availability.changed", 7200, site="bank", resource="line-1", kind="channel", state="up"),
    level("availability.changed", 7199, site="bank", resource="line-2", kind="channel", state="up"),
    level("availability.changed", 3600, site="bank", resource="line-2", kind="channel", state="down"),
    level("heartbeat", 600, site="bank", resource="till-1", interval_seconds=300),
    level("staffing.changed", 7200, site="bank", queue="sales", staffed=3),
    level("staffing.changed", 3600, site="bank", queue="sales", staffed=2, available=1),
    level("availability.changed", 90_000, site="not-open-yet", resource="door", kind="site", state="degraded"),
    # A till whose clock is ahead.
    event("ahead", "recorded", -30, site="vilnius-1", queue="tills", channel="pos", wait_seconds=1),
)
CORRECTIONS = (
    # Those who gave up had been answered before, one of them within 20 s; the resolved was not, and then was: down, and
    # up again.
    (
        event("long", "answered", 650),
        event("misjudged", "answered", 395),
        event("served", "completed", 700, resolved=False),
    ),
    (event("served", "completed", 600, resolved=True),),
)
TODAY = NOW_US // DAY_US
PHONE = answered_within(20_000_000, channels=("phone",))
PROMISED = promises(
    phone_80_in_20=PHONE,
    # From tomorrow on another promise, which changes nothing today.
    till_90_in_180=(
        answered_within(180_000_000, 0.9, channels=("pos",), overrides=(Override(("vilnius-1",), 0.95, 120_000_000),)),
        answered_within(60_000_000, 0.95, start_day=TODAY + 1, sites=("bank",)),
    ),
    fcr_75_in_7d=Terms(None, "first_contact_resolution", 0.75, within="7d", window=Window(Span.ROLLING, 28)),
)
ENDED = promises(sales_50_in_5=answered_within(5_000_000, 0.5, queues=("sales",)))
ENDED_AT = NOW - timedelta(days=1)


async def _post(ledger: Ledger, source_id: int, events: tuple[dict[str, Any], ...], now: datetime) -> None:
    now_us = microseconds(now)
    await ledger.commit([Post(source_id, accept(events, now_us))], now_us)


async def _history(database: Database, registry: Registry) -> None:
    await Access(database).create_source("acd", ["*"], actor="test")
    (source,) = await Access(database).list_sources()
    queues = [("drive-thru", "pos")]
    open_now, closed_now = {"mon": ["09:00-18:00"]}, {"mon": ["13:00-18:00"]}
    await registry.put_site(
        "kaunas-2", time_zone="Europe/Vilnius", hours=open_now, holidays=None, since=None, queues=queues, actor="test"
    )
    await registry.put_site(
        "not-open-yet", time_zone="UTC", hours=closed_now, holidays=None, since=None, queues=(), actor="test"
    )
    policies = Policies(database)
    assert await policies.publish(PROMISED + ENDED, microseconds(ENDED_AT))
    assert await policies.publish(PROMISED, microseconds(ENDED_AT))
    ledger = Ledger(database, registry, Partitions(database), Policies(database), number=0, live_horizon_seconds=3600)
    for events in (HISTORY, *CORRECTIONS):
        await _post(ledger, source.id, events, NOW)
    await ledger.close()


async def test_the_page_is_the_golden_one(database: Database, registry: Registry) -> None:
    await _history(database, registry)
    page = (await render(Rollups(database), NOW)).decode()
    if os.environ.get("FRONTLINE_WRITE_GOLDEN"):
        GOLDEN.write_text(page)
    assert page == GOLDEN.read_text()


async def test_the_page_is_the_one_that_prometheus_client_makes(database: Database, registry: Registry) -> None:
    await _history(database, registry)
    snapshot = await Rollups(database).snapshot(NOW)
    assert encode(snapshot) == by_library(families(snapshot))


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
            assert sample.labels.keys() - {"le", *metric.optional} == set(metric.labels)


def test_nothing_is_left_over_and_nothing_is_of_no_series() -> None:
    families = {family.name: family for family in text_string_to_metric_families(GOLDEN.read_text())}
    residual = families["frontline_queue_residual"].samples
    assert {sample.value for sample in residual} == {0.0}
    places = {(sample.labels["site"], sample.labels["queue"]) for sample in residual}
    # The placeholder of a site goes when a line of it is known, unless something was counted there.
    assert {queue for site, queue in places if site == "kaunas-2"} == {"drive-thru"}
    assert {queue for site, queue in places if site == "not-open-yet"} == {""}
    assert {queue for site, queue in places if site == "kiosk-only"} == {""}


def test_every_line_of_help_ends_with_a_formula() -> None:
    told = dict(re.findall(r"^# HELP (\w+) (.*)$", GOLDEN.read_text(), re.MULTILINE))
    assert told == {metric.name: f"{metric.help}: {metric.formula}" for metric in METRICS}
    assert told["frontline_queue_offered_total"] == "visits that arrived: O = A + B + F + X + W"
    for metric in METRICS:
        if metric.source in MEASURE_BY_NAME:
            assert metric.formula == MEASURE_BY_NAME[metric.source].formula


def test_promtool_takes_the_page() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not installed; `apt-get install prometheus` brings it"
    with GOLDEN.open("rb") as page:
        checked = subprocess.run([promtool, "check", "metrics"], stdin=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_what_a_customer_who_comes_back_counts_for() -> None:
    tills, sales = 'channel="pos",queue="tills",site="vilnius-1"', 'channel="phone",queue="sales",site="bank"'
    page = GOLDEN.read_text()
    assert f"frontline_contacts_total{{{tills}}} 2.0\n" in page
    assert f'frontline_backfilled_total{{channel="pos",measure="contacts",{tills[14:]}}} 1.0\n' in page
    for within, repeats in (("1d", 1), ("7d", 2), ("30d", 2)):
        assert f'frontline_repeat_visits_total{{{tills},within="{within}"}} {repeats}.0\n' in page
        assert f'frontline_repeat_contacts_total{{{sales},within="{within}"}} 1.0\n' in page
        assert f'frontline_repeat_visits_total{{{sales},within="{within}"}} 0.0\n' in page


def line(site: str, queue: str, channel: str, number: int) -> LiveState:
    return LiveState(Series(site, queue, channel, number), 0, 0, 0.0)


def samples(page: bytes, family: str) -> dict[tuple[str, ...], float]:
    """The values of a family, by those of its labels that tell them apart here."""
    names = ("site", "queue", "objective", "measure", "direction")
    return {
        tuple(sample.labels[name] for name in names if name in sample.labels): sample.value
        for found in text_string_to_metric_families(page.decode())
        for sample in found.samples
        if sample.name == family
    }


NOTHING = dict.fromkeys((measure.name for measure in MEASURES), 0)


def test_a_placeholder_on_which_something_was_counted_stays() -> None:
    states = [line("bank", queue, channel, number) for queue, channel, number in LINES]
    nothing = encode(Snapshot(states, {}, {}, []))
    assert b'frontline_queue_offered_total{channel="",queue="",site="bank"}' not in nothing
    counted = encode(Snapshot(states, {(1, 0): NOTHING | {"offered": 1}}, {}, []))
    assert b'frontline_queue_offered_total{channel="",queue="",site="bank"} 1.0\n' in counted
    assert b'frontline_queue_residual{channel="",queue="",site="bank"} 1.0\n' in counted


def test_an_objective_stands_at_0_wherever_it_has_covered_so_far() -> None:
    states = [line("bank", "billing", "phone", 1), line("bank", "sales", "phone", 2), line("shop", "tills", "pos", 3)]
    past = answered_within(1, 0.5, queues=("sales",))
    now = answered_within(20_500_000, start_day=TODAY, queues=("billing",))
    later = answered_within(1, start_day=TODAY + 1)
    ended = replace(now, ended=True)
    objectives = [Objective(1, "calls", (past, now, later)), Objective(2, "ended", (past, ended))]
    objectives.append(Objective(3, "to-come", (later,)))
    # Number 1 counted what no terms cover any more; the newborn series 2 stands at 0 whatever it counts.
    promised = {(3, 1, 0): (5, 4), (2, 1, 0): (7, 6), (1, 1, 1): (9, 9)}
    snapshot = Snapshot(states, {}, {}, [], promised, Policy(0, Objectives(objectives)), (), NOW)
    page = encode(snapshot, frozenset({2}))
    expected = {("bank", "billing", "calls"): 0, ("bank", "sales", "calls"): 0, ("shop", "tills", "calls"): 5}
    assert samples(page, "frontline_slo_events_total") == expected | {("bank", "sales", "ended"): 0}
    assert samples(page, "frontline_slo_breaches_total")["shop", "tills", "calls"] == 4
    assert samples(encode(snapshot), "frontline_slo_events_total")["bank", "sales", "calls"] == 7
    # What is promised to those who arrive now; one that has ended or is to come promises them nothing.
    assert samples(page, "frontline_objective_target_ratio") == {("calls",): 0.8}
    assert samples(page, "frontline_objective_threshold_seconds") == {("calls",): 20.5}


def test_backfill_and_corrections_tell_of_all_objectives_together() -> None:
    promised = {(1, 1, 1): (3, 1), (1, 2, 1): (4, 0), (1, 1, 3): (0, 2), (1, 2, 2): (5, 0)}
    totals = {(1, class_): NOTHING for class_ in range(4)}
    page = encode(Snapshot([line("bank", "sales", "phone", 1)], totals, {}, [], promised))
    assert samples(page, "frontline_backfilled_total") == {
        ("bank", "sales", "slo_events"): 7,
        ("bank", "sales", "slo_breaches"): 1,
    }
    assert samples(page, "frontline_corrections_total") == {
        ("bank", "sales", "slo_events", "up"): 5,
        ("bank", "sales", "slo_breaches", "down"): 2,
    }


def test_sites_are_open_by_their_calendars_and_the_catch_all_is_none() -> None:
    states = [line(site, "", "", number) for number, site in enumerate(("always", "nine-to-five", "other"))]
    nine_to_five = Calendar.of("UTC", [(None, {"mon": ["09:00-17:00"]}, ["2025-04-07"])])
    policy = Policy(0, Objectives(), {"nine-to-five": nine_to_five})
    monday = datetime(2025, 3, 31, tzinfo=UTC)
    for at, is_open in (("08:59:59", 0), ("09:00:00", 1), ("16:59:59", 1), ("17:00:00", 0)):
        moment = datetime.combine(monday, time.fromisoformat(at), UTC)
        page = encode(Snapshot(states, {}, {}, [], {}, policy, (), moment))
        assert samples(page, "frontline_site_open") == {("always",): 1, ("nine-to-five",): is_open}
    page = encode(Snapshot(states, {}, {}, [], {}, policy, (), monday + timedelta(days=7, hours=12)))
    assert samples(page, "frontline_site_open")["nine-to-five",] == 0


async def test_what_each_writer_counted_for_an_objective_is_added_up(database: Database) -> None:
    rows = "(1, 2, 0, 0, 3, 1), (1, 2, 0, 7, 4, 0), (1, 2, 1, 7, 9, 9), (1, 3, 0, 7, 1, 1)"
    async with database.engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO objective_totals SELECT *, 0, 0 FROM (VALUES {rows}) AS rows"))
    snapshot = await Rollups(database).snapshot(NOW)
    assert snapshot.promised == {(1, 2, 0): (7, 1), (1, 2, 1): (9, 9), (1, 3, 0): (1, 1)}


async def test_calendars_are_made_again_only_where_they_changed(database: Database, registry: Registry) -> None:
    rollups = Rollups(database)
    first = await rollups.snapshot(NOW)
    assert (await rollups.snapshot(NOW)).policy is first.policy
    hours = {"mon": ["13:00-18:00"]}
    await registry.put_site("shop", time_zone="UTC", hours=hours, holidays=None, since=None, queues=(), actor="test")
    assert samples(await render(rollups, NOW), "frontline_site_open") == {("shop",): 0}
    await registry.put_site("shop", time_zone="UTC", hours=None, holidays=None, since=None, queues=(), actor="test")
    assert samples(await render(rollups, NOW), "frontline_site_open") == {("shop",): 1}
