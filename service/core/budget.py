"""Budgets: how much of what an objective allows is spent over a window, and where that leads.

Of E events, (1 - target) * E may be breaches; that is the budget. Where the target is not the same for all of them, as
with other promises at other sites or from a day on, the budgets add up. So a figure of several sites is the figure of
their sums, never a mean of figures.

Budgets are kept in whole parts of a breach: 80 % of 20 events are kept with 4 breaches, and 4 must not come out as more
than the 3.9999999999999996 that 20 * (1 - 0.8) is.
"""

from dataclasses import dataclass
from enum import StrEnum

from service.core.window import Span, Window

PARTS = 10**12
"""The parts of a breach in which budgets are added up; a target has no more digits than that."""
_AHEAD_OF_ROLLING = 0.25


class Status(StrEnum):
    """How an objective stands. NO_DATA: fewer events than it takes to say anything."""

    MET = "met"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Spend:
    """Events and breaches over a window, how many breaches are allowed, and what came in the last two days of it.

    `allowed_parts` are parts of a breach, of which PARTS are one.
    """

    events: int = 0
    breaches: int = 0
    allowed_parts: int = 0
    recent_events: int = 0
    recent_breaches: int = 0

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(
            self.events + other.events,
            self.breaches + other.breaches,
            self.allowed_parts + other.allowed_parts,
            self.recent_events + other.recent_events,
            self.recent_breaches + other.recent_breaches,
        )

    @property
    def allowed(self) -> float:
        """How many of the events may be breaches."""
        return self.allowed_parts / PARTS

    @property
    def is_overspent(self) -> bool:
        """Whether there are more breaches than allowed."""
        return self.breaches * PARTS > self.allowed_parts

    def value(self, *, at_most: bool) -> float | None:
        """The share of events that are no breaches, or that are, where that is to be `at_most`; None without events."""
        counted = self.breaches if at_most else self.events - self.breaches
        return counted / self.events if self.events else None

    def target(self, *, at_most: bool) -> float | None:
        """What `value` has to be, over these events; None where there are none."""
        whole = self.events * PARTS
        return (self.allowed_parts if at_most else whole - self.allowed_parts) / whole if whole else None

    @property
    def left_ratio(self) -> float | None:
        """The share of the budget that is left, below 0 where it is overspent; None where there is no budget."""
        left = self.allowed_parts - self.breaches * PARTS
        return left / self.allowed_parts if self.allowed_parts else None

    def projected_left_ratio(self, elapsed: float, minimum_events: int) -> float | None:
        """The share of the budget that will be left at the window's end, if it goes on as in the last two days.

        `elapsed` is the share of the window that is over. The rest is expected to bring as many events a day, and of
        these as many breaches as the last two days, or as the window so far where they brought fewer than
        `minimum_events`: 1 - (elapsed * breaches / events + (1 - elapsed) * recent rate) / (allowed / events).
        """
        left = self.left_ratio
        if left is None or self.recent_events < max(1, minimum_events):
            return left
        change = self.recent_breaches / self.recent_events - self.breaches / self.events
        return left - (1 - elapsed) * change * self.events / self.allowed

    def status(self, elapsed: float, minimum_events: int) -> Status:
        """How an objective stands that spent this: breached once the budget is overspent, at risk if it will be."""
        projected = self.projected_left_ratio(elapsed, minimum_events)
        if projected is None or self.events < minimum_events:
            return Status.NO_DATA
        if self.is_overspent:
            return Status.BREACHED
        return Status.AT_RISK if projected < 0 else Status.MET


def allowed_parts(target: float) -> int:
    """How much of a breach an event allows, in parts, where the share `target` of events must be none."""
    return PARTS - round(target * PARTS)


def elapsed_share(window: Window, today: int) -> float:
    """The share of a window that is over at the end of today; a rolling one is looked at a quarter of it ahead."""
    if window.span is Span.ROLLING:
        return 1 - _AHEAD_OF_ROLLING
    days = window.around(today)
    return (today - days.start + 1) / len(days)
