"""The wallboard: who waits, how long, and whether what was promised is kept today."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.generate.dashboards import levels, links
from service.generate.dashboards.board import Board, firing, objectives_on_waits, places
from service.generate.dashboards.expressions import (
    LINE,
    abandonment,
    budget_used,
    by_state,
    chosen,
    increase,
    kept,
    of_kpi,
    of_metric,
    target,
    wait_used,
)
from service.generate.dashboards.panels import BUDGET_USED, NONE_IS_GOOD, UNCOLOURED, About, Column, Query, stat, table

_LINE = f"by ({', '.join(LINE)})"
_WAITING = f"frontline:queue_waiting{{{chosen()}}}"
_LONGEST = f"frontline:queue_longest_wait_seconds{{{chosen()}}}"
_WAIT_COLOURS = "Red: longer than the shortest wait promised in the line; amber: longer than three quarters of it."
_KEPT = (
    "1 - breaches / events since midnight, of each objective on waits. Red: below its target; amber: more than three "
    "quarters of the breaches that it allows; green: kept."
)
_TODAY = "Since midnight, where the viewer is."


def dashboard() -> Dashboard:
    """Who waits now, and today so far."""
    return Board(
        "now",
        "Now",
        "The wallboard: who waits, how long, and whether what was promised is kept today.",
        "now/d",
        "10s",
        [*places(), objectives_on_waits()],
        [*_numbers(), *_matters(), *_tiles(), _lines()],
    ).build()


def _numbers() -> list[Panel]:
    pages = "count (" + firing('severity="page"') + ") or vector(0)"
    broken = f"count (({budget_used()}) > 1) or vector(0)"
    return [
        stat(
            About("Waiting now", of_metric("frontline_queue_waiting"), (0, 0, 4, 5), "short"),
            [Query(f"sum ({_WAITING})", "waiting")],
            shows="value",
        ),
        stat(
            About(
                "Longest wait now",
                f"{of_metric('frontline_queue_longest_wait_seconds')} {_WAIT_COLOURS}",
                (4, 0, 4, 5),
                "s",
                decimals=0,
            ),
            by_state(f"max ({_LONGEST})", wait_used(()), "longest"),
            is_background=True,
            shows="value",
        ),
        stat(
            About(
                "Promises broken today",
                f"Lines and objectives on waits with breaches / events > 1 - target. {_TODAY}",
                (8, 0, 4, 5),
                "short",
                steps=NONE_IS_GOOD,
                links=[links.OBJECTIVES],
            ),
            [Query(broken, "broken")],
            is_background=True,
            shows="value",
        ),
        stat(
            About(
                "Abandonment today",
                f"{of_kpi('abandonment_rate')} {_TODAY}",
                (12, 0, 4, 5),
                "percentunit",
                decimals=1,
            ),
            [Query(abandonment(), "abandonment")],
            shows="value",
        ),
        stat(
            About("Arrivals today", f"{of_metric('frontline_queue_offered_total')} {_TODAY}", (16, 0, 4, 5), "short"),
            [Query(f"round ({increase('frontline_queue_offered_total')})", "arrivals")],
            shows="value",
        ),
        stat(
            About(
                "Pages now",
                "Number of alerts that fire now and page somebody: ALERTS with severity = page.",
                (20, 0, 4, 5),
                "short",
                steps=NONE_IS_GOOD,
                links=[links.OBJECTIVES],
            ),
            [Query(pages, "pages")],
            is_background=True,
            shows="value",
        ),
    ]


def _matters() -> list[Panel]:
    """What is owed to customers and works for them now."""
    promises = f"sum (max by (site, channel) (frontline_promises_open{{{chosen(('site', 'channel'))}}}))"
    complaints = f"sum (max by (site, channel) (frontline_complaints_open{{{chosen(('site', 'channel'))}}}))"
    due = f"min (max by (site) (frontline_promise_next_due_timestamp_seconds{{{chosen(('site',))}}})) - time()"
    numbers = (
        ("Promises to keep", "frontline_promises_open", promises, "short"),
        ("Next is due in", "frontline_promise_next_due_timestamp_seconds", due, "s"),
        ("Complaints to answer", "frontline_complaints_open", complaints, "short"),
        ("Staffed now", levels.STAFFED, f"sum ({levels.of_queues(levels.STAFFED)})", "short"),
        ("Occupancy, highest", levels.OCCUPANCY, f"max ({levels.of_queues(levels.OCCUPANCY)})", "percentunit"),
        ("Not working", levels.RESOURCES, levels.resources_not_up(), "short"),
    )
    return [
        stat(
            About(
                title,
                of_metric(metric),
                (4 * place, 5, 4, 4),
                unit,
                NONE_IS_GOOD if metric == levels.RESOURCES else UNCOLOURED,
                decimals=0,
                no_value="none" if unit == "s" else "",
            ),
            [Query(expr, title.lower())],
            shows="value",
        )
        for place, (title, metric, expr, unit) in enumerate(numbers)
    ]


def _tiles() -> list[Panel]:
    return [
        stat(
            About(
                "Longest wait, by line",
                f"{of_metric('frontline_queue_longest_wait_seconds')} {_WAIT_COLOURS}",
                (0, 9, 12, 11),
                "s",
                links=[links.SITE_OF_SERIES],
                decimals=0,
            ),
            by_state(f"max {_LINE} ({_LONGEST})", wait_used(), "{{site}} {{queue}}"),
            is_background=True,
            shows="value_and_name",
        ),
        stat(
            About(
                "Kept today, by line",
                f"{_KEPT} {_TODAY}",
                (12, 9, 12, 11),
                "percentunit",
                links=[links.SITE_OF_SERIES],
                decimals=0,
            ),
            by_state(kept(), budget_used(), "{{site}} {{queue}}"),
            is_background=True,
            shows="value_and_name",
        ),
    ]


def _lines() -> Panel:
    about = About(
        "Lines, worst first",
        f"Of several objectives of a line the one that is worst off. Kept: {_KEPT} Budget used: (breaches / events) / "
        f"(1 - target). Wait used: longest wait / threshold. Abandonment: {of_kpi('abandonment_rate')} {_TODAY}",
        (0, 20, 24, 12),
        "short",
    )
    return table(
        about,
        [
            Column("site", links=[links.SITE_OF_ROW]),
            Column("queue", links=[links.QUEUE_OF_ROW]),
            Column("channel"),
            Column("waiting", "short", f"sum {_LINE} ({_WAITING})"),
            Column("in service", "short", f"max {_LINE} (frontline_queue_in_service{{{chosen()}}})"),
            Column("longest wait", "s", f"max {_LINE} ({_LONGEST})", decimals=0),
            Column("wait used", "percentunit", wait_used(), steps=BUDGET_USED, decimals=0),
            Column("kept", "percentunit", f"min {_LINE} ({kept()})", decimals=1),
            Column("target", "percentunit", f"max {_LINE} ({target()})", decimals=0),
            Column("budget used", "percentunit", f"max {_LINE} ({budget_used()})", steps=BUDGET_USED, decimals=0),
            Column("abandonment", "percentunit", abandonment(LINE), decimals=1),
            Column("arrivals", "short", f"round ({increase('frontline_queue_offered_total', LINE)})"),
        ],
        sort_by="budget used",
        is_descending=True,
    )
