"""How much somebody may bring in a second."""

from hypothesis import given
from hypothesis import strategies as st

from service.core.allowance import Allowance


def test_a_second_brings_what_it_says_and_no_more() -> None:
    allowance = Allowance(3, 100.0)
    assert [allowance.take(1, 100.0) for _ in range(4)] == [0, 0, 0, 1]
    assert [allowance.take(1, 100.5) for _ in range(3)] == [0, 0, 1]
    assert allowance.take(1, 101.5) == 0
    assert [allowance.take(1, 200.0) for _ in range(4)] == [0, 0, 0, 1]


def test_a_large_request_passes_and_the_next_waits_until_it_is_paid() -> None:
    allowance = Allowance(100, 0.0)
    assert allowance.take(10_000, 0.0) == 0
    wait = allowance.take(1, 0.0)
    assert wait == 100
    assert allowance.take(1, wait - 2.0) > 0
    assert allowance.take(1, float(wait)) == 0


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(1, 500), st.floats(0, 5)), min_size=1, max_size=60),
)
def test_over_any_time_no_more_passes_than_that_time_brings(per_second: int, requests: list[tuple[int, float]]) -> None:
    allowance, now, passed = Allowance(per_second, 0.0), 0.0, 0
    for amount, pause in requests:
        now += pause
        wait = allowance.take(amount, now)
        passed += 0 if wait else amount
        assert passed <= per_second * (1 + now) + 500 + 1e-6
        if wait:
            assert allowance.take(0, now + wait) == 0
            now += wait
