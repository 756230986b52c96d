"""The metrics: how measures, histograms and the state of now appear to Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.core.catalogue.measures import HISTOGRAMS, MEASURE_BY_NAME, WITHIN_DAYS, Measure, Scope, Unit
from service.core.catalogue.quality_measures import QUALITY_MEASURES
from service.core.quality import DIMENSION, STANDARD


class MetricKind(StrEnum):
    """The Prometheus type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


SERIES = ("site", "queue", "channel")
_OBJECTIVE = (*SERIES, "objective")


@dataclass(frozen=True, slots=True)
class Metric:
    """A family on `/metrics/kpi`, with its formula.

    `source` names the measure or the histogram that it shows, where it shows one; `parts` the measure that it shows
    under each value of its last label, where it shows several. `optional` are labels that some of its samples have.
    """

    name: str
    kind: MetricKind
    help: str
    formula: str
    labels: tuple[str, ...] = SERIES
    source: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()

    @property
    def documentation(self) -> str:
        """What Prometheus is told in its HELP line."""
        return f"{self.help}: {self.formula}"


def _counter(name: str, source: str) -> Metric:
    measure = MEASURE_BY_NAME[source]
    return Metric(f"frontline_{name}", MetricKind.COUNTER, measure.help, measure.formula, source=source)


_LABELS_OF_SCOPES = {Scope.FEEDBACK: ("site", "channel", DIMENSION), Scope.ASSESSMENT: ("site", STANDARD)}


def _quality_counter(measure: Measure) -> Metric:
    """A counter of what good service is beside speed and reliability, over all queues."""
    unit = "seconds" if measure.unit is Unit.MICROSECONDS else ""
    name = f"{measure.name.removesuffix('_us')}_{unit}" if unit else measure.name
    labels = _LABELS_OF_SCOPES.get(measure.scope, ("site", "channel"))
    return Metric(f"frontline_{name}_total", MetricKind.COUNTER, measure.help, measure.formula, labels, measure.name)


def _counter_within(measure: str, help_: str, formula: str) -> Metric:
    parts = {within: f"{measure}_{within}" for within in WITHIN_DAYS}
    return Metric(f"frontline_{measure}_total", MetricKind.COUNTER, help_, formula, (*SERIES, "within"), parts=parts)


def _window(name: str, help_: str, formula: str) -> Metric:
    labels = (*_OBJECTIVE, "window", "maturity")
    return Metric(f"frontline_window_{name}", MetricKind.GAUGE, help_, formula, labels)


