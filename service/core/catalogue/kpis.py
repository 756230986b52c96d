"""The KPIs: formulas over measures and histograms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.core.catalogue.measures import MEASURE_BY_NAME

DEFAULT_THRESHOLD_SECONDS = 20.0


class Shape(StrEnum):
    """How a KPI's value is made."""

    COUNT = "count"
    RATIO = "ratio"
    MEAN = "mean"
    QUANTILE = "quantile"
    MAXIMUM = "maximum"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Formula:
    """A numerator over a denominator, each a weighted sum of terms.

    A term is the name of a measure, or one of `answered_within`, `abandoned_within`, `abandoned_later`: visits
    with a known wait of at most, or more than, the threshold.
    """

    text: str
    numerator: Mapping[str, int]
    denominator: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kpi:
    """A named measure of service quality: what it means, how it is computed, and which way is better."""

    name: str
    help: str
    shape: Shape
    unit: str
    better: str
    dimension: str
    formulas: Mapping[str, Formula]
    default_formula: str = ""
    histogram: str = ""
    quantile: float = 0.0
    needs_threshold: bool = False


def _one(text: str, numerator: Mapping[str, int], denominator: Mapping[str, int]) -> Mapping[str, Formula]:
    return {"": Formula(text, numerator, denominator)}


def _plus(*names: str) -> Mapping[str, int]:
    return dict.fromkeys(names, 1)


def _ratio(name: str, help_: str, better: str, dimension: str, text: str, over: str, under: str) -> Kpi:
    return Kpi(name, help_, Shape.RATIO, "ratio", better, dimension, _one(text, _plus(over), _plus(under)))


def _mean(name: str, help_: str, dimension: str, text: str, sums: tuple[str, ...], counts: tuple[str, ...]) -> Kpi:
    formula = _one(text, _plus(*sums), _plus(*counts))
    return Kpi(name, help_, Shape.MEAN, "seconds", "lower", dimension, formula)


def _quantiles(prefix: str, what: str, histogram: str, dimension: str, percents: tuple[int, ...]) -> tuple[Kpi, ...]:
    return tuple(
        Kpi(
            f"{prefix}_p{percent}",
            f"{what} that {percent} % do not exceed",
            Shape.QUANTILE,
            "seconds",
            "lower",
            dimension,
            _one(f"quantile {percent / 100:g} interpolated in the buckets of {histogram}", {}, {}),
            histogram=histogram,
            quantile=percent / 100,
        )
        for percent in percents
    )


SERVICE_LEVEL_FORMULAS: Mapping[str, Formula] = {
    "abandons_help": Formula(
        "(A<=T + B<=T) / (A + B)",
        _plus("answered_within", "abandoned_within"),
        _plus("answered", "abandoned"),
    ),
    "abandons_ignored": Formula("A<=T / A", _plus("answered_within"), _plus("answered")),
    "abandons_hurt": Formula("A<=T / (A + B)", _plus("answered_within"), _plus("answered", "abandoned")),
    "late_abandons_hurt": Formula("A<=T / (A + B>T)", _plus("answered_within"), _plus("answered", "abandoned_later")),
    "short_abandons_help": Formula(
        "(A<=T + B<=s) / (A + B)", _plus("answered_within", "short_abandoned"), _plus("answered", "abandoned")
    ),
    "short_abandons_excluded": Formula(
        "A<=T / (A + B - B<=s)",
        _plus("answered_within"),
        {"answered": 1, "abandoned": 1, "short_abandoned": -1},
    ),
    "diversions_hurt": Formula(
        "A<=T / (A + B + F)", _plus("answered_within"), _plus("answered", "abandoned", "diverted")
    ),
}
ABANDONMENT_FORMULAS: Mapping[str, Formula] = {
    "of_answered_and_abandoned": Formula("B / (A + B)", _plus("abandoned"), _plus("answered", "abandoned")),
    "excluding_short": Formula(
        "(B - Bs) / (A + B - Bs)",
        {"abandoned": 1, "short_abandoned": -1},
        {"answered": 1, "abandoned": 1, "short_abandoned": -1},
    ),
    "of_offered": Formula("B / O", _plus("abandoned"), _plus("offered")),
}

_COUNTED = (
    ("offered", "neutral", "population"),
    ("answered", "higher", "population"),
    ("abandoned", "lower", "population"),
    ("short_abandoned", "lower", "population"),
    ("diverted", "lower", "population"),
    ("expired", "lower", "population"),
    ("waiting", "lower", "population"),
    ("interactions", "neutral", "population"),
    ("completed", "higher", "reliability"),
    ("resolved", "higher", "reliability"),
    ("unresolved", "lower", "reliability"),
    ("reopened", "lower", "reliability"),
    ("transferred", "lower", "reliability"),
    ("escalated", "lower", "reliability"),
    ("corrected", "lower", "reliability"),
    ("recovered", "higher", "reliability"),
    ("unrecovered", "lower", "reliability"),
    ("conflicts", "lower", "data_quality"),
    ("late_events", "lower", "data_quality"),
)

