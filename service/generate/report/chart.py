"""A chart of daily values against their target, as SVG."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor

from service.core.budget import Spend
from service.core.window import date_of
from service.generate.report.figures import Section
from service.generate.report.words import amount, percent, share

_WIDTH, _HEIGHT = 720, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 28
_STEPS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_LINES = 5


@dataclass(frozen=True, slots=True)
class _Dot:
    """A day's value: the place of the day in the month, and what it came to."""

    place: int
    value: float
    target: float
    spend: Spend
    is_settled: bool


class _Scale:
    """From days and shares to places in the picture."""

    def __init__(self, days: int, shares: Iterable[float]) -> None:
        shares = list(shares)
        low, high = min(shares), max(shares)
        step = next((step for step in _STEPS if (high - low or 0.1) / step <= _MOST_LINES - 2), _STEPS[-1])
        first, last = max(0, floor(low / step - 0.25)), min(round(1 / step), ceil(high / step + 0.25))
        self.lines = [round(number * step, 6) for number in range(first, last + 1)]
        self._width = (_WIDTH - _LEFT - _RIGHT) / days

    def x(self, place: float) -> float:
        """The middle of a day; its edges are half a day away."""
        return round(_LEFT + (place + 0.5) * self._width, 1)

    def y(self, value: float) -> float:
        """The height of a share."""
        low, high = self.lines[0], self.lines[-1]
        return round(_TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)


def chart(section: Section, days: range) -> str:
    """The picture, or nothing where no day has any events."""
    dots = list(_dots(section, days))
    if not dots:
        return ""
    scale = _Scale(len(days), (share for dot in dots for share in (dot.value, dot.target)))
    at_most = section.whole.terms.is_at_most
    parts = [
        *_axes(scale, days),
        *(f'<path class="values" d="{path}"/>' for path in _lines(scale, [dot for dot in dots if dot.is_settled])),
        f'<path class="target" d="{"".join(_steps(scale, dots))}"/>',
        *(_mark(scale, dot, days, at_most=at_most) for dot in dots),
    ]
    label = escape(f"{section.title}: each day against its target")
    return (
        f'<div class="wide"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg></div>"
    )


def _dots(section: Section, days: range) -> Iterator[_Dot]:
    at_most = section.whole.terms.is_at_most
    for day in section.days:
        for spend, is_settled in ((day.provisional, False), (day.settled, True)):
            value = None if spend is None else spend.value(at_most=at_most)
            target = None if spend is None else spend.target(at_most=at_most)
            if spend is not None and value is not None and target is not None:
                yield _Dot(day.day - days.start, value, target, spend, is_settled)


def _axes(scale: _Scale, days: range) -> Iterator[str]:
    for line in scale.lines:
        height = scale.y(line)
        yield f'<path class="grid" d="M{_LEFT} {height}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{height + 4}" text-anchor="end">{share(line)}</text>'
    for place in range(len(days)):
        if place == 0 or (place + 1) % 5 == 0:
            yield f'<text x="{scale.x(place)}" y="{_HEIGHT - 8}" text-anchor="middle">{place + 1}</text>'


def _lines(scale: _Scale, dots: Sequence[_Dot]) -> Iterator[str]:
    """The days that follow each other, joined; over a day without events there is no line."""
    path = ""
    last = None
    for dot in dots:
        joins = last is not None and dot.place == last + 1
        if path and not joins:
            yield path
            path = ""
        path += f"{'L' if path else 'M'}{scale.x(dot.place)} {scale.y(dot.value)}"
        last = dot.place
    if path:
        yield path


def _steps(scale: _Scale, dots: Sequence[_Dot]) -> Iterator[str]:
    """The target of each day that has one, over the whole breadth of the day."""
    targets = {dot.place: dot.target for dot in dots}
    for place, target in targets.items():
        yield f"M{scale.x(place - 0.5)} {scale.y(target)}H{scale.x(place + 0.5)}"


def _mark(scale: _Scale, dot: _Dot, days: range, *, at_most: bool) -> str:
    """A disc where the target is met, a larger diamond where it is not, and an outline of it while provisional."""
    x, y = scale.x(dot.place), scale.y(dot.value)
    kind = ("missed" if dot.spend.is_overspent else "kept") + ("" if dot.is_settled else " open")
    counted = dot.spend.breaches if at_most else dot.spend.events - dot.spend.breaches
    told = (
        f"{date_of(days[dot.place])}: {percent(dot.value, dot.target)} ({amount(counted)} / {amount(dot.spend.events)})"
        f", target {percent(dot.target)}{'' if dot.is_settled else ', provisional'}"
    )
    shape = (
        f'<path d="M{x} {round(y - 5.5, 1)}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>'
        if dot.spend.is_overspent
        else f'<circle cx="{x}" cy="{y}" r="3.2"/>'
    )
    return f'<g class="{kind}"><title>{escape(told)}</title>{shape}</g>'
