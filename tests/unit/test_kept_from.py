"""From when on events are kept, and what a contact is called whose interaction is forgotten."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core.event import MIN_US, microseconds, moment
from service.core.retention import LEAST_DAYS, NEIGHBOUR_US, bare_subject, kept_from

moments = st.integers(0, microseconds(datetime(9000, 1, 1, tzinfo=UTC))).map(moment)
subjects = st.text(
    st.characters(codec="utf-8", exclude_characters=[chr(code) for code in (*range(32), 127)]), min_size=1
)


def test_a_month_is_kept_as_long_as_one_of_its_days_is() -> None:
    for now, first in (
        (datetime(2025, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)),
        (datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)),
    ):
        assert moment(kept_from(microseconds(now), 31)) == first


@given(now=moments, days=st.integers(LEAST_DAYS, 4_000_000))
def test_it_is_the_first_moment_of_a_month_and_never_too_young(now: datetime, days: int) -> None:
    first = moment(kept_from(microseconds(now), days))
    assert (first.day, first.hour, first.minute, first.second, first.microsecond) == (1, 0, 0, 0, 0)
    at = max(microseconds(now) - days * 86_400_000_000, MIN_US)
    assert microseconds(first) <= at
    assert moment(at) - first < timedelta(days=31)


@given(earlier=moments, later=moments, days=st.integers(LEAST_DAYS, 4000))
def test_it_only_moves_on_with_time(earlier: datetime, later: datetime, days: int) -> None:
    earlier, later = sorted((earlier, later))
    assert kept_from(microseconds(earlier), days) <= kept_from(microseconds(later), days)


def test_a_case_of_the_longest_span_is_settled_by_then() -> None:
    assert timedelta(days=LEAST_DAYS) > timedelta(microseconds=NEIGHBOUR_US)


@given(one=subjects, other=subjects)
def test_bare_contacts_sort_as_their_subjects_do(one: str, other: str) -> None:
    bare, others = bare_subject(one, 0), bare_subject(other, 0)
    assert (one.encode() < other.encode()) == (bare.encode() < others.encode())
    if one != other:
        assert (one.encode() < other.encode()) == (bare.encode() < other.encode())