METRICS: tuple[Metric, ...] = (
    *(
        _counter(f"queue_{name}_total", name)
        for name in ("offered", "answered", "abandoned", "short_abandoned", "diverted", "expired")
    ),
    _counter("interactions_answered_total", "interactions_answered"),
    *(
        _counter(f"interactions_{name}_total", name)
        for name in (
            *("completed", "resolved", "unresolved", "reopened"),
            *("transferred", "escalated", "corrected", "recovered"),
        )
    ),
    _counter("contacts_total", "contacts"),
    _counter_within(
        "repeat_contacts",
        "contacts that came soon after the previous one of the same customer and topic",
        "contacts with arrival - previous arrival of the same customer and topic <= within",
    ),
    _counter_within(
        "repeat_visits",
        "contacts in stores that came soon after the previous one of the same customer",
        "contacts with channel = pos and arrival - previous such arrival of the same customer <= within",
    ),
    Metric(
        "frontline_slo_events_total",
        MetricKind.COUNTER,
        "visits, interactions, contacts, promises, feedback or items that an objective has judged",
        "of the service level: A + W at T + B, F later than T + B, F within T that the formula's denominator has; "
        "of a quantile: durations; else the denominator of the objective's formula",
        _OBJECTIVE,
    ),
    Metric(
        "frontline_slo_breaches_total",
        MetricKind.COUNTER,
        "visits, interactions, contacts, promises, feedback or items for which an objective was not kept",
        "of the service level: events - A within T - B within T that the formula's numerator has; of a quantile: "
        "durations > T; else the numerator of the objective's formula, taken from the events where more is better",
        _OBJECTIVE,
    ),
    *map(_quality_counter, (measure for measure in QUALITY_MEASURES if not measure.state)),
    Metric(
        "frontline_promises_open",
        MetricKind.GAUGE,
        MEASURE_BY_NAME["promises_open"].help,
        MEASURE_BY_NAME["promises_open"].formula,
        ("site", "channel"),
    ),
    Metric(
        "frontline_promise_next_due_timestamp_seconds",
        MetricKind.GAUGE,
        "when the next of the promises that are to be kept falls due; not there where none is",
        "min of due over open promises",
        ("site",),
    ),
    Metric(
        "frontline_complaints_open",
        MetricKind.GAUGE,
        MEASURE_BY_NAME["complaints_open"].help,
        MEASURE_BY_NAME["complaints_open"].formula,
        ("site", "channel"),
    ),
    Metric(
        "frontline_complaint_oldest_timestamp_seconds",
        MetricKind.GAUGE,
        "when the oldest of the complaints came that wait for an answer; not there where none does",
        "min of time over open complaints",
        ("site",),
    ),
    _counter("conflicts_total", "conflicts"),
    _counter("told_waits_total", "told_waits"),
    _counter("wait_difference_seconds_total", "wait_difference_us"),
    _counter("told_services_total", "told_services"),
    _counter("service_difference_seconds_total", "service_difference_us"),
    *(
        Metric(
            f"frontline_{histogram.name}_seconds",
            MetricKind.HISTOGRAM,
            histogram.help,
            histogram.formula,
            ("site", "channel"),
            histogram.name,
        )
        for histogram in HISTOGRAMS
        if histogram.exported
    ),
    Metric(
        "frontline_queue_waiting",
        MetricKind.GAUGE,
        MEASURE_BY_NAME["waiting"].help,
        MEASURE_BY_NAME["waiting"].formula,
    ),
    Metric(
        "frontline_queue_in_service",
        MetricKind.GAUGE,
        "visits in service now",
        "visits answered and not ended, without those silent for the channel's expiry time",
    ),
    Metric(
        "frontline_queue_longest_wait_seconds",
        MetricKind.GAUGE,
        "longest wait of those who wait now",
        "max over W of (now - queued), 0 where nobody waits",
    ),
    Metric(
        "frontline_queue_residual",
        MetricKind.GAUGE,
        "what the identity of visits leaves over, over all time; anything but 0 is a defect",
        "O - (A + B + F + X + W)",
    ),
    Metric(
        "frontline_sites",
        MetricKind.GAUGE,
        "registered sites; there as soon as this page is, so that its absence says that nobody reads it",
        "sites registered by hand or by their first event",
        (),
    ),
    Metric(
        "frontline_site_open",
        MetricKind.GAUGE,
        "whether a site is open now, by its opening hours and holidays",
        "1 if open(now), else 0",
        ("site",),
    ),
    Metric(
        "frontline_objective_target_ratio",
        MetricKind.GAUGE,
        "share of events that an objective promises to be no breaches, for those who arrive now; at a site, where it "
        "has one of its own",
        "kept while 1 - breaches / events >= target",
        ("objective",),
        optional=("site",),
    ),
    Metric(
        "frontline_objective_threshold_seconds",
        MetricKind.GAUGE,
        "threshold of an objective, for those who arrive now; at a site, where it has one of its own",
        "T; in time = duration <= T",
        ("objective",),
        optional=("site",),
    ),
    _window("events", "events of an objective over its current window", "sum of events over the local days of it"),
    _window("breaches", "breaches of an objective over its current window", "sum of breaches over the local days"),
    _window(
        "allowed_breaches",
        "budget of an objective over its current window: how many of the events may be breaches",
        "sum of (1 - target) * events",
    ),
    _window(
        "projected_budget_ratio",
        "share of the budget that will be left at the end of the window, if it goes on as in the last two days",
        "1 - (elapsed * breaches / events + (1 - elapsed) * recent breaches / recent events) / (allowed / events)",
    ),
    Metric(
        "frontline_quality_index_ratio",
        MetricKind.GAUGE,
        "share of the objectives on the KPIs of a dimension that are met over their windows; not there where nothing "
        "can be told of any",
        "objectives that are met / objectives with at least their minimum of events",
        ("site", DIMENSION),
    ),
    Metric(
        "frontline_backfilled_total",
        MetricKind.COUNTER,
        "contributions by events older than the live horizon, in the measure's unit",
        "rollups - live - corrections up + corrections down",
        (*SERIES, "measure"),
    ),
    Metric(
        "frontline_corrections_total",
        MetricKind.COUNTER,
        "changes to what was contributed before, in the measure's unit",
        "live + backfilled + up - down = rollups",
        (*SERIES, "measure", "direction"),
    ),
    Metric(
        "frontline_source_last_event_timestamp_seconds",
        MetricKind.GAUGE,
        "when the latest event of a source at a site happened, of those that are of customers",
        "max of time; none where all are of resources and of those who serve",
        ("source", "site"),
    ),
    Metric(
        "frontline_late_events_total",
        MetricKind.COUNTER,
        "events that arrived here later than the lag after their own time",
        "events with arrival here - time > lag",
        ("source", "site", "lag"),
    ),
    Metric(
        "frontline_clock_skew_events_total",
        MetricKind.COUNTER,
        "events whose own time was ahead of the clock here",
        "events with time > clock here at their arrival",
        ("source", "site"),
    ),
    Metric(
        "frontline_clock_skew_seconds",
        MetricKind.GAUGE,
        "furthest that the clock of a source was ahead of the clock here",
        "max of (time - clock here), 0 where it never was",
        ("source", "site"),
    ),
    Metric(
        "frontline_resources",
        MetricKind.GAUGE,
        "resources in each state now; one that sends heartbeats is down where they are missing",
        "number of resources of the kind by their latest change, and by their heartbeats",
        ("site", "kind", "state"),
    ),
    Metric(
        "frontline_availability_ratio",
        MetricKind.GAUGE,
        "share of the site's opening time of the local day so far in which resources were up",
        "time up / opening time since midnight and the first event",
        ("site", "kind"),
    ),
    Metric(
        "frontline_staffed",
        MetricKind.GAUGE,
        "those who serve a queue now",
        "staffed of its latest change",
        ("site", "queue"),
    ),
    Metric(
        "frontline_occupancy_ratio",
        MetricKind.GAUGE,
        "share of the time of those who served on the local day so far that went into service, hold and wrap-up",
        "(service + hold + wrap-up of those who arrived today) / sum of staffed * time since midnight",
        ("site", "queue"),
    ),
    Metric(
        "frontline_arrivals_per_staffed",
        MetricKind.GAUGE,
        "visits of the local day so far for each hour that somebody served",
        "O of those who arrived today / sum of staffed * hours since midnight",
        ("site", "queue"),
    ),
)
