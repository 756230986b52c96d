"""What holds once a file of objectives is published over what was: the past is never changed silently."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput
from service.core.objective import About, Objective, Override, Promise, Terms
from service.core.promises import changes_past, ends, succeed
from service.core.window import Span, Window

TODAY = 100
A = Terms(None, "service_level", 0.8, threshold_us=20_000_000, formula="abandons_hurt")
B, C = replace(A, threshold_us=30_000_000), replace(A, threshold_us=40_000_000)


def from_day(day: int, terms: Terms) -> Terms:
    return replace(terms, start_day=day)


def phone(*terms: Terms, rewrites: bool = False) -> Promise:
    return Promise("phone", About(), terms, rewrites)


def refused(stored: Sequence[Terms], promise: Promise) -> str:
    with pytest.raises(InvalidInput) as error:
        succeed(stored, promise, TODAY)
    return str(error.value)


def test_what_is_published_first_holds_as_it_is_told() -> None:
    told = phone(A, from_day(150, B))
    assert succeed((), told, TODAY) == told.terms
    to_come = (from_day(TODAY + 1, C),)
    assert succeed(to_come, told, TODAY) == told.terms


def test_what_has_begun_is_not_changed_without_a_date() -> None:
    message = refused((A,), phone(replace(B, minimum_events=5)))
    assert message.startswith("phone: spec.indicator.threshold and spec.minimumEvents must be as published since ever")
    assert "effectiveFrom: 1970-04-12" in message  # the day after
    assert "effectiveFrom: always" in message
    assert "frontline rebuild" in message
    assert "since 1970-02-20" in refused((A, from_day(50, B)), phone(A))


@pytest.mark.parametrize(
    "changed",
    [
        replace(A, target=0.85),
        replace(A, window=Window(Span.WEEK)),
        replace(A, minimum_events=1),
        replace(A, formula="abandons_help"),
        replace(A, channels=("phone",)),
        replace(A, overrides=(Override(("a",), 0.9),)),
    ],
)
def test_whatever_a_published_figure_depends_on_is_promised(changed: Terms) -> None:
    assert "would silently change" in refused((A,), phone(changed))


def test_always_changes_the_past() -> None:
    told = phone(B, from_day(150, C), rewrites=True)
    assert succeed((A, from_day(50, C)), told, TODAY) == told.terms
    assert changes_past((A, from_day(50, C)), told.terms, TODAY)


def test_from_a_date_on_the_new_holds_and_the_old_need_not_be_told() -> None:
    new = from_day(150, B)
    assert succeed((A,), phone(new), TODAY) == succeed((A,), phone(A, new), TODAY) == (A, new)
    assert succeed((A, new), phone(B), 151) == (A, new)  # once it has begun, its date may be left out
    assert succeed((A, new), phone(from_day(200, C)), 151) == (A, new, from_day(200, C))


def test_a_date_of_the_past_changes_the_past_from_there() -> None:
    assert succeed((A, from_day(50, B)), phone(from_day(30, C)), TODAY) == (A, from_day(30, C))
    assert succeed((A, from_day(50, B)), phone(A, from_day(50, C)), TODAY) == (A, from_day(50, C))


def test_what_is_to_come_may_be_put_off_or_withdrawn() -> None:
    stored = (A, from_day(150, B))
    assert succeed(stored, phone(A), TODAY) == (A,)
    assert succeed(stored, phone(from_day(200, B)), TODAY) == (A, from_day(200, B))


def test_what_has_begun_is_not_withdrawn_by_leaving_it_out() -> None:
    stored = (A, from_day(50, B), from_day(80, C))
    message = refused(stored, phone(from_day(50, B)))
    assert message.startswith("phone: spec.indicator.threshold must be as published since 1970-03-22")
    assert "put back what held until 1970-03-21" in refused(stored, phone(A, from_day(80, C)))
    assert "nothing was promised before 1970-02-20" in refused(stored[1:], phone(A, *stored[1:]))


def test_an_objective_keeps_its_kpi() -> None:
    other = Terms(150, "accuracy", 0.9)
    assert "was service_level" in refused((A,), phone(other))
    assert "another name" in refused((A,), phone(other))


def test_what_is_named_no_more_ends_after_today_and_may_begin_again() -> None:
    ended = from_day(TODAY + 1, replace(A, ended=True))
    assert ends((A,), TODAY) == (A, ended)
    assert ends((A, ended), TODAY + 9) == (A, ended)
    assert ends((A, from_day(150, B)), TODAY) == (A, ended)
    assert ends((A, ended, from_day(150, B)), TODAY + 9) == (A, ended)
    assert ends((), TODAY) == ()

    assert succeed((A, ended), phone(A), TODAY) == (A,)
    assert succeed((A, ended), phone(B), TODAY + 9) == (A, ended, from_day(TODAY + 9, B))
    assert succeed((A, ended), phone(B), TODAY + 1) == (A, from_day(TODAY + 1, B))
    dated = (from_day(50, A), from_day(TODAY + 1, replace(A, ended=True)))
    assert succeed(dated, phone(from_day(50, A)), TODAY + 9) == (*dated, from_day(TODAY + 9, A))
    assert succeed((A, ended), phone(from_day(150, B)), TODAY + 9) == (A, ended, from_day(150, B))


def test_a_time_in_which_nothing_was_promised_stays_one() -> None:
    stored = (A, from_day(50, replace(A, ended=True)), from_day(80, B))
    assert succeed(stored, phone(A, from_day(80, B)), TODAY) == stored
    assert succeed(stored[:2], phone(A, from_day(80, B)), TODAY) == stored


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        ((A,), False),
        ((B,), True),
        ((), True),
        ((replace(A, target=0.9, window=Window(Span.WEEK), minimum_events=1),), False),
        ((replace(A, overrides=(Override(("a",), 0.9), Override(("b",), 0.9, A.threshold_us))),), False),
        ((replace(A, overrides=(Override(("a",), None, 1_000_000),)),), True),
        ((from_day(-1000, A),), True),
        ((A, from_day(TODAY, B)), True),
        ((A, from_day(TODAY + 1, B)), False),
        ((A, from_day(50, A)), False),
        ((A, from_day(50, B), from_day(51, A)), True),
        ((A, from_day(TODAY + 1, replace(A, ended=True))), False),
        ((A, from_day(TODAY, replace(A, ended=True))), True),
    ],
)
def test_the_past_changes_where_someone_is_judged_otherwise(new: tuple[Terms, ...], changes: bool) -> None:
    assert changes_past((A,), new, TODAY) is changes
    assert changes_past(new, (A,), TODAY) is changes


BASES = st.sampled_from([A, B, replace(A, target=0.9)])
DATED = st.dictionaries(st.integers(0, 12), BASES, max_size=3)
FILES = st.builds(
    lambda base, dated, always: (
        phone(
            *([base] if base else []),
            *(from_day(day, terms) for day, terms in sorted(dated.items())),
            rewrites=always and base is not None,
        )
        if base or dated
        else None
    ),
    st.none() | BASES,
    DATED,
    st.sampled_from([False, False, False, True]),
)
"""Files that name the objective, or that don't (None)."""


