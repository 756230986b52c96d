"""Whether the numbers can be believed: what comes in, how late, what is corrected, and who is silent."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.core.catalogue.measures import LATE_LAGS_SECONDS
from service.generate.dashboards import links
from service.generate.dashboards.board import Board, frontline_url, outside, places
from service.generate.dashboards.expressions import chosen, matching, of_metric, once, summed
from service.generate.dashboards.ingest import ALL_REPLICAS, commits, posts
from service.generate.dashboards.panels import (
    AMBER,
    GREEN,
    NONE_IS_GOOD,
    RED,
    About,
    Column,
    Link,
    Query,
    Steps,
    stat,
    table,
    timeseries,
)

_SITE = ("site",)
_RATE = "$__rate_interval"
_JOBS = 'job=~"frontline|frontline-kpi"'
_COUNTS = 'measure!~".+_seconds"'
_SILENT = "Time since the latest event of a source at a site: now - max of time."


def dashboard() -> Dashboard:
    """Frontline itself."""
    return Board(
        "pipeline",
        "Pipeline",
        "Whether the numbers can be believed: what comes in, how late, what is corrected, and who is silent.",
        "now-6h",
        "30s",
        [*places("site"), frontline_url()],
        [*_numbers(), *posts(), *commits(), *_time(), *_moved(), _sources(), *_scrapes(), *_told()],
        [outside("Runbooks", "${frontline_url}/runbooks")],
    ).build()


def _numbers() -> list[Panel]:
    up = f"min (up{{{_JOBS}}})"
    return [
        _number(
            "Up",
            f"Least of up over the targets of {_JOBS}: 1 while Prometheus reads them all.",
            0,
            "bool_yes_no",
            up,
            ((None, RED), (1, GREEN)),
        ),
        _number(
            "Residual",
            of_metric("frontline_queue_residual"),
            4,
            "short",
            f"sum (abs (frontline:queue_residual{{{chosen(_SITE)}}}))",
            NONE_IS_GOOD,
            [links.RESIDUAL_RUNBOOK],
        ),
        _number(
            "Database away",
            "1 while the database does not answer the writer: the largest frontline_database_away.",
            8,
            "bool_yes_no",
            "max (frontline_database_away)",
            NONE_IS_GOOD,
        ),
        _number(
            "Events in the queue",
            f"Events that wait for their commit: frontline_queue_events. {ALL_REPLICAS}",
            12,
            "short",
            "sum (frontline_queue_events)",
            ((None, GREEN), (10_000, AMBER), (40_000, RED)),
        ),
        _number(
            "Timers",
            "Processes that run the timer: 1, wherever it is.",
            16,
            "short",
            "sum (frontline_timer_holder)",
            ((None, RED), (1, GREEN), (2, AMBER)),
        ),
        _number(
            "Commits that failed",
            f"Not committed, over the range: increase(frontline_commit_failures_total). {ALL_REPLICAS}",
            20,
            "short",
            "sum (increase(frontline_commit_failures_total[$__range]))",
            ((None, GREEN), (1, AMBER)),
        ),
    ]


def _number(title: str, description: str, x: int, unit: str, expr: str, steps: Steps, to: Sequence[Link] = ()) -> Panel:
    return stat(
        About(title, description, (x, 0, 4, 4), unit, steps, to, decimals=0),
        [Query(expr, title.lower())],
        shows="value",
    )


def _time() -> list[Panel]:
    return [
        timeseries(
            About("Late events", of_metric("frontline_late_events_total"), (0, 20, 8, 8), "eps"),
            [Query(_seconds("frontline_late_events_total", "lag"), "later than {{lag}}")],
        ),
        timeseries(
            About("Clocks ahead", of_metric("frontline_clock_skew_seconds"), (8, 20, 8, 8), "s"),
            [Query(f"max by (source) (frontline_clock_skew_seconds{{{chosen(_SITE)}}})", "{{source}}")],
        ),
        timeseries(
            About("Silence of sources", _SILENT, (16, 20, 8, 8), "s", links=[links.SILENCE_RUNBOOK]),
            [Query(f"max by (source) (frontline:source_silent_seconds{{{chosen(_SITE)}}})", "{{source}}")],
        ),
    ]


def _seconds(metric: str, *by: str, more: str = "") -> str:
    return summed(once(f"rate({metric}{{{chosen(_SITE, more)}}}[{_RATE}])"), by)


def _moved() -> list[Panel]:
    backfilled = summed(once(f"frontline_backfilled_total{{{chosen(_SITE, _COUNTS)}}}"), ("measure",))
    return [
        timeseries(
            About("Corrections", of_metric("frontline_corrections_total"), (0, 28, 8, 8), "cps"),
            [
                Query(
                    _seconds("frontline_corrections_total", "measure", "direction", more=_COUNTS),
                    "{{measure}} {{direction}}",
                )
            ],
        ),
        timeseries(
            About("Backfilled so far", of_metric("frontline_backfilled_total"), (8, 28, 8, 8), "short"),
            [Query(backfilled, "{{measure}}")],
            fill=0,
        ),
        timeseries(
            About("Conflicts", of_metric("frontline_conflicts_total"), (16, 28, 8, 8), "cps"),
            [Query(_seconds("frontline_conflicts_total", "site"), "{{site}}")],
        ),
    ]


def _sources() -> Panel:
    by = ("source", "site")
    silent = f"max by (source, site) (frontline:source_silent_seconds{{{chosen(_SITE)}}})"
    late, ahead = "frontline_late_events_total", "frontline_clock_skew_events_total"
    return table(
        About(
            "Sources, most silent first",
            f"{_SILENT} Late: {of_metric(late)} Ahead: {of_metric(ahead)} "
            f"{of_metric('frontline_clock_skew_seconds')} All since ever.",
            (0, 36, 24, 9),
            "short",
        ),
        [
            Column("source"),
            Column("site", links=[links.SITE_OF_ROW]),
            Column(
                "silent for",
                "s",
                silent,
                links=[links.SILENCE_RUNBOOK],
                decimals=0,
            ),
            Column(
                "arrivals an hour at the site",
                "short",
                f"0 * {silent} + on (site) group_left () frontline:site_arrivals:rate_6h * 3600",
                decimals=0,
            ),
            *(
                Column(
                    f"later than {lag}", "short", summed(once(f"{late}{{{chosen(_SITE, matching('lag', lag))}}}"), by)
                )
                for lag in LATE_LAGS_SECONDS
            ),
            Column("ahead of the clock", "short", summed(once(f"{ahead}{{{chosen(_SITE)}}}"), by)),
            Column(
                "by at most",
                "s",
                f"max by (source, site) (frontline_clock_skew_seconds{{{chosen(_SITE)}}})",
                decimals=1,
            ),
        ],
        sort_by="silent for",
        is_descending=True,
    )


def _told() -> list[Panel]:
    """How far what sources say of durations is from what their events make."""
    return [
        _difference("Waits told otherwise", "wait_difference_seconds", "told_waits", 0),
        _difference("Service told otherwise", "service_difference_seconds", "told_services", 12),
    ]


def _difference(title: str, difference: str, told: str, x: int) -> Panel:
    difference, told = f"frontline_{difference}_total", f"frontline_{told}_total"
    mean = f"{_seconds(difference, 'site')} / ({_seconds(told, 'site')} > 0)"
    description = f"In the mean, of those with both: {of_metric(difference)} By: {of_metric(told)}"
    return timeseries(About(title, description, (x, 53, 12, 8), "s"), [Query(mean, "{{site}}")])


def _scrapes() -> list[Panel]:
    return [
        timeseries(
            About(
                "Scrapes that succeed",
                f"up of the targets of {_JOBS}: 1 where Prometheus read the page.",
                (0, 45, 8, 8),
                "short",
                most=1,
            ),
            [Query(f"up{{{_JOBS}}}", "{{job}} {{instance}}")],
        ),
        timeseries(
            About(
                "Time of a scrape",
                f"How long Prometheus took to read a page: scrape_duration_seconds of {_JOBS}.",
                (8, 45, 8, 8),
                "s",
            ),
            [Query(f"scrape_duration_seconds{{{_JOBS}}}", "{{job}} {{instance}}")],
            fill=0,
        ),
        timeseries(
            About(
                "Memory of a process",
                "process_resident_memory_bytes of job frontline: what each process holds in memory.",
                (16, 45, 8, 8),
                "bytes",
            ),
            [Query('process_resident_memory_bytes{job="frontline"}', "{{instance}}")],
            fill=0,
        ),
    ]
