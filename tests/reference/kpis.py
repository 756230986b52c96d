"""Every KPI, recomputed from a flat list of visits and interactions in exact fractions.

Readings adopted where the definitions are silent:

- What belongs to no known site is counted nowhere, neither the visits nor the interaction.
- An answered visit of unknown wait counts in A and never in A<=T; an abandoned one counts in B, and in none
  of B<=T, B>T and Bs.
- `max_wait` is over the same visits as `average_wait`: answered or abandoned, with a known wait.
- A ratio divides two counts as they are: an interaction reopened, transferred, escalated or corrected counts
  in the numerator whether or not it is in the denominator.
- `recovery_time` is a mean over recoveries, not over interactions.
- `time_to_resolution` counts all hours ("wall"), unless the formula is "business": then those in which the
  site is open, and an interaction whose row was laid without calendars isn't counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

from tests.reference.rows import InteractionRow, Row, VisitRow, rows, rows_of
from tests.reference.walk import SECOND, span

__all__ = ["KPIS", "InteractionRow", "Row", "Value", "VisitRow", "kpi", "ratio", "rows", "rows_of"]

SHORT = 5
QUANTILES = {"wait_p50": 50, "wait_p90": 90, "wait_p95": 95, "wait_p99": 99}


class Value(NamedTuple):
    """A KPI's value. A ratio or mean shows its parts; a count, extreme or quantile has its value alone."""

    value: Fraction | None
    numerator: Fraction | None = None
    denominator: Fraction | None = None


def kpi(
    name: str,
    rows: Iterable[Row],
    *,
    threshold: float | None = None,
    formula: str | None = None,
    short: float = SHORT,
) -> Value:
    """One KPI over the rows given; durations in seconds. Select rows first, for a site or an interval."""
    sample = _Sample(rows)
    if name in COUNTS:
        return Value(Fraction(COUNTS[name](sample, span(short))))
    if name == "service_level":
        if threshold is None:
            raise ValueError("a service level needs a threshold")
        return _service_level(sample, span(threshold), span(short), formula or "abandons_hurt")
    if name == "abandonment_rate":
        return _abandonment_rate(sample, span(short), formula)
    if name in RATIOS:
        return ratio(*RATIOS[name](sample))
    if name == "time_to_resolution":
        return _mean(sample.resolutions(formula or "wall"))
    if name in MEANS:
        return _mean(MEANS[name](sample))
    if name == "max_wait":
        return Value(_seconds(max(sample.waits("AB"), default=None)))
    if name in QUANTILES:
        return Value(_seconds(_nearest_rank(sample.waits("A"), QUANTILES[name])))
    raise KeyError(name)


