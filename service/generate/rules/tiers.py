"""Burn rates: how fast a budget may burn before somebody is told.

An objective with target t leaves a budget of b = 1 - t: that share of a window's events may be breaches. Where a share
r of the events are breaches, the budget burns r / b times as fast as it may, which is the *burn rate*. In a span of
length s, a burn rate f takes f * s / window of the whole budget. So who wants to hear of a share p of the budget
gone within s has to be told at

    f = p * window / s,   that is where   r > f * b.

This is the multi-window, multi-burn-rate alert of Google's "The Site Reliability Workbook", chapter 5: 2 % in an hour
(14.4 of a window of 30 days), 5 % in six hours (6), 10 % in three days (1). The short span must burn as well, so that
an alert ends soon after what caused it.

The scheme was made for targets such as 99.9 %. No more than all events can be breaches, so a burn rate is never above
1 / b: at a target of 80 % it is at most 5, and an alert at 14.4 would never fire. Hence thresholds are capped. A tier
fires at the latest when its *cap share* of what could still go wrong beyond the budget does:

    r > min(f * b, b + cap share * (1 - b)).

Cap shares fall from tier to tier as burn rates do, so the faster tier always has the higher threshold, and each lies
below 1. The last tier has none: whatever breaks the promise over three days is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.core.objective import About, BurnRate, Severity, Terms
from service.generate.rules.options import DAY, HOUR, MINUTE, duration


@dataclass(frozen=True, slots=True)
class Tier:
    """An alert at a share of breaches above `threshold`, over a long and over a short span in seconds."""

    name: str
    long_seconds: int
    short_seconds: int
    threshold: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class _Usual:
    name: str
    long_seconds: int
    short_seconds: int
    budget_share: float
    cap_share: float
    severity: Severity


_FAST = _Usual("fast", HOUR, 5 * MINUTE, 0.02, 0.5, Severity.PAGE)
_USUAL = (
    _Usual("outage", 15 * MINUTE, 5 * MINUTE, 0.02, 0.75, Severity.PAGE),
    _FAST,
    _Usual("slow", 6 * HOUR, 30 * MINUTE, 0.05, 0.25, Severity.PAGE),
    _Usual("day", DAY, 2 * HOUR, 0.10, 0.125, Severity.TICKET),
    _Usual("days", 3 * DAY, 6 * HOUR, 0.10, 0.0, Severity.TICKET),
)


def usual_tiers(target: float, window_days: int) -> tuple[Tier, ...]:
    """The tiers of an objective that names none, the fastest first; those that the window is too short for left out."""
    return tuple(
        Tier(one.name, one.long_seconds, one.short_seconds, _threshold(one, target, window_days), one.severity)
        for one in _USUAL
        if one.long_seconds < window_days * DAY
    )


def own_tiers(target: float, burn_rates: Sequence[BurnRate]) -> tuple[Tier, ...]:
    """The tiers of burn rates that an objective names, as they are: uncapped."""
    return tuple(
        Tier(
            f"{one.factor:g}x-{duration(one.long_seconds)}-{duration(one.short_seconds)}",
            one.long_seconds,
            one.short_seconds,
            one.factor * (1 - target),
            one.severity,
        )
        for one in burn_rates
    )


def tiers_of(terms: Terms, about: About) -> tuple[Tier, ...]:
    """The tiers of an objective under its terms, each as loud as the objective lets it be."""
    usual = usual_tiers(terms.target, terms.window.usual_days)
    tiers = own_tiers(terms.target, about.burn_rates) if about.burn_rates else usual
    return tuple(
        Tier(one.name, one.long_seconds, one.short_seconds, one.threshold, _quieter(one.severity, about.severity))
        for one in tiers
    )


def failing_threshold(terms: Terms) -> float:
    """The share of breaches from which a line with few customers fails them: that of the usual fast tier."""
    return _threshold(_FAST, terms.target, terms.window.usual_days)


def _threshold(tier: _Usual, target: float, window_days: int) -> float:
    budget = 1 - target
    factor = max(1.0, tier.budget_share * window_days * DAY / tier.long_seconds)
    return min(factor * budget, budget + tier.cap_share * (1 - budget))


def _quieter(one: Severity, other: Severity) -> Severity:
    loudness = list(reversed(Severity))
    return min(one, other, key=loudness.index)
