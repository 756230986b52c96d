"""The alerts on Frontline itself: whether its numbers can be believed, and whether it hears at all."""

from collections.abc import Iterator

from service.generate.rules.model import Alert
from service.generate.rules.options import DAY, HOUR, MINUTE, Options
from service.generate.rules.promql import number
from service.generate.rules.recording import SITE_ARRIVALS
from service.generate.rules.words import of_pipeline

_EXPECTED_ARRIVALS = 5
_SURELY_SECONDS = 6 * HOUR
_GONE_SECONDS = 7 * DAY
_REFUSED_SHARE = 0.05
_JOBS = '{job=~"frontline|frontline-kpi"}'


def pipeline_alerts(options: Options) -> Iterator[Alert]:
    """All of them."""
    yield _source_silent(options)
    yield _alert(
        options,
        "FrontlineResidual",
        "page",
        "frontline:queue_residual != 0",
        "{{ $labels.site }}, queue {{ $labels.queue }} ({{ $labels.channel }}): visits do not add up",
        "offered - (answered + abandoned + diverted + expired + waiting) is {{ $value }} and must be 0. The numbers of "
        "this line are wrong; `frontline verify` tells more, `frontline rebuild` makes them again from the events.",
        MINUTE,
    )
    yield _alert(
        options,
        "FrontlineDown",
        "page",
        f"sum by (job) (up{_JOBS}) == 0",
        "Frontline is down ({{ $labels.job }})",
        "No target of job {{ $labels.job }} answers Prometheus. Posts fail; those who post keep events and send them "
        "again.",
        MINUTE,
    )
    yield _alert(
        options,
        "FrontlineKpisMissing",
        "page",
        "absent(frontline:sites)",
        "Prometheus has no KPIs",
        "There are no series of /metrics/kpi, so no objective can alert. Either it is not scraped, or it fails.",
        5 * MINUTE,
    )
    yield from _ingest_failing(options)
    yield _alert(
        options,
        "FrontlineTimerStalled",
        "ticket",
        "sum by (job) (frontline_timer_holder) == 0\nand sum by (job) (up) > 0\n",
        "no process runs the timer",
        "Who waits past a threshold is not counted as a breach before the wait ends, and nothing expires or settles.",
        2 * MINUTE,
    )
    yield _alert(
        options,
        "FrontlineSiteClosed",
        "none",
        "frontline:site_open == 0",
        "{{ $labels.site }} is closed",
        "By its opening hours and holidays. Tells nobody; alerts of its objectives are held back meanwhile.",
        category="calendar",
    )
    yield _alert(
        options,
        "FrontlineWatchdog",
        "none",
        "vector(1)",
        "alerts work",
        "Always fires. Where it stops to arrive, alerts do not get through.",
        category="watchdog",
    )


def _source_silent(options: Options) -> Alert:
    limit = options.span(options.silent_after_seconds)
    # Whoever opens in the morning has been silent all night, so the site has to have been open throughout. A source
    # that has been silent for a week is none that is expected to speak: it was retired, or brought history only. And
    # where few come, silence says nothing before as many would have come that it cannot be chance.
    return _alert(
        options,
        "FrontlineSourceSilent",
        "ticket",
        f"(\n"
        f"  frontline:source_silent_seconds > {number(options.silent_after_seconds / options.speedup)}\n"
        f"  and frontline:source_silent_seconds < {number(_GONE_SECONDS / options.speedup)}\n"
        f")\n"
        f"and on (site) min_over_time(frontline:site_open[{limit}]) == 1\n"
        f"and (\n"
        f"  frontline:source_silent_seconds * on (site) group_left () {SITE_ARRIVALS} > {_EXPECTED_ARRIVALS}\n"
        f"  or frontline:source_silent_seconds > {number(_SURELY_SECONDS / options.speedup)}\n"
        f")\n",
        "{{ $labels.source }} is silent at {{ $labels.site }}",
        "No event of {{ $labels.source }} for {{ $value | humanizeDuration }}, while {{ $labels.site }} is open. What "
        f"is known of it is old, and alerts of its objectives are held back. Fires after {limit}, where at least "
        f"{_EXPECTED_ARRIVALS} customers would have come by now.",
    )


def _ingest_failing(options: Options) -> Iterator[Alert]:
    span = options.span(5 * MINUTE)
    refused = f'sum by (job) (rate(frontline_ingest_posts_total{{status=~"5.."}}[{span}]))'
    posts = f"sum by (job) (rate(frontline_ingest_posts_total[{span}]))"
    name, held = "FrontlineIngestFailing", 2 * MINUTE
    yield _alert(
        options,
        name,
        "page",
        f"{refused}\n/ ({posts} > 0)\n> {number(_REFUSED_SHARE)}\n",
        "posts of events fail",
        f"{{{{ $value | humanizePercentage }}}} of posts in the last {span} were answered with a 5xx. "
        "Those who post keep events and send them again; the numbers lag behind.",
        held,
        cause="posts",
    )
    yield _alert(
        options,
        name,
        "page",
        "max by (job) (frontline_database_away) > 0",
        "the database does not answer",
        "Posts are answered with 503 until it does. Those who post keep events and send them again.",
        held,
        cause="database",
    )


def _alert(
    options: Options,
    name: str,
    severity: str,
    expr: str,
    summary: str,
    description: str,
    held_seconds: float = 0,
    *,
    category: str = "pipeline",
    **labels: str,
) -> Alert:
    return Alert(
        name,
        expr,
        {"severity": severity, "category": category} | labels,
        of_pipeline(name, summary, description, options.links),
        options.span(held_seconds) if held_seconds else "",
    )
