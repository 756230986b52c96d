"""The quality of service by dimension: its index, its KPIs and how they moved, and what is promised of it."""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models.dashboard import Dashboard, GridPos, Panel, RowPanel

from service.core.quality import DIMENSION, STANDARD, Dimension
from service.generate.dashboards import links
from service.generate.dashboards.board import Board, frontline_url, places
from service.generate.dashboards.dimensions import Told, told_of
from service.generate.dashboards.expressions import chosen, matching, of_kpi, of_metric
from service.generate.dashboards.formulas import PLACE, count, value
from service.generate.dashboards.panels import (
    AMBER,
    GREEN,
    RED,
    About,
    Column,
    Query,
    Steps,
    stat,
    table,
    timeseries,
)
from service.generate.dashboards.parts import parts

_INDEX = "frontline_quality_index_ratio"
_MET: Steps = ((None, RED), (0.5, AMBER), (1, GREEN))
_OF_SITES = "Of several sites the mean, since the same is promised at each."
_COMPLIANCE = "standards_compliance"
_BEFORE = "$__range"
_OVERVIEW, _HEADING, _ROW = 8, 1, 9


def dashboard() -> Dashboard:
    """A row for each dimension."""
    return Board(
        "quality",
        "Service quality",
        "Good service in its ten dimensions: what each comes to, what moved, and whether what is promised is met.",
        "now-24h",
        "5m",
        [*places(*PLACE), frontline_url()],
        [*_overview(), *(panel for place, dimension in enumerate(Dimension) for panel in _row(place, dimension))],
    ).build()


def _index(by: str = "", more: str = "") -> str:
    each = f"max by (site, dimension) ({_INDEX}{{{chosen(('site',), more)}}})"
    return f"avg {by}({each})"


def _overview() -> list[Panel]:
    return [
        stat(
            About(
                "Quality index",
                f"{of_metric(_INDEX)} {_OF_SITES}",
                (0, 0, 9, _OVERVIEW),
                "percentunit",
                _MET,
                decimals=0,
            ),
            [Query(_index("by (dimension) "), "{{dimension}}")],
            is_background=True,
            shows="value_and_name",
        ),
        timeseries(
            About(
                "Quality index over time",
                f"{of_metric(_INDEX)} {_OF_SITES}",
                (9, 0, 8, _OVERVIEW),
                "percentunit",
                most=1,
            ),
            [Query(_index("by (dimension) "), "{{dimension}}")],
            fill=0,
        ),
        table(
            About(
                "What was checked",
                f"Over the range, by standard. {of_metric('frontline_assessments_total')} {of_kpi(_COMPLIANCE)}",
                (17, 0, 7, _OVERVIEW),
                "short",
            ),
            [
                Column(STANDARD),
                Column("assessments", "short", f"round ({count('assessments', (STANDARD,))})"),
                Column("items", "short", f"round ({count('items_checked', (STANDARD,))})"),
                Column("met", "percentunit", value(_COMPLIANCE, (STANDARD,)), decimals=1),
            ],
            sort_by="met",
        ),
    ]


def _row(place: int, dimension: Dimension) -> Iterator[Panel | RowPanel]:
    top, name = _OVERVIEW + place * (_HEADING + _ROW), dimension.capitalize()
    yield RowPanel(title=name, grid_pos=GridPos(_HEADING, 24, 0, top))
    top += _HEADING
    yield stat(
        About(
            f"{name}: index",
            f"{of_metric(_INDEX)} {_OF_SITES}",
            (0, top, 3, _ROW),
            "percentunit",
            _MET,
            [links.OBJECTIVES_OF_PLACE, links.QUALITY],
            decimals=0,
            no_value="nothing to tell yet",
        ),
        [Query(_index(more=matching(DIMENSION, dimension)), "index")],
        is_background=True,
        shows="value",
    )
    yield _kpis(name, told_of(dimension), (3, top, 9, _ROW))
    yield parts(name, dimension, (12, top, 12, _ROW))


def _kpis(name: str, told: Sequence[Told], place: tuple[int, int, int, int]) -> Panel:
    formulas = " ".join(f"{one.name}: {one.formula}." for one in told)
    times = [one for one in told if one.is_time]
    columns = [
        Column("kpi"),
        Column("better"),
        *_values([one for one in told if not one.is_time], "percentunit", "share"),
        *(_values(times, "s", "time") if times else ()),
    ]
    about = About(
        f"{name}: KPIs",
        f"Over the range, and how much more that is than over the range as long before it. {formulas}",
        place,
        "short",
    )
    return table(about, columns, sort_by="kpi")


def _values(told: Sequence[Told], unit: str, name: str) -> list[Column]:
    now = _lines((one, one.expr("")) for one in told)
    moved = _lines((one, f"{one.expr('')} - {one.expr(_BEFORE)}") for one in told)
    return [
        Column(name, unit, now, decimals=1),
        Column(f"{name} moved by", unit, moved, decimals=1),
    ]


def _lines(told: Iterator[tuple[Told, str]]) -> str:
    """One vector of several values, told apart by the name of the KPI."""
    return " or ".join(_named(_named(expr, "kpi", one.name), "better", one.kpi.better) for one, expr in told)


def _named(expr: str, label: str, text: str) -> str:
    return f'label_replace({expr}, "{label}", "{text}", "", "")'
