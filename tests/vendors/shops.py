"""What the tests of vendors who send orders share: deliveries to books, in any order, with any of them repeated."""

import itertools
import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from service.core.catalogue.quality_measures import QUALITY_MEASURES
from service.core.errors import NotAuthenticated
from service.core.event import moment
from service.vendors.reading.delivery import Adapter, Delivery, Event, Reader, Reading
from tests.books import Books

LATER_US = 1_800_000_000_000_000
"""A moment long after all that is told here."""
URL = "https://frontline.example.com/v1/webhooks/corner"
_ALL_ORDERS = 720
_SOME_ORDERS = 200

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


_OF_QUALITY = frozenset(measure.name for measure in QUALITY_MEASURES)


def events_of(reading: Reading) -> list[Event]:
    """All events of a delivery of which everything was read."""
    assert not reading.unread, reading.unread
    return [event for part in reading.parts for event in part.events]


def books_of(reader: Reader, deliveries: Sequence[Delivery], now_us: int = LATER_US) -> Books:
    """The books after these deliveries, one after the other, and after all time has passed."""
    books = Books()
    for delivery in deliveries:
        books.deliver(events_of(reader.read(delivery)), now_us)
    books.tick(now_us)
    return books


def counts(books: Books) -> dict[str, int]:
    """Every measure of speed and reliability over all places, but how late the events came by the tests' own clock."""
    total: dict[str, int] = {}
    for amounts in books.rollups().values():
        for name, amount in amounts.items():
            total[name] = total.get(name, 0) + amount
    total.pop("late_events", None)
    return {name: amount for name, amount in total.items() if name not in _OF_QUALITY}


def numbers(books: Books) -> tuple[Any, ...]:
    """Rollups, exact durations and bookings, free of how series happen to be numbered."""
    labels = {number: key for key, number in books.series.items()}
    bookings = {
        key: {(labels[series], minute): amounts for (series, minute), amounts in booking.items()}
        for key, booking in books.bookings.items()
    }
    return books.rollups(), books.cells(), bookings


def arrangements(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    """Every order in which they may come, or 200 of them; and with some of them come twice."""
    chance = Random(7)
    if math.factorial(len(deliveries)) <= _ALL_ORDERS:
        orders: Iterator[Sequence[Delivery]] = iter(list(itertools.permutations(deliveries)))
    else:
        orders = iter([chance.sample(deliveries, len(deliveries)) for _ in range(_SOME_ORDERS)])
    for order in orders:
        yield order
        twice = [*order, *chance.choices(order, k=len(order))]
        chance.shuffle(twice)
        yield twice


def same_in_every_order(reader: Reader, deliveries: Sequence[Delivery]) -> None:
    """Whatever order they come in, and however often, the numbers are those of the order in which they happened."""
    expected = numbers(books_of(reader, deliveries))
    for order in arrangements(deliveries):
        assert numbers(books_of(reader, order)) == expected


def covers(reader: Reader, delivery: Delivery) -> None:
    """One delivery is one part: read, kept or known to say nothing, and nothing is raised."""
    reading = reader.read(delivery)
    assert len(reading.parts) + len(reading.unread) + reading.ignored == 1
    for part in reading.parts:
        assert part.body() == delivery.body
    for unread in reading.unread:
        assert unread.body == delivery.body
        assert unread.detail
        assert unread.code in {"unreadable", "missing_field", "invalid_field", "unknown_type", "unmapped"}


def refuses(adapter: Adapter, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
    """The delivery is not taken for one of this source's."""
    with pytest.raises(NotAuthenticated):
        adapter.verify(delivery, secrets, now_us)


def with_a_byte_changed(body: bytes) -> Iterator[bytes]:
    """The body with each of its bytes changed, one at a time."""
    for place in range(len(body)):
        yield body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def iso(us: int) -> str:
    """A moment as these vendors write it."""
    return moment(us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
