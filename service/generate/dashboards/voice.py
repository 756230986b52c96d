"""What customers think, and how their complaints are heard: surveys, reviews, comments and complaints."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from service.core.quality import DIMENSION
from service.generate.dashboards import links
from service.generate.dashboards.board import Board, places
from service.generate.dashboards.expressions import chosen, of_kpi, of_metric, summed
from service.generate.dashboards.formulas import PLACE, count, value
from service.generate.dashboards.panels import About, Column, Query, bar_gauge, stat, table, timeseries

_DAY, _DAILY = "1d", "Each point is of the 24 hours before it."
_OPEN = f"max by (site, channel) (frontline_complaints_open{{{chosen(PLACE)}}})"
_OLDEST = f"max by (site) (frontline_complaint_oldest_timestamp_seconds{{{chosen(('site',))}}})"
_TOLD = f'{DIMENSION}!=""'
_KINDS = ("surveys", "reviews", "comments", "complaints")
_SCORES: tuple[tuple[str, str, str, int], ...] = (
    ("Satisfied", "csat", "percentunit", 1),
    ("Mean score", "csat_mean", "none", 2),
    ("Recommend us", "nps", "percentunit", 1),
    ("Found it easy", "ces", "percentunit", 1),
    ("Stars", "stars", "none", 2),
    ("Surveys that came back", "feedback_response_rate", "percentunit", 1),
)
"""Titles, KPIs, units and decimals."""


def dashboard() -> Dashboard:
    """Satisfaction above, complaints below."""
    return Board(
        "voice",
        "Voice of the customer",
        "What customers think of the service, and how soon those who complain are answered.",
        "now-7d",
        "5m",
        places(*PLACE),
        [*_scores(), *_satisfaction(), *_said(), *_complaints(), *_answers(), _sites()],
    ).build()


def _scores() -> list[Panel]:
    return [
        stat(
            About(title, of_kpi(kpi), (4 * place, 0, 4, 4), unit, decimals=decimals),
            [Query(value(kpi), title.lower())],
            shows="value",
        )
        for place, (title, kpi, unit, decimals) in enumerate(_SCORES)
    ]


def _satisfaction() -> list[Panel]:
    return [
        bar_gauge(
            About(
                "Satisfied, by what was asked about",
                f"{of_kpi('csat')} Of the scores that are of one dimension of service, over the range.",
                (0, 4, 8, 9),
                "percentunit",
                decimals=0,
                most=1,
            ),
            10,
            value("csat", (DIMENSION,), more=_TOLD),
            "{{dimension}}",
        ),
        timeseries(
            About(
                "Satisfaction over time",
                " ".join((*map(of_kpi, ("csat", "nps", "ces")), _DAILY)),
                (8, 4, 8, 9),
                "percentunit",
                most=1,
            ),
            [
                Query(value("csat", span=_DAY), "satisfied", "15m"),
                Query(value("nps", span=_DAY), "net promoters", "15m"),
                Query(value("ces", span=_DAY), "found it easy", "15m"),
            ],
            fill=0,
            least=None,
        ),
        timeseries(
            About(
                "Scores over time",
                " ".join((*map(of_kpi, ("csat_mean", "stars")), _DAILY)),
                (16, 4, 8, 9),
                "none",
                decimals=2,
                most=5,
            ),
            [
                Query(value("csat_mean", span=_DAY), "mean score", "15m"),
                Query(value("stars", span=_DAY), "stars", "15m"),
            ],
            fill=0,
            least=None,
        ),
    ]


def _said() -> list[Panel]:
    return [
        timeseries(
            About(
                "What came in an hour",
                " ".join(of_metric(f"frontline_{kind}_total") for kind in _KINDS),
                (0, 13, 12, 8),
                "short",
            ),
            [Query(count(kind, span="1h"), kind, "1h") for kind in _KINDS],
            is_bars=True,
            is_stacked=True,
        ),
        timeseries(
            About(
                "Surveys that came back, over time",
                f"{of_kpi('feedback_response_rate')} {_DAILY}",
                (12, 13, 12, 8),
                "percentunit",
            ),
            [Query(value("feedback_response_rate", span=_DAY), "surveys", "15m")],
        ),
    ]


def _complaints() -> list[Panel]:
    numbers: tuple[tuple[str, str, str, str], ...] = (
        ("Complaints per 1,000", of_kpi("complaint_rate"), "short", f"1000 * {value('complaint_rate')}"),
        ("Time to an answer", of_kpi("complaint_answer_time"), "s", value("complaint_answer_time")),
        ("Answered in a day", of_kpi("complaints_answered_rate"), "percentunit", value("complaints_answered_rate")),
        (
            "Answered in a day, of those due",
            of_kpi("complaints_answered_rate", "of_due"),
            "percentunit",
            value("complaints_answered_rate", formula="of_due"),
        ),
        ("Waiting for an answer", of_metric("frontline_complaints_open"), "short", f"sum ({_OPEN})"),
        (
            "Oldest of them",
            f"Its age: now - time. {of_metric('frontline_complaint_oldest_timestamp_seconds')}",
            "s",
            f"max (time() - {_OLDEST})",
        ),
    )
    return [
        stat(
            About(
                title,
                description,
                (4 * place, 21, 4, 4),
                unit,
                decimals=0 if unit == "s" else 1,
                no_value="none" if unit == "s" else "",
            ),
            [Query(expr, title.lower())],
            shows="value",
        )
        for place, (title, description, unit, expr) in enumerate(numbers)
    ]


def _answers() -> list[Panel]:
    return [
        timeseries(
            About(
                "Complaints per 1,000, over time",
                f"{of_kpi('complaint_rate')} {_DAILY}",
                (0, 25, 8, 8),
                "short",
            ),
            [Query(f"1000 * {value('complaint_rate', span=_DAY)}", "complaints", "15m")],
        ),
        timeseries(
            About(
                "Time to an answer, over time",
                f"{of_kpi('complaint_answer_time')} {_DAILY}",
                (8, 25, 8, 8),
                "s",
            ),
            [Query(value("complaint_answer_time", span=_DAY), "mean", "15m")],
        ),
        timeseries(
            About(
                "Waiting for an answer, over time",
                of_metric("frontline_complaints_open"),
                (16, 25, 8, 8),
                "short",
            ),
            [Query(summed(_OPEN, ("site",)), "{{site}}")],
            is_stacked=True,
            fill=30,
        ),
    ]


def _sites() -> Panel:
    site = ("site",)
    shown = ("csat", "nps", "stars", "complaint_rate", "complaint_answer_time")
    return table(
        About(
            "By site",
            f"Over the range. {' '.join(map(of_kpi, shown))} Oldest: now - time of the oldest complaint that waits.",
            (0, 33, 24, 10),
            "short",
        ),
        [
            Column("site", links=[links.SITE_OF_ROW]),
            Column("satisfied", "percentunit", value("csat", site), decimals=1),
            Column("net promoters", "percentunit", value("nps", site), decimals=1),
            Column("stars", "none", value("stars", site), decimals=2),
            Column("surveys that came back", "percentunit", value("feedback_response_rate", site), decimals=1),
            Column("complaints per 1,000", "short", f"1000 * {value('complaint_rate', site)}", decimals=1),
            Column("time to an answer", "s", value("complaint_answer_time", site), decimals=0),
            Column("waiting for an answer", "short", summed(_OPEN, site)),
            Column("oldest", "s", f"time() - {_OLDEST}", decimals=0),
        ],
        sort_by="complaints per 1,000",
        is_descending=True,
    )