KPIS: tuple[Kpi, ...] = (
    *(
        Kpi(
            name,
            MEASURE_BY_NAME[name].help,
            Shape.COUNT,
            "count",
            better,
            dimension,
            _one(f"number of {MEASURE_BY_NAME[name].help}", _plus(name), {}),
        )
        for name, better, dimension in _COUNTED
    ),
    Kpi(
        "service_level",
        "share of visits answered within the threshold T; B<=s are abandons of 5 s at most",
        Shape.RATIO,
        "ratio",
        "higher",
        "speed",
        SERVICE_LEVEL_FORMULAS,
        default_formula="abandons_hurt",
        needs_threshold=True,
    ),
    _mean(
        "average_speed_of_answer",
        "mean wait of answered visits",
        "speed",
        "sum of wait over A / A whose wait is known",
        ("answered_wait_us",),
        ("answered_waits",),
    ),
    _mean(
        "average_wait",
        "mean wait of answered and abandoned visits",
        "speed",
        "sum of wait over A and B / A and B with a known wait",
        ("answered_wait_us", "abandoned_wait_us"),
        ("answered_waits", "abandoned_waits"),
    ),
    *_quantiles("wait", "wait of answered visits", "wait", "speed", (50, 90, 95, 99)),
    Kpi(
        "longest_wait",
        "longest wait of those who wait now",
        Shape.NOW,
        "seconds",
        "lower",
        "speed",
        _one("now - earliest arrival of those who wait", {}, {}),
    ),
    Kpi(
        "max_wait",
        "longest known wait of those who arrived in the interval and were answered or gave up",
        Shape.MAXIMUM,
        "seconds",
        "lower",
        "speed",
        _one("max of wait over A and B", {}, {}),
        histogram="wait",
    ),
    Kpi(
        "abandonment_rate",
        "share of visits whose customer gave up waiting; Bs gave up within 5 s",
        Shape.RATIO,
        "ratio",
        "lower",
        "speed",
        ABANDONMENT_FORMULAS,
        default_formula="of_answered_and_abandoned",
    ),
    _mean(
        "average_handle_time",
        "mean service, hold and wrap-up of answered visits whose end is known",
        "speed",
        "(service + hold + wrap-up) / A completed",
        ("service_us", "hold_us", "wrap_up_us"),
        ("handled",),
    ),
    _mean(
        "average_hold_time",
        "mean time on hold of answered visits whose end is known",
        "speed",
        "hold / A completed",
        ("hold_us",),
        ("handled",),
    ),
    _mean(
        "time_to_resolution",
        "mean time from arrival to the first completion as resolved",
        "speed",
        "sum of (first resolved completion - arrival) / interactions with one",
        ("resolution_us",),
        ("resolutions",),
    ),
    *_quantiles("time_to_resolution", "time to resolution", "resolution", "speed", (50, 90, 95, 99)),
    Kpi(
        "resolution_rate",
        "share of completed interactions, whose outcome is known, that are resolved",
        Shape.RATIO,
        "ratio",
        "higher",
        "reliability",
        _one("resolved / completed whose resolved is known", _plus("resolved"), _plus("resolved", "unresolved")),
    ),
    _ratio(
        "reopen_rate",
        "share of completed interactions that came back",
        "lower",
        "reliability",
        "reopened / completed",
        "reopened",
        "completed",
    ),
    _ratio(
        "transfer_rate",
        "share of answered interactions that were transferred",
        "lower",
        "reliability",
        "transferred / interactions answered",
        "transferred",
        "interactions_answered",
    ),
    _ratio(
        "escalation_rate",
        "share of answered interactions that were escalated",
        "lower",
        "reliability",
        "escalated / interactions answered",
        "escalated",
        "interactions_answered",
    ),
    Kpi(
        "accuracy",
        "share of completed interactions without an error of the service",
        Shape.RATIO,
        "ratio",
        "higher",
        "reliability",
        _one("(completed - corrected) / completed", {"completed": 1, "corrected": -1}, _plus("completed")),
    ),
    _mean(
        "recovery_time",
        "mean time from an error of the service to its recovery",
        "reliability",
        "sum of (recovered - corrected) / recoveries",
        ("recovery_us",),
        ("recoveries",),
    ),
    *_quantiles("recovery_time", "recovery time", "recovery", "reliability", (50, 90, 95, 99)),
    _mean(
        "clock_skew",
        "how far the events whose own time was ahead of the clock here were ahead, in the mean",
        "data_quality",
        "sum of (time - clock here) / events ahead of the clock here",
        ("skew_us",),
        ("skewed_events",),
    ),
    Kpi(
        "residual",
        "what the identity of visits leaves over; anything but 0 is a defect",
        Shape.COUNT,
        "count",
        "neutral",
        "data_quality",
        _one(
            "O - (A + B + F + X + W)",
            {"offered": 1, "answered": -1, "abandoned": -1, "diverted": -1, "expired": -1, "waiting": -1},
            {},
        ),
    ),
)
KPI_BY_NAME: Mapping[str, Kpi] = {kpi.name: kpi for kpi in KPIS}
