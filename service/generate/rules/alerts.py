"""The alerts of an objective."""

from collections.abc import Iterator

from service.core.catalogue.measures import MATURITIES
from service.core.objective import Severity
from service.generate.rules import words
from service.generate.rules.model import Alert
from service.generate.rules.options import HOUR, MINUTE, Options
from service.generate.rules.promql import literal, looked_up, number, quoted
from service.generate.rules.recording import breaches_over, events_over, ratio_over
from service.generate.rules.tiers import Tier, failing_threshold
from service.generate.rules.variants import Variant

_LONG_WAIT_FACTOR = 3
LONG_WAIT_PEOPLE = 3
FAILING_BREACHES = 3
FAILING_SECONDS = 6 * HOUR
# Sources that could not post for a while are heard late, and take back what had seemed to be breaches.
_CAUGHT_UP_SECONDS = 5 * MINUTE
_FRESH_SECONDS = 2 * MINUTE
_FRESH_AT_LEAST = 5  # seconds, so that a rehearsal still has a scrape or two
_PLACE = words.Place.of_series()
_SHARE = "{{ $value | humanizePercentage }}"
_COUNT = '{{ $value | printf "%.0f" }}'


def objective_alerts(variant: Variant, options: Options) -> Iterator[Alert]:
    """All alerts of an objective; there is none where nobody wants to be told."""
    if variant.about.severity is Severity.NONE:
        return
    for tier in variant.tiers:
        if tier.severity is not Severity.NONE:
            yield _burning(variant, tier, options)
    yield _failing(variant, options)
    if variant.is_of_waits:
        yield _long_waits(variant, options)
    yield _at_risk(variant, options)
    yield _exhausted(variant, options)


def labels_of(variant: Variant, severity: Severity, tier: str = "") -> dict[str, str]:
    """The labels that an alert of an objective adds to those of its series."""
    found = {"severity": severity.value, "category": "objective", "objective": variant.name}
    further = {"tier": tier, "owner": literal(variant.about.owner), "override": str(variant.number or "")}
    return found | {name: value for name, value in further.items() if value}


def long_wait_seconds(variant: Variant) -> float:
    """How long somebody may wait before the line is called long, whatever becomes of the promise."""
    return _LONG_WAIT_FACTOR * (variant.terms.threshold_seconds or 0)


def _burning(variant: Variant, tier: Tier, options: Options) -> Alert:
    events = events_over(tier.long_seconds)
    threshold = number(tier.threshold)
    return Alert(
        "FrontlineBudgetBurning",
        f"{ratio_over(tier.long_seconds)}{{{variant.matchers}}} > {threshold}\n"
        f"and {ratio_over(tier.short_seconds)}{{{variant.matchers}}} > {threshold}\n"
        f"and {events}{{{variant.matchers}}} >= {variant.terms.minimum_events}\n",
        labels_of(variant, tier.severity, tier.name),
        words.burning(variant, tier, options, _PLACE, _SHARE, looked_up(events, {"objective": variant.name})),
    )


def _failing(variant: Variant, options: Options) -> Alert:
    threshold = failing_threshold(variant.terms)
    events, breaches = events_over(FAILING_SECONDS), breaches_over(FAILING_SECONDS)
    # Half a breach less than whole ones: increase() estimates what lies between two scrapes.
    return Alert(
        "FrontlineSustainedFailure",
        f"{ratio_over(FAILING_SECONDS)}{{{variant.matchers}}} > {number(threshold)}\n"
        f"and {breaches}{{{variant.matchers}}} > {FAILING_BREACHES - 0.5}\n"
        f"and {events}{{{variant.matchers}}} < {variant.terms.minimum_events}\n",
        labels_of(variant, Severity.TICKET),
        words.failing(
            variant,
            threshold,
            FAILING_SECONDS,
            options,
            _PLACE,
            _SHARE,
            looked_up(events, {"objective": variant.name}),
        ),
        options.span(10 * MINUTE),
    )


def _long_waits(variant: Variant, options: Options) -> Alert:
    seconds = long_wait_seconds(variant)
    fresh = max(_FRESH_SECONDS / options.speedup, _FRESH_AT_LEAST)
    # A line whose source is silent is not known to be long: who left it has not been told.
    return Alert(
        "FrontlineLongWaits",
        f"(\n"
        f"  frontline:queue_longest_wait_seconds{variant.filter} > {number(seconds)}\n"
        f"  and frontline:queue_waiting{variant.filter} >= {LONG_WAIT_PEOPLE}\n"
        f")\n"
        f"and on (site) min by (site) (frontline:source_silent_seconds) < {number(fresh)}\n",
        labels_of(variant, variant.about.severity),
        words.waiting(
            variant,
            seconds,
            LONG_WAIT_PEOPLE,
            options,
            _PLACE,
            "{{ $value | humanizeDuration }}",
            looked_up("frontline:queue_waiting", {}),
        ),
        options.span(2 * MINUTE),
    )


def _at_risk(variant: Variant, options: Options) -> Alert:
    window = _window(variant)
    return Alert(
        "FrontlineAtRisk",
        f"frontline:window_projected_budget_ratio{window} < 0\n"
        f"and frontline:window_breaches{window} <= frontline:window_allowed_breaches{window}\n"
        f"and frontline:window_events{window} >= {variant.terms.minimum_events}\n",
        labels_of(variant, Severity.TICKET),
        words.at_risk(
            variant,
            options,
            _PLACE,
            _SHARE,
            _in_window(variant, "breaches"),
            _in_window(variant, "allowed_breaches"),
            _in_window(variant, "events"),
            "{{ $labels.maturity }}",
        ),
        options.span(_CAUGHT_UP_SECONDS),
    )


def _exhausted(variant: Variant, options: Options) -> Alert:
    settled = MATURITIES[0]
    window = _window(variant, settled)
    return Alert(
        "FrontlineBudgetExhausted",
        f"frontline:window_breaches{window} > frontline:window_allowed_breaches{window}\n"
        f"and frontline:window_events{window} >= {variant.terms.minimum_events}\n",
        labels_of(variant, Severity.TICKET),
        words.exhausted(
            variant,
            options,
            _PLACE,
            _COUNT,
            _in_window(variant, "allowed_breaches"),
            _in_window(variant, "events"),
        ),
        options.span(_CAUGHT_UP_SECONDS),
    )


def _window(variant: Variant, maturity: str = "") -> str:
    of_maturity = f",maturity={quoted(maturity)}" if maturity else ""
    return f"{{{variant.matchers},window={quoted(variant.terms.window.name)}{of_maturity}}}"


def _in_window(variant: Variant, name: str) -> str:
    labels = {"objective": variant.name, "window": variant.terms.window.name}
    return looked_up(f"frontline:window_{name}", labels, "maturity")
