"""What interactions contribute and rollups add up: counts, sums of microseconds, and histograms of durations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.core.catalogue.measure import Measure, Scope, Unit
from service.core.catalogue.quality_measures import QUALITY_MEASURES
from service.core.event import HOUR_US, duration_us

__all__ = [
    "HISTOGRAMS",
    "HISTOGRAM_BY_CODE",
    "HISTOGRAM_BY_NAME",
    "MEASURES",
    "MEASURE_BY_CODE",
    "MEASURE_BY_NAME",
    "Histogram",
    "Measure",
    "Scope",
    "Unit",
]

SHORT_ABANDON_SECONDS = 5.0

DEFAULT_EXPIRY_US = 24 * HOUR_US
EXPIRY_US: Mapping[str, int] = {
    "phone": 4 * HOUR_US,
    "pos": 4 * HOUR_US,
    "chat": 24 * HOUR_US,
    "email": 14 * 24 * HOUR_US,
}
"""How long an interaction of a channel may be silent before one who waits counts as expired, in microseconds."""

LATE_LAGS_SECONDS: Mapping[str, int] = {"1m": 60, "1h": 3600, "1d": 86400}
"""The lags by which late events are told apart; each class holds the later ones too."""


WITHIN_DAYS: Mapping[str, int] = {"1d": 1, "7d": 7, "30d": 30}
"""The spans within which a customer who comes again counts as coming back, in days."""

_FIRST_CONTACT: Mapping[str, str] = {
    "settled": "completed contacts of known outcome that were closed more than {days} d ago",
    "settled_resolved": "of these, resolved at the first contact: not reopened, no further contact in {days} d",
    "provisional": "completed contacts of known outcome that were closed at most {days} d ago",
    "provisional_resolved": "of these, resolved at the first contact so far",
}
SETTLED, PROVISIONAL = "settled", "provisional"
MATURITIES = (SETTLED, PROVISIONAL)
"""Whether the time in which a customer could come back is over; the two are never blended."""

_EXPIRY_HOURS = ", ".join(
    f"{channel} {us // HOUR_US}" for channel, us in (*EXPIRY_US.items(), ("else", DEFAULT_EXPIRY_US))
)
_FORMULAS_OF_SPANS: Mapping[str, str] = {
    "repeat_contacts": "contacts with arrival - previous arrival of the same customer and topic <= {days} d",
    "repeat_visits": "contacts with channel = pos and arrival - previous such arrival of the same customer <= {days} d",
    "settled": "contacts of known outcome with now - closing > {days} d; closing = time of the latest completed",
    "settled_resolved": "settled, resolved = true, not reopened, no later arrival of the topic by closing + {days} d",
    "provisional": "contacts of known outcome with now - closing <= {days} d; closing = time of the latest completed",
    "provisional_resolved": "provisional, resolved = true, not reopened, no later arrival of the topic so far",
}
_FORMULAS: Mapping[str, str] = {
    "offered": "O = A + B + F + X + W",
    "answered": "A = visits that an answered event began to serve, or a completed one",
    "abandoned": "B = visits that an abandoned event ended",
    "short_abandoned": f"Bs = B with wait <= {SHORT_ABANDON_SECONDS:g} s",
    "diverted": "F = visits that a diverted event ended, or a queued one for another line",
    "expired": f"X = visits that wait, hours since the last event >= {_EXPIRY_HOURS}",
    "waiting": "W = O - (A + B + F + X)",
    "answered_waits": "A with a known wait = answered - queued",
    "answered_wait_us": "sum of (answered - queued) over A with a known wait",
    "abandoned_waits": "B with a known wait = abandoned - queued",
    "abandoned_wait_us": "sum of (abandoned - queued) over B with a known wait",
    "handled": "A with a known end = completed, or the answer of the next visit",
    "service_us": "sum of (end - answered - hold) over A with a known end",
    "hold_us": "sum of (resumed, or the end - held) over A with a known end",
    "wrap_up_us": "sum of wrap_up_seconds over A with a known end",
    "told_waits": "A, B, F with a known wait and wait_seconds on the event that ended it",
    "wait_difference_us": "sum of |wait_seconds - wait| over those",
    "told_services": "A with a known end and service_seconds on its completed event",
    "service_difference_us": "sum of |service_seconds - service| over those",
    "interactions": "interactions with a first event; arrival = its time",
    "interactions_answered": "interactions with a visit in A",
    "completed": "interactions with a completed event",
    "resolved": "interactions whose latest completed event with resolved says true",
    "unresolved": "interactions whose latest completed event with resolved says false",
    "reopened": "interactions with a reopened event",
    "transferred": "interactions with a transferred event",
    "escalated": "interactions with an escalated event",
    "corrected": "interactions with a corrected event",
    "recovered": "interactions with a recovered event",
    "conflicts": "abandoned, diverted with nobody waiting + held with nobody in service + resumed with nobody on hold",
    "resolutions": "interactions with a completed event with resolved = true",
    "resolution_us": "sum of (first completed with resolved = true - arrival)",
    "recoveries": "pairs of a corrected event and a later recovered one, the earliest first",
    "recovery_us": "sum of (recovered - corrected)",
    "unrecovered": "corrected events - recoveries",
    "late_events": f"events with arrival here - time > {LATE_LAGS_SECONDS['1m']} s",
    "skewed_events": "events with time > clock here at their arrival",
    "skew_us": "sum of (time - clock here) over events ahead of it",
    "business_resolution_us": "sum of the site's opening time from arrival to the first completed with resolved = true",
    "contacts": "interactions with a known customer and site",
    "store_contacts": "contacts with channel = pos",
    **{
        f"{name}_{within}": formula.format(days=days)
        for name, formula in _FORMULAS_OF_SPANS.items()
        for within, days in WITHIN_DAYS.items()
    },
}


_VISIT, _MATTER, _CONTACT = Scope.VISIT, Scope.INTERACTION, Scope.CONTACT
_OF_INTERACTIONS: tuple[Measure, ...] = (
    Measure(1, "offered", _VISIT, "visits that arrived"),
    Measure(2, "answered", _VISIT, "visits whose service began"),
    Measure(3, "abandoned", _VISIT, "visits whose customer gave up waiting"),
    Measure(4, "short_abandoned", _VISIT, "abandoned visits that waited 5 s at most", lead="abandoned_waits"),
    Measure(5, "diverted", _VISIT, "visits whose wait ended in voicemail, callback, overflow, timeout or exit"),
    Measure(6, "expired", _VISIT, "visits still waiting when their interaction had been silent for too long"),
    Measure(7, "waiting", _VISIT, "visits that wait now", state=True),
    Measure(8, "answered_waits", _VISIT, "answered visits whose wait is known"),
    Measure(9, "answered_wait_us", _VISIT, "their waits", Unit.MICROSECONDS, "answered_waits"),
    Measure(10, "abandoned_waits", _VISIT, "abandoned visits whose wait is known"),
    Measure(11, "abandoned_wait_us", _VISIT, "their waits", Unit.MICROSECONDS, "abandoned_waits"),
    Measure(12, "handled", _VISIT, "answered visits whose end is known"),
    Measure(13, "service_us", _VISIT, "their time in service, without hold", Unit.MICROSECONDS, "handled"),
    Measure(14, "hold_us", _VISIT, "their time on hold", Unit.MICROSECONDS, "handled"),
    Measure(15, "wrap_up_us", _VISIT, "their wrap-up after the end", Unit.MICROSECONDS, "handled"),
    Measure(60, "told_waits", _VISIT, "visits of which the source tells the wait, and it is known here"),
    Measure(61, "wait_difference_us", _VISIT, "how far the two are apart", Unit.MICROSECONDS, "told_waits"),
    Measure(62, "told_services", _VISIT, "visits of which the source tells the time in service, and it is known here"),
    Measure(63, "service_difference_us", _VISIT, "how far the two are apart", Unit.MICROSECONDS, "told_services"),
    Measure(20, "interactions", _MATTER, "interactions that arrived"),
    Measure(21, "interactions_answered", _MATTER, "interactions answered at least once"),
    Measure(22, "completed", _MATTER, "interactions completed at least once"),
    Measure(23, "resolved", _MATTER, "interactions whose latest word on it is resolved"),
    Measure(24, "unresolved", _MATTER, "interactions whose latest word on it is not resolved"),
    Measure(25, "reopened", _MATTER, "interactions reopened at least once"),
    Measure(26, "transferred", _MATTER, "interactions transferred at least once"),
    Measure(27, "escalated", _MATTER, "interactions escalated at least once"),
    Measure(28, "corrected", _MATTER, "interactions in which the service corrected an error at least once"),
    Measure(29, "recovered", _MATTER, "interactions in which an error was put right at least once"),
    Measure(30, "conflicts", _MATTER, "events that the walk has no place for"),
    Measure(31, "resolutions", _MATTER, "interactions with a time to resolution"),
    Measure(32, "resolution_us", _MATTER, "their times to resolution", Unit.MICROSECONDS, "resolutions"),
    Measure(33, "recoveries", _MATTER, "errors that were put right"),
    Measure(34, "recovery_us", _MATTER, "the times from error to recovery", Unit.MICROSECONDS, "recoveries"),
    Measure(35, "unrecovered", _MATTER, "errors that are not put right yet", state=True),
    Measure(36, "late_events", _MATTER, "events that arrived here more than 60 s after their own time"),
    Measure(37, "skewed_events", _MATTER, "events whose own time was ahead of the clock here"),
    Measure(38, "skew_us", _MATTER, "how far ahead they were", Unit.MICROSECONDS, "skewed_events"),
    Measure(
        39,
        "business_resolution_us",
        _MATTER,
        "their times to resolution within opening hours",
        Unit.MICROSECONDS,
        "resolutions",
    ),
    Measure(40, "contacts", _CONTACT, "interactions of known customers"),
    Measure(41, "store_contacts", _CONTACT, "interactions of known customers in stores (channel pos)"),
    *(
        Measure(
            42 + number,
            f"repeat_contacts_{within}",
            _CONTACT,
            f"contacts that came within {days} d after the previous one of the same customer and topic",
        )
        for number, (within, days) in enumerate(WITHIN_DAYS.items())
    ),
    *(
        Measure(
            45 + number,
            f"repeat_visits_{within}",
            _CONTACT,
            f"contacts in stores that came within {days} d after the previous one of the same customer",
        )
        for number, (within, days) in enumerate(WITHIN_DAYS.items())
    ),
    *(
        Measure(48 + 4 * number + place, f"{name}_{within}", _CONTACT, help_.format(days=days), state=True)
        for number, (within, days) in enumerate(WITHIN_DAYS.items())
        for place, (name, help_) in enumerate(_FIRST_CONTACT.items())
    ),
)
MEASURES: tuple[Measure, ...] = (
    *(replace(measure, formula=_FORMULAS[measure.name]) for measure in _OF_INTERACTIONS),
    *QUALITY_MEASURES,
)
MEASURE_BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}
MEASURE_BY_CODE: Mapping[int, Measure] = {measure.code: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations of one kind; `formula` says what one is, in the words of the events.

    `cells` says whether each exact value is kept per minute, for thresholds and quantiles.
    """

    code: int
    name: str
    lead: str
    total: tuple[str, ...]
    help: str
    formula: str
    bounds: tuple[float, ...]
    cells: bool = True
    exported: bool = True

    @property
    def bounds_us(self) -> tuple[int, ...]:
        """The bounds of the buckets in microseconds, which each bucket includes."""
        return tuple(duration_us(bound) for bound in self.bounds)


