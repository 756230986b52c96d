"""Each further event in any order, twice, in any batches: the same rollups and bookings; what is live never falls."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.books import HOUR_US, Books
from tests.reference.edges import edge
from tests.reference.encounters import moved
from tests.reference.histories import GAPS, NOW, any_interaction, in_contract, offsets
from tests.reference.kpis import rows
from tests.reference.postings import deliveries, identify
from tests.reference.rollups import expected_rollups, punctual
from tests.reference.stories import homes, stories
from tests.reference.voices import assessments, feedback, promises
from tests.reference.walk import Event, gather, micros

NOW_US = micros(NOW)
SUBJECT = "order-0"
HORIZONS = (HOUR_US, 600_000_000, 30 * 24 * HOUR_US)


@st.composite
def _interaction(draw: st.DrawFn, kind: str) -> list[Event]:
    events = draw(edge())
    if kind not in {event["kind"] for event in events}:
        events.append({"kind": kind, "time": events[-1]["time"], "data": {}})
    shift = NOW_US - events[-1]["time"] - draw(st.sampled_from(GAPS))
    return [in_contract(one, one["time"], SUBJECT, draw(offsets)) for one in moved(events, shift)]


def _told(strategy: Any) -> st.SearchStrategy[list[Event]]:
    """Two of a kind, about one interaction or none."""
    two = st.tuples(strategy((SUBJECT,)), strategy((SUBJECT,)), st.one_of(any_interaction(SUBJECT), st.just([])))
    return two.map(lambda parts: [event for part in parts for event in part])


KINDS: Mapping[str, st.SearchStrategy[list[Event]]] = {
    "promise.made": _told(promises),
    "promise.kept": _told(promises),
    "promise.withdrawn": _told(promises),
    "feedback.received": _told(feedback),
    "feedback.answered": _told(feedback),
    "assessment.recorded": _told(assessments),
    "interaction.informed": _interaction("informed"),
    "interaction.verified": _interaction("verified"),
    "interaction.transferred": _interaction("transferred"),
}


def booked(books: Books) -> dict[Any, Any]:
    """What each story counts for, by the labels of its series."""
    labels = {number: key for key, number in books.series.items()}
    found = {
        key: {
            (*labels[series], minute): {code: amount for code, amount in amounts.items() if amount}
            for (series, minute), amounts in booking.items()
        }
        for key, booking in books.bookings.items()
    }
    return {key: {place: amounts for place, amounts in one.items() if amounts} for key, one in found.items()}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_order_duplication_and_batching_gives_the_same(kind: str, data: st.DataObject) -> None:
    history = data.draw(KINDS[kind].filter(lambda events: any(event["type"] == kind for event in events)))
    identify(history, data.draw(st.randoms(use_true_random=False)))
    laid = rows(gather(history), NOW, {})
    expected = expected_rollups(laid, NOW_US, stories(history, homes(laid), NOW_US))
    found = []
    for _ in range(2):
        books = Books()
        live: dict[Any, int] = {}
        for batch in data.draw(deliveries(history)):
            books.deliver(batch, NOW_US, data.draw(st.sampled_from(HORIZONS)))
            assert books.identity_gaps() == {}
            assert all(books.live().get(key, 0) >= amount for key, amount in live.items())
            live = books.live()
        assert punctual(books.rollups()) == expected
        found.append((books.rollups(), booked(books)))
    assert found[0] == found[1]
