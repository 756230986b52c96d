"""Intervals around effects hold them as often as they say, on simulated changes: the short form of `make coverage`."""

from dataclasses import replace
from math import sqrt

import pytest

from benchmarks.changed_days import COUNT, MEAN, SHARE, World
from benchmarks.coverage import outcomes

RUNS = 200
# Further from 95 % than this is seen by chance once in ten thousand times, where 95 % is right.
SLACK = 3.9 * sqrt(0.95 * 0.05 / RUNS)


@pytest.mark.parametrize("unchanged", [0, 6])
@pytest.mark.parametrize(("kind", "weeks"), [(SHARE, 1), (SHARE, 4), (MEAN, 2), (COUNT, 2)])
def test_the_interval_holds_the_effect_and_none_is_told_where_there_is_none(
    kind: str, weeks: int, unchanged: int
) -> None:
    world = World(kind=kind, weeks=weeks, unchanged=unchanged, earlier_weeks=4)
    runs = range(7_000, 7_000 + RUNS)
    held = sum(one.held for one in outcomes(world, runs)) / RUNS
    assert abs(held - 0.95) < SLACK
    told = sum(one.told for one in outcomes(replace(world, effect=0.0), runs)) / RUNS
    assert abs(told - 0.05) < SLACK


def test_an_effect_that_is_large_is_told() -> None:
    told = [one.told for one in outcomes(World(effect=0.12), range(40))]
    assert sum(told) > 35