_WAIT_BOUNDS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 3600.0)
_HANDLE_BOUNDS = (5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0, 450.0, 600.0, 900.0, 1800.0, 3600.0)
_LONG_BOUNDS = (60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0, 259200.0, 604800.0, 1209600.0, 2592000.0)

HISTOGRAMS: tuple[Histogram, ...] = (
    Histogram(
        1,
        "wait",
        "answered_waits",
        ("answered_wait_us",),
        "wait of answered visits",
        "wait = answered - queued",
        _WAIT_BOUNDS,
    ),
    Histogram(
        2,
        "abandoned_wait",
        "abandoned_waits",
        ("abandoned_wait_us",),
        "wait of abandoned visits",
        "wait = abandoned - queued",
        _WAIT_BOUNDS,
    ),
    Histogram(
        3,
        "handle",
        "handled",
        ("service_us", "hold_us", "wrap_up_us"),
        "service, hold and wrap-up of answered visits whose end is known",
        "handle = service + hold + wrap-up; service = end - answered - hold",
        _HANDLE_BOUNDS,
        cells=False,
    ),
    Histogram(
        4,
        "resolution",
        "resolutions",
        ("resolution_us",),
        "arrival of an interaction to its first completion as resolved",
        "resolution = first completed with resolved = true - arrival",
        _LONG_BOUNDS,
    ),
    Histogram(
        5,
        "recovery",
        "recoveries",
        ("recovery_us",),
        "an error of the service to its recovery",
        "recovery = recovered - corrected",
        _LONG_BOUNDS,
    ),
    Histogram(
        6,
        "business_resolution",
        "resolutions",
        ("business_resolution_us",),
        "arrival of an interaction to its first completion as resolved, within the site's opening hours",
        "resolution = the site's opening time from arrival to the first completed with resolved = true",
        _LONG_BOUNDS,
        exported=False,
    ),
)
HISTOGRAM_BY_NAME: Mapping[str, Histogram] = {histogram.name: histogram for histogram in HISTOGRAMS}
HISTOGRAM_BY_CODE: Mapping[int, Histogram] = {histogram.code: histogram for histogram in HISTOGRAMS}
