"""Time alone: breaches at the deadline, expiry, settlement, and who holds the timer. Time comes in as a parameter."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service.store.database import Database
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.verdicts import Post
from service.telemetry import Telemetry
from service.timer import Timer
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.walk import DAY, HOUR, SECOND, micros
from tests.store.stored import fetch, identity_gaps, scalar
from tests.terms import answered_within, promises

NOW_US = micros(NOW)
COUNTS = "SELECT coalesce(sum(events), 0)::int, coalesce(sum(breaches), 0)::int FROM {}"
LIVE = "objective_totals WHERE class = 0"
TAKEN_BACK = "objective_totals WHERE class = 3"
Event = dict[str, Any]


def event(subject: str, kind: str, second: float, **data: Any) -> Event:
    return {
        "id": f"{subject}-{kind}",
        "source": "acd",
        "type": f"interaction.{kind}",
        "time": (NOW + timedelta(seconds=second)).isoformat(),
        "subject": subject,
        "data": data,
    }


def arrival(subject: str = "call-1", second: float = 0, channel: str = "phone") -> Event:
    return event(subject, "queued", second, site="bank", queue="sales", channel=channel)


@pytest.fixture
async def ledgers(database: Database, registry: Registry) -> AsyncIterator[list[Ledger]]:
    policies = Policies(database)
    await policies.publish(promises(answer=answered_within(20 * SECOND)), NOW_US)
    opened = [
        Ledger(database, registry, Partitions(database), policies, number=number, live_horizon_seconds=3600)
        for number in range(3)
    ]
    yield opened
    for one in opened:
        await one.close()


async def post(ledger: Ledger, events: list[Event], now_us: int) -> None:
    await ledger.commit([Post(1, accept(events, now_us))], now_us)


async def counts(database: Database, table: str = "objective_rollups") -> tuple[int, ...]:
    return tuple((await fetch(database, COUNTS.format(table)))[0])


async def test_who_still_waits_at_the_threshold_is_a_breach_at_that_moment(
    database: Database, ledgers: list[Ledger]
) -> None:
    timer = Timer(ledgers[1], Telemetry())
    await post(ledgers[0], [arrival()], NOW_US)
    assert await timer.tick(NOW_US + 20 * SECOND - 1) == 0
    assert await counts(database) == (0, 0)
    assert await timer.tick(NOW_US + 20 * SECOND) == 1
    assert await counts(database) == await counts(database, "objective_rollups_daily") == (1, 1)
    assert await counts(database, LIVE) == (1, 1)
    assert await timer.tick(NOW_US + 60 * SECOND) == 0


async def test_a_late_event_that_shows_an_answer_in_time_takes_the_breach_back(
    database: Database, ledgers: list[Ledger]
) -> None:
    timer = Timer(ledgers[1], Telemetry())
    await post(ledgers[0], [arrival()], NOW_US)
    await timer.tick(NOW_US + 30 * SECOND)
    assert await counts(database) == (1, 1)
    await post(ledgers[0], [event("call-1", "answered", 20)], NOW_US + 40 * SECOND)
    assert await counts(database) == await counts(database, "objective_rollups_daily") == (1, 0)
    # The counter for Prometheus keeps it, and the correction tells of it.
    assert await counts(database, LIVE) == (1, 1)
    assert await counts(database, TAKEN_BACK) == (0, 1)


async def test_a_deadline_passes_while_a_complaint_and_a_promise_about_the_same_call_are_open(
    database: Database, ledgers: list[Ledger]
) -> None:
    timer = Timer(ledgers[1], Telemetry())
    due = (NOW + timedelta(hours=1)).isoformat()
    promise = {"promise": "p", "due": due, "kind": "fix"}
    beside = [
        {**event("call-1", "made", 5), "type": "promise.made", "data": promise},
        {**event("call-1", "received", 6), "type": "feedback.received", "data": {"kind": "complaint"}},
    ]
    await post(ledgers[0], [arrival(), *beside], NOW_US + 10 * SECOND)
    opened = "SELECT count(*) FROM open_visits"
    assert await scalar(database, opened) == 3
    assert await timer.tick(NOW_US + 20 * SECOND) == 1
    assert await counts(database) == (1, 1)
    assert await scalar(database, opened) == 3
    await timer.tick(NOW_US + HOUR)
    assert await scalar(database, "SELECT sum(promises_due) FROM rollups") == 1
    assert await identity_gaps(database) == {}


@pytest.mark.parametrize("end", ["abandoned", "diverted"])
async def test_who_leaves_after_the_threshold_stays_a_breach(
    database: Database, ledgers: list[Ledger], end: str
) -> None:
    timer = Timer(ledgers[1], Telemetry())
    await post(ledgers[0], [arrival()], NOW_US)
    await timer.tick(NOW_US + 30 * SECOND)
    left = event("call-1", end, 25, **({"to": "voicemail"} if end == "diverted" else {}))
    await post(ledgers[0], [left], NOW_US + 40 * SECOND)
    assert await counts(database) == (1, 1)


@pytest.mark.parametrize(
    ("channel", "hours"), [("phone", 4), ("pos", 4), ("chat", 24), ("email", 14 * 24), ("web", 24), ("kiosk", 24)]
)
async def test_each_channel_expires_in_its_own_time(
    database: Database, ledgers: list[Ledger], channel: str, hours: int
) -> None:
    timer = Timer(ledgers[1], Telemetry())
    await post(ledgers[0], [arrival(channel=channel)], NOW_US)
    await timer.tick(NOW_US + hours * HOUR - 1)
    assert await scalar(database, "SELECT sum(waiting) FROM rollups") == 1
    await timer.tick(NOW_US + hours * HOUR)
    assert await scalar(database, "SELECT sum(expired) - sum(waiting) FROM rollups") == 1
    assert await scalar(database, "SELECT count(*) FROM open_visits") == 0
    assert await identity_gaps(database) == {}


async def test_a_case_settles_when_its_days_are_over(database: Database, ledgers: list[Ledger]) -> None:
    timer = Timer(ledgers[1], Telemetry())
    closed = [
        event("order", "queued", 0, site="shop", queue="tills", channel="pos", customer="anna"),
        event("order", "completed", 60, resolved=True),
    ]
    await post(ledgers[0], closed, NOW_US + 60 * SECOND)
    names = [f"{maturity}_{within}" for within in ("1d", "7d", "30d") for maturity in ("provisional", "settled")]
    cases = f"SELECT {', '.join(f'coalesce(sum({name}), 0)::int' for name in names)} FROM rollups"
    seen = []
    for days in (0, 1, 7, 30):
        limit = NOW_US + 60 * SECOND + days * DAY
        for moment in (limit, limit + 1):
            await timer.tick(moment)
            seen.append(tuple((await fetch(database, cases))[0]))
    first, second, third, settled = (1, 0, 1, 0, 1, 0), (0, 1, 1, 0, 1, 0), (0, 1, 0, 1, 1, 0), (0, 1, 0, 1, 0, 1)
    assert seen == [first, first, first, second, second, third, third, settled]
    assert await scalar(database, "SELECT count(*) FROM contacts WHERE due_at IS NOT NULL") == 0
    assert await scalar(database, "SELECT sum(settled_resolved_30d) FROM rollups") == 1


async def test_a_contact_that_comes_late_to_light_moves_those_around_it(
    database: Database, ledgers: list[Ledger]
) -> None:
    """First the third contact is told, then the first, then the one between them."""

    def contact(subject: str, day: int) -> list[Event]:
        place = {"site": f"shop-{subject}", "queue": "tills", "channel": "pos", "customer": "anna"}
        second = day * 86_400
        return [
            event(subject, "queued", second, **place),
            event(subject, "completed", second + 60, resolved=True),
        ]

    now = NOW_US + 100 * DAY
    repeats = """SELECT sites.name, coalesce(sum(repeat_contacts_7d), 0)::int,
            coalesce(sum(settled_resolved_7d), 0)::int
        FROM rollups JOIN series ON series.id = series_id JOIN sites ON sites.id = site_id GROUP BY 1 ORDER BY 1"""
    told = []
    for subject, day in (("c", 12), ("a", 0), ("b", 6)):
        await post(ledgers[0], contact(subject, day), now)
        told.append([tuple(row) for row in await fetch(database, repeats)])
    assert told == [
        [("shop-c", 0, 1)],
        [("shop-a", 0, 1), ("shop-c", 0, 1)],
        [("shop-a", 0, 0), ("shop-b", 1, 0), ("shop-c", 1, 1)],
    ]


async def test_a_new_objective_sets_deadlines_for_those_who_wait_already(
    database: Database, ledgers: list[Ledger]
) -> None:
    timer = Timer(ledgers[1], Telemetry())
    await post(ledgers[0], [arrival()], NOW_US)
    promised = promises(answer=answered_within(20 * SECOND), soon=answered_within(5 * SECOND))
    await Policies(database).publish(promised, NOW_US + SECOND)
    await timer.tick(NOW_US + 6 * SECOND)
    assert await counts(database) == (1, 1)


async def test_only_the_holder_of_the_timer_ticks_and_another_takes_over(
    database: Database, ledgers: list[Ledger]
) -> None:
    first, second = Timer(ledgers[1], Telemetry()), Timer(ledgers[2], Telemetry())
    await first.tick(NOW_US)
    await post(ledgers[0], [arrival()], NOW_US)
    assert await second.tick(NOW_US + HOUR) == 0
    await first.stop()
    late = 0
    while not late:
        late = await second.tick(NOW_US + HOUR)
    assert late == 1
    assert await counts(database) == (1, 1)
