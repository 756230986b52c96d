"""The one declaration of every measure, histogram, KPI and metric.

A *measure* is an integer that interactions contribute and rollups add up: a count, or a sum of microseconds.
A *histogram* is a set of durations from which buckets, quantiles and maxima are made. A *KPI* is a formula over
measures and histograms. A *metric* is how a measure or a histogram appears to Prometheus. The exporter, the query
API, the tables and the documentation are all read from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CHANNELS = ("pos", "phone", "chat", "email", "web", "kiosk")
DEFAULT_THRESHOLD_SECONDS = 20.0
SHORT_ABANDON_SECONDS = 5.0

_HOUR_US = 3_600_000_000
DEFAULT_EXPIRY_US = 24 * _HOUR_US
EXPIRY_US: Mapping[str, int] = {
    "phone": 4 * _HOUR_US,
    "pos": 4 * _HOUR_US,
    "chat": 24 * _HOUR_US,
    "email": 14 * 24 * _HOUR_US,
}
"""How long an interaction of a channel may be silent before one who waits counts as expired, in microseconds."""


class Unit(StrEnum):
    """What a number counts. Sums of time are kept in whole microseconds, so that no order of adding rounds."""

    COUNT = "count"
    MICROSECONDS = "microseconds"


class Scope(StrEnum):
    """Whether a measure is booked to the arrival of a visit or to that of the whole interaction."""

    VISIT = "visit"
    INTERACTION = "interaction"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that interactions contribute to rollups.

    `code` identifies the measure in stored bookings and is never reused. `lead` names the count with which this
    measure is contributed to the live totals: a wait becomes live when a known wait is counted for the first time.
    A `state` measure comes and goes in the normal course of events, so that its decrease is no correction.
    """

    code: int
    name: str
    scope: Scope
    help: str
    unit: Unit = Unit.COUNT
    lead: str = ""
    state: bool = False


