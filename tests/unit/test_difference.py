"""The promises of the core: exact in any order, and live + backfilled + corrections = rollups."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.difference import Class
from service.core.measure import WAIT
from tests.books import HOUR_US, Books
from tests.reference.histories import NOW
from tests.reference.kpis import rows
from tests.reference.postings import deliveries, histories
from tests.reference.rollups import expected_cells, expected_rollups, punctual
from tests.reference.stories import homes, stories
from tests.reference.walk import gather, micros

NOW_US = micros(NOW)
DAY_US = 24 * HOUR_US
Event = dict[str, Any]


def event(kind: str, second: float, **data: Any) -> Event:
    """An event of one call, some seconds before now."""
    at = NOW_US - 600_000_000 + round(second * 1_000_000)
    return {
        "id": f"{kind}-{second}",
        "source": "acd",
        "type": f"interaction.{kind}",
        "time": f"{micros_to_text(at)}",
        "subject": "call-1",
        "data": {"site": "bank", "channel": "phone", **data},
    }


def micros_to_text(at: int) -> str:
    return f"{NOW.fromtimestamp(at / 1_000_000, NOW.tzinfo).isoformat()}"


def live(books: Books, name: str) -> int:
    return sum(amount for (_, measure), amount in books.live().items() if measure == name)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_order_duplication_and_batching_gives_what_the_definitions_say(data: st.DataObject) -> None:
    history = data.draw(histories())
    laid = rows(gather(history), NOW, {})
    expected = expected_rollups(laid, NOW_US, stories(history, homes(laid), NOW_US))
    deliveries_made = []
    for _ in range(2):
        books = Books()
        for batch in data.draw(deliveries(history)):
            books.deliver(batch, NOW_US)
        assert punctual(books.rollups()) == expected
        assert books.cells() == expected_cells(laid)
        deliveries_made.append(books.rollups())
    assert deliveries_made[0] == deliveries_made[1]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_time_passing_between_any_two_batches_changes_nothing_in_the_end(data: st.DataObject) -> None:
    history = data.draw(histories())
    books = Books()
    for batch in data.draw(deliveries(history)):
        then = NOW_US - data.draw(st.sampled_from((0, 1, HOUR_US, 3 * HOUR_US)))
        books.tick(then)
        latest = max(micros(NOW.fromisoformat(one["time"])) for one in batch)
        books.deliver(batch, max(then, latest))
    books.tick(NOW_US)
    books.remeasure(list(books.facts), NOW_US, HOUR_US)
    laid = rows(gather(history), NOW, {})
    assert punctual(books.rollups()) == expected_rollups(laid, NOW_US, stories(history, homes(laid), NOW_US))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_live_and_backfilled_and_corrections_are_the_rollups(data: st.DataObject) -> None:
    books = Books()
    for batch in data.draw(deliveries(data.draw(histories()))):
        books.deliver(batch, NOW_US, data.draw(st.sampled_from((HOUR_US, 600_000_000, 30 * DAY_US))))
        assert books.identity_gaps() == {}


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_live_counters_never_go_down(data: st.DataObject) -> None:
    books = Books()
    before: dict[Any, int] = {}
    cells: dict[Any, int] = {}
    for batch in data.draw(deliveries(data.draw(histories()))):
        books.deliver(batch, NOW_US, 30 * DAY_US)
        after, cells_after = books.live(), dict(books.sums.live_cells)
        assert all(after.get(key, 0) >= amount for key, amount in before.items())
        assert all(cells_after.get(key, 0) >= amount for key, amount in cells.items())
        before, cells = after, cells_after


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_recent_events_in_order_are_all_live(data: st.DataObject) -> None:
    """With nothing late, twice or moved, the live counters are the rollups."""
    history = list(data.draw(histories(interactions=1, copies=0)))
    books = Books()
    books.deliver(history, NOW_US, horizon_us=100 * 365 * DAY_US)
    totals = {key: amounts for key, amounts in books.sums.totals.items() if key[1] != Class.LIVE}
    assert totals == {}


def test_an_answer_that_comes_before_its_queued_is_live_once_with_its_wait() -> None:
    books = Books()
    books.deliver([event("answered", 30)], NOW_US)
    books.deliver([event("queued", 10, queue="sales")], NOW_US)
    assert live(books, "answered") == live(books, "answered_waits") == live(books, "offered") == 1
    assert live(books, "answered_wait_us") == 20_000_000
    assert sum(n for (_, histogram, _), n in books.sums.live_cells.items() if histogram == WAIT) == 1


def test_a_late_answer_takes_an_abandonment_back_as_a_correction() -> None:
    books = Books()
    books.deliver([event("queued", 0, queue="sales"), event("abandoned", 60)], NOW_US)
    books.deliver([event("answered", 30)], NOW_US)
    assert live(books, "abandoned") == live(books, "answered") == 1
    (place,) = books.rollups()
    assert books.rollups()[place].get("abandoned", 0) == 0
    assert books.rollups()[place]["conflicts"] == 1


def test_late_events_and_clocks_that_are_ahead_are_counted() -> None:
    books = Books()
    books.deliver([event("queued", 0, queue="sales"), event("answered", 539.5)], NOW_US)
    books.deliver([event("completed", 602)], NOW_US)
    (place,) = books.rollups()
    found = books.rollups()[place]
    assert (found["late_events"], found["skewed_events"], found["skew_us"]) == (2, 1, 2_000_000)


def test_old_events_page_nobody() -> None:
    books = Books()
    books.deliver([event("queued", 0, queue="sales"), event("answered", 5)], NOW_US, horizon_us=1_000_000)
    assert all(amount == 0 for amount in books.live().values())
    backfilled = [amounts for (_, kind), amounts in books.sums.totals.items() if kind == Class.BACKFILLED]
    assert backfilled


def test_what_went_away_and_came_back_is_live_once() -> None:
    books = Books()
    books.deliver([event("queued", 0, queue="sales"), event("completed", 10, resolved=False)], NOW_US)
    books.deliver([event("completed", 20, resolved=True)], NOW_US)
    books.deliver([event("completed", 30, resolved=False)], NOW_US)
    assert live(books, "unresolved") == live(books, "resolved") == 1
    (place,) = books.rollups()
    assert (books.rollups()[place]["unresolved"], books.rollups()[place].get("resolved", 0)) == (1, 0)
    assert books.identity_gaps() == {}


def test_each_contribution_is_as_old_as_the_event_that_makes_it() -> None:
    """The arrival is older than the live horizon, the answer is not; they come in one post."""
    books = Books()
    books.deliver([event("queued", 0, queue="sales"), event("answered", 590)], NOW_US, horizon_us=60_000_000)
    assert live(books, "offered") == 0
    assert live(books, "answered") == live(books, "answered_waits") == 1
    assert books.identity_gaps() == {}
