"""How much somebody may do in a second, and how long to wait after too much."""

import math


class Allowance:
    """A budget that fills by `per_second` up to what a second brings; a large request may overdraw a full one.

    So a post of ten thousand events passes where a hundred a second are allowed, and the next one has to wait until
    its debt is paid. The time is a parameter, in seconds of any clock that never goes back.
    """

    __slots__ = ("_at", "_left", "per_second")

    def __init__(self, per_second: int, now: float) -> None:
        self.per_second = per_second
        self._left = float(per_second)
        self._at = now

    def take(self, amount: int, now: float) -> int:
        """Take an amount, and return 0; or take nothing, and return the whole seconds to wait."""
        self._left = min(float(self.per_second), self._left + (now - self._at) * self.per_second)
        self._at = now
        if self._left <= 0:
            return max(1, math.ceil((1 - self._left) / self.per_second))
        self._left -= amount
        return 0
