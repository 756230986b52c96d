"""Integrals: time during which something stood as it did, added up when somebody asks.

They come from levels, not from interactions: see `service.core.levels`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Integral:
    """A sum of time over an interval, in microseconds, up to now; `of_resources` if they have it, by their kind."""

    name: str
    help: str
    formula: str
    of_resources: bool = True


INTEGRALS: tuple[Integral, ...] = (
    Integral(
        "open_us",
        "time for which resources were known while their site was open",
        "sum over resources of the site's opening time from the resource's first event on",
    ),
    Integral(
        "up_us",
        "of this, the time for which they worked",
        "sum over resources of the opening time in the state up",
    ),
    Integral(
        "degraded_us",
        "of this, the time for which they worked badly",
        "sum over resources of the opening time in the state degraded",
    ),
    Integral(
        "staffed_us",
        "time for which somebody served queues, added up over those who did",
        "sum over queues of the number staffed * time",
        of_resources=False,
    ),
)
INTEGRAL_BY_NAME: Mapping[str, Integral] = {integral.name: integral for integral in INTEGRALS}
OF_RESOURCES = frozenset(integral.name for integral in INTEGRALS if integral.of_resources)
STAFFED_US = "staffed_us"
