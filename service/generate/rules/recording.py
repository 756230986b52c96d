"""Series that Prometheus records: the numbers of all replicas as one, and shares of breaches over spans.

Every replica shows the same numbers, read from one database, each as of its own last reading. The largest of a counter
is the newest; but where the replica that has it goes away, the largest of the others is a step back, which `increase`
takes for a counter that began anew, adding all that was ever counted. So the largest of the last five minutes is
recorded, which steps back in no rollout.
"""

from collections.abc import Iterator, Sequence

from service.generate.rules.model import Group, Recording
from service.generate.rules.options import HOUR, MINUTE, Options, duration
from service.generate.rules.variants import Variant

RECORDING = "frontline-recording"
SITE_ARRIVALS = "frontline:site_arrivals:rate_6h"
_SETTLED_SECONDS = 5 * MINUTE
_LONG_SECONDS = 6 * HOUR
# Well below the five minutes after which Prometheus forgets a series, for one evaluation may fail.
_LONG_INTERVAL_SECONDS = 2 * MINUTE
_GAUGES = (
    ("frontline:queue_waiting", "frontline_queue_waiting"),
    ("frontline:queue_longest_wait_seconds", "frontline_queue_longest_wait_seconds"),
    ("frontline:queue_residual", "frontline_queue_residual"),
    ("frontline:sites", "frontline_sites"),
    ("frontline:site_open", "frontline_site_open"),
    ("frontline:promise_next_due_timestamp_seconds", "frontline_promise_next_due_timestamp_seconds"),
    ("frontline:complaint_oldest_timestamp_seconds", "frontline_complaint_oldest_timestamp_seconds"),
    ("frontline:resources", "frontline_resources"),
    ("frontline:window_events", "frontline_window_events"),
    ("frontline:window_breaches", "frontline_window_breaches"),
    ("frontline:window_allowed_breaches", "frontline_window_allowed_breaches"),
    ("frontline:window_projected_budget_ratio", "frontline_window_projected_budget_ratio"),
)
_LAST_EVENT = "max without (instance, pod) (frontline_source_last_event_timestamp_seconds)"


def recording_groups(found: Sequence[Variant], options: Options) -> Iterator[Group]:
    """What alerts are made of, for every span that one of them looks back."""
    spans = sorted(
        {span for one in found for tier in one.tiers for span in (tier.long_seconds, tier.short_seconds)}
        | ({_LONG_SECONDS} if found else set())
    )
    short = [rule for span in spans if span < _LONG_SECONDS for rule in _over(span, options)]
    yield Group(RECORDING, (*_now(options), *short))
    yield _arrivals(options)
    for span in spans:
        if span >= _LONG_SECONDS:
            interval = options.span(_LONG_INTERVAL_SECONDS)
            yield Group(f"{RECORDING}-{duration(span)}", tuple(_over(span, options)), interval)


def _arrivals(options: Options) -> Group:
    """How many arrive at a site in a second, by the last six hours: how much its silence says."""
    rate = f"max without (instance, pod) (rate(frontline_queue_offered_total[{options.span(_LONG_SECONDS)}]))"
    arrivals = Recording(SITE_ARRIVALS, f"sum by (site) ({rate})")
    return Group(f"{RECORDING}-arrivals", (arrivals,), options.span(_LONG_INTERVAL_SECONDS))


def events_over(seconds: float) -> str:
    """The series of what was judged in a span."""
    return f"frontline:slo_events:increase_{duration(seconds)}"


def breaches_over(seconds: float) -> str:
    """The series of the breaches in a span."""
    return f"frontline:slo_breaches:increase_{duration(seconds)}"


def ratio_over(seconds: float) -> str:
    """The series of the share of breaches in a span; there is none where nothing was judged."""
    return f"frontline:slo_breach_ratio:{duration(seconds)}"


def _now(options: Options) -> Iterator[Recording]:
    for record, metric in _GAUGES:
        yield Recording(record, f"max without (instance, pod) ({metric})")
    # A source that was registered and has not posted yet has no last event to be silent since.
    yield Recording("frontline:source_silent_seconds", f"clamp_min(time() - ({_LAST_EVENT} > 0), 0)")
    for name in ("events", "breaches"):
        latest = f"max_over_time(frontline_slo_{name}_total[{options.span(_SETTLED_SECONDS)}])"
        yield Recording(f"frontline:slo_{name}:total", f"max without (instance, pod) ({latest})")


def _over(seconds: int, options: Options) -> Iterator[Recording]:
    span = options.span(seconds)
    yield Recording(events_over(seconds), f"increase(frontline:slo_events:total[{span}])")
    yield Recording(breaches_over(seconds), f"increase(frontline:slo_breaches:total[{span}])")
    yield Recording(ratio_over(seconds), f"{breaches_over(seconds)} / ({events_over(seconds)} > 0)")