def published(stored: tuple[Terms, ...], file: Promise | None, today: int) -> tuple[Terms, ...] | None:
    """What holds once a file is published; None where it is refused."""
    try:
        return succeed(stored, file, today) if file else ends(stored, today)
    except InvalidInput:
        return None


def promised_on(terms: Sequence[Terms], day: int) -> Terms | None:
    found = Objective(1, "phone", tuple(terms)).at(day)
    return None if found is None or found.ended else replace(found, start_day=None)


@given(st.lists(st.tuples(st.integers(0, 3), FILES), min_size=1, max_size=6))
def test_however_files_follow_one_another(history: list[tuple[int, Promise | None]]) -> None:
    stored: tuple[Terms, ...] = ()
    today = 0
    for later, file in history:
        today += later
        result = published(stored, file, today)
        if result is None:
            continue
        starts = [-1 if terms.start_day is None else terms.start_day for terms in result]
        assert starts == sorted(set(starts))

        # The same file again changes nothing, today or later.
        assert published(result, file, today) == result
        assert published(result, file, today + 5) == result

        # What is to come is as the file says, where it says anything.
        for day in range(today + 1, 15):
            told = promised_on(file.terms, day) if file else None
            if told or not file:
                assert promised_on(result, day) == told

        # What has been is as it was, up to the first day for which the file says anything new.
        has_begun = any(terms.start_day is None or terms.start_day <= today for terms in stored)
        if has_begun and not (file and file.rewrites):
            news = [terms.start_day for terms in file.terms if terms not in stored] if file else []
            until = min([today, *(day - 1 for day in news if day is not None)])
            for day in range(-1, until + 1):
                before = promised_on(stored, day)
                assert promised_on(result, day) == before or (before is None and day == today)
            if until == today and promised_on(stored, today):
                assert not changes_past(stored, result, today)
        stored = result
