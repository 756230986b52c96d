"""All sites, the worst first."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.generate.dashboards import links
from service.generate.dashboards.board import Board, firing, objectives, places
from service.generate.dashboards.expressions import (
    abandonment,
    budget_used,
    chosen,
    increase,
    kept,
    mean,
    of_kpi,
    of_metric,
    per_hour,
)
from service.generate.dashboards.panels import (
    BUDGET_USED,
    NONE_IS_GOOD,
    About,
    Column,
    Query,
    bar_gauge,
    stat,
    table,
    timeseries,
)

_SITE = ("site",)
_BY_OBJECTIVE = ("site", "objective")
_BUDGET = "Budget used: (breaches / events) / (1 - target) over the range; above 100 % the promise is broken."


def dashboard() -> Dashboard:
    """Which sites need attention."""
    return Board(
        "fleet",
        "Fleet",
        "All sites, the worst first. A site's name leads to its own dashboard.",
        "now-24h",
        "1m",
        [*places(), objectives()],
        [*_numbers(), _sites(), _worst(), _arrivals()],
    ).build()


def _numbers() -> list[Panel]:
    breached = f"count (({budget_used(_BY_OBJECTIVE)}) > 1) or vector(0)"
    return [
        stat(
            About("Sites", of_metric("frontline_sites"), (0, 0, 4, 4), "short"),
            [Query("frontline:sites", "sites")],
            shows="value",
        ),
        stat(
            About("Open now", of_metric("frontline_site_open"), (4, 0, 4, 4), "short"),
            [Query(f"sum (frontline:site_open{{{chosen(_SITE)}}})", "open")],
            shows="value",
        ),
        stat(
            About("Arrivals", of_metric("frontline_queue_offered_total"), (8, 0, 4, 4), "short"),
            [Query(f"round ({increase('frontline_queue_offered_total')})", "arrivals")],
            shows="value",
        ),
        stat(
            About("Abandonment", of_kpi("abandonment_rate"), (12, 0, 4, 4), "percentunit", decimals=1),
            [Query(abandonment(), "abandonment")],
            shows="value",
        ),
        stat(
            About(
                "Promises broken",
                f"Sites and objectives above their budget. {_BUDGET}",
                (16, 0, 4, 4),
                "short",
                NONE_IS_GOOD,
            ),
            [Query(breached, "broken")],
            shows="value",
        ),
        stat(
            About(
                "Alerts",
                "Number of alerts that fire now: ALERTS, without those that tell nobody.",
                (20, 0, 4, 4),
                "short",
                NONE_IS_GOOD,
                [links.OBJECTIVES],
            ),
            [Query(f"count ({firing()}) or vector(0)", "alerts")],
            shows="value",
        ),
    ]


def _sites() -> Panel:
    hourly = per_hour("frontline_queue_offered_total", _SITE)
    about = About(
        "Sites, worst first",
        f"{_BUDGET} Of several objectives the one that is worst off. Abandonment: {of_kpi('abandonment_rate')} "
        f"Speed of answer: {of_kpi('average_speed_of_answer')}",
        (0, 4, 24, 13),
        "short",
    )
    return table(
        about,
        [
            Column("site", links=[links.SITE_OF_ROW, links.OBJECTIVES_OF_SITE]),
            Column(
                "budget used",
                "percentunit",
                f"max by (site) ({budget_used(_BY_OBJECTIVE)})",
                steps=BUDGET_USED,
                decimals=0,
            ),
            Column(
                "kept over time",
                "percentunit",
                f"min by (site) ({kept(_BY_OBJECTIVE, span='$__rate_interval')})",
                is_trend=True,
            ),
            Column("waiting", "short", f"sum by (site) (frontline:queue_waiting{{{chosen()}}})"),
            Column(
                "longest wait", "s", f"max by (site) (frontline:queue_longest_wait_seconds{{{chosen()}}})", decimals=0
            ),
            Column("speed of answer", "s", mean("wait", _SITE), decimals=0),
            Column("abandonment", "percentunit", abandonment(_SITE), decimals=1),
            Column("arrivals", "short", f"round ({increase('frontline_queue_offered_total', _SITE)})"),
            Column("arrivals an hour", "short", hourly, is_trend=True),
        ],
        sort_by="budget used",
        is_descending=True,
        joined_by="site",
    )


def _worst() -> Panel:
    return bar_gauge(
        About(
            "Nearest to a broken promise",
            f"{_BUDGET} The ten highest of all sites and objectives.",
            (0, 17, 12, 10),
            "percentunit",
            BUDGET_USED,
            [links.SITE_OF_SERIES],
            decimals=0,
            most=1.5,
        ),
        10,
        budget_used(_BY_OBJECTIVE),
        "{{site}} {{objective}}",
    )


def _arrivals() -> Panel:
    return timeseries(
        About(
            "Arrivals an hour, by channel",
            of_metric("frontline_queue_offered_total"),
            (12, 17, 12, 10),
            "short",
        ),
        [Query(per_hour("frontline_queue_offered_total", ("channel",)), "{{channel}}")],
        is_stacked=True,
        fill=30,
    )
