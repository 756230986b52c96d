"""What a transaction of a writer works by."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from service.core.measure import SeriesKey
from service.core.policy import Policy


class Keys(Protocol):
    """Tells what the numbers of series mean."""

    async def keys_of(self, numbers: Collection[int]) -> Mapping[int, SeriesKey]:
        """The (site, queue, channel, facet) of each series, by the series' numbers."""
        ...


class Turn(NamedTuple):
    """The stripe that is the transaction's own, the policy in force, the time, the live horizon, and all series.

    `is_repair` says that what is stored cannot be relied on.
    """

    stripe: int
    policy: Policy
    now_us: int
    horizon_us: int
    series: Keys
    is_repair: bool = False
