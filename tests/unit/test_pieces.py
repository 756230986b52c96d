"""Intervals in pieces: whole local days where they are whole, and the fewest minutes at the edges."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.calendar import Calendar
from service.core.interval import Interval
from service.core.pieces import Pieces, Span, day_span, pieces, whole

VILNIUS = Calendar.of("Europe/Vilnius")
NUMBER_OF = {text: (date.fromisoformat(text) - date(1970, 1, 1)).days for text in ("2025-06-02", "2025-06-03")}
SECOND, THIRD = NUMBER_OF.values()


def minutes(start: str, end: str) -> range:
    return Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)).minutes


def minute(text: str) -> int:
    return minutes(text, "9999-01-01T00:00+00:00").start


def test_whole_days_need_no_minutes() -> None:
    both = minutes("2025-06-02T00:00+03:00", "2025-06-04T00:00+03:00")
    for subtract in (True, False):
        assert pieces(both, VILNIUS, subtract=subtract) == Pieces(range(SECOND, SECOND + 2), ())


def test_the_smaller_part_of_a_day_is_added_and_the_rest_of_the_larger_taken_away() -> None:
    from_evening = minutes("2025-06-02T18:00+03:00", "2025-06-03T12:01+03:00")
    evening = Span(minute("2025-06-02T18:00+03:00"), minute("2025-06-03T00:00+03:00"))
    afternoon = Span(minute("2025-06-03T12:01+03:00"), minute("2025-06-04T00:00+03:00"), -1)
    assert pieces(from_evening, VILNIUS, subtract=True) == Pieces(range(THIRD, THIRD + 1), (evening, afternoon))


def test_where_nothing_may_be_taken_away_only_whole_days_are_days() -> None:
    almost = minutes("2025-06-02T00:01+03:00", "2025-06-03T23:59+03:00")
    found = pieces(almost, VILNIUS, subtract=False)
    assert not found.days
    assert sum(span.stop - span.start for span in found.spans) == len(almost)
    assert {span.sign for span in found.spans} == {1}


def test_within_one_day_both_ends_are_taken_away() -> None:
    open_hours = minutes("2025-06-02T08:00+03:00", "2025-06-02T22:00+03:00")
    night = Span(minute("2025-06-02T00:00+03:00"), minute("2025-06-02T08:00+03:00"), -1)
    evening = Span(minute("2025-06-02T22:00+03:00"), minute("2025-06-03T00:00+03:00"), -1)
    assert pieces(open_hours, VILNIUS, subtract=True) == Pieces(range(SECOND, SECOND + 1), (night, evening))
    noon = minutes("2025-06-02T12:00+03:00", "2025-06-02T13:00+03:00")
    assert pieces(noon, VILNIUS, subtract=True) == Pieces(range(THIRD, THIRD), (Span(noon.start, noon.stop),))


def test_no_minute_is_in_no_piece() -> None:
    none = minutes("2025-06-02T08:00:10+03:00", "2025-06-02T08:00:50+03:00")
    assert whole(none) == pieces(none, VILNIUS, subtract=True) == Pieces(range(0), ())


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_where_the_calendar_ends_there_are_minutes_alone(zone: str) -> None:
    everything = minutes("0001-01-01T00:00+00:00", "9999-12-31T23:59:59.999999+00:00")
    assert pieces(everything, Calendar.of(zone), subtract=True) == whole(everything)


@given(
    st.sampled_from(["Europe/Vilnius", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Monrovia", "Pacific/Apia"]),
    st.integers(-1_051_200, 42_000_000),
    st.integers(0, 12_000),
    st.booleans(),
)
def test_the_pieces_are_the_interval_and_few_minutes(zone: str, start: int, length: int, subtract: bool) -> None:
    calendar = Calendar.of(zone)
    asked = range(start, start + length)
    found = pieces(asked, calendar, subtract=subtract)
    counted: dict[int, int] = {}
    for span in (*(day_span(calendar, day) for day in found.days), *found.spans):
        for one in range(span.start, span.stop):
            counted[one] = counted.get(one, 0) + span.sign
    assert {one for one, times in counted.items() if times} == set(asked)
    assert set(counted.values()) <= {0, 1}
    if subtract:
        # At either edge at most half a day is read in minutes, and a day may have 25 hours.
        assert sum(span.stop - span.start for span in found.spans) <= 2 * 750


def test_a_day_has_the_minutes_that_begin_in_it() -> None:
    spring = (date(2025, 3, 30) - date(1970, 1, 1)).days
    assert day_span(VILNIUS, spring) == Span(minute("2025-03-30T00:00+02:00"), minute("2025-03-31T00:00+03:00"))
