"""The metrics: how measures and histograms appear to Prometheus."""

from dataclasses import dataclass
from enum import StrEnum

from service.core.catalogue.measures import HISTOGRAMS, MEASURE_BY_NAME


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