class _Sample:
    """The rows whose site is known, and what is counted in them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        known = [row for row in rows if row.site is not None]
        self.visits = [row for row in known if isinstance(row, VisitRow)]
        self.interactions = [row for row in known if isinstance(row, InteractionRow)]
        self.handled = [row for row in self.visits if row.handled]

    def ended(self, outcome: str) -> int:
        return sum(row.outcome == outcome for row in self.visits)

    def waits(self, outcomes: str) -> list[int]:
        return [row.wait for row in self.visits if row.outcome in outcomes and row.wait is not None]

    def within(self, outcome: str, limit: int) -> int:
        return sum(wait <= limit for wait in self.waits(outcome))

    def resolutions(self, clock: str) -> list[int]:
        name = {"wall": "resolution", "business": "business_resolution"}[clock]
        taken = [getattr(row, name) for row in self.interactions]
        return [took for took in taken if took is not None]

    def flagged(self, flag: str) -> int:
        return sum(getattr(row, flag) is True for row in self.interactions)


COUNTS: dict[str, Callable[[_Sample, int], int]] = {
    "offered": lambda sample, _: len(sample.visits),
    "answered": lambda sample, _: sample.ended("A"),
    "abandoned": lambda sample, _: sample.ended("B"),
    "short_abandoned": lambda sample, short: sample.within("B", short),
    "diverted": lambda sample, _: sample.ended("F"),
    "expired": lambda sample, _: sample.ended("X"),
    "waiting": lambda sample, _: sample.ended("W"),
    "completed": lambda sample, _: sample.flagged("completed"),
    "resolved": lambda sample, _: sample.flagged("resolved"),
    "reopened": lambda sample, _: sample.flagged("reopened"),
    "transferred": lambda sample, _: sample.flagged("transferred"),
    "escalated": lambda sample, _: sample.flagged("escalated"),
    "corrected": lambda sample, _: sample.flagged("corrected"),
    "conflicts": lambda sample, _: sum(row.conflicts for row in sample.interactions),
}

RATIOS: dict[str, Callable[[_Sample], tuple[int, int]]] = {
    "resolution_rate": lambda sample: (
        sample.flagged("resolved"),
        sum(row.resolved is not None for row in sample.interactions),
    ),
    "reopen_rate": lambda sample: (sample.flagged("reopened"), sample.flagged("completed")),
    "transfer_rate": lambda sample: (sample.flagged("transferred"), sample.flagged("answered")),
    "escalation_rate": lambda sample: (sample.flagged("escalated"), sample.flagged("answered")),
    "accuracy": lambda sample: (
        sample.flagged("completed") - sample.flagged("corrected"),
        sample.flagged("completed"),
    ),
}

MEANS: dict[str, Callable[[_Sample], list[int]]] = {
    "average_speed_of_answer": lambda sample: sample.waits("A"),
    "average_wait": lambda sample: sample.waits("AB"),
    "average_handle_time": lambda sample: [(row.service or 0) + row.hold + row.wrap for row in sample.handled],
    "average_hold_time": lambda sample: [row.hold for row in sample.handled],
    "recovery_time": lambda sample: [recovery for row in sample.interactions for recovery in row.recoveries],
}

SERVICE_LEVEL_FORMULAS = (
    "abandons_help",
    "abandons_ignored",
    "abandons_hurt",
    "late_abandons_hurt",
    "short_abandons_help",
    "short_abandons_excluded",
    "diversions_hurt",
)
ABANDONMENT_FORMULAS = (None, "excluding_short", "of_offered")

KPIS = (
    *COUNTS,
    *RATIOS,
    *MEANS,
    "time_to_resolution",
    *QUANTILES,
    "max_wait",
    "service_level",
    "abandonment_rate",
)


def _service_level(sample: _Sample, threshold: int, short: int, formula: str) -> Value:
    answered, abandoned, diverted = sample.ended("A"), sample.ended("B"), sample.ended("F")
    answered_within = sample.within("A", threshold)
    abandoned_within = sample.within("B", threshold)
    abandoned_late = len(sample.waits("B")) - abandoned_within
    abandoned_short = sample.within("B", short)
    parts = {
        "abandons_help": (answered_within + abandoned_within, answered + abandoned),
        "abandons_ignored": (answered_within, answered),
        "abandons_hurt": (answered_within, answered + abandoned),
        "late_abandons_hurt": (answered_within, answered + abandoned_late),
        "short_abandons_help": (answered_within + abandoned_short, answered + abandoned),
        "short_abandons_excluded": (answered_within, answered + abandoned - abandoned_short),
        "diversions_hurt": (answered_within, answered + abandoned + diverted),
    }
    return ratio(*parts[formula])


def _abandonment_rate(sample: _Sample, short: int, formula: str | None) -> Value:
    answered, abandoned = sample.ended("A"), sample.ended("B")
    abandoned_short = sample.within("B", short)
    parts = {
        None: (abandoned, answered + abandoned),
        "excluding_short": (abandoned - abandoned_short, answered + abandoned - abandoned_short),
        "of_offered": (abandoned, len(sample.visits)),
    }
    return ratio(*parts[formula])


def ratio(numerator: int, denominator: int) -> Value:
    """One count over another, without a value where there is nothing to divide by."""
    value = Fraction(numerator, denominator) if denominator else None
    return Value(value, Fraction(numerator), Fraction(denominator))


def _mean(durations: list[int]) -> Value:
    total = Fraction(sum(durations), SECOND)
    return Value(total / len(durations) if durations else None, total, Fraction(len(durations)))


def _nearest_rank(durations: list[int], percent: int) -> int | None:
    rank = -(-percent * len(durations) // 100)
    return sorted(durations)[rank - 1] if durations else None


def _seconds(duration: int | None) -> Fraction | None:
    return None if duration is None else Fraction(duration, SECOND)
