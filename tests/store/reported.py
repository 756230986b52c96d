"""A world to report on: five weeks at sites in three time zones, by promises that changed in the middle of November."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from service.core.event import microseconds
from service.core.objective import Override, Terms
from service.core.window import month_of, number_of
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.verdicts import Post
from tests.books import accept
from tests.terms import answered_within, promises

SECOND = 1_000_000
NOW = datetime(2026, 12, 5, 12, tzinfo=UTC)
NOVEMBER = month_of("2026-11")
ZONES = {"apia": "Pacific/Apia", "honolulu": "Pacific/Honolulu", "utc": "UTC"}
IN_20 = answered_within(20 * SECOND, minimum_events=2)
SIXTEENTH = number_of(date(2026, 11, 16))
LATER = replace(
    IN_20,
    target=0.9,
    start_day=SIXTEENTH,
    overrides=(Override(("apia", "utc"), target=0.5), Override(("utc",), target=0.7, threshold_us=30 * SECOND)),
)
FIRST_CONTACT = Terms(None, "first_contact_resolution", 0.75, within="7d")
PROMISED = promises(
    phone=(IN_20, LATER),
    lost=Terms(None, "abandonment_rate", 0.9, formula="of_answered_and_abandoned", minimum_events=1),
    once=FIRST_CONTACT,
    ended=(replace(IN_20, target=0.99), replace(IN_20, start_day=SIXTEENTH, ended=True)),
    late=replace(IN_20, start_day=number_of(date(2026, 11, 20)), queues=("sales",), minimum_events=1000),
    modest=replace(IN_20, target=0.1),
)


async def happen(database: Database, registry: Registry, ledger: Ledger) -> None:
    """Let it happen."""
    for site, zone in ZONES.items():
        await registry.put_site(site, time_zone=zone, hours=None, holidays=None, since=None, queues=[], actor="test")
    assert await Policies(database).publish(PROMISED, microseconds(datetime(2026, 10, 1, tzinfo=UTC)))
    await ledger.commit([Post(1, accept(_encounters(), microseconds(NOW)))], microseconds(NOW))


def _encounters() -> Iterator[dict[str, Any]]:
    """Five weeks at each site, around the clock: served soon or late, or given up; with errors, or by two.

    In the middle of November something was changed at one of them.
    """
    course = {"name": "course", "kind": "training", "sites": ["utc"]}
    yield {"id": "course", "source": "acd", "type": "change.made", "time": "2026-11-16T09:00:00Z", "data": course}
    numbers = count(1)
    # On one day a case that is settled and was a breach, and one that is provisional still.
    for number, hour in ((100_005, 11), (100_006, 13)):
        arrival = datetime(2026, 11, 28, hour, tzinfo=UTC)
        yield from _encounter(number, arrival, site="utc", queue="billing", channel="phone")
    for site in ZONES:
        yield from _encounter(
            19_000 * next(numbers), NOW - timedelta(hours=1), site=site, queue="sales", channel="phone"
        )
        for hour in range(0, 24 * 36 + 10, 5):
            number = next(numbers)
            arrival = datetime(2026, 10, 30, tzinfo=UTC) + timedelta(hours=hour, minutes=number % 60)
            queue, channel = (("tills", "pos"), ("sales", "phone"), ("billing", "phone"))[number % 3]
            yield from _encounter(number, arrival, site=site, queue=queue, channel=channel)


def _encounter(number: int, arrival: datetime, **place: Any) -> Iterator[dict[str, Any]]:
    wait = 7 * (number % 8)
    # Of six who come one after another, every other time three come once more, by the same channel.
    customer = f"c{number}" if number // 6 % 2 else f"c{number // 6}.{number % 3}"
    steps: list[tuple[int, str, dict[str, Any]]] = [(0, "queued", {"customer": customer, "topic": "bill"})]
    if number % 19 == 0:
        pass  # nobody ever hears of them again
    elif number % 17 == 0:
        steps.append((wait, "diverted", {"to": "voicemail"}))
    elif number % 7 == 0:
        steps.append((wait, "abandoned", {}))
    else:
        resolved = {"resolved": number % 5 > 0} if number % 11 else {}
        steps += [(wait, "answered", {}), (wait + 40, "held", {}), (wait + 50, "resumed", {})]
        steps += [(wait + 60, "transferred", {})] if number % 9 == 0 else []
        steps += [(wait + 70, "escalated", {})] if number % 10 == 0 else []
        steps += [(wait + 90, "completed", {"wrap_up_seconds": 1.25, **resolved})]
        steps += [(wait + 200, "corrected", {"kind": "remake"})] if number % 6 == 0 else []
        steps += [(wait + 300, "recovered", {})] if number % 12 == 0 else []
        steps += [(wait + 4000, "reopened", {})] if number % 13 == 0 else []
    for after, kind, more in steps:
        yield {
            "id": f"{number}-{kind}",
            "source": "acd",
            "type": f"interaction.{kind}",
            "time": (arrival + timedelta(seconds=after)).isoformat(),
            "subject": f"s{number}",
            "data": {**place, **more},
        }
