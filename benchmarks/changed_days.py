"""Days of sites as they might have been, with a change of known effect in them.

How well a site does on a day is its own level, the weekday's, how that day was for all sites and how it was for this
one, both of which carry over to the next day, and less where more came than usual. How many come follows the weekday,
and varies more than chance alone would have it. With unchanged sites beside the changed ones, all of them get better
at the time of the change by a step that is none of its doing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.core.change import Change
from service.core.comparison import Comparison, Material, Reading, compare
from service.core.effect import Amount

SHARE, MEAN, COUNT = "share", "mean", "count"
_BUSY = np.array([1.0, 0.9, 0.95, 1.0, 1.3, 1.5, 0.7])
_GOOD = np.array([0.0, 0.01, 0.0, 0.0, -0.03, -0.05, 0.02])
_MOOD, _CROWD, _COMMON_STEP = 0.03, 0.15, 0.02
_SECONDS = 200.0
READINGS = {
    SHARE: Reading(is_count=False, is_share=True, better="higher"),
    MEAN: Reading(is_count=False, is_share=False, better="lower"),
    COUNT: Reading(is_count=True, is_share=False, better="neutral"),
}

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated. `effect` is in shares of 1 and of the mean, `carried` how far a day is like the one before it.

    `volume` is how many come to a middling site on a usual day; `earlier_weeks` are known before the spans compared.
    """

    kind: str = SHARE
    changed: int = 2
    unchanged: int = 6
    weeks: int = 4
    carried: float = 0.3
    effect: float = 0.03
    volume: float = 150.0
    earlier_weeks: int = 8


def compared(world: World, seed: int) -> tuple[Comparison, float]:
    """What is found of a world, and the effect that is in it."""
    random = np.random.default_rng(seed)
    change_day = 20_000 + int(random.integers(7))
    spans_days, earlier = 7 * world.weeks, 7 * world.earlier_weeks
    days = np.arange(change_day - spans_days - earlier, change_day + spans_days + 1)
    sites = world.changed + world.unchanged
    after = (days > change_day)[:, None]
    treated = np.arange(sites) < world.changed
    crowd = np.exp(
        _carrying(random, world, (len(days), 1), _CROWD) + _carrying(random, world, (len(days), sites), _CROWD)
    )
    usual = world.volume * np.exp(random.normal(0, 0.6, sites)) * _BUSY[days % 7][:, None]
    step = _COMMON_STEP * after if world.unchanged else np.zeros_like(after)
    if world.kind == COUNT:
        expected = usual * (1 + 5 * step)
        came = random.poisson(expected * crowd * np.where(after & treated, 1 + 5 * world.effect, 1.0))
        numerators, denominators = came.astype(float), np.zeros(came.shape)
        truth = 5 * world.effect * _mean_of(expected, days > change_day, treated)
    else:
        came = random.poisson(random.gamma(20, usual * crowd / 20))
        good = (
            np.clip(0.75 + random.normal(0, 0.06, sites), 0.5, 0.92)
            + _GOOD[days % 7][:, None]
            + _carrying(random, world, (len(days), 1), _MOOD)
            + _carrying(random, world, (len(days), sites), _MOOD)
            - 0.05 * np.log(crowd)
            + step
            + np.where(after & treated, world.effect, 0.0)
        )
        denominators = came.astype(float)
        if world.kind == SHARE:
            numerators, truth = random.binomial(came, np.clip(good, 0, 1)).astype(float), world.effect
        else:
            seconds = random.gamma(np.maximum(came, 1), _SECONDS * good)
            numerators, truth = np.where(came > 0, seconds, 0.0), _SECONDS * world.effect
    return _found(world, days, change_day, numerators, denominators), truth


def _carrying(random: np.random.Generator, world: World, shape: tuple[int, int], deviation: float) -> Numbers:
    """Deviations of days, each of which carries over to the next."""
    fresh = random.normal(0, deviation, shape)
    found = np.empty(shape)
    found[0] = fresh[0]
    for day in range(1, shape[0]):
        found[day] = world.carried * found[day - 1] + np.sqrt(1 - world.carried**2) * fresh[day]
    return found


def _mean_of(expected: Numbers, days: NDArray[np.bool_], sites: NDArray[np.bool_]) -> float:
    """The mean over days and sites; how crowded days are varies around what is usual by a factor of its own mean."""
    return float(expected[days][:, sites].mean() * np.exp(_CROWD**2))


def _found(world: World, days: NDArray[np.int_], change_day: int, over: Numbers, under: Numbers) -> Comparison:
    names = [f"site-{number}" for number in range(over.shape[1])]
    everyday = frozenset(days.tolist())
    amounts = {
        (name, "tills"): {
            day: Amount(*pair)
            for day, *pair in zip(days.tolist(), over[:, place].tolist(), under[:, place].tolist(), strict=True)
        }
        for place, name in enumerate(names)
    }
    known = range(int(days[0]), int(days[-1]) + 1)
    change = Change("training", "training", 0, tuple(names[: world.changed]))
    material = Material(amounts, dict.fromkeys(names, everyday), known, lambda _, __: False)
    return compare(change, range(change_day, change_day + 1), [], material, READINGS[world.kind], world.weeks)
