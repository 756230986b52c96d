"""The days that are compared with each other."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core.spans import EARLIER_WEEKS, spans, weeks_known
from service.core.window import date_of

CHANGE = range(20_000, 20_001)


def test_whole_weeks_lie_on_both_sides_of_the_change() -> None:
    found = spans(CHANGE, range(19_000, 21_000), 2)
    assert (found.before, found.after) == (range(19_986, 20_000), range(20_001, 20_015))
    assert found.earlier == range(19_986 - 7 * EARLIER_WEEKS, 19_986)
    assert found.weeks == 2
    assert [found.period(day) for day in (19_985, 19_986, 19_999, 20_001, 20_014)] == [-1, 0, 0, 1, 1]


def test_earlier_days_are_those_that_are_known() -> None:
    assert spans(CHANGE, range(19_980, 20_100), 2).earlier == range(19_980, 19_986)
    assert spans(CHANGE, range(19_986, 20_100), 2).earlier == range(19_986, 19_986)
    assert spans(CHANGE, range(19_900, 20_100), 2).learning_from(19_984).earlier == range(19_984, 19_986)


def test_a_week_counts_once_all_of_it_is_known() -> None:
    assert weeks_known(CHANGE, range(20_000 - 14, 20_001 + 21)) == (2, 3)
    assert weeks_known(CHANGE, range(20_000 - 13, 20_001 + 20)) == (1, 2)
    assert weeks_known(CHANGE, range(20_005, 20_006)) == (0, 0)


@given(first=st.integers(10_000, 30_000), length=st.integers(1, 2), weeks=st.integers(1, 8))
def test_counterparts_are_the_same_weekday_of_the_same_week_and_each_others(
    first: int, length: int, weeks: int
) -> None:
    found = spans(range(first, first + length), range(40_000), weeks)
    counterparts = {day: found.counterpart(day) for day in found.compared}
    assert {counterparts[day] for day in found.before} == set(found.after)
    for day, other in counterparts.items():
        assert counterparts[other] == day
        assert date_of(day).weekday() == date_of(other).weekday()
        assert abs(date_of(day) - date_of(other)) <= timedelta(days=7 * weeks + 8)
