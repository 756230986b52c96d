"""Reports: business days and months from PostgreSQL, by each site's own local days, as exact as `frontline report`.

Days and months are dates, not moments, so the clock of this dashboard is UTC: in another time zone a date could be
shown as the evening before it.
"""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.generate.dashboards import links, statements
from service.generate.dashboards.board import UID, Board
from service.generate.dashboards.choices import choice
from service.generate.dashboards.panels import (
    BUDGET_LEFT,
    GREEN,
    RED,
    About,
    Column,
    Link,
    Sql,
    Steps,
    table,
    timeseries,
)

_MISSED: Steps = ((None, RED), (0, GREEN))
_OBJECTIVE = Link(
    "${__data.fields.objective}, live",
    f"/d/{UID['objectives']}?var-objective=${{__data.fields.objective}}"
    "&${site:queryparam}&${queue:queryparam}&${channel:queryparam}",
)
_SITE = Link("Site ${__data.fields.site}, live", f"/d/{UID['site']}?var-site=${{__data.fields.site}}")

_MONTH = Column("month", heading="Month", width=100)
_FIGURES = (
    Column("value", "percentunit", heading="Value", decimals=2),
    Column("target", "percentunit", heading="Target", decimals=2),
    Column("events", "locale", heading="Events"),
    Column("breaches", "locale", heading="Breaches"),
    Column("allowed", "locale", heading="Allowed", decimals=1),
    Column("budget_left", "percentunit", heading="Budget left", steps=BUDGET_LEFT, decimals=1),
    Column("result", heading="Result"),
)
_KPIS = (
    Column("visits", "locale", heading="Visits"),
    Column("abandonment", "percentunit", heading="Abandonment", decimals=2),
    Column("answer", "s", heading="Speed of answer", decimals=1),
    Column("handle", "s", heading="Handle time", decimals=1),
    Column("resolved", "percentunit", heading="Resolved", decimals=2),
    Column("first_contact", "percentunit", heading="First contact, 7 d", decimals=2),
    Column("repeats", "percentunit", heading="Repeats, 7 d", decimals=2),
    Column("transferred", "percentunit", heading="Transferred", decimals=2),
    Column("accuracy", "percentunit", heading="Accuracy", decimals=2),
)
_OF_FIGURES = (
    "Value: kept / events, or breaches / events where the target is at most. Allowed: the sum of events * (1 - target),"
    " each by the target of its day and site. Budget left: (allowed - breaches) / allowed."
)
_OF_KPIS = (
    "Abandonment: B / (A + B). Speed of answer: waits of A / A. Handle time: (service + hold + wrap-up) / A completed. "
    "Resolved: resolved / completed of known outcome. First contact: settled cases resolved at first contact within "
    "7 d / settled cases. Repeats: contacts that came again within 7 days / contacts. Transferred: transferred / "
    "answered. Accuracy: 1 - corrected / completed. Sums are added up first, then divided."
)
_WHOLE_MONTHS = "Months are whole ones, all in which a part of the range lies; the current one is so far."


def dashboard() -> Dashboard:
    """Months and days, as dates."""
    built = Board(
        "reports",
        "Reports",
        "Business days and months by each site's own dates, as exact as `frontline report`, from PostgreSQL.",
        "now-2M/M",
        "",
        [choice(name, statement) for name, statement in statements.CHOICES.items()],
        [*_months(), *_days(), *_lines()],
    ).build()
    built.timezone = "utc"
    return built


