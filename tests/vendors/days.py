"""A day of calls and orders in the contract's own form, and what events come to, for tests of vendors' forms."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from service.core.event import microseconds
from tests.books import Books

DAY = datetime(2026, 11, 20, 8, tzinfo=UTC)
LATER_US = microseconds(DAY + timedelta(days=3))


def books(*batches: Iterable[dict[str, Any]]) -> Books:
    """The books after batches of events, three days later."""
    kept = Books()
    for batch in batches:
        kept.deliver(list(batch), LATER_US)
    kept.tick(LATER_US)
    return kept


def booked(kept: Books) -> dict[Any, Any]:
    """What is booked of each interaction, by place; series are numbered as they come."""
    labels = {number: key for key, number in kept.series.items()}
    return {
        key: {(labels[series], minute): amounts for (series, minute), amounts in booking.items()}
        for key, booking in kept.bookings.items()
    }


def totals(*batches: Iterable[dict[str, Any]]) -> dict[str, int]:
    """All measures, over all places."""
    found: dict[str, int] = {}
    for amounts in books(*batches).rollups().values():
        for name, amount in amounts.items():
            found[name] = found.get(name, 0) + amount
    return found


def orders(things: list[Any], at_most: int = 200) -> list[list[Any]]:
    """Every order of some things, or a number of random ones where there are more than 720."""
    if len(things) <= 6:
        return [list(order) for order in permutations(things)]
    chance = random.Random(7)
    return [chance.sample(things, len(things)) for _ in range(at_most)]


def call_day(number: int = 60) -> list[dict[str, Any]]:
    """Calls of a day, to whole seconds: answered, abandoned, timed out to another queue, transferred."""
    chance = random.Random(11)
    events: list[dict[str, Any]] = []
    for call in range(number):
        events += _call(chance, f"call-{call}")
    return events


def _call(chance: random.Random, subject: str) -> Iterable[dict[str, Any]]:
    at = DAY + timedelta(seconds=chance.randrange(36_000))
    count = 0

    def event(kind: str, later: int, **data: Any) -> dict[str, Any]:
        nonlocal at, count
        at += timedelta(seconds=later)
        count += 1
        common = {"site": "centre", "channel": "phone"}
        return {
            "id": f"{subject}-{count}",
            "source": "native",
            "type": f"interaction.{kind}",
            "time": at.isoformat(),
            "subject": subject,
            "data": common | data,
        }

    yield event("queued", 0, queue="sales")
    fate = chance.random()
    if fate < 0.15:
        wait = chance.randrange(1, 90)
        yield event("abandoned", wait, queue="sales", wait_seconds=wait)
        return
    if fate < 0.3:
        yield event("diverted", 60, queue="sales", to="timeout", wait_seconds=60)
        yield event("queued", 1, queue="support")
    wait = chance.randrange(1, 120)
    queue = "support" if fate < 0.3 else "sales"
    yield event("answered", wait, queue=queue, wait_seconds=wait)
    talk = chance.randrange(5, 400)
    if fate > 0.9:
        yield event("transferred", talk, queue=queue)
    yield event("completed", 0 if fate > 0.9 else talk, queue=queue, service_seconds=talk)
