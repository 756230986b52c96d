"""How sure a difference between two spans of days is, where one day resembles the next.

A day's figure is taken as what it usually is on that weekday, plus how that day was for everyone, plus the chance of
single cases. How a day was carries over to the next: its correlation over n days is r^n. Neither r nor the share of
chance is known, and a few weeks of days tell little of them; to take the likeliest for the true ones is what makes
intervals too narrow. So the interval is a mixture over a grid of both, each weighed by how likely it makes the days
(the restricted likelihood of D. A. Harville, "Bayesian Inference for Variance Components Using Only Error Contrasts",
1974) and, of r, by a prior that falls in a straight line from 0 to 1: neighbouring days usually resemble each other a
little. Given r and the share the difference is distributed as t, with the days less what they were fitted to for its
degrees of freedom.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit
from threadpoolctl import threadpool_limits

LEVEL = 0.95
FEWEST_FREE = 4
"""The least number of days that must be left over after the fit."""

_CARRIED = np.arange(10) / 10
_CHANCE = np.array([0.0, 0.25, 0.5, 0.75, 0.95])
_UPPER = (1 + LEVEL) / 2
_HALVINGS = 60
_LEAST = 1e-3
"""Of a usual day's: so much every day has, so that no covariance is singular."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Day:
    """A day's part in a difference: how far it is from the mean of its span, in units of a usual day.

    `number` is that of the date. `period` is 1 after the change, 0 before it, and -1 earlier still: these days tell
    how days differ, and are not compared. `weight` is how much of its deviation is due to how the day was, and `chance`
    how much variance is due to its single cases, each up to a factor that all days have in common.
    """

    number: int
    period: int
    deviation: float
    weight: float
    chance: float


def free_days(days: Sequence[int]) -> int:
    """How many of some days, told by the numbers of their dates, are left over after the fit."""
    return len(days) - len({day % 7 for day in days}) - 1


def half_width(days: Sequence[Day]) -> float:
    """Half the width of the interval of the difference between the days after and those before.

    There must be days in both, and FEWEST_FREE left over. 0 where no day differs from what it usually is.
    """
    numbers = np.array([day.number for day in days])
    period = np.array([day.period for day in days])
    deviation = np.array([day.deviation for day in days])
    design = np.column_stack([_weekdays(numbers), period == 1]).astype(float)
    free = free_days([day.number for day in days])
    if np.allclose(_residuals(design, deviation), 0.0, atol=1e-9 * float(np.abs(deviation).max(initial=0.0))):
        return 0.0
    contrast = (period == 1) / np.sum(period == 1) - (period == 0) / np.sum(period == 0)
    covariances, prior = _covariances(days, numbers)
    data = np.column_stack([design, deviation])
    # Matrices are so small that threads only get into each other's way, and into that of whoever else is at work.
    with threadpool_limits(limits=1):
        factors = np.linalg.cholesky(covariances)
        whitened = np.linalg.solve(factors, np.broadcast_to(data, (len(factors), *data.shape)))
        diagonal = np.abs(np.diagonal(np.linalg.qr(whitened, mode="r"), axis1=1, axis2=2))
    squares = diagonal[:, -1] ** 2
    log_likelihood = (
        -np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        - np.log(diagonal[:, :-1]).sum(axis=1)
        - free / 2 * np.log(squares)
    )
    weights = prior * np.exp(log_likelihood - log_likelihood.max())
    variances = squares / free * np.einsum("i,kij,j->k", contrast, covariances, contrast)
    return _quantile(weights / weights.sum(), np.sqrt(variances), free)


def _weekdays(numbers: NDArray[np.int_]) -> NDArray[np.bool_]:
    present = np.unique(numbers % 7)
    found: NDArray[np.bool_] = (numbers % 7)[:, None] == present
    return found


def _residuals(design: Numbers, values: Numbers) -> Numbers:
    fitted: Numbers = design @ np.linalg.lstsq(design, values)[0]
    return values - fitted


def _covariances(days: Sequence[Day], numbers: NDArray[np.int_]) -> tuple[Numbers, Numbers]:
    """The covariance of the days for each point of the grid, up to a factor, and the point's prior."""
    weight = np.array([day.weight for day in days])
    weight = np.maximum(weight / weight.mean(), _LEAST)
    chance = np.array([day.chance for day in days])
    chance = np.maximum(chance / chance.mean(), _LEAST)
    apart = np.abs(numbers[:, None] - numbers)
    moods = _CARRIED[:, None, None] ** apart * np.outer(weight, weight)
    share = _CHANCE[:, None, None]
    found = (1 - share) * moods[:, None] + share * np.diag(chance)
    return found.reshape(-1, len(days), len(days)), np.repeat(1 - _CARRIED, len(_CHANCE))


def _quantile(weights: Numbers, scales: Numbers, free: int) -> float:
    """The value that the mixture of t distributions exceeds by (1 - LEVEL) / 2."""
    low, high = 0.0, float(scales.max() * stdtrit(free, _UPPER))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if weights @ stdtr(free, middle / scales) < _UPPER:
            low = middle
        else:
            high = middle
    return high
