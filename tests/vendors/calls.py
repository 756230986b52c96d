"""What deliveries of calls come to: read by an adapter, gathered and measured as the ledger does it."""

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
from hypothesis import strategies as st

from service.core.catalogue.quality_measures import QUALITY_MEASURES
from service.core.event import microseconds
from service.vendors.reading.delivery import Adapter, Delivery, Event, Reading
from tests.books import Books

URL = "https://frontline.example.com/v1/webhooks/phones"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW_US = microseconds(NINE + timedelta(days=2))
_ALL_ORDERS, _SOME_ORDERS = 720, 200
_OF_ARRIVAL_HERE = ("late_events",)

Batch = list[Event]
Outcome = tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


_OF_QUALITY = frozenset(measure.name for measure in QUALITY_MEASURES)


def at(seconds: float) -> datetime:
    """So many seconds after nine."""
    return NINE + timedelta(seconds=seconds)


def posted(body: bytes, headers: Mapping[str, str] | None = None, url: str = URL) -> Delivery:
    return Delivery(url, headers or {}, body)


def posted_json(what: Any) -> Delivery:
    return posted(msgspec.json.encode(what))


def read(adapter: Adapter, mapping: Any, delivery: Delivery) -> Reading:
    return adapter.reader(mapping).read(delivery)


def events_of(reading: Reading) -> Batch:
    """The events of a delivery of which all could be read."""
    assert reading.unread == []
    return [event for part in reading.parts for event in part.events]


def batches(adapter: Adapter, mapping: Any, deliveries: Iterable[Delivery]) -> list[Batch]:
    """The events of each of several deliveries that could all be read."""
    reader = adapter.reader(mapping)
    return [events_of(reader.read(delivery)) for delivery in deliveries]


def outcome(deliveries: Iterable[Batch]) -> Outcome:
    """Rollups, exact durations, and bookings by what they are booked to."""
    books = Books()
    for batch in deliveries:
        books.deliver(batch, NOW_US)
    labels = {number: key for key, number in books.series.items()}
    bookings = {
        subject: {(labels[series], minute): amounts for (series, minute), amounts in booking.items()}
        for subject, booking in books.bookings.items()
    }
    return books.rollups(), books.cells(), bookings


def counted(deliveries: Iterable[Batch]) -> dict[str, dict[str, int]]:
    """What deliveries come to of speed and reliability, by queue; but how late they were.

    The rest follows from the same visits, and is compared where a whole day is.
    """
    found: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (_, queue, *_), amounts in outcome(deliveries)[0].items():
        for name, amount in amounts.items():
            if name not in _OF_ARRIVAL_HERE and name not in _OF_QUALITY:
                found[queue][name] += amount
    return {queue: dict(amounts) for queue, amounts in found.items()}


def only(amounts: Mapping[str, int], *names: str) -> dict[str, int]:
    """Some of the amounts, 0 where there is none."""
    return {name: amounts.get(name, 0) for name in names}


def orders(deliveries: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Every order of a few deliveries, 200 of many; some delivered twice."""
    chance = random.Random(len(deliveries))
    if math.factorial(len(deliveries)) <= _ALL_ORDERS:
        found: Iterable[Sequence[Batch]] = permutations(deliveries)
    else:
        found = (chance.sample(deliveries, len(deliveries)) for _ in range(_SOME_ORDERS))
    for order in found:
        again = list(order)
        for batch in chance.sample(deliveries, chance.randrange(len(deliveries) + 1)):
            again.insert(chance.randrange(len(again) + 1), batch)
        yield again


def assert_order_does_not_matter(deliveries: Sequence[Batch]) -> None:
    expected = outcome(deliveries)
    for order in orders(deliveries):
        assert outcome(order) == expected


def assert_comes_to(
    adapter: Adapter, mapping: Any, deliveries: Sequence[Delivery], expected: Mapping[str, Mapping[str, int]]
) -> None:
    """A sequence comes to what it comes to by hand, in any order and repetition of its deliveries."""
    found = batches(adapter, mapping, deliveries)
    assert counted(found) == expected
    assert_order_does_not_matter([batch for batch in found if batch])


def assert_nothing_is_lost(adapter: Adapter, mapping: Any, body: bytes, parts: int | None = None) -> Reading:
    """Whatever a body says, it is read, kept or known to say nothing; what is kept reads the same by itself."""
    reader = adapter.reader(mapping)
    reading = reader.read(posted(body))
    total = len(reading.parts) + len(reading.unread) + reading.ignored
    if parts is None:
        assert total or not body.strip(b"[] \t\r\n")
    else:
        assert total == parts
    for kept in reading.unread:
        assert kept.code
        assert kept.detail
        again = reader.read(posted(kept.body))
        assert [(one.code, one.body) for one in again.unread] == [(kept.code, kept.body)]
    for part in reading.parts:
        assert events_of(reader.read(posted(part.body()))) == part.events
    return reading
