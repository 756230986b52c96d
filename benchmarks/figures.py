"""What a benchmark finds: the rows of its table, and with those that an aim or the plot refers to, their numbers."""

import statistics
from collections.abc import Sequence

import msgspec


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of a table. One with a `key` can be referred to, and has its number with the range that it was seen in."""

    what: str
    text: str
    key: str = ""
    median: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0


def measured(what: str, key: str, value: float, text: str) -> Row:
    """A row with a number that was taken once."""
    return Row(what, text, key, value, value, value)


def ratio(what: str, key: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    """How many times `theirs` `ours` is, round by round: the median, and the smallest and largest."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    middle = statistics.median(ratios)
    text = f"{figure(middle)} ({figure(ratios[0])} to {figure(ratios[-1])})"
    return Row(what, text, key, middle, ratios[0], ratios[-1])


def rate(what: str, values: Sequence[float]) -> Row:
    """The median of some rates."""
    return Row(what, f"{statistics.median(values):,.0f}")


def figure(value: float) -> str:
    """A number with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
