"""How long things take, as distributions that are drawn from."""

import math
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A duration in seconds: half are below `median`; `sigma` is of the logarithm."""

    median: float
    sigma: float

    @property
    def mean(self) -> float:
        """The mean in seconds."""
        return self.median * math.exp(self.sigma**2 / 2)

    def sample(self, chance: Random) -> float:
        """One duration."""
        return self.median * math.exp(chance.gauss(0.0, self.sigma))


@dataclass(frozen=True, slots=True)
class Exponential:
    """A duration in seconds without memory, as patience is often taken to be."""

    mean: float

    def sample(self, chance: Random) -> float:
        """One duration."""
        return chance.expovariate(1.0 / self.mean)


Duration = LogNormal | Exponential
