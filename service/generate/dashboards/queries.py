"""What panels ask, of which datasource."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.cog.variants import Dataquery as AnyQuery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat, QueryEditorMode

PROMETHEUS = DataSourceRef("prometheus", "${datasource}")
POSTGRESQL = DataSourceRef("grafana-postgresql-datasource", "frontline-postgresql")


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of PromQL; `legend` names its series, with labels as `{{site}}`.

    `step` is the least time between two points of a line. `colour` is what its series have, whatever their values.
    """

    expr: str
    legend: str = ""
    step: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement for PostgreSQL that gives a table, or with a column `time` the points of lines."""

    text: str
    is_series: bool = False


class SqlQuery(AnyQuery):
    """A statement, as Grafana's datasource for PostgreSQL takes it."""

    def __init__(self, letter: str, sql: Sql) -> None:
        self._letter = letter
        self._sql = sql

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        return {
            "datasource": POSTGRESQL,
            "editorMode": "code",
            "format": "time_series" if self._sql.is_series else "table",
            "rawQuery": True,
            "rawSql": self._sql.text,
            "refId": self._letter,
        }


def targets(
    queries: Sequence[Query | Sql], *, is_instant: bool = False, format_: PromQueryFormat = PromQueryFormat.TIME_SERIES
) -> list[AnyQuery]:
    return [
        SqlQuery(letter, query) if isinstance(query, Sql) else promql(query, letter, format_, is_instant=is_instant)
        for letter, query in zip(ascii_uppercase, queries, strict=False)
    ]


def promql(query: Query, letter: str, format_: PromQueryFormat, *, is_instant: bool) -> Dataquery:
    return Dataquery(
        datasource=PROMETHEUS,
        editor_mode=QueryEditorMode.CODE,
        expr=query.expr,
        format_val=format_,
        instant=is_instant,
        range_val=not is_instant,
        interval=query.step or None,
        legend_format=query.legend or "__auto",
        ref_id=letter,
    )
