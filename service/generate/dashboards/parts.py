"""What is promised of a dimension of service, and whether it is met: the parts of its index, from PostgreSQL."""

from grafana_foundation_sdk.models.dashboard import Panel

from service.core.quality import Dimension
from service.generate.dashboards import links
from service.generate.dashboards.panels import BUDGET_LEFT, About, Column, table
from service.generate.dashboards.statements import parts_of


def parts(name: str, dimension: Dimension, place: tuple[int, int, int, int]) -> Panel:
    """A line for each objective of a dimension."""
    return table(
        About(
            f"{name}: objectives",
            "Of the month in which the range ends, by each site's own dates, settled cases only. Value: kept / events, "
            "or breaches / events where the target is at most. Budget left: (allowed - breaches) / allowed; below 0 "
            "the objective is not met.",
            place,
            "none",
            no_value="nothing to tell yet",
        ),
        [
            Column("objective", heading="Objective", links=[links.OBJECTIVE_OF_ROW]),
            Column("kpi", heading="KPI"),
            Column("value", "percentunit", heading="Value", decimals=1),
            Column("target", "percentunit", heading="Target", decimals=1),
            Column("events", "locale", heading="Events"),
            Column("breaches", "locale", heading="Breaches"),
            Column("allowed", "locale", heading="Allowed", decimals=1),
            Column("budget_left", "percentunit", heading="Budget left", steps=BUDGET_LEFT, decimals=0),
            Column("result", heading="Result"),
        ],
        sql=parts_of(dimension),
    )
