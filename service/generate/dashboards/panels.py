"""The kinds of panels; from here all that a dashboard needs to make its own."""

from collections.abc import Sequence
from string import ascii_uppercase

from grafana_foundation_sdk.models.dashboard import DashboardFieldConfigSourceOverrides, FieldColorModeId, Panel
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from service.generate.dashboards.appearance import (
    AMBER,
    BUDGET_LEFT,
    BUDGET_USED,
    GREEN,
    NEUTRAL,
    NONE_IS_GOOD,
    PALE,
    RED,
    UNCOLOURED,
    About,
    Link,
    Steps,
    override,
    panel,
)
from service.generate.dashboards.queries import POSTGRESQL, PROMETHEUS, Query, Sql, targets
from service.generate.dashboards.tables import Column, table

__all__ = [
    "AMBER",
    "BUDGET_LEFT",
    "BUDGET_USED",
    "GREEN",
    "NEUTRAL",
    "NONE_IS_GOOD",
    "PALE",
    "POSTGRESQL",
    "PROMETHEUS",
    "RED",
    "UNCOLOURED",
    "About",
    "Column",
    "Link",
    "Query",
    "Sql",
    "Steps",
    "bar_gauge",
    "heatmap",
    "stat",
    "table",
    "timeseries",
]


def stat(
    about: About,
    queries: Sequence[Query | Sql],
    *,
    is_background: bool = False,
    shows: str = "auto",
) -> Panel:
    """Large numbers, a tile for each series, as of the end of the range."""
    options = {
        "colorMode": "background_solid" if is_background else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": shows,
        "wideLayout": False,
    }
    return panel("stat", about, targets(queries, is_instant=True), options, overrides=_coloured(queries))


def bar_gauge(about: About, number: int, expr: str, name: str) -> Panel:
    """Bars from 0 on, one for each of so many series that are highest at the end of the range; `name` is a series'."""
    options = {
        "displayMode": "basic",
        "minVizHeight": 16,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }
    highest = Query(f"sort_desc (topk ({number}, {expr}))", name)
    return panel("bargauge", about, targets([highest], is_instant=True), options, least=0)


def timeseries(
    about: About,
    queries: Sequence[Query | Sql],
    *,
    is_bars: bool = False,
    is_stacked: bool = False,
    fill: int = 10,
    least: float | None = 0,
) -> Panel:
    """Lines or bars over time; where there are steps, they are drawn as lines. `least` is where the axis begins."""
    custom = {
        "drawStyle": "bars" if is_bars else "line",
        "fillOpacity": 60 if is_bars else fill,
        "lineInterpolation": "linear",
        "lineWidth": 0 if is_bars else 2,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if is_stacked else "none"},
        "thresholdsStyle": {"mode": "off" if about.steps is UNCOLOURED else "dashed"},
    }
    options = {
        "legend": {"calcs": ["lastNotNull"], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel(
        "timeseries",
        about,
        targets(queries),
        options,
        custom=custom,
        colours=FieldColorModeId.PALETTE_CLASSIC_BY_NAME,
        overrides=_coloured(queries),
        least=least,
    )


def heatmap(about: About, query: Query, y_unit: str) -> Panel:
    """How many fell into each bucket of a histogram, whose increases by `le` the query gives."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "scheme": "Blues", "steps": 64},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": y_unit},
    }
    (target,) = targets([query], format_=PromQueryFormat.HEATMAP)
    return panel("heatmap", about, [target], options)


def _coloured(queries: Sequence[Query | Sql]) -> list[DashboardFieldConfigSourceOverrides]:
    """The colours of queries that have one."""
    return [
        override("byFrameRefID", letter, {"color": {"fixedColor": query.colour, "mode": "fixed"}})
        for letter, query in zip(ascii_uppercase, queries, strict=False)
        if isinstance(query, Query) and query.colour
    ]
