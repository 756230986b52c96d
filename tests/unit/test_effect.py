"""Effects: the difference by hand, and how wide the interval around it is."""

import itertools
import random
from statistics import fmean, stdev

import pytest
from scipy.special import stdtrit
from scipy.stats import ttest_ind

from service.core.effect import Amount, Daily, effect, side
from service.core.spans import spans
from service.core.uncertainty import Day, free_days, half_width

SPANS = spans(range(20_000, 20_001), range(19_986, 20_100), 2)


def steady(before: tuple[float, float], after: tuple[float, float]) -> Daily:
    """Days that are all alike before, and all alike after, but for a case more and one less in turn."""
    found = {}
    for number, day in enumerate(SPANS.days):
        over, under = after if day in SPANS.after else before
        found[day] = Amount(over + (-1) ** number, under)
    return found


def test_without_unchanged_ones_it_is_after_less_before() -> None:
    found = effect(steady((60, 100), (75, 100)), None, SPANS, by_factor=False)
    assert found.value == pytest.approx(0.15)
    assert found.low < 0.15 < found.high
    assert found.high - found.value == pytest.approx(found.value - found.low)


def test_the_figures_are_sums_over_sums_and_no_means_of_days() -> None:
    daily = dict.fromkeys(SPANS.days, Amount(1, 10)) | {SPANS.after[0]: Amount(90, 100)}
    figure = side(daily, SPANS).after
    assert (figure.numerator, figure.denominator, figure.days) == (13 + 90, 130 + 100, 14)
    assert figure.value == pytest.approx(103 / 230)
    assert side({}, SPANS).before.value is None


def test_what_became_of_the_unchanged_is_taken_off() -> None:
    changed, unchanged = steady((60, 100), (75, 100)), steady((300, 500), (350, 500))
    assert effect(changed, unchanged, SPANS, by_factor=False).value == pytest.approx(0.15 - 0.1)


def test_a_count_is_held_against_the_factor_by_which_the_unchanged_grew() -> None:
    # Two thirds more, where the unchanged grew by a half: 100 where 90 could be expected.
    changed, unchanged = steady((60, 1), (100, 1)), steady((400, 2), (600, 2))
    assert effect(changed, unchanged, SPANS, by_factor=True).value == pytest.approx(100 - 60 * 1.5)


def test_a_day_that_was_good_for_everyone_says_nothing_of_the_difference() -> None:
    draws = random.Random(4)
    moods = {day: draws.randrange(-20, 21) for day in SPANS.days}
    changed = {day: Amount(60 + moods[day] + draws.randrange(-1, 2), 100) for day in SPANS.days}
    unchanged = {day: Amount(60 + moods[day] + draws.randrange(-1, 2), 100) for day in SPANS.days}
    alone = effect(changed, None, SPANS, by_factor=False)
    against = effect(changed, unchanged, SPANS, by_factor=False)
    assert against.high - against.low < (alone.high - alone.low) / 5


def days(deviations: list[float], first_after: int) -> list[Day]:
    return [Day(number, int(number >= first_after), one, 1.0, 1.0) for number, one in enumerate(deviations)]


def test_the_interval_of_days_that_have_nothing_to_do_with_each_other_is_about_that_of_a_t_test() -> None:
    draws = random.Random(1)
    widths = []
    for _ in range(40):
        drawn = [draws.gauss(0, 1) for _ in range(112)]
        before, after = drawn[:56], drawn[56:]
        expected = ttest_ind(after, before).confidence_interval(0.95)
        widths.append(half_width(days(drawn, 56)) / ((expected.high - expected.low) / 2))
    assert 0.95 < fmean(widths) < 1.35


def test_it_is_wider_where_days_resemble_the_one_before() -> None:
    draws = random.Random(2)
    fresh = [draws.gauss(0, 1) for _ in range(112)]
    carried = list(itertools.accumulate(fresh, lambda before, now: 0.8 * before + now))
    shuffled = draws.sample(carried, len(carried))
    assert half_width(days(carried, 56)) > 1.5 * half_width(days(shuffled, 56))


def test_a_pattern_of_weekdays_is_no_uncertainty() -> None:
    draws = random.Random(3)
    drawn = [draws.gauss(0, 1) for _ in range(56)]
    weekly = [one + 50 * (number % 7) for number, one in enumerate(drawn)]
    assert half_width(days(weekly, 28)) == pytest.approx(half_width(days(drawn, 28)), rel=1e-6)
    assert half_width(days([float(number % 7) for number in range(56)], 28)) == 0


def test_it_is_as_many_times_as_wide_as_days_differ_more() -> None:
    draws = random.Random(5)
    drawn = [draws.gauss(0, 1) for _ in range(28)]
    assert half_width(days([1000 * one for one in drawn], 14)) == pytest.approx(1000 * half_width(days(drawn, 14)))


def test_earlier_days_tell_how_days_differ() -> None:
    draws = random.Random(6)
    drawn = [draws.gauss(0, 1) for _ in range(70)]
    of_two_weeks = days(drawn[56:], 7)
    learned = [Day(number, -1 if number < 56 else int(number >= 63), one, 1.0, 1.0) for number, one in enumerate(drawn)]
    assert (free_days(range(14)), free_days(range(70))) == (6, 62)
    assert half_width(learned) < half_width(of_two_weeks)


def test_seven_days_on_either_side_are_judged_with_six_to_spare() -> None:
    # Where days tell of no resemblance the width is near that of t with six degrees of freedom, and not below it.
    pairs = [3.0, -1.0, 2.0, -2.0, 1.0, -3.0, 0.5]
    drawn = [*(-one for one in pairs), *pairs]
    width = half_width(days(drawn, 7))
    plain = stdtrit(6, 0.975) * stdev([2 * one for one in pairs]) / 7**0.5
    assert 0.8 * plain < width < 2.5 * plain
