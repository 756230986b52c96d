"""The days that are compared: whole weeks right before a change and right after it, so that weekdays are alike."""

from dataclasses import dataclass, replace

MAX_WEEKS = 8
"""The longest span: what is further away from a change has more and more other causes."""
EARLIER_WEEKS = 8
"""How much is read of the time before, to learn how days differ where nothing changed."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The days before a change, those after it, as many, and earlier ones; numbers of dates.

    The days of the change itself are between `before` and `after` and in neither.
    """

    earlier: range
    before: range
    after: range

    @property
    def weeks(self) -> int:
        """How long the spans are."""
        return len(self.before) // 7

    @property
    def compared(self) -> tuple[int, ...]:
        """The days of both."""
        return (*self.before, *self.after)

    @property
    def days(self) -> tuple[int, ...]:
        """All days, in their order."""
        return (*self.earlier, *self.before, *self.after)

    def period(self, day: int) -> int:
        """1 for a day after the change, 0 before it, -1 for an earlier one."""
        return 1 if day in self.after else 0 if day in self.before else -1

    def learning_from(self, day: int) -> "Spans":
        """The same spans, with no earlier days than from one on."""
        return replace(self, earlier=range(max(day, self.earlier.start), self.earlier.stop))

    def counterpart(self, day: int) -> int:
        """The day of the other span with the same weekday, in the same week of it."""
        here, there = (self.before, self.after) if day in self.before else (self.after, self.before)
        first = there.start + (day - here.start) // 7 * 7
        return first + (day - first) % 7


def weeks_known(change: range, known: range) -> tuple[int, int]:
    """How many whole weeks are known right before the days of a change, and right after."""
    return max(0, (change.start - known.start) // 7), max(0, (known.stop - change.stop) // 7)


def spans(change: range, known: range, weeks: int) -> Spans:
    """The spans of so many weeks around the days of a change."""
    before = range(change.start - 7 * weeks, change.start)
    earlier = range(max(min(known.start, before.start), before.start - 7 * EARLIER_WEEKS), before.start)
    return Spans(earlier, before, range(change.stop, change.stop + 7 * weeks))
