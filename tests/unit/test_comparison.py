"""Who is compared with whom over which days, what is left out, and when there is too little to say anything."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from service.core.change import Change
from service.core.comparison import Comparison, Lacking, Material, Place, Reading, compare
from service.core.effect import Amount

DAY = 20_000
SHARE = Reading(is_count=False, is_share=True, better="higher")
COUNT = Reading(is_count=True, is_share=False, better="neutral")
WOBBLE = (0, 3, -2, 1, -4, 2, 5, -1, -3, 4, 0, -5, 2)


SPAN = range(DAY - 28, DAY + 29)


def days(before: float = 60, after: float = 60, of: float = 100, span: range = SPAN, turn: int = 0) -> Any:
    """Amounts that wobble around one number before the change and another from it on, each `turn` in its own way."""
    level = {day: before if day <= DAY else after for day in span}
    return {day: Amount(level[day] + WOBBLE[day * (day + turn) % len(WOBBLE)], of) for day in span}


def found(
    amounts: Mapping[Place, Any],
    *,
    sites: tuple[str, ...] | None = ("a",),
    queues: tuple[str, ...] | None = None,
    others: list[tuple[Change, int]] | None = None,
    closed: Callable[[str, int], bool] = lambda _site, _day: False,
    reading: Reading = SHARE,
    weeks: int | None = 4,
    over: int = DAY + 29,
) -> Comparison:
    there = {site: frozenset[int]().union(*(amounts[one] for one in amounts if one[0] == site)) for site, _ in amounts}
    material = Material(amounts, there, range(DAY - 112, over), closed)
    change = Change("course", "training", 0, sites, queues)
    return compare(change, range(DAY, DAY + 1), others or [], material, reading, weeks)


def test_changed_sites_are_held_against_all_others() -> None:
    it = found({("a", "tills"): days(after=75), ("b", "tills"): days(turn=1), ("c", "drive"): days()})
    assert it.changed is not None
    assert it.unchanged is not None
    assert (it.changed.sites, it.unchanged.sites) == (("a",), ("b", "c"))
    assert it.unchanged.queues == ("drive", "tills")
    assert it.effect is not None
    assert it.effect.value == pytest.approx(0.15, abs=0.02)
    assert it.verdict(SHARE) == "better"


def test_a_changed_queue_is_held_against_the_same_queue_elsewhere() -> None:
    amounts = {
        ("a", "tills"): days(after=75),
        ("a", "drive"): days(),
        ("b", "tills"): days(turn=1),
        ("b", "drive"): days(),
    }
    it = found(amounts, queues=("tills",))
    assert it.unchanged is not None
    assert (it.unchanged.sites, it.unchanged.queues) == (("b",), ("tills",))
    it = found(amounts, sites=None, queues=("tills",))
    assert it.changed is not None
    assert it.unchanged is not None
    assert (it.changed.sites, it.changed.queues) == (("a", "b"), ("tills",))
    assert (it.unchanged.sites, it.unchanged.queues) == (("a", "b"), ("drive",))


def test_a_change_of_everything_has_nothing_to_be_held_against() -> None:
    it = found({("a", "tills"): days(after=75), ("b", "tills"): days(after=75)}, sites=None)
    assert it.unchanged is None
    assert it.verdict(SHARE) == "better"


@pytest.mark.parametrize(
    ("reading", "after", "verdict"),
    [
        (SHARE, 75, "better"),
        (SHARE, 45, "worse"),
        (SHARE, 60, "no_effect_shown"),
        (Reading(is_count=False, is_share=True, better="lower"), 75, "worse"),
        (Reading(is_count=False, is_share=True, better="lower"), 45, "better"),
        (COUNT, 75, "higher"),
        (COUNT, 45, "lower"),
        (COUNT, 60, "no_effect_shown"),
    ],
)
def test_the_verdict_knows_which_way_is_better(reading: Reading, after: float, verdict: str) -> None:
    of = 0 if reading.is_count else 100
    amounts = {("a", "tills"): days(after=after, of=of), ("b", "tills"): days(of=of, turn=1)}
    assert found(amounts, reading=reading).verdict(reading) == verdict


def test_a_closed_day_is_left_out_with_the_same_weekday_of_the_other_span() -> None:
    holiday = DAY + 3
    amounts = {("a", "tills"): days() | {holiday: Amount(1, 1)}, ("b", "tills"): days(turn=1)}
    it = found(amounts, closed=lambda site, day: (site, day) == ("a", holiday))
    assert it.spans is not None
    counterpart = it.spans.counterpart(holiday)
    assert it.left_out == {holiday: ["a"], counterpart: ["a"]}
    assert it.changed is not None
    assert it.unchanged is not None
    assert (it.changed.figures.before.days, it.changed.figures.after.days) == (27, 27)
    assert it.changed.figures.after.denominator == 27 * 100
    assert it.unchanged.figures.after.days == 28


def test_a_day_of_which_nothing_was_posted_is_left_out_and_is_no_day_of_nobody() -> None:
    amounts = {("a", "tills"): days(of=0), ("b", "tills"): days(of=0)}
    del amounts["a", "tills"][DAY - 5]
    it = found(amounts, reading=COUNT)
    assert it.changed is not None
    assert it.changed.figures.before.denominator == 27
    assert DAY - 5 in it.left_out


def test_a_site_that_opened_meanwhile_is_left_out() -> None:
    new = days(span=range(DAY - 3, DAY + 29))
    it = found({("a", "tills"): days(after=75), ("b", "tills"): days(turn=1), ("c", "tills"): new})
    assert it.without_data == ["c"]
    assert it.unchanged is not None
    assert it.unchanged.sites == ("b",)


def test_sites_at_which_something_else_was_changed_are_no_longer_unchanged() -> None:
    amounts = {("a", "tills"): days(after=75), ("b", "tills"): days(turn=1), ("c", "tills"): days(after=80)}
    other = Change("new tills", "system", 0, ("c",))
    it = found(amounts, others=[(other, DAY + 5)])
    assert it.unchanged is not None
    assert it.unchanged.sites == ("b",)
    assert it.not_held_against == ["c"]
    assert it.also_changed == []
    assert found(amounts, others=[(other, DAY + 29)]).not_held_against == []


def test_another_change_at_the_same_site_is_told_and_one_before_ends_what_is_learned_from() -> None:
    amounts = {("a", "tills"): days(after=75, span=range(DAY - 60, DAY + 29)), ("b", "tills"): days(turn=1)}
    other = Change("new tills", "system", 0, ("a",))
    assert found(amounts, others=[(other, DAY - 10)]).also_changed == [other]
    it = found(amounts, others=[(other, DAY - 40)])
    assert it.also_changed == []
    assert it.spans is not None
    assert it.spans.earlier == range(DAY - 39, DAY - 28)


def test_spans_are_as_long_as_is_known_and_eight_weeks_at_most() -> None:
    long = {("a", "tills"): days(span=range(DAY - 100, DAY + 100))}
    for amounts, over, weeks in ((long, DAY + 100, 8), (long, DAY + 20, 2), ({("a", "tills"): days()}, DAY + 100, 4)):
        it = found(amounts, weeks=None, over=over)
        assert it.spans is not None
        assert it.spans.weeks == weeks


@pytest.mark.parametrize(
    ("amounts", "lacking"),
    [
        ({}, Lacking("sites or queues that the change is about, with data", 1, 0)),
        ({("b", "tills"): days(turn=1)}, Lacking("sites or queues that the change is about, with data", 1, 0)),
        (
            {("a", "tills"): days(span=range(DAY - 27, DAY + 29))},
            Lacking("whole weeks with data before it", 4, 3),
        ),
        (
            {("a", "tills"): days(of=1, before=1, after=1)},
            Lacking("cases before it", 30, 28),
        ),
        (
            {("a", "tills"): {day: Amount(99.9, 100) for day in SPAN}},
            Lacking("cases of each kind, those that the numerator counts and the others,", 10, 5),
        ),
        (
            {("a", "tills"): {day: Amount(60, 100) for day in SPAN}},
            Lacking("days that differ from each other", 2, 0),
        ),
        (
            {("a", "tills"): {day: Amount(3, 10 * (day % 7 == 1)) for day in SPAN}},
            Lacking("days with data before it", 5, 4),
        ),
    ],
)
def test_what_is_lacking_is_named_with_how_much_of_it_there_is(amounts: Any, lacking: Lacking) -> None:
    it = found(amounts)
    assert lacking in it.lacking
    assert it.effect is None
    assert it.verdict(SHARE) == "too_little_data"


def test_with_too_little_of_the_unchanged_before_and_after_are_compared() -> None:
    few = {day: Amount(0, day % 2) for day in SPAN}
    it = found({("a", "tills"): days(after=75), ("b", "tills"): few})
    assert it.unchanged is None
    assert it.effect is not None
    assert it.effect.value == pytest.approx(0.15, abs=0.02)
