"""A site, or several: speed and reliability side by side, hour by hour against last week."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.generate.dashboards import levels, links
from service.generate.dashboards.board import Board, objectives, places
from service.generate.dashboards.expressions import (
    LINE,
    abandonment,
    budget_used,
    by_state,
    chosen,
    increase,
    kept,
    mean,
    of_answered,
    of_completed,
    of_kpi,
    of_metric,
    quantile,
    resolution,
)
from service.generate.dashboards.panels import (
    BUDGET_USED,
    PALE,
    About,
    Column,
    Query,
    heatmap,
    stat,
    table,
    timeseries,
)

_HOUR = "1h"
_HOURLY = "Each point is of the hour before it."
_OFFERED = "frontline_queue_offered_total"
_NO_QUEUE = "Durations are known by site and channel, not by queue."


def dashboard() -> Dashboard:
    """How a site does now, and against the same time of last week."""
    return Board(
        "site",
        "Site",
        "Speed on the left, reliability on the right, hour by hour against last week; who serves, and what works.",
        "now-24h",
        "1m",
        [*places(), objectives()],
        [*_numbers(), *_kept(), *_hours(), *_waits(), _lines(), *levels.panels(39)],
    ).build()


def _numbers() -> list[Panel]:
    return [
        stat(
            About(
                "Kept",
                "1 - breaches / events over the range, of each objective. Red: below its target; amber: more than "
                "three quarters of the breaches that it allows; green: kept.",
                (0, 0, 12, 4),
                "percentunit",
                links=[links.OBJECTIVES],
                decimals=1,
            ),
            by_state(kept(("objective",)), budget_used(("objective",)), "{{objective}}"),
            shows="value_and_name",
        ),
        _share("Resolved", of_kpi("resolution_rate"), 12, resolution()),
        _share("Accuracy", of_kpi("accuracy"), 15, f"1 - {of_completed('corrected')}"),
        _share("Transferred", of_kpi("transfer_rate"), 18, of_answered("transferred")),
        _share("Reopened", of_kpi("reopen_rate"), 21, of_completed("reopened")),
    ]


def _share(title: str, description: str, x: int, expr: str) -> Panel:
    return stat(
        About(title, description, (x, 0, 3, 4), "percentunit", links=[links.RELIABILITY], decimals=1),
        [Query(expr, title.lower())],
        shows="value",
    )


def _kept() -> list[Panel]:
    resolved = resolution(span=_HOUR)
    return [
        timeseries(
            About(
                "Kept, hour by hour",
                f"1 - breaches / events of each objective. {_HOURLY}",
                (0, 4, 12, 8),
                "percentunit",
                most=1,
            ),
            [Query(kept(("objective",), span=_HOUR), "{{objective}}", "5m")],
            fill=0,
            least=None,
        ),
        timeseries(
            About(
                "Reliability, hour by hour",
                " ".join((*map(of_kpi, ("resolution_rate", "accuracy", "transfer_rate", "reopen_rate")), _HOURLY)),
                (12, 4, 12, 8),
                "percentunit",
                most=1,
            ),
            [
                Query(resolved, "resolved", "5m"),
                Query(f"1 - {of_completed('corrected', span=_HOUR)}", "accuracy", "5m"),
                Query(of_answered("transferred", span=_HOUR), "transferred", "5m"),
                Query(of_completed("reopened", span=_HOUR), "reopened", "5m"),
            ],
            fill=0,
        ),
    ]


def _hours() -> list[Panel]:
    return [
        timeseries(
            About("Arrivals against last week", f"{of_metric(_OFFERED)} {_HOURLY}", (0, 12, 8, 8), "short"),
            _against_last_week(increase(_OFFERED, span=_HOUR), increase(_OFFERED, span=_HOUR, offset="1w")),
        ),
        timeseries(
            About(
                "Speed of answer against last week",
                f"{of_kpi('average_speed_of_answer')} {_NO_QUEUE} {_HOURLY}",
                (8, 12, 8, 8),
                "s",
            ),
            _against_last_week(mean("wait", span=_HOUR), mean("wait", span=_HOUR, offset="1w")),
        ),
        timeseries(
            About(
                "Abandonment against last week",
                f"{of_kpi('abandonment_rate')} {_HOURLY}",
                (16, 12, 8, 8),
                "percentunit",
            ),
            _against_last_week(abandonment(span=_HOUR), abandonment(span=_HOUR, offset="1w")),
        ),
    ]


def _against_last_week(now: str, before: str) -> list[Query]:
    return [Query(now, "this week", "15m"), Query(before, "last week", "15m", PALE)]


def _waits() -> list[Panel]:
    buckets = increase("frontline_wait_seconds_bucket", ("le",), ("site", "channel"), span="$__rate_interval")
    return [
        heatmap(
            About(
                "Waits",
                f"Number of answered visits by how long they waited. {of_metric('frontline_wait_seconds')} {_NO_QUEUE}",
                (0, 20, 12, 9),
                "short",
            ),
            Query(buckets, "{{le}}", "5m"),
            "s",
        ),
        timeseries(
            About(
                "Waits that 50, 90 and 99 % do not exceed",
                f"{of_kpi('wait_p50')} Likewise p90 and p99. {_NO_QUEUE} {_HOURLY}",
                (12, 20, 12, 9),
                "s",
            ),
            [Query(quantile(percent / 100, "wait", span=_HOUR), f"p{percent}", "5m") for percent in (50, 90, 99)],
            fill=0,
        ),
    ]


def _lines() -> Panel:
    by_line = ", ".join(LINE)
    return table(
        About(
            "By queue and channel",
            f"Over the range; of several objectives of a line the one that is worst off. Budget used: (breaches / "
            f"events) / (1 - target). Abandonment: {of_kpi('abandonment_rate')} Resolved: {of_kpi('resolution_rate')} "
            f"Accuracy: {of_kpi('accuracy')}",
            (0, 29, 24, 10),
            "short",
        ),
        [
            Column("site"),
            Column("queue", links=[links.QUEUE_OF_ROW, links.OBJECTIVES_OF_ROW]),
            Column("channel"),
            Column("waiting", "short", f"sum by ({by_line}) (frontline:queue_waiting{{{chosen()}}})"),
            Column("arrivals", "short", f"round ({increase(_OFFERED, LINE)})"),
            Column("abandonment", "percentunit", abandonment(LINE), decimals=1),
            Column("kept", "percentunit", f"min by ({by_line}) ({kept()})", decimals=1),
            Column(
                "budget used", "percentunit", f"max by ({by_line}) ({budget_used()})", steps=BUDGET_USED, decimals=0
            ),
            Column("resolved", "percentunit", resolution(LINE), decimals=1),
            Column("accuracy", "percentunit", f"1 - {of_completed('corrected', LINE)}", decimals=1),
        ],
        sort_by="budget used",
        is_descending=True,
    )
