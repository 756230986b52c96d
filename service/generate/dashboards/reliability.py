"""Whether what people came for was settled, once and without an error."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.core.catalogue.measures import MATURITIES, PROVISIONAL, WITHIN_DAYS
from service.generate.dashboards import links
from service.generate.dashboards.board import Board, objectives, places
from service.generate.dashboards.expressions import (
    matching,
    mean,
    of_answered,
    of_completed,
    of_kpi,
    quantile,
    repeats,
    resolution,
    visits_again,
    window_kept,
)
from service.generate.dashboards.panels import About, Column, Query, stat, table, timeseries

_NO_QUEUE = "Durations are known by site and channel, not by queue."
_OF_COMPLETED = ("reopened", "corrected", "recovered")
_DAY = "1d"
_DAILY = "Each point is of the 24 hours before it."


def dashboard() -> Dashboard:
    """Resolution, repeats, transfers, errors and their recovery."""
    return Board(
        "reliability",
        "Reliability",
        "Whether what people came for was settled, once and without an error.",
        "now-7d",
        "5m",
        [*places(), objectives()],
        [_first_contact(), _repeats(), *_numbers(), *_over_time(), _sites()],
    ).build()


def _first_contact() -> Panel:
    # Only what a later contact can change has provisional cases.
    matures = f"group by (objective) (frontline:window_events{{{matching('maturity', PROVISIONAL)}}})"
    return stat(
        About(
            "First-contact resolution, as promised",
            f"Of each objective on it, over its current window. {of_kpi('first_contact_resolution')}",
            (0, 0, 12, 6),
            "percentunit",
            links=[links.OBJECTIVES],
            decimals=1,
            no_value="nothing is settled yet",
        ),
        [
            Query(
                f"({window_kept(('objective',), matching('maturity', maturity))}) and on (objective) {matures}",
                f"{{{{objective}}}}: {maturity}",
            )
            for maturity in MATURITIES
        ],
        shows="value_and_name",
    )


def _repeats() -> Panel:
    spans = " Likewise ".join(
        (of_kpi("repeat_contact_rate"), f"within {', '.join(f'{days} d' for days in WITHIN_DAYS.values())}.")
    )
    return stat(
        About("Came again within …", spans, (12, 0, 12, 6), "percentunit", decimals=1),
        [Query(repeats(within), within) for within in WITHIN_DAYS],
        shows="value_and_name",
    )


def _numbers() -> list[Panel]:
    numbers = (
        ("Resolved", of_kpi("resolution_rate"), resolution()),
        ("Reopened", of_kpi("reopen_rate"), of_completed("reopened")),
        ("Transferred", of_kpi("transfer_rate"), of_answered("transferred")),
        ("Accuracy", of_kpi("accuracy"), f"1 - {of_completed('corrected')}"),
    )
    durations = (
        ("Time to resolution", of_kpi("time_to_resolution"), mean("resolution")),
        ("Recovery time", of_kpi("recovery_time"), mean("recovery")),
    )
    return [
        *(
            stat(
                About(title, description, (4 * place, 6, 4, 4), "percentunit", decimals=1),
                [Query(expr, title.lower())],
                shows="value",
            )
            for place, (title, description, expr) in enumerate(numbers)
        ),
        *(
            stat(
                About(title, f"{description} {_NO_QUEUE}", (16 + 4 * place, 6, 4, 4), "s", decimals=0),
                [Query(expr, title.lower())],
                shows="value",
            )
            for place, (title, description, expr) in enumerate(durations)
        ),
    ]


def _over_time() -> list[Panel]:
    return [
        timeseries(
            About(
                "Came again, over time",
                f"{of_kpi('repeat_contact_rate')} In stores: {of_kpi('repeat_visit_rate')} {_DAILY}",
                (0, 10, 12, 8),
                "percentunit",
            ),
            [
                *(Query(repeats(within, span=_DAY), f"within {within}", "15m") for within in WITHIN_DAYS),
                *(Query(visits_again(within, span=_DAY), f"in stores, {within}", "15m") for within in WITHIN_DAYS),
            ],
            fill=0,
        ),
        timeseries(
            About(
                "Transferred, escalated, reopened, with an error, put right",
                f"Shares of interactions: transferred, escalated / answered; reopened, corrected, "
                f"recovered / completed. {_DAILY}",
                (12, 10, 12, 8),
                "percentunit",
            ),
            [
                *(Query(of_answered(name, span=_DAY), name, "15m") for name in ("transferred", "escalated")),
                *(Query(of_completed(name, span=_DAY), name, "15m") for name in _OF_COMPLETED),
            ],
            fill=0,
        ),
        timeseries(
            About(
                "Time to resolution, over time",
                f"{of_kpi('time_to_resolution_p50')} Likewise p90. {_NO_QUEUE} {_DAILY}",
                (0, 18, 12, 8),
                "s",
            ),
            [Query(quantile(percent / 100, "resolution", span=_DAY), f"p{percent}", "15m") for percent in (50, 90)],
            fill=0,
        ),
        timeseries(
            About(
                "Recovery time, over time",
                f"{of_kpi('recovery_time_p50')} Likewise p90. {_NO_QUEUE} {_DAILY}",
                (12, 18, 12, 8),
                "s",
            ),
            [Query(quantile(percent / 100, "recovery", span=_DAY), f"p{percent}", "15m") for percent in (50, 90)],
            fill=0,
        ),
    ]


def _sites() -> Panel:
    site = ("site",)
    return table(
        About(
            "By site",
            f"Over the range. Resolved: {of_kpi('resolution_rate')} Came again: {of_kpi('repeat_contact_rate')} "
            f"Accuracy: {of_kpi('accuracy')}",
            (0, 26, 24, 10),
            "short",
        ),
        [
            Column("site", links=[links.SITE_OF_ROW, links.OBJECTIVES_OF_SITE]),
            Column("resolved", "percentunit", resolution(site), decimals=1),
            Column("came again in 1 d", "percentunit", repeats("1d", site), decimals=1),
            Column("in 7 d", "percentunit", repeats("7d", site), decimals=1),
            Column("in 30 d", "percentunit", repeats("30d", site), decimals=1),
            Column("reopened", "percentunit", of_completed("reopened", site), decimals=1),
            Column("transferred", "percentunit", of_answered("transferred", site), decimals=1),
            Column("accuracy", "percentunit", f"1 - {of_completed('corrected', site)}", decimals=1),
            Column("time to resolution", "s", mean("resolution", site), decimals=0),
        ],
        sort_by="resolved",
    )
