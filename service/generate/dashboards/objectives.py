"""What was promised, how it is kept, how much of the budget is left and how fast it burns."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.core.catalogue.measures import SETTLED
from service.generate.dashboards import links
from service.generate.dashboards.board import Board, firing, frontline_url, objectives, outside, places
from service.generate.dashboards.expressions import (
    budget_left,
    budget_used,
    burning,
    by_state,
    chosen,
    judged,
    kept,
    of_metric,
    target,
    window,
    window_kept,
)
from service.generate.dashboards.panels import (
    AMBER,
    BUDGET_LEFT,
    GREEN,
    NONE_IS_GOOD,
    RED,
    About,
    Column,
    Query,
    Steps,
    bar_gauge,
    stat,
    table,
    timeseries,
)

_PLACE = ("site", "queue", "channel", "objective")
_SETTLED = f'maturity="{SETTLED}"'
_NAME = ("objective",)
_BURNING: Steps = ((None, GREEN), (1, AMBER), (6, RED))
_ALERTS = firing('category="objective"', chosen(_PLACE))
_PROJECTED = f"max by ({', '.join(_PLACE)}) (frontline:window_projected_budget_ratio{{{chosen(_PLACE, _SETTLED)}}})"
_BURN = (
    "Burn rate: (breaches / events) / (1 - target) over the span; 1 uses the budget up exactly, above it is too fast."
)
_BUDGET_LEFT = "Budget left: 1 - breaches / allowed breaches over the current window; below 0 the promise is broken."


def dashboard() -> Dashboard:
    """Every objective, line by line."""
    return Board(
        "objectives",
        "Objectives",
        "What was promised, how it is kept, how much of the budget is left and how fast it burns.",
        "now-24h",
        "1m",
        [*places(), objectives(), frontline_url()],
        [*_numbers(), _burning(), _standings(), *_over_time()],
        [outside("Runbooks", "${frontline_url}/runbooks")],
    ).build()


def _numbers() -> list[Panel]:
    return [
        stat(
            About(
                "Kept over the range",
                "1 - breaches / events of each objective, at all places chosen. Red: below its target; amber: more "
                "than three quarters of the breaches that it allows; green: kept.",
                (0, 0, 12, 5),
                "percentunit",
                decimals=1,
            ),
            by_state(kept(_NAME), budget_used(_NAME), "{{objective}}"),
            is_background=True,
            shows="value_and_name",
        ),
        stat(
            About(
                "Targets",
                of_metric("frontline_objective_target_ratio"),
                (12, 0, 8, 5),
                "percentunit",
                decimals=0,
            ),
            [Query(target(_NAME), "{{objective}}")],
            shows="value_and_name",
        ),
        stat(
            About(
                "Alerts",
                "Number of alerts on these objectives that fire now: ALERTS with category = objective.",
                (20, 0, 4, 5),
                "short",
                NONE_IS_GOOD,
                [links.RUNBOOK],
            ),
            [Query(f"count ({_ALERTS}) or vector(0)", "alerts")],
            is_background=True,
            shows="value",
        ),
    ]


def _burning() -> Panel:
    return bar_gauge(
        About(
            "Burning fastest",
            f"{_BURN} Over one hour, the twelve fastest.",
            (0, 5, 24, 8),
            "x",
            _BURNING,
            [links.SITE_OF_SERIES],
            decimals=1,
            most=10,
        ),
        12,
        burning("1h"),
        "{{site}} {{queue}} {{objective}}",
    )


def _standings() -> Panel:
    known = "events, breaches, allowed and projected are exact, of the objective's current window, and settled"
    return table(
        About(
            "Line by line",
            f"Of each line: {known}. Kept: 1 - breaches / events. {_BUDGET_LEFT} Projected: "
            f"{of_metric('frontline_window_projected_budget_ratio')} {_BURN}",
            (0, 13, 24, 13),
            "short",
        ),
        [
            Column("objective", links=[links.BREACHES, links.STANDING, links.RUNBOOK]),
            Column("site", links=[links.SITE_OF_ROW]),
            Column("queue", links=[links.QUEUE_OF_ROW]),
            Column("channel"),
            Column("target", "percentunit", target(), decimals=1),
            Column("kept", "percentunit", window_kept(more=_SETTLED), decimals=2),
            Column("events", "short", window("events", more=_SETTLED)),
            Column("breaches", "short", window("breaches", more=_SETTLED), links=[links.BREACHES]),
            Column("allowed", "short", window("allowed_breaches", more=_SETTLED), decimals=1),
            Column("budget left", "percentunit", budget_left(more=_SETTLED), steps=BUDGET_LEFT, decimals=0),
            Column("projected", "percentunit", _PROJECTED, steps=BUDGET_LEFT, decimals=0),
            Column("burn 1 h", "x", burning("1h"), steps=_BURNING, decimals=1),
            Column("burn 6 h", "x", burning("6h"), steps=_BURNING, decimals=1),
        ],
        sort_by="budget left",
    )


def _over_time() -> list[Panel]:
    return [
        timeseries(
            About(
                "Budget left",
                f"{_BUDGET_LEFT} Of each objective, at all places chosen.",
                (0, 26, 8, 9),
                "percentunit",
                ((None, RED), (0, GREEN)),
                most=1,
            ),
            [Query(budget_left(_NAME, _SETTLED), "{{objective}}")],
            least=None,
        ),
        timeseries(
            About(
                "Burn rate",
                f"{_BURN} Over one hour, of each objective, at all places chosen.",
                (8, 26, 8, 9),
                "x",
                ((None, GREEN), (1, RED)),
            ),
            [Query(budget_used(_NAME, span="1h"), "{{objective}}", "1m")],
        ),
        timeseries(
            About(
                "Breaches an hour",
                of_metric("frontline_slo_breaches_total"),
                (16, 26, 8, 9),
                "short",
            ),
            [Query(judged("breaches", _NAME, span="1h"), "{{objective}}", "1h")],
            is_bars=True,
            is_stacked=True,
        ),
    ]