def _months() -> list[Panel]:
    return [
        table(
            About(
                "Objectives by month",
                f"What was promised, and what it came to, over all that is selected. {_OF_FIGURES} Provisional cases "
                f"stand in rows of their own, and have no result yet. {_WHOLE_MONTHS}",
                (0, 0, 24, 9),
                "none",
            ),
            [
                _MONTH,
                Column("objective", heading="Objective", links=[_OBJECTIVE]),
                Column("maturity", heading="Cases", width=110),
                *_FIGURES,
            ],
            sql=statements.OBJECTIVES_BY_MONTH,
        ),
        table(
            About(
                "Objectives by month and site",
                "Each site, with settled cases; of each month those first that have least left of their budget, 1,000 "
                f"rows at most. {_OF_FIGURES} {_WHOLE_MONTHS}",
                (0, 9, 24, 9),
                "none",
            ),
            [
                _MONTH,
                Column("site", heading="Site", links=[_SITE]),
                Column("objective", heading="Objective", links=[links.OBJECTIVES_OF_SITE]),
                *_FIGURES,
            ],
            sql=statements.OBJECTIVES_BY_SITE,
        ),
        table(
            About(
                "KPIs by month",
                "Over all that is selected. Days: those of each site on which anybody came. "
                f"{_OF_KPIS} {_WHOLE_MONTHS}",
                (0, 18, 24, 6),
                "none",
            ),
            [_MONTH, Column("days", "locale", heading="Days"), *_KPIS],
            sql=statements.KPIS_BY_MONTH,
        ),
    ]


def _days() -> list[Panel]:
    return [
        timeseries(
            About(
                "Margin to the target by day",
                "(allowed breaches - breaches) / events: by how much each objective was better than its target. Below "
                "0 the day missed it. Settled cases only.",
                (0, 24, 12, 8),
                "percentunit",
                steps=_MISSED,
            ),
            [Sql(statements.MARGINS, is_series=True)],
            fill=0,
            least=None,
        ),
        timeseries(
            About(
                "Visits by day",
                "What became of the visits that arrived on each day: O = A + B + F + X + W.",
                (12, 24, 12, 8),
                "short",
            ),
            [Sql(statements.VISITS, is_series=True)],
            least=None,
            is_bars=True,
            is_stacked=True,
        ),
        timeseries(
            About(
                "Speed by day",
                "Speed of answer: waits of A / A whose wait is known. Wait: waits of A and B / A and B with a known "
                "wait. Handle time: (service + hold + wrap-up) / A completed.",
                (0, 32, 12, 8),
                "s",
            ),
            [Sql(statements.SPEED, is_series=True)],
            fill=0,
        ),
        timeseries(
            About(
                "Reliability by day",
                "Resolved: resolved / completed of known outcome. First contact: resolved at the first contact within "
                "7 days / completed contacts of known outcome, settled and provisional apart. Accuracy: 1 - corrected "
                "/ completed.",
                (12, 32, 12, 8),
                "percentunit",
                most=1,
            ),
            [Sql(statements.RELIABILITY, is_series=True)],
            fill=0,
            least=None,
        ),
    ]


def _lines() -> list[Panel]:
    return [
        table(
            About(
                "Business days by weekday",
                "Days: those of each site on which anybody came, whether or not its calendar has it open. Visits a "
                f"day: visits / days. {_OF_KPIS}",
                (0, 40, 24, 8),
                "none",
            ),
            [
                Column("weekday", heading="Weekday", width=120),
                Column("days", "locale", heading="Days"),
                Column("visits_a_day", "locale", heading="Visits a day", decimals=1),
                *_KPIS,
            ],
            sql=statements.WEEKDAYS,
        ),
        table(
            About(
                "KPIs by site, queue and channel",
                f"Over the range, the busiest first, 1,000 rows at most. {_OF_KPIS}",
                (0, 48, 24, 10),
                "none",
            ),
            [
                Column("site", heading="Site", links=[_SITE]),
                Column("queue", heading="Queue"),
                Column("channel", heading="Channel"),
                *_KPIS,
            ],
            sql=statements.LINES,
        ),
        table(
            About(
                "What these figures rest on",
                "The time of the latest event; and whether objectives or calendars have changed since the past was "
                "measured, which `frontline rebuild` measures anew.",
                (0, 58, 24, 4),
                "none",
            ),
            [
                Column("latest_event", heading="Latest event"),
                Column("measured", heading="Measured by"),
                Column("sites", "locale", heading="Sites"),
            ],
            sql=statements.STATE,
        ),
    ]
