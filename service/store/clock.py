"""The time here, as everything that depends on it takes it: as a function, so that tests drive it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]


def system_clock_us() -> int:
    """The time here, in whole microseconds since 1970."""
    return time.time_ns() // 1000
