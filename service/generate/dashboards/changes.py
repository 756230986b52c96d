"""Changes made on purpose, and what was before and after one of them, from PostgreSQL by each site's own dates.

Whether the difference is more than chance, `GET /v1/changes/{name}/effect` says, to which its lines lead.
"""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    Panel,
    VariableModel,
    VariableOption,
    VariableType,
)

from service.core.catalogue.kpi import Kpi
from service.generate.dashboards import before_after
from service.generate.dashboards.board import Board, frontline_url
from service.generate.dashboards.choices import choice
from service.generate.dashboards.panels import About, Column, Link, Sql, table, timeseries

_SPANS = ("7", "14", "28", "56")
_FIRST = {"share": "resolution_rate", "time": "average_speed_of_answer"}
_EFFECT = "${frontline_url}/v1/changes/%s/effect?kpi=%s"
_OF_CHANGE = Link("What it did to ${share}", _EFFECT % ("${__data.fields.change}", "${share}"), is_elsewhere=True)
_OF_KPI = Link("Whether it is more than chance", _EFFECT % ("${change}", "${__data.fields.kpi}"), is_elsewhere=True)
_SPAN = (
    "As many days of each site before the change as after it, as chosen above, without its own. Of the sites of the "
    "change, and of the others; where it is about some queues, of these."
)
_DIFFERENCE = (
    "Difference: (after - before) at the sites of the change - (after - before) at the others. Each KPI: numerator / "
    "denominator, of sums."
)


def dashboard() -> Dashboard:
    """What was changed, and what came of it."""
    built = Board(
        "changes",
        "Changes",
        "Trainings, processes, staffing and systems: what was before, and what after.",
        "now-28d",
        "",
        [
            choice("site", before_after.CHOICES["site"]),
            choice("change", before_after.CHOICES["change"], is_one=True),
            _one_of("days", "Days on each side", _SPANS),
            *(_one_of(name, f"{name.capitalize()} by day", list(_names(name))) for name in _FIRST),
            frontline_url(),
        ],
        [_changes(), *_compared(), *_days()],
    ).build()
    built.timezone = "utc"
    return built


def _kpis(kind: str) -> Sequence[Kpi]:
    return before_after.shares() if kind == "share" else before_after.times()


def _names(kind: str) -> Iterator[str]:
    """The KPIs of a kind, with that which is chosen at first before the others."""
    yield _FIRST[kind]
    yield from (kpi.name for kpi in _kpis(kind) if kpi.name != _FIRST[kind])


def _changes() -> Panel:
    return table(
        About(
            "What was changed",
            "All changes at the sites chosen, the latest first, 1,000 at most; they are marked on every dashboard.",
            (0, 0, 24, 7),
            "none",
        ),
        [
            Column("change", heading="Change", links=[_OF_CHANGE]),
            Column("kind", heading="Kind"),
            Column("made", heading="In force from"),
            Column("sites", heading="Sites"),
            Column("queues", heading="Queues"),
        ],
        sql=before_after.CHANGES,
    )


def _compared() -> list[Panel]:
    return [
        _table("Shares before and after", "share", "percentunit", (0, 7, 24, 14)),
        _table("Times before and after", "time", "s", (0, 21, 24, 9)),
    ]


def _table(title: str, kind: str, unit: str, place: tuple[int, int, int, int]) -> Panel:
    return table(
        About(title, f"{_SPAN} {_DIFFERENCE}", place, "none"),
        [
            Column("kpi", heading="KPI", links=[_OF_KPI]),
            Column("better", heading="Better", width=90),
            *(
                Column(f"{side}_{word}", unit, heading=f"{whose}: {word}", decimals=1)
                for side, whose in (("changed", "Changed sites"), ("other", "Other sites"))
                for word in ("before", "after", "moved")
            ),
            Column("difference", unit, heading="Difference", decimals=1),
        ],
        sql=before_after.before_and_after(_kpis(kind)),
    )


def _days() -> list[Panel]:
    return [
        timeseries(
            About(
                f"{title} day by day",
                "The one chosen above, at the sites of the change and at the others: numerator / denominator of each "
                "day. The change is where its mark is.",
                (x, 30, 12, 9),
                unit,
            ),
            [Sql(before_after.day_by_day(_kpis(kind), kind), is_series=True)],
            fill=0,
            least=None,
        )
        for title, kind, unit, x in (("A share", "share", "percentunit", 0), ("A time", "time", "s", 12))
    ]


def _one_of(name: str, label: str, options: Sequence[str]) -> VariableModel:
    """A choice among what is written here."""
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name=name,
        label=label,
        query=",".join(options),
        options=[VariableOption(text=one, value=one, selected=one == options[0]) for one in options],
        current=VariableOption(text=options[0], value=options[0], selected=True),
    )
