"""Tables, of a statement or of expressions whose series have the same labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.cog.variants import Dataquery as AnyQuery
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, MatcherConfig, Panel
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from service.generate.dashboards.appearance import About, Link, Steps, data_links, override, panel, thresholds
from service.generate.dashboards.queries import Query, Sql, promql, targets


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: of the labels or of the fields of SQL the one of this name, or the values of `expr`.

    `heading` is shown instead of the name. A column with steps of its own is coloured by them; where `is_trend`, it
    shows a line instead of a number.
    """

    name: str
    unit: str = "string"
    expr: str = ""
    heading: str = ""
    steps: Steps = ()
    links: Sequence[Link] = ()
    decimals: int | None = None
    width: int | None = None
    is_trend: bool = False

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.heading or self.name


def table(
    about: About,
    columns: Sequence[Column],
    *,
    sql: str = "",
    sort_by: str = "",
    is_descending: bool = False,
    joined_by: str = "",
) -> Panel:
    """A table: of the fields of a statement, or of the labels and values of expressions with the same labels.

    With a trend among the columns, the rows are told apart by the label `joined_by` alone.
    """
    options = {
        "cellHeight": "md",
        "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False},
        "showHeader": True,
        "sortBy": [{"desc": is_descending, "displayName": sort_by}] if sort_by else [],
    }
    letters = iter(ascii_uppercase)
    # Grafana names the values by their queries only where there are several.
    is_only_one = sum(bool(column.expr) and not column.is_trend for column in columns) == 1
    asked: list[AnyQuery] = []
    fields: list[str] = []
    for column in columns:
        if column.expr:
            letter = next(letters)
            format_ = PromQueryFormat.TIME_SERIES if column.is_trend else PromQueryFormat.TABLE
            asked.append(promql(Query(column.expr), letter, format_, is_instant=not column.is_trend))
            value = "Value" if is_only_one else f"Value #{letter}"
            fields.append(f"Trend #{letter}" if column.is_trend else value)
        else:
            fields.append(column.name)
    return panel(
        "table",
        about,
        targets([Sql(sql)]) if sql else asked,
        options,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "inspect": False},
        overrides=[override("byName", column.name if sql else column.title, _shown(column)) for column in columns],
        transformations=[] if sql else _tabular(columns, fields, joined_by),
    )


def _shown(column: Column) -> dict[str, object]:
    """How a column is shown, as properties of an override."""
    properties: dict[str, object] = {"unit": column.unit}
    if column.heading:
        properties["displayName"] = column.heading
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.width is not None:
        properties["custom.width"] = column.width
    if column.steps:
        properties["thresholds"] = thresholds(column.steps)
        properties["custom.cellOptions"] = {"type": "color-background", "mode": "gradient"}
    if column.is_trend:
        properties["custom.cellOptions"] = {"type": "sparkline", "hideValue": True, "lineWidth": 1, "fillOpacity": 10}
    if column.links:
        properties["links"] = data_links(column.links)
    return properties


def _tabular(columns: Sequence[Column], fields: Sequence[str], joined_by: str) -> list[DataTransformerConfig]:
    """One table of the answers to several queries, with the columns that are wanted, in their order."""
    trends = [field.removeprefix("Trend #") for field in fields if field.startswith("Trend #")]
    joined = (
        DataTransformerConfig("joinByField", options={"byField": joined_by, "mode": "outer"})
        if joined_by
        else DataTransformerConfig("merge", options={})
    )
    return [
        *(
            DataTransformerConfig(
                "timeSeriesTable",
                filter_val=MatcherConfig("byRefId", letter),
                options={letter: {"stat": "lastNotNull"}},
            )
            for letter in trends
        ),
        joined,
        DataTransformerConfig("filterFieldsByName", options={"include": {"names": list(fields)}}),
        DataTransformerConfig(
            "organize",
            options={
                "indexByName": {name: place for place, name in enumerate(fields)},
                "renameByName": {
                    name: column.title for name, column in zip(fields, columns, strict=True) if name != column.title
                },
            },
        ),
    ]
