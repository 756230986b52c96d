"""Windows: which local days they cover, and months as they are written."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.window import MAX_ROLLING_DAYS, Span, Window, date_of, month_of, number_of

CALENDAR = [Window(span) for span in Span if span is not Span.ROLLING]
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


def ends(window: Window, today: str) -> tuple[str, str]:
    """The first and the last date."""
    days = window.around(number_of(date.fromisoformat(today)))
    return f"{date_of(days[0])}", f"{date_of(days[-1])}"


@pytest.mark.parametrize(
    ("window", "today", "first", "last"),
    [
        (Window(Span.DAY), "2026-11-18", "2026-11-18", "2026-11-18"),
        (Window(Span.WEEK), "2026-11-16", "2026-11-16", "2026-11-22"),
        (Window(Span.WEEK), "2026-11-22", "2026-11-16", "2026-11-22"),
        (Window(Span.WEEK), "2027-01-01", "2026-12-28", "2027-01-03"),
        (Window(Span.MONTH), "2024-02-29", "2024-02-01", "2024-02-29"),
        (Window(Span.MONTH), "2026-12-31", "2026-12-01", "2026-12-31"),
        (Window(Span.QUARTER), "2026-01-01", "2026-01-01", "2026-03-31"),
        (Window(Span.QUARTER), "2026-11-18", "2026-10-01", "2026-12-31"),
        (Window(Span.ROLLING, 1), "2026-11-18", "2026-11-18", "2026-11-18"),
        (Window(Span.ROLLING, 28), "2026-03-01", "2026-02-02", "2026-03-01"),
        (Window(Span.ROLLING, 366), "2025-01-01", "2024-01-02", "2025-01-01"),
    ],
)
def test_the_days_around_a_day(window: Window, today: str, first: str, last: str) -> None:
    assert ends(window, today) == (first, last)


@pytest.mark.parametrize("window", CALENDAR)
@given(day=DAYS)
def test_windows_of_the_calendar_cover_each_day_once(window: Window, day: date) -> None:
    days = window.around(number_of(day))
    assert number_of(day) in days
    assert {window.around(one) for one in days} == {days}
    assert window.around(days.stop).start == days.stop
    assert abs(len(days) - window.usual_days) <= 2


@given(st.integers(1, MAX_ROLLING_DAYS), DAYS)
def test_a_rolling_window_ends_today(length: int, day: date) -> None:
    window = Window(Span.ROLLING, length)
    days = window.around(number_of(day))
    assert (len(days), days[-1]) == (length, number_of(day))
    assert (window.name, window.usual_days) == (f"{length}d", length)


def test_windows_have_names() -> None:
    assert [window.name for window in CALENDAR] == ["day", "week", "month", "quarter"]
    assert Window() == Window(Span.MONTH)


@given(DAYS)
def test_days_are_numbered_since_1970(day: date) -> None:
    assert date(1970, 1, 1) + timedelta(days=number_of(day)) == day == date_of(number_of(day))


@pytest.mark.parametrize(
    ("text", "first", "length"),
    [("2026-11", "2026-11-01", 30), ("2024-02", "2024-02-01", 29), ("1969-12", "1969-12-01", 31)],
)
def test_a_month_as_it_is_written(text: str, first: str, length: int) -> None:
    days = month_of(text)
    assert (f"{date_of(days.start)}", len(days)) == (first, length)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "0000-01", "٢٠٢٦-11"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the calendar has a text of its own for each
        month_of(text)