V, I = Scope.VISIT, Scope.INTERACTION  # noqa: E741
MEASURES: tuple[Measure, ...] = (
    Measure(1, "offered", V, "visits that arrived"),
    Measure(2, "answered", V, "visits whose service began"),
    Measure(3, "abandoned", V, "visits whose customer gave up waiting"),
    Measure(4, "short_abandoned", V, "abandoned visits that waited 5 s at most", lead="abandoned_waits"),
    Measure(5, "diverted", V, "visits whose wait ended in voicemail, callback, overflow, timeout or exit"),
    Measure(6, "expired", V, "visits still waiting when their interaction had been silent for too long"),
    Measure(7, "waiting", V, "visits that wait now", state=True),
    Measure(8, "answered_waits", V, "answered visits whose wait is known"),
    Measure(9, "answered_wait_us", V, "their waits", Unit.MICROSECONDS, "answered_waits"),
    Measure(10, "abandoned_waits", V, "abandoned visits whose wait is known"),
    Measure(11, "abandoned_wait_us", V, "their waits", Unit.MICROSECONDS, "abandoned_waits"),
    Measure(12, "handled", V, "answered visits whose end is known"),
    Measure(13, "service_us", V, "their time in service, without hold", Unit.MICROSECONDS, "handled"),
    Measure(14, "hold_us", V, "their time on hold", Unit.MICROSECONDS, "handled"),
    Measure(15, "wrap_up_us", V, "their wrap-up after the end", Unit.MICROSECONDS, "handled"),
    Measure(20, "interactions", I, "interactions that arrived"),
    Measure(21, "interactions_answered", I, "interactions answered at least once"),
    Measure(22, "completed", I, "interactions completed at least once"),
    Measure(23, "resolved", I, "interactions whose latest word on it is resolved"),
    Measure(24, "unresolved", I, "interactions whose latest word on it is not resolved"),
    Measure(25, "reopened", I, "interactions reopened at least once"),
    Measure(26, "transferred", I, "interactions transferred at least once"),
    Measure(27, "escalated", I, "interactions escalated at least once"),
    Measure(28, "corrected", I, "interactions in which the service corrected an error at least once"),
    Measure(29, "recovered", I, "interactions in which an error was put right at least once"),
    Measure(30, "conflicts", I, "events that the walk has no place for"),
    Measure(31, "resolutions", I, "interactions with a time to resolution"),
    Measure(32, "resolution_us", I, "their times to resolution", Unit.MICROSECONDS, "resolutions"),
    Measure(33, "recoveries", I, "errors that were put right"),
    Measure(34, "recovery_us", I, "the times from error to recovery", Unit.MICROSECONDS, "recoveries"),
    Measure(35, "unrecovered", I, "errors that are not put right yet", state=True),
    Measure(36, "late_events", I, "events that arrived here more than 60 s after their own time"),
    Measure(37, "skewed_events", I, "events whose own time was ahead of the clock here"),
    Measure(38, "skew_us", I, "how far ahead they were", Unit.MICROSECONDS, "skewed_events"),
)
MEASURE_BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}
MEASURE_BY_CODE: Mapping[int, Measure] = {measure.code: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations of one kind. `cells` says whether each exact value is kept per minute, for thresholds and quantiles."""

    code: int
    name: str
    lead: str
    total: tuple[str, ...]
    help: str
    bounds: tuple[float, ...]
    cells: bool = True


_WAIT_BOUNDS = (
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    45.0,
    60.0,
    90.0,
    120.0,
    180.0,
    300.0,
    600.0,
    1200.0,
    3600.0,
)
_HANDLE_BOUNDS = (
    5.0,
    15.0,
    30.0,
    60.0,
    90.0,
    120.0,
    180.0,
    240.0,
    300.0,
    450.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
)
_LONG_BOUNDS = (
    60.0,
    300.0,
    900.0,
    3600.0,
    14400.0,
    43200.0,
    86400.0,
    259200.0,
    604800.0,
    1209600.0,
    2592000.0,
)

HISTOGRAMS: tuple[Histogram, ...] = (
    Histogram(1, "wait", "answered_waits", ("answered_wait_us",), "wait of answered visits", _WAIT_BOUNDS),
    Histogram(
        2,
        "abandoned_wait",
        "abandoned_waits",
        ("abandoned_wait_us",),
        "wait of abandoned visits",
        _WAIT_BOUNDS,
    ),
    Histogram(
        3,
        "handle",
        "handled",
        ("service_us", "hold_us", "wrap_up_us"),
        "service, hold and wrap-up of answered visits whose end is known",
        _HANDLE_BOUNDS,
        cells=False,
    ),
    Histogram(
        4,
        "resolution",
        "resolutions",
        ("resolution_us",),
        "arrival of an interaction to its first completion as resolved",
        _LONG_BOUNDS,
    ),
    Histogram(5, "recovery", "recoveries", ("recovery_us",), "an error of the service to its recovery", _LONG_BOUNDS),
)
HISTOGRAM_BY_NAME: Mapping[str, Histogram] = {histogram.name: histogram for histogram in HISTOGRAMS}
HISTOGRAM_BY_CODE: Mapping[int, Histogram] = {histogram.code: histogram for histogram in HISTOGRAMS}


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


class MetricKind(StrEnum):
    """The Prometheus type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


SERIES = ("site", "queue", "channel")


@dataclass(frozen=True, slots=True)
class Metric:
    """A family on `/metrics/kpi`; `source` names the measure or the histogram that it shows, where it shows one."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = SERIES
    source: str = ""


def _counter(name: str, measure: str) -> Metric:
    return Metric(f"frontline_{name}", MetricKind.COUNTER, MEASURE_BY_NAME[measure].help, source=measure)


METRICS: tuple[Metric, ...] = (
    *(
        _counter(f"queue_{name}_total", name)
        for name in ("offered", "answered", "abandoned", "short_abandoned", "diverted", "expired")
    ),
    *(
        _counter(f"interactions_{name}_total", name)
        for name in (
            "completed",
            "resolved",
            "unresolved",
            "reopened",
            "transferred",
            "escalated",
            "corrected",
            "recovered",
        )
    ),
    _counter("conflicts_total", "conflicts"),
    *(
        Metric(
            f"frontline_{histogram.name}_seconds",
            MetricKind.HISTOGRAM,
            histogram.help,
            ("site", "channel"),
            histogram.name,
        )
        for histogram in HISTOGRAMS
    ),
    Metric("frontline_queue_waiting", MetricKind.GAUGE, "visits that wait now"),
    Metric("frontline_queue_in_service", MetricKind.GAUGE, "visits in service now"),
    Metric("frontline_queue_longest_wait_seconds", MetricKind.GAUGE, "longest wait of those who wait now"),
    Metric(
        "frontline_queue_residual",
        MetricKind.GAUGE,
        "offered - (answered + abandoned + diverted + expired + waiting), over all time; anything but 0 is a defect",
    ),
    Metric(
        "frontline_backfilled_total",
        MetricKind.COUNTER,
        "contributions older than the live horizon, in the measure's unit: in the rollups, not in the live counters",
        (*SERIES, "measure"),
    ),
    Metric(
        "frontline_corrections_total",
        MetricKind.COUNTER,
        "changes to what was contributed before, in the measure's unit: live + backfilled + up - down = rollups",
        (*SERIES, "measure", "direction"),
    ),
    Metric(
        "frontline_source_last_event_timestamp_seconds",
        MetricKind.GAUGE,
        "time of the latest event of a source at a site",
        ("source", "site"),
    ),
    Metric(
        "frontline_late_events_total",
        MetricKind.COUNTER,
        "events that arrived here later than the lag after their own time",
        ("source", "site", "lag"),
    ),
    Metric(
        "frontline_clock_skew_events_total",
        MetricKind.COUNTER,
        "events whose own time was ahead of the clock here",
        ("source", "site"),
    ),
    Metric(
        "frontline_clock_skew_seconds",
        MetricKind.GAUGE,
        "furthest that the clock of a source was ahead of the clock here",
        ("source", "site"),
    ),
)

LATE_LAGS_SECONDS: Mapping[str, int] = {"1m": 60, "1h": 3600, "1d": 86400}
"""The lags by which late events are told apart; each class holds the later ones too."""
