"""Budgets: what is allowed, what is left, where it leads, and how that is called."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.budget import Spend, Status, allowed_parts, elapsed_share
from service.core.window import Span, Window, number_of


def spend(events: int, breaches: int, target: float = 0.8, recent: tuple[int, int] = (0, 0)) -> Spend:
    return Spend(events, breaches, allowed_parts(target) * events, *recent)


def test_a_spend_tells_the_value_the_target_and_what_is_left() -> None:
    one = spend(50, 4)
    assert (one.allowed, one.left_ratio) == (10.0, 0.6)
    assert (one.value(at_most=False), one.target(at_most=False)) == (0.92, 0.8)
    assert (one.value(at_most=True), one.target(at_most=True)) == (0.08, 0.2)


def test_without_events_there_is_no_figure() -> None:
    none = Spend()
    for at_most in (False, True):
        assert none.value(at_most=at_most) is None
        assert none.target(at_most=at_most) is None
    assert none.left_ratio is None
    assert none.projected_left_ratio(0.5, 20) is None
    assert none.status(0.5, 1) is Status.NO_DATA
    assert not none.is_overspent


@given(st.integers(1, 9_999), st.integers(1, 1_000_000))
def test_a_target_of_four_digits_is_kept_exactly(target: int, events: int) -> None:
    """As many breaches as a target allows are allowed, and not one more."""
    share = Fraction(10_000 - target, 10_000)
    most = int(share * events)
    assert not spend(events, most, target / 10_000).is_overspent
    assert spend(events, most + 1, target / 10_000).is_overspent
    left = spend(events, most, target / 10_000).left_ratio
    assert left == float(1 - most / (share * events))


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000), st.sampled_from([0.7, 0.8, 0.95, 0.999]))))
def test_budgets_add_up_in_any_order(parts: list[tuple[int, int, float]]) -> None:
    spends = [spend(events + breaches, breaches, target) for events, breaches, target in parts]
    total = sum(spends, Spend())
    assert total == sum(reversed(spends), Spend())
    exact = sum(((events + breaches) * (1 - Fraction(str(target))) for events, breaches, target in parts), Fraction())
    assert total.allowed == float(exact)
    assert total.is_overspent == (total.breaches > exact)


@pytest.mark.parametrize(
    ("one", "elapsed", "left"),
    [
        # As many breaches as allowed for each event: whatever is over, nothing will be left.
        (spend(100, 20), 0.25, 0.0),
        (spend(100, 10), 0.25, 0.5),
        # The last two days were twice as bad as the whole: 1 - (0.5 * 0.1 + 0.5 * 0.2) / 0.2.
        (spend(100, 10, recent=(20, 4)), 0.5, 0.25),
        (spend(100, 10, recent=(20, 20)), 0.5, -1.75),
        # Too few of them came in these days to go by.
        (spend(100, 10, recent=(19, 19)), 0.5, 0.5),
        # At the end nothing is ahead.
        (spend(100, 10, recent=(20, 20)), 1.0, 0.5),
    ],
)
def test_where_it_leads(one: Spend, elapsed: float, left: float) -> None:
    assert one.projected_left_ratio(elapsed, 20) == pytest.approx(left, abs=1e-12)


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (spend(19, 19), Status.NO_DATA),
        (spend(20, 4), Status.MET),
        (spend(20, 5), Status.BREACHED),
        (spend(100, 10, recent=(20, 20)), Status.AT_RISK),
        (spend(100, 21, recent=(20, 0)), Status.BREACHED),
        (spend(100, 20, recent=(20, 0)), Status.MET),
    ],
)
def test_how_it_stands(one: Spend, status: Status) -> None:
    assert one.status(0.5, 20) is status


@pytest.mark.parametrize(
    ("window", "share"),
    [
        (Window(Span.DAY), 1.0),
        (Window(Span.WEEK), 3 / 7),
        (Window(Span.MONTH), 18 / 30),
        (Window(Span.QUARTER), 49 / 92),
        (Window(Span.ROLLING, 28), 0.75),
    ],
)
def test_how_much_of_a_window_is_over_on_a_wednesday(window: Window, share: float) -> None:
    assert elapsed_share(window, number_of(date(2026, 11, 18))) == share
