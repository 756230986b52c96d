"""The effect of a change on a KPI: what it is after less what it was before, for those changed less for the others.

A KPI of a span is the sum of its days' numerators over that of their denominators, as everywhere. The effect is

    (after - before of those changed) - (after - before of those unchanged)

and a count, which grows by a factor rather than by an amount, is held against what it would be, had it grown like
that of the unchanged: `after - before * (after / before of the unchanged)`. It is a count per site and day.
How sure that is comes from how far each day is from its span's figure; see `uncertainty`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.core.spans import Spans
from service.core.uncertainty import Day, half_width

_AFTER, _BEFORE = 1, 0


@dataclass(frozen=True, slots=True)
class Amount:
    """The numerator and the denominator of a KPI on one day."""

    numerator: float = 0.0
    denominator: float = 0.0

    @property
    def is_something(self) -> bool:
        """Whether there was anything."""
        return bool(self.numerator or self.denominator)


Daily = Mapping[int, Amount]
"""Amounts by day; a day that is missing is left out, as one on which nobody was there."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI over one span; `value` is None where the denominator is 0. `days` are those that had anything in it."""

    value: float | None
    numerator: float
    denominator: float
    days: int


@dataclass(frozen=True, slots=True)
class Side:
    """The figures of those changed, or of those unchanged."""

    before: Figure
    after: Figure


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference and the 95 % interval around it."""

    value: float
    low: float
    high: float


def side(daily: Daily, spans: Spans) -> Side:
    """What a KPI was before and after."""
    return Side(_figure(daily, spans.before), _figure(daily, spans.after))


def effect(changed: Daily, unchanged: Daily | None, spans: Spans, *, by_factor: bool) -> Effect:
    """The effect on those changed; all spans of both sides must have a value, and with `by_factor` one above 0."""
    value, parts = _difference(side(changed, spans), None if unchanged is None else side(unchanged, spans), by_factor)
    half = half_width(_days([changed, unchanged or {}], parts, spans, by_factor=by_factor))
    return Effect(value, value - half, value + half)


def days_in(changed: Daily, unchanged: Daily | None, spans: Spans) -> list[int]:
    """The days on which anything is known of either side."""
    both = (changed, unchanged or {})
    return [day for day in spans.days if any(day in one and one[day].is_something for one in both)]


@dataclass(frozen=True, slots=True)
class _Part:
    """A figure's part in the difference: how much the difference moves when the figure moves by 1."""

    slope: float
    value: float
    usual: float


def _difference(changed: Side, unchanged: Side | None, by_factor: bool) -> tuple[float, list[Mapping[int, _Part]]]:
    after, before = _value(changed.after), _value(changed.before)
    if unchanged is None:
        return after - before, [_parts(changed, 1.0, -1.0)]
    others_after, others_before = _value(unchanged.after), _value(unchanged.before)
    if by_factor:
        growth, size = others_after / others_before, before / others_before
        return after - before * growth, [
            _parts(changed, 1.0, -growth),
            _parts(unchanged, -size, size * growth),
        ]
    difference = (after - before) - (others_after - others_before)
    return difference, [_parts(changed, 1.0, -1.0), _parts(unchanged, -1.0, 1.0)]


def _parts(one: Side, after: float, before: float) -> Mapping[int, _Part]:
    return {
        _AFTER: _Part(after, _value(one.after), one.after.denominator),
        _BEFORE: _Part(before, _value(one.before), one.before.denominator),
    }


def _days(sides: Sequence[Daily], parts: Sequence[Mapping[int, _Part]], spans: Spans, *, by_factor: bool) -> list[Day]:
    """Each day's part in the difference, to the first order of how far it is from the figures of its span.

    Counts vary as much more as there is more to count.
    """
    known = days_in(sides[0], sides[1], spans)
    numbers = {period: sum(spans.period(day) == period for day in known) for period in (_BEFORE, _AFTER)}
    found = []
    for day in known:
        period = spans.period(day)
        of_span = max(period, _BEFORE)
        sign = 1.0 if of_span == _AFTER else -1.0
        deviation = weight = chance = 0.0
        for daily, of_side in zip(sides, parts, strict=False):
            part, amount = of_side[of_span], daily.get(day, Amount())
            usual = part.usual / numbers[of_span]
            share = amount.denominator / usual
            deviation += sign * part.slope * (amount.numerator - part.value * amount.denominator) / usual
            level = abs(part.value) if by_factor else 1.0
            weight += abs(part.slope) * level * share
            chance += part.slope**2 * level * share / usual
        found.append(Day(day, period, deviation, weight, chance))
    return found


def _figure(daily: Daily, days: range) -> Figure:
    amounts = [daily[day] for day in days if day in daily]
    numerator = sum(amount.numerator for amount in amounts)
    denominator = sum(amount.denominator for amount in amounts)
    there = sum(amount.denominator > 0 for amount in amounts)
    return Figure(numerator / denominator if denominator else None, numerator, denominator, there)


def _value(figure: Figure) -> float:
    if figure.value is None:
        raise ValueError(figure)
    return figure.value
